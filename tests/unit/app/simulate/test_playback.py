"""Nights from files: what is played of them, when, and with which times in it."""

from datetime import timedelta
from random import Random

from attrs import evolve

from showtime_app.simulate import timestamps
from showtime_app.simulate.deliveries import DeliveryContext
from showtime_app.simulate.messages import Address, sign
from showtime_app.simulate.playback import TapeCall, TimeShift, request_of, steps_of
from showtime_core.domain.journal import PRUNED, Entry, EntrySource, JournalRecord, Outcome, Unknown
from showtime_core.domain.reactions import Policy
from showtime_core.testing.entries import at

NOW = timestamps.read("2026-12-01T20:00:00Z")
SECRET = "rewind-before-returning"


def told(
    name: str, minutes: float, body: bytes = b"{}", source: EntrySource = EntrySource.NOTIFICATION
) -> JournalRecord:
    sent_at = at(minutes) if source in (EntrySource.NOTIFICATION, EntrySource.REVOCATION) else None
    kind = {"on": "tape.start", "off": "tape.stop", "pause": "show.pause"}.get(name, "channel.follow")
    entry = Entry(name, source, kind, sent_at, Unknown(), body, "2")
    return JournalRecord(entry, at(minutes + 0.5), Policy(), Outcome.REACTED)


def test_what_can_be_played_is_played_in_order():
    """Messages are sent and tapes put on, as long after the first as then; what is left out is counted."""
    pruned = told("gone", 4)
    records = [
        told("a", 1),
        told("on", 1.5, b'{"tapeId": 31, "screeningId": "x"}', EntrySource.HOST),
        told("pause", 2, source=EntrySource.HOST),
        told("ghost:1", 3, source=EntrySource.RELAY),
        evolve(pruned, entry=evolve(pruned.entry, content=PRUNED)),
        told("b", 6, source=EntrySource.REVOCATION),
        told("off", 7, source=EntrySource.HOST),
    ]
    steps, left_out = steps_of(records)
    assert [(step.entry.id, step.at, step.call) for step in steps] == [
        ("a", timedelta(0), None),
        ("on", timedelta(minutes=1), TapeCall("POST", "/admin/tape/31")),
        ("b", timedelta(minutes=5), None),
        ("off", timedelta(minutes=6.5), TapeCall("DELETE", "/admin/tape")),
    ]
    assert left_out == 3
    assert steps_of([]) == ((), 0)


def test_times_in_a_message_are_moved():
    """A time in a body is as long before the message as it was, at the speed; words are left as they are."""
    body = b'{"started_at":"2026-10-30T19:59:00.5Z","text":"at 2026-10-30T19:59:00Z","n":1}'
    moved = TimeShift(60).body(told("a", 0, body).entry, NOW)
    assert moved == (
        b'{"started_at":"2026-12-01T19:59:59.008333333Z","text":"at 2026-10-30T19:59:00Z","n":1}'
    )


def test_a_time_that_comes_again_is_the_same():
    """What Twitch tells twice stays one thing: its times are moved to the same, whenever it is sent."""
    shift, body = TimeShift(1), b'{"followed_at":"2026-10-30T20:00:00Z"}'
    first = shift.body(told("a", 0, body).entry, NOW)
    assert shift.body(told("b", 1, body).entry, NOW + 5 * timestamps.SECOND) == first


def test_a_message_is_signed_as_it_is_sent():
    """A recorded message has the time of now and a signature that fits; type and version are as recorded."""
    context = DeliveryContext(
        Address("http://127.0.0.1:1/callback", SECRET), lambda: NOW, Random(1), Random(1)
    )
    request = request_of(told("a", 0, b'{"a":1}').entry, context, TimeShift(1))
    headers = dict(request.headers)
    timestamp = headers["Twitch-Eventsub-Message-Timestamp"]
    assert timestamp == timestamps.written(NOW)
    assert headers["Twitch-Eventsub-Message-Signature"] == sign(SECRET, "a", timestamp, b'{"a":1}')
    assert headers["Twitch-Eventsub-Message-Type"] == "notification"
    assert headers["Twitch-Eventsub-Subscription-Type"] == "channel.follow"
    assert headers["Twitch-Eventsub-Subscription-Version"] == "2"
    assert request.body == b'{"a":1}'
