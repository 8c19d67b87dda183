"""An evening that one can believe."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from showtime_app.simulate.cast import viewer
from showtime_app.simulate.catalogue import event_type
from showtime_app.simulate.deliveries import DeliveryContext
from showtime_app.simulate.messages import Address
from showtime_app.simulate.night import SimulatedEvent, TapeChange, plan
from showtime_app.simulate.player import requests

CHANNEL = viewer("GoldenVCR")
seeds = st.integers(0, 2**32)


def evening(seed):
    return plan(Random(seed), Random(seed), CHANNEL)


def beats(steps, name=""):
    return [
        (step.at, beat)
        for step in steps
        for beat in step.happenings
        if isinstance(beat, SimulatedEvent) and beat.name.startswith(name)
    ]


@given(seeds)
def test_a_night_repeats_with_its_seed(seed):
    """The same seed is the same evening; another seed is another."""
    assert evening(seed) == evening(seed)
    assert evening(seed) != evening(seed + 1)


@given(seeds)
def test_a_night_begins_online_and_ends_offline(seed):
    """The evening goes online, drops out, resumes five minutes later and ends after about 70 minutes."""
    stream = beats(evening(seed), "stream.")
    assert [beat.name.partition(".")[2] for _, beat in stream] == ["online", "offline", "online", "offline"]
    streams = [beat.options.stream_id or beat.options.ended_stream_id for _, beat in stream]
    assert streams[0] == streams[1] != streams[2] == streams[3]
    online, dropped, resumed, ended = (at for at, _ in stream)
    assert resumed - dropped == 300
    assert online < 60
    assert 60 * 60 <= ended <= 75 * 60


@given(seeds)
def test_the_order_is_believable(seed):
    """In order of time, nobody does anything while the stream is away, and tapes run only on air."""
    steps = evening(seed)
    assert [step.at for step in steps] == sorted(step.at for step in steps)
    (online, _), (dropped, _), (resumed, _), (ended, _) = beats(steps, "stream.")
    for step in steps:
        is_update = step.happenings and getattr(step.happenings[0], "name", "") == "channel.update"
        assert is_update or online <= step.at <= dropped or resumed <= step.at <= ended
    tapes = [
        (step.at, beat.tape) for step in steps for beat in step.happenings if isinstance(beat, TapeChange)
    ]
    assert all(online < at < ended for at, _ in tapes)
    assert [tape is None for _, tape in tapes] == [False, False, False, True]


@given(seeds)
def test_all_that_belongs_to_an_evening_happens(seed):
    """There are follows, cheers with ghosts, a gift bomb with all its recipients, a hype train and a raid."""
    steps = evening(seed)
    assert len(beats(steps, "channel.follow")) >= 12
    cheers = [beat.options for _, beat in beats(steps, "channel.cheer")]
    assert sum("ghost of " in (it.message or "") and (it.bits or 0) >= 200 for it in cheers) == 3
    assert sum(it.anonymous for it in cheers) == 1
    ((bomb_at, bomb),) = beats(steps, "channel.subscription.gift")
    subscribed = [beat for at, beat in beats(steps, "channel.subscribe") if at == bomb_at]
    assert sum(beat.options.gift for beat in subscribed) == bomb.options.total
    trains = [beat for _, beat in beats(steps, "channel.hype_train")]
    assert [beat.name.rpartition(".")[2] for beat in trains] == ["begin", "progress", "end"]
    assert len({beat.options.train_id for beat in trains}) == 1
    ((_, raid),) = beats(steps, "channel.raid")
    assert raid.options.viewers


@given(seeds)
def test_a_night_is_of_one_channel_and_of_known_types(seed):
    """Every event of the evening is of a type that exists, and happens to the channel that was named."""
    for _, beat in beats(evening(seed)):
        assert event_type(beat.name).name == beat.name
        assert beat.options.to_user == CHANNEL


def test_a_step_sends_what_it_was_planned_to():
    """A planned gift is not followed by its recipients a second time, and what is resent has one id."""
    source = DeliveryContext.seeded(
        Address("http://127.0.0.1:1/callback", "be kind, rewind"), 1, lambda: 10**18
    )
    for step in evening(5):
        ids = [dict(one.headers)["Twitch-Eventsub-Message-Id"] for one in requests(step, source)]
        planned = [beat for beat in step.happenings if isinstance(beat, SimulatedEvent)]
        assert len(ids) == sum(1 + beat.resend for beat in planned)
        assert len(set(ids)) == len(planned)


def test_the_wall_clock_of_the_evening():
    """The evening begins at eight and is told in its own time, whatever the speed."""
    steps = evening(5)
    assert steps[0].clock == "20:00"
    assert steps[-1].clock == "21:10"
