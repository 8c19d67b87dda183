"""Lines of IRC: what they say of chat, and that nothing they hold is an error."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from showtime_adapters.twitch.irc_lines import IrcLine, channel_of, parse, read_event, sent_at, write
from showtime_core.domain import events as ev
from showtime_core.domain.chat import encode
from showtime_core.domain.viewers import Viewer
from support.chat import render

TAGS = "badge-info=;color=#9ACD32;display-name=Tapehead_Tina;id=cc10;user-id=7701;room-id=953753877"
SOURCE = "tapehead_tina!tapehead_tina@tapehead_tina.tmi.twitch.tv"
TINA = Viewer("7701", "tapehead_tina", "Tapehead_Tina")


def read(text, tags=TAGS):
    return read_event(parse(f"@{tags} :{SOURCE} PRIVMSG #goldenvcr :{text}\r\n".encode()))


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        (b"PING :tmi.twitch.tv\r\n", IrcLine("PING", ("tmi.twitch.tv",))),
        (b":tmi.twitch.tv RECONNECT", IrcLine("RECONNECT", (), "tmi.twitch.tv")),
        (b":a!b@c join #goldenvcr\r\n", IrcLine("JOIN", ("#goldenvcr",), "a!b@c")),
        (b"PRIVMSG #a ::) : 8)", IrcLine("PRIVMSG", ("#a", ":) : 8)"))),
        (b"PRIVMSG #a :", IrcLine("PRIVMSG", ("#a", ""))),
        (b"@a;b=;c=1=2 X", IrcLine("X", tags={"a": "", "b": "", "c": "1=2"})),
        (rb"@a=one\stwo\:three\\s\r\n\q\ X", IrcLine("X", tags={"a": "one two;three\\s\r\nq"})),
        (b"", IrcLine("")),
        (b"@", IrcLine("")),
        (b":", IrcLine("")),
        (b"X \xff\x00", IrcLine("X", ("\ufffd\ufffd",))),
    ],
    ids=str,
)
def test_a_line_is_taken_apart(raw, line):
    """A line is parsed into tags without escapes, source, command and parameters, the last with any text."""
    assert parse(raw) == line


def test_a_message_says_who_wrote_what():
    """White space is what was written, to the end of the line."""
    assert read(" be  kind,\trewind ") == ev.ChatMessageSent("cc10", TINA, "#9ACD32", " be  kind,\trewind ")


def test_a_writer_without_a_display_name_has_a_login():
    """A display name that is empty, blank or absent is replaced by the login from the source."""
    for tags in ("id=1;user-id=7;display-name=", r"id=1;user-id=7;display-name=\s", "id=1;user-id=7"):
        assert read("hi", tags).writer.name == "tapehead_tina"


def test_me_is_written_without_its_wrapper():
    """The positions of emotes are those of the text inside."""
    event = read("\x01ACTION dances 📼 Kappa\x01", TAGS + ";emotes=25:9-13")
    assert event.text == "dances 📼 Kappa"
    assert encode(event.text, event.emotes)[0] == "dances 📼 $0"
    assert read("\x01ACTION\x01").text == "\x01ACTION\x01"
    assert read("he wrote \x01ACTION x\x01").text == "he wrote \x01ACTION x\x01"


def test_emotes_have_their_places():
    """Several emotes with several positions each are read, and what is no position is passed over."""
    event = read("Kappa Keepo Kappa", TAGS + ";emotes=25:0-4,12-16/emotesv2_a:b:6-10/x:y/:1-2/3/7:9-/8:-1-2")
    assert event.emotes == (
        ev.EmotePosition("25", 0, 4),
        ev.EmotePosition("25", 12, 16),
        ev.EmotePosition("emotesv2_a:b", 6, 10),
    )


@pytest.mark.parametrize(
    ("raw", "event"),
    [
        (
            "@login=t;target-msg-id=cc10 :tmi.twitch.tv CLEARMSG #goldenvcr :what",
            ev.ChatMessageDeleted("cc10"),
        ),
        ("@ban-duration=9;target-user-id=7701 :tmi CLEARCHAT #goldenvcr :tina", ev.ChatUserSilenced("7701")),
        ("@room-id=9 :tmi.twitch.tv CLEARCHAT #goldenvcr", ev.ChatCleared()),
        (":tmi.twitch.tv CLEARCHAT #goldenvcr :somebody", None),
        (":tmi.twitch.tv CLEARCHAT", None),
        (":tmi.twitch.tv CLEARMSG #goldenvcr :what", None),
        (":tmi.twitch.tv NOTICE #goldenvcr :This room is now in slow mode.", None),
        ("@msg-id=resub;login=tina :tmi.twitch.tv USERNOTICE #goldenvcr", None),
        ("@msg-id=viewermilestone;msg-param-category=watch-streak :tmi USERNOTICE #goldenvcr", None),
        ("PRIVMSG #goldenvcr", None),
        ("nonsense", None),
    ],
)
def test_deeds_of_moderators_are_read(raw, event):
    """A deletion, a ban or time-out and a clearing are read, and a ban of nobody is not one of all."""
    assert read_event(parse(raw.encode())) == event


KEYS = st.sampled_from(
    ["id", "user-id", "display-name", "emotes", "target-msg-id", "target-user-id", "tmi-sent-ts"]
)
VALUES = st.text(st.sampled_from("0159:-,/\\s;= \r") | st.characters(), max_size=20)
LINES = st.builds(
    lambda tags, command, rest: f"@{';'.join('='.join(tag) for tag in tags)} :a!b {command} {rest}".encode(
        "utf-8", "replace"
    ),
    st.lists(st.tuples(KEYS, VALUES), max_size=6),
    st.sampled_from(["PRIVMSG", "CLEARCHAT", "CLEARMSG", "PING"]),
    st.sampled_from(["#goldenvcr :", "", "#goldenvcr "]).flatmap(lambda head: st.text().map(head.__add__)),
)


@given(st.binary(max_size=300) | LINES)
@example(b"@emotes=25:\xff-4 :a PRIVMSG #a :Kappa")
def test_no_bytes_are_an_error(raw):
    """Whatever comes is read, and what it says can be kept by PostgreSQL and shown."""
    line = parse(raw)
    assert sent_at(line) is None or line.tags["tmi-sent-ts"].isdecimal()
    event = read_event(line)
    if isinstance(event, ev.ChatMessageSent):
        assert "\0" not in event.text + event.message_id + event.writer.name + event.color
        coded, emotes = encode(event.text, event.emotes)
        assert render(coded, emotes) == event.text
        coded.encode()


def test_a_channel_is_named_by_its_login():
    """A channel is named by a hash and its login in any case, and anything else names none."""
    assert [channel_of(name) for name in ("#GoldenVCR", "goldenvcr", "", "#")] == ["goldenvcr", "", "", ""]


def test_what_is_written_is_read():
    """Lines are read as Twitch's own examples are, to the letter, and only the last word may hold spaces."""
    assert write("CAP REQ", "twitch.tv/tags twitch.tv/commands") == (
        b"CAP REQ :twitch.tv/tags twitch.tv/commands\r\n"
    )
    assert write("JOIN #goldenvcr") == b"JOIN #goldenvcr\r\n"
    assert parse(write("PONG", "a b")) == IrcLine("PONG", ("a b",))


def noticed(text, tags):
    line = (
        f"@{TAGS};login=tapehead_tina;{tags} :tmi.twitch.tv USERNOTICE #goldenvcr{text and ' :' + text}\r\n"
    )
    return read_event(parse(line.encode()))


@pytest.mark.parametrize("kind", ["resub", "announcement", "modiversary", "moon_phase"])
def test_what_is_written_with_a_notice_is_chat(kind):
    """What a viewer writes with whatever is announced is read as a message, with its emotes."""
    event = noticed("be Kappa", f"msg-id={kind};emotes=25:3-7")
    assert event == ev.ChatMessageSent("cc10", TINA, "#9ACD32", "be Kappa", (ev.EmotePosition("25", 3, 7),))
    assert noticed("", f"msg-id={kind}") is None


def test_a_watch_streak_has_its_number():
    """A watch streak is told with the number of streams, with words or without."""
    tags = "msg-id=viewermilestone;msg-param-category=watch-streak;msg-param-value=115"
    assert noticed("still here", tags) == ev.WatchStreak("cc10", TINA, "#9ACD32", "still here", streak=115)
    assert noticed("", tags) == ev.WatchStreak("cc10", TINA, "#9ACD32", "", streak=115)
    assert noticed("", tags + "x") is None


def test_another_room_is_named_by_its_id():
    """IRC tells the id of another room alone; ours is no other."""
    assert read("hi", TAGS + ";source-room-id=97245742").source_channel == "97245742"
    assert read("hi", TAGS + ";source-room-id=953753877").source_channel == ""
    assert read("hi", TAGS + ";source-room-id=").source_channel == ""
