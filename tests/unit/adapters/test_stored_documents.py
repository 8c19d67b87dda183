"""What stands in a database is read by the versions after: its keys outlast the names of the fields."""

from datetime import UTC, datetime
from uuid import UUID

from attrs import evolve

from showtime_adapters import wire
from showtime_core.domain.broadcasts.broadcast import (
    ChannelState,
    HypeTrainProgress,
    Revocation,
    TapePlayback,
)
from showtime_core.domain.broadcasts.stream_check import MissingStream
from showtime_core.domain.broadcasts.timeline import Night, Timeline, WentOffAir, WentOnAir
from showtime_core.domain.events import AdBreak
from showtime_core.domain.health import TwitchHealth
from showtime_core.domain.subscriptions import SubscriptionFinding

EIGHT = datetime(2026, 10, 30, 20, tzinfo=UTC)
TIMELINE = Timeline(
    Night(EIGHT, EIGHT, ("1",), 7),
    EIGHT,
    frozenset({WentOnAir("1", EIGHT, EIGHT), WentOffAir(EIGHT)}),
    (Night(EIGHT, EIGHT, ("1",), 7),),
)
STATE = ChannelState(
    timeline=TIMELINE,
    tapes=(TapePlayback(UUID(int=5), 31, EIGHT),),
    hype_train=HypeTrainProgress("choo", 2, 3, 4, started_at=EIGHT),
    revocations=(Revocation("channel.follow", "authorization_revoked", EIGHT),),
    ad_break=AdBreak(EIGHT, EIGHT, is_automatic=True),
)
HEALTH = TwitchHealth(
    EIGHT,
    (SubscriptionFinding("channel.follow", is_optional=False, status="enabled"),),
    missing=MissingStream(7, EIGHT, 2),
)


def keys_of(document: object) -> set[str]:
    """Every key of a document, at any depth."""
    if isinstance(document, dict):
        return {*document, *(key for value in document.values() for key in keys_of(value))}
    return (
        {key for item in document for key in keys_of(item)} if isinstance(document, list | tuple) else set()
    )


def test_a_kept_state_has_the_keys_of_the_versions_before():
    """The keys of a stored state are those that every version so far has written."""
    timeline = wire.state_document(STATE)["timeline"]
    assert list(timeline) == ["settled", "settled_until", "facts", "nights"]
    assert keys_of(wire.state_document(STATE)) == {
        *("timeline", "tapes", "last_broadcast_id", "title", "category", "hype_train", "revocations"),
        *("settled", "settled_until", "facts", "nights"),
        *("started_at", "ended_at", "streams", "id", "stream_id", "ended_stream_id", "sent_at"),
        *("screening_id", "tape_id", "at", "stopped_at"),
        *("level", "progress", "goal", "is_over", "type", "reason"),
        *("ad_break", "ends_at", "is_automatic"),
    }
    assert wire.decode_state(wire.state_document(STATE)) == STATE


def test_of_equal_states_the_same_is_kept():
    """A state is kept as the same text in whichever order its facts came, and in whichever process."""
    facts = [WentOnAir(str(number), EIGHT, EIGHT) for number in range(20)]
    kept = [
        wire.state_document(evolve(STATE, timeline=evolve(TIMELINE, facts=frozenset(order))))
        for order in (facts, facts[::-1])
    ]
    assert kept[0] == kept[1]
    assert [fact["stream_id"] for fact in kept[0]["timeline"]["facts"]] == sorted(map(str, range(20)))


def test_a_state_of_the_version_before_has_no_ad_break():
    """A state that was stored before ad breaks were kept is read all the same."""
    document = wire.state_document(STATE)
    del document["ad_break"]
    assert wire.decode_state(document).ad_break is None


def test_a_hype_train_of_the_version_before_has_no_beginning():
    """A state that was stored before the beginning of hype trains was kept is read all the same."""
    document = wire.state_document(STATE)
    del document["hype_train"]["started_at"]
    assert wire.decode_state(document).hype_train == HypeTrainProgress("choo", 2, 3, 4)


def test_when_a_hype_train_expires_is_kept_where_it_is_known():
    """A state has the key only where Twitch has said when the train ends, and is read with it and without."""
    told = HypeTrainProgress("choo", 2, 3, 4, expires_at=EIGHT)
    document = wire.state_document(ChannelState(hype_train=told))
    assert document["hype_train"]["expires_at"] == "2026-10-30T20:00:00Z"
    assert wire.decode_state(document).hype_train.expires_at == EIGHT
    del document["hype_train"]["expires_at"]
    assert wire.decode_state(document).hype_train.expires_at is None


def test_a_kept_check_has_the_keys_of_the_versions_before():
    """The keys of a stored check at Twitch are those that every version so far has written."""
    document = wire.twitch_health_document(HEALTH)
    assert keys_of(document) == {
        *("findings", "failure", "doubt"),
        *("type", "is_optional", "status", "problem", "lacks_consent"),
        *("broadcast_id", "since", "times"),
    }
    assert document["doubt"] == {"broadcast_id": 7, "since": "2026-10-30T20:00:00Z", "times": 2}
    assert wire.decode_twitch_health(EIGHT, document) == HEALTH
