"""What tests share. Look here before you write a helper; a fixture that several modules need stands here too.

How the service runs
    in_process          in a thread of this process, and commands in this one: the usual way
    server              `showtime serve` in a process of its own: to end, freeze, signal it, or read its log
    dev                 `showtime dev`, with a PostgreSQL and a data folder of its own
    forked              what makes those processes: forks of one that has imported everything
    clean_environment   our packages with what an extra asks for, and nothing else
    shared              fixtures: a database and a server for all tests of a module
    seeded              the streams of the service in the seeded world, and bugs that are planted in code
    scale               how much of a long proof is played: `make test` or `make soak`
    terminal            commands of the docs, run as they stand there
    nginx, browser      real ones, before our instances
    axe, flashes        what of a page is closed to somebody, and what of it flashes

Who calls it
    twitch              single EventSub messages, signed
    sending             Twitch on a busy night, which sends again what was not answered 2xx
    nights              nights as they come, delivered to several instances while tapes change
    recorded            what a channel in memory has kept, as a replay reads it
    evening, deeds      what happens on a night or in a storm, and what must follow from it
    sse                 one stream as it is on the wire
    virtual_time        an event loop whose time passes at once
    deaf                an instance whose notifications are lost, until it is told to look
    following           a client that connects again and resumes; `until` and `await_some` wait for anything
    visitor             a browser that signs in with Twitch, or on a laptop
    answers             what was answered, in short: `said`
    dispatch            another service of the channel

Who is called, without our code
    neighbour           what all stand-ins share, and every way to fail
    auth_service, discord_service, ledger_service, openai_service, s3_service
    neighbours          all of these in a process that lives on when ours is killed
    twitch_api          Helix and the sign-in; twitch_world is what they know
    irc                 chat
    line                a line between two that can be held
    clients             the adapters, each with a client that is opened for it
    certificates        for those who speak TLS

What goes wrong
    faults              on the real thing: faults_stage, faults_points, faults_line, faults_watchers;
                        faults_judged says what must be true afterwards

What is in the database
    databases           fresh ones, migrated or empty; ones that go away, are read-only or locked
    postgres            an embedded server that ends and comes back
    history             ghosts in the tables, whatever became of them
    records, chat, effects, sessions, show
                        what is kept, in the words of the core; stages for contracts and state machines

In memory
    looked_back         nights as they are looked at afterwards, tape by tape
    studio              the viewers' routes before a channel in memory

Whether all this is any good
    planted             bugs that are planted one at a time, for what ships to find

schemathesis_hooks is loaded by the command line of Schemathesis.
"""
