"""What the lights of the neighbours show: unknown is not green, and what failed says what to do."""

from datetime import timedelta

import pytest
from attrs import evolve

from showtime_core.domain.broadcasts.broadcast import ChannelState
from showtime_core.domain.chat import ChatHealth
from showtime_core.domain.health import Health, TwitchHealth
from showtime_core.domain.lights import EffectTry, LastAnswer, LightInputs, light_up
from showtime_core.domain.outbox import EffectStatus
from showtime_core.testing.entries import at

NOW = at(60)
QUIET = LightInputs(Health(NOW), ChannelState(), [], None, 3, "irc", is_checked=True)


def lights(known):
    return {each.name: each for each in light_up(known)}


def tried(kind, status, remark=None, minutes=59.0):
    return EffectTry(kind, status, remark, at(minutes))


def test_what_nobody_has_asked_is_unknown():
    """Before anything is asked no light is green but that of the database, which was asked just now."""
    states = {name: each.state for name, each in lights(QUIET).items()}
    assert states.pop("database") == "ok"
    assert set(states.values()) == {"unknown"}


def test_a_light_is_green_for_as_long_as_its_answer_counts():
    """What was done within ten minutes counts; what was done before says when, and is not known any more."""
    for kind, name in (("paint-ghost", "openai"), ("store-ghost", "storage"), ("post-ghost", "discord")):
        fresh = lights(evolve(QUIET, effect_tries=[tried(kind, EffectStatus.DONE)]))[name]
        old = lights(evolve(QUIET, effect_tries=[tried(kind, EffectStatus.DONE, minutes=49)]))[name]
        assert (fresh.state, old.state) == ("ok", "unknown")
        assert old.tried_at == at(49)


@pytest.mark.parametrize(
    ("status", "remark", "state"),
    [
        (EffectStatus.DUE, "no answer in time", "warning"),
        (EffectStatus.LEASED, "no answer in time", "warning"),
        (EffectStatus.LEASED, None, "unknown"),
        (EffectStatus.PARKED, "it was refused", "warning"),
        (EffectStatus.DONE, None, "ok"),
    ],
)
def test_the_latest_try_decides(status, remark, state):
    """The latest try tells how a neighbour stands, whatever was before; a fault says what to do."""
    before = tried("credit-cheer", EffectStatus.DONE, minutes=58)
    ledger = lights(evolve(QUIET, effect_tries=[tried("credit-cheer", status, remark), before]))["ledger"]
    assert ledger.state == state
    assert (ledger.remedy is not None) == (state == "warning")
    assert remark is None or ledger.said == remark


def test_auth_is_known_by_its_last_answer():
    """An answer of auth counts for ten minutes, any answer that is one; none at all is a failure."""
    fresh = lights(evolve(QUIET, auth=LastAnswer(True, 12, NOW)))["auth"]
    assert (fresh.state, fresh.said) == ("ok", "answered, 12 ms")
    old = lights(evolve(QUIET, auth=LastAnswer(True, 12, NOW - timedelta(minutes=11))))["auth"]
    away = lights(evolve(QUIET, auth=LastAnswer(False, 12, NOW)))["auth"]
    assert (old.state, away.state) == ("unknown", "failed")
    assert away.remedy


def test_twitch_and_chat_say_what_the_status_says():
    """What `/status` complains of is red, with what to do; what was checked without a complaint is green."""
    well = evolve(QUIET, health=Health(NOW, TwitchHealth(NOW), ChatHealth(NOW, None)))
    assert (lights(well)["twitch"].state, lights(well)["chat"].state) == ("ok", "ok")
    ill = evolve(well, health=Health(NOW, TwitchHealth(NOW, failure="401"), ChatHealth(NOW, "banned")))
    assert (lights(ill)["twitch"].state, lights(ill)["chat"].state) == ("failed", "failed")
    assert "401" in lights(ill)["twitch"].said
    assert lights(ill)["chat"].remedy
    unchecked = evolve(QUIET, is_checked=False, chat="eventsub")
    assert (lights(unchecked)["twitch"].state, lights(unchecked)["chat"].state) == ("unknown", "unknown")


def test_what_the_channel_does_without_is_off():
    """What is not set up is neither green nor red."""
    without = lights(evolve(QUIET, absent=["discord"], chat="off"))
    assert (without["discord"].state, without["chat"].state) == ("off", "off")
