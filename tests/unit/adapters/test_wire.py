"""The wire formats: what the overlay and the website read, to the byte, and what is read back as written."""

import json
from datetime import UTC, datetime
from typing import get_args
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from showtime_adapters import wire
from showtime_adapters.encoding import encode
from showtime_core.domain import alerts
from showtime_core.domain.broadcasts.broadcast import ChannelState, Revocation, Snapshot, TapePlayback
from showtime_core.domain.broadcasts.stream_check import MissingStream
from showtime_core.domain.broadcasts.timeline import Night, Timeline, WentOffAir, WentOnAir
from showtime_core.domain.health import TwitchHealth
from showtime_core.domain.points_and_ghosts import effects
from showtime_core.domain.reactions import Policy, react
from showtime_core.domain.subscriptions import ENABLED, MISSING, SubscriptionFinding
from showtime_core.domain.viewers import Viewer
from showtime_core.errors import Refused
from showtime_core.testing import strategies as showtime

SCREENING = UUID("00000000-0000-4000-8000-000000000005")
LIVE = datetime(2026, 11, 21, 1, 59, 58, tzinfo=UTC)
TAPE = datetime(2026, 11, 21, 2, 15, 0, 250000, tzinfo=UTC)

ALERTS = {
    alerts.FollowAlert("Marge"): '{"type":"follow","data":{"username":"Marge"}}',
    alerts.RaidAlert("Marge", 50): '{"type":"raid","data":{"username":"Marge","numViewers":50}}',
    alerts.CheerAlert("Anonymous", 100, "Cheer100"): (
        '{"type":"cheer","data":{"username":"Anonymous","numBits":100,"message":"Cheer100"}}'
    ),
    alerts.CheerAlert("Marge", 30, "", power_up=True): (
        '{"type":"cheer","data":{"username":"Marge","numBits":30,"message":"","powerUp":true}}'
    ),
    alerts.SubscribeAlert("Marge", is_gift=False, num_cumulative_months=3, message="hi"): (
        '{"type":"subscribe","data":'
        '{"username":"Marge","isGift":false,"numCumulativeMonths":3,"message":"hi"}}'
    ),
    alerts.GiftSubAlert("Marge", 5): '{"type":"gift-sub","data":{"username":"Marge","numSubscriptions":5}}',
    alerts.GhostAlert("Marge", "a cat", ("https://a/0.jpg", "https://a/1.jpg")): (
        '{"type":"generated-images","data":'
        '{"username":"Marge","description":"a cat","urls":["https://a/0.jpg","https://a/1.jpg"]}}'
    ),
    alerts.WatchStreakAlert("Marge", 7, "hi"): (
        '{"type":"watch-streak","data":{"username":"Marge","numConsecutiveStreams":7,"message":"hi"}}'
    ),
    alerts.HypeTrainAlert(3): '{"type":"hype-train","data":{"level":3}}',
}

SNAPSHOTS = {
    Snapshot(is_live=False): '{"isLive":false}',
    Snapshot(is_live=True, broadcast_started_at=LIVE): (
        '{"isLive":true,"broadcastStartedAt":"2026-11-21T01:59:58Z"}'
    ),
    Snapshot(is_live=True, broadcast_started_at=LIVE, screening_tape_id=5, screening_started_at=TAPE): (
        '{"isLive":true,"broadcastStartedAt":"2026-11-21T01:59:58Z",'
        '"screeningTapeId":5,"screeningStartedAt":"2026-11-21T02:15:00.25Z"}'
    ),
}


@pytest.mark.parametrize("alert", ALERTS)
def test_alerts_are_what_the_overlay_reads(alert):
    """Every alert is compact JSON with the type and the names of fields that the overlay knows."""
    assert encode(wire.alert_document(alert)) == ALERTS[alert]


def test_every_alert_has_its_type():
    """No alert is without a type on the wire, and none shares it with another."""
    assert set(wire.ALERT_TYPES) == set(get_args(alerts.Alert)) == {type(alert) for alert in ALERTS}
    assert len(set(wire.ALERT_TYPES.values())) == len(wire.ALERT_TYPES)


@pytest.mark.parametrize("snapshot", SNAPSHOTS)
def test_snapshots_are_what_the_website_reads(snapshot):
    """The state is compact JSON that leaves out what is not on; tape and its start come together."""
    assert encode(wire.snapshot_document(snapshot)) == SNAPSHOTS[snapshot]


@given(showtime.texts())
def test_no_text_breaks_the_framing_of_a_stream(text):
    """What viewers write comes out as it went in, on a single line of a stream."""
    line = encode(wire.alert_document(alerts.CheerAlert("Marge", 1, text)))
    assert "\n" not in line
    assert "\r" not in line
    assert json.loads(line)["data"]["message"] == text


def test_a_state_is_read_back_as_it_was_written():
    """A state with something in every field survives being kept."""
    facts = frozenset({WentOnAir("9001", LIVE, TAPE), WentOffAir(TAPE), WentOffAir(TAPE, "9001")})
    night = Night(LIVE, TAPE, ("9001",), 7)
    state = ChannelState(
        timeline=Timeline(night, TAPE, facts, (night, Night(TAPE, None, ("9002",), 8))),
        tapes=(TapePlayback(SCREENING, 5, LIVE, TAPE), TapePlayback(SCREENING, 6, TAPE)),
        last_broadcast_id=8,
        title="Tape night",
        category="Retro 📼",
        revocations=(Revocation("channel.cheer", "authorization_revoked", TAPE),),
    )
    assert _kept(state) == state


def test_an_end_that_was_kept_before_it_had_a_stream_is_read():
    """A state of the version before is read, and that version tells what this one keeps from a beginning."""
    end = ChannelState(timeline=Timeline(facts=frozenset({WentOffAir(TAPE, "9001")})))
    [written] = wire.state_document(end)["timeline"]["facts"]
    assert not set(written) & {"stream_id", "started_at"}
    document = json.loads(encode(wire.state_document(end)))
    del document["timeline"]["facts"][0]["ended_stream_id"]
    assert wire.decode_state(document).timeline.facts == {WentOffAir(TAPE)}


@given(st.lists(showtime.events(), max_size=12))
def test_every_state_is_read_back_as_it_was_written(told):
    """Whatever happened to the channel, its state survives being kept."""
    state = ChannelState()
    for event in told:
        try:
            state = react(event, state, showtime.OPENING_NIGHT, Policy()).state
        except Refused:
            continue
    assert _kept(state) == state


@given(showtime.policies())
def test_every_policy_is_read_back_as_it_was_written(policy):
    """The policy that an entry was reacted to under survives being kept, and is always written alike."""
    written = encode(wire.policy_document(policy))
    assert wire.decode_policy(json.loads(written)) == policy
    assert encode(wire.policy_document(wire.decode_policy(json.loads(written)))) == written


def test_effects_are_written_with_their_viewer():
    """An effect is kept as JSON with all that is needed to perform it later."""
    credit = effects.CreditCheer(Viewer("4201", "marge", "Marge"), 100, "Cheer100")
    assert json.loads(encode(wire.effect_document(credit))) == {
        "viewer": {"id": "4201", "login": "marge", "display_name": "Marge"},
        "points": 100,
        "message": "Cheer100",
    }


def _kept(state: ChannelState) -> ChannelState:
    return wire.decode_state(json.loads(encode(wire.state_document(state))))


FINDINGS = st.builds(
    SubscriptionFinding,
    st.text(),
    st.booleans(),
    st.sampled_from((ENABLED, MISSING)),
    st.none() | st.text(),
    st.booleans(),
)
TIMES = st.datetimes(timezones=st.just(UTC))


@given(
    st.builds(
        TwitchHealth,
        TIMES,
        st.lists(FINDINGS).map(tuple),
        st.none() | st.text(),
        st.none() | st.builds(MissingStream, st.integers(), TIMES, st.integers()),
    )
)
def test_what_was_found_at_twitch_is_read_back_as_it_was(health):
    """What a check at Twitch found is read back as it was, with its time, which is kept beside it."""
    document = json.loads(encode(wire.twitch_health_document(health)))
    assert wire.decode_twitch_health(health.checked_at, document) == health
