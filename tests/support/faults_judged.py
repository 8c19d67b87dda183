"""What must be true once all is well again, whatever went wrong: judged by the reference, not by the core."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from attrs import frozen

from showtime_adapters.twitch.fields import read_time
from showtime_adapters.twitch.messages import read_entry, read_json
from showtime_core.domain.journal import Unknown
from showtime_core.testing import reference
from support.databases import strays
from support.evening import log_of_alerts
from support.following import Follower
from support.neighbours import Neighbours
from support.server import rows
from support.twitch import Message

UNFINISHED = """
    select key, kind, lane, status, place, owner, attempts, due_at - now(), remark
    from showtime.outbox where status in ('due', 'leased', 'waiting')
"""
UNSHOWN = """
    select id from showtime.feed where stream = 'alerts' and id not in (
        select alert_id from showtime.showing where state in ('shown', 'skipped', 'missed')
    )
"""
_JOURNAL = "select id, outcome from showtime.journal where source = 'notification' order by position"
_PARKED_ENTRIES = "select id, remark from showtime.journal where outcome = 'parked'"
_PARKED = "select kind, remark from showtime.outbox where status = 'parked'"
_GHOSTS = "select id::text, viewer_id, subject, step, reason from showtime.ghost"
_NIGHTS = "select started_at, ended_at from showtime.broadcast order by started_at"
_SHOWINGS = """
    select id::text, alert_id, state, attempt, reason from showtime.showing order by alert_id, attempt
"""
_SAID = {
    "follow": ("username",),
    "raid": ("username", "numViewers"),
    "cheer": ("username", "numBits", "message"),
    "subscribe": ("username", "isGift", "numCumulativeMonths", "message"),
    "gift-sub": ("username", "numSubscriptions"),
}


@frozen
class Verdict:
    """What has come of it, in numbers; whatever ought not to be so has failed before."""

    messages: int
    ghosts: int
    given_back: int
    parked: int
    showings: Counter[str]


def judge(
    conninfo: str, told: Sequence[Message], neighbours: Neighbours, seen: Follower, acknowledged: list[str]
) -> Verdict:
    """See that nothing is lost and nothing doubled; everything must have come to an end before."""
    expected, earned = _expect(conninfo, told)
    _judge_records(conninfo, expected)
    assert list(zip(seen.ids, seen.data, strict=True)) == log_of_alerts(conninfo), (
        "a client saw each alert once"
    )
    ledger = neighbours.held("ledger")
    paid = _judge_ledger(ledger, earned)
    ghosts = _judge_ghosts(conninfo, expected, paid, neighbours)
    parked = _judge_parked(conninfo, len(paid), neighbours)
    showings = _judge_showings(conninfo, acknowledged)
    assert strays(conninfo) == []
    return Verdict(len({each.id for each in told}), len(paid), ghosts - len(paid), parked, showings)


def _expect(conninfo: str, told: Sequence[Message]) -> tuple[reference.Expected, Counter[tuple[str, int]]]:
    """See that what was told is in the journal, once, and work out what must have come of it."""
    sent = {message.id: message for message in told}
    journal = [str(entry_id) for entry_id, _ in rows(conninfo, _JOURNAL)]
    assert sorted(journal) == sorted(sent), "every message is in the journal, once"
    read = [event for entry_id in journal if (event := _read(sent[entry_id]))]
    first = reference.first_reports(read)
    earned = Counter(credit for each in first if (credit := reference.earned(each.event))[1])
    return reference.expect(read, shows_recipients=False), earned


def _read(message: Message) -> reference.DeliveredMessage | None:
    headers = {name.lower(): value for name, value in message.headers.items()}
    sent_at = read_time(headers["twitch-eventsub-message-timestamp"])
    entry = read_entry(headers, message.id, sent_at, message.body, read_json(message.body))
    if isinstance(entry.content, Unknown):
        return None
    return reference.DeliveredMessage(message.id, sent_at, entry.content)  # type: ignore[arg-type]


def _judge_records(conninfo: str, expected: reference.Expected) -> None:
    alerts = [alert for _, alert in log_of_alerts(conninfo) if alert["type"] != "generated-images"]  # type: ignore[index]
    shown = [(each["type"], *(each["data"][name] for name in _SAID[each["type"]])) for each in alerts]
    assert shown == list(expected.alerts), "each alert is there once, in the order of the journal"
    nights = [(night.started_at, night.ended_at) for night in expected.nights]
    assert rows(conninfo, _NIGHTS) == nights
    assert rows(conninfo, _PARKED_ENTRIES) == []


def _judge_ledger(ledger: dict[str, Any], earned: Counter[tuple[str, int]]) -> list[str]:
    """See that each credit is there once, and nothing is pending; gives the ghosts that were paid."""
    flows = [(viewer, flow) for viewer, held in ledger.items() for flow in held["flows"]]
    assert [each for each in flows if each[1]["state"] == "pending"] == []
    made = Counter((viewer, flow["deltaPoints"]) for viewer, flow in flows if flow["deltaPoints"] > 0)
    assert made == earned, f"lost: {earned - made}; doubled: {made - earned}"
    spent = [flow for _, flow in flows if flow["deltaPoints"] < 0 and flow["state"] == "accepted"]
    assert {flow["deltaPoints"] for flow in spent} <= {-200}
    return [str(flow["metadata"]["imageRequestId"]) for flow in spent]


def _judge_ghosts(
    conninfo: str, expected: reference.Expected, paid: Iterable[str], neighbours: Neighbours
) -> int:
    """See that each ghost was begun once, and shown once if it was paid; counts them all."""
    ghosts = rows(conninfo, _GHOSTS)
    assert Counter((viewer, subject) for _, viewer, subject, *_ in ghosts) == expected.ghosts
    finished = [number for number, _, _, step, _ in ghosts if step not in {"refused", "refunded"}]
    assert Counter(finished) == Counter(paid), "who gets a ghost pays for it, once, and who pays gets it"
    forbidden = {number for number, _, subject, *_ in ghosts if "forbidden" in str(subject)}
    assert forbidden.isdisjoint(finished)
    alerts = [alert for _, alert in log_of_alerts(conninfo) if alert["type"] == "generated-images"]  # type: ignore[index]
    assert Counter(_ghost_of(alert) for alert in alerts) == Counter(finished), "each is shown once"
    stored = {_ghost_of_key(key) for key in neighbours.held("s3")}
    assert stored.issuperset(map(str, finished))
    return len(ghosts)


def _ghost_of(alert: Any) -> str:
    return _ghost_of_key(alert["data"]["urls"][0])


def _ghost_of_key(key: str) -> str:
    found = re.search(r"([0-9a-f-]{36})", key)
    assert found, key
    return found[1]


def _judge_parked(conninfo: str, ghosts: int, neighbours: Neighbours) -> int:
    """See that only posts are parked that may have been made, and that none was made twice; counts them."""
    parked = rows(conninfo, _PARKED)
    for kind, remark in parked:
        assert kind == "post-ghost", (kind, remark)
        assert str(remark).startswith("it may have been posted: ")
    posted = Counter(post["content"] for post in neighbours.held("discord"))
    assert max(posted.values(), default=1) == 1
    assert ghosts - len(parked) <= len(posted) <= ghosts
    return len(parked)


def _judge_showings(conninfo: str, acknowledged: list[str]) -> Counter[str]:
    """See that each alert had one end on the screen, and that what was acknowledged was shown."""
    showings = rows(conninfo, _SHOWINGS)
    over = Counter(alert for _, alert, state, *_ in showings if state in {"shown", "skipped", "missed"})
    assert over == Counter(number for number, _ in log_of_alerts(conninfo)), "each alert comes to one end"
    shown = Counter(number for number, _, state, *_ in showings if state == "shown")
    assert shown == Counter(acknowledged), "what was acknowledged was shown, once, and nothing else"
    attempts: dict[object, list[object]] = {}
    for _, alert, _, attempt, _ in showings:
        attempts.setdefault(alert, []).append(attempt)
    assert all(each == [1, 2, 3][: len(each)] for each in attempts.values()), "put back, as often as allowed"
    return Counter(f"{state}: {reason}" if reason else str(state) for _, _, state, _, reason in showings)
