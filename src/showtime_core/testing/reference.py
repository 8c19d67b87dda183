"""An independent reference: what must come of an evening, worked out from its messages alone.

It shares nothing with the code that it judges but the plain values of events: no state, no fold over
arrivals, no table of reactions. It sorts all that Twitch said and reads the nights off, and it looks at every
other event by itself. So it cannot repeat a mistake of the core. The order of delivery matters to it only
where it is a part of the promise: alerts are shown in the order in which events were first reported, and a
viewer's first follow is the one that was reported first.

It assumes what Twitch promises: a message is delivered within ten minutes of its timestamp, or was delivered
before. Which words of a message name a ghost is judged for messages without cheermotes and without letters
that nobody sees.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from attrs import frozen

from showtime_core.domain import events as ev
from showtime_core.domain.viewers import Viewer

TIMES = {"1000": 1, "2000": 2, "3000": 5}
"""How many times the points of tier 1 each tier earns."""


@frozen
class Message:
    """A message as it was delivered."""

    id: str
    sent_at: datetime
    event: ev.Event


@frozen
class ExpectedNight:
    """A broadcast."""

    started_at: datetime
    ended_at: datetime | None


@frozen
class Tape:
    """A tape that the host has put on: the command was accepted at this time, by the clock of the channel."""

    tape_id: int
    at: datetime


@frozen
class ExpectedScreening:
    """A tape that was played."""

    tape_id: int
    started_at: datetime
    ended_at: datetime | None


@frozen
class Expected:
    """What must be recorded of an evening."""

    nights: tuple[ExpectedNight, ...]
    screenings: tuple[ExpectedScreening, ...]
    alerts: tuple[tuple[object, ...], ...]
    """In the order in which their events were first reported: a word for the kind, and what is shown."""
    points: Counter[str]
    """By the viewer's id."""
    ghosts: Counter[tuple[str, str]]
    """By the viewer's id, and what it is a ghost of."""
    followed: dict[str, datetime]
    """By the viewer's id: the first follow."""
    subscribed: dict[str, datetime]
    """By the viewer's id: the first subscription that began."""
    hype_train: tuple[str, bool, int, int] | None
    """The latest train: its id, whether it is over, its level, its progress."""


def expect(delivered: Sequence[Message], tapes: Sequence[Tape] = (), *, shows_recipients: bool) -> Expected:
    """Work out what must come of messages, in the order of their delivery, as often as they came.

    `shows_recipients`: whether who is given a subscription has an alert beside that of the giver.
    """
    first = first_reports(delivered)
    events = [message.event for message in first]
    nights = _nights(event for event in events if isinstance(event, ev.StreamOnline | ev.StreamOffline))
    shown = (_alert(event, shows_recipients=shows_recipients) for event in events)
    followed, subscribed = dict[str, datetime](), dict[str, datetime]()
    for event in events:
        if isinstance(event, ev.Follow):
            followed.setdefault(event.viewer.id, event.followed_at)
        if isinstance(event, ev.SubscriptionStart):
            subscribed.setdefault(event.viewer.id, event.sent_at)
    return Expected(
        *_with_tapes(nights, tapes),
        tuple(alert for alert in shown if alert),
        _points(first),
        Counter(ghost for event in events for ghost in _ghosts(event)),
        followed,
        subscribed,
        _hype_train(event for event in events if isinstance(event, ev.HypeTrainUpdate)),
    )


def first_reports(delivered: Iterable[Message]) -> list[Message]:
    """Leave out what was delivered before, under the same id or as the same fact under another."""
    ids, facts, first = set[str](), set[object](), list[Message]()
    for message in delivered:
        if message.id in ids:
            continue
        ids.add(message.id)
        fact = _fact(message.event)
        if fact is None or fact not in facts:
            facts.add(fact)
            first.append(message)
    return first


def _fact(event: ev.Event) -> object:
    """Name the fact that an event reports, for those kinds that Twitch may report under two ids."""
    match event:
        case ev.Follow(viewer, followed_at):
            return "follow", viewer.id, followed_at
        case ev.HypeTrainUpdate(train, ev.HypeTrainPhase.BEGIN | ev.HypeTrainPhase.END as phase):
            return "hype train", train, phase
        case ev.Redemption(redemption):
            return "redemption", redemption
        case ev.ChatMessageSent(message):
            return "chat", message
        case _:
            return None


# --- nights ------------------------------------------------------------------------------------------


def _nights(said: Iterable[ev.StreamOnline | ev.StreamOffline]) -> list[ExpectedNight]:
    """Sort what was said of the stream by when it happened, and read the nights off.

    What is first said of a stream happened when the stream began, and what is said again when it was sent.
    At one moment an end comes before a beginning. Who says the very same again says nothing.
    """
    moments, begun = list[tuple[datetime, bool, str]](), set[str]()
    for event in sorted(set(said), key=lambda event: event.sent_at):
        if isinstance(event, ev.StreamOffline):
            moments.append((event.sent_at, False, event.stream_id or ""))
        elif event.kind == "live":
            is_first = event.stream_id not in begun
            begun.add(event.stream_id)
            at = min(event.started_at, event.sent_at) if is_first else event.sent_at
            moments.append((at, True, event.stream_id))
    nights, on = list[ExpectedNight](), ""
    for at, is_on, stream in sorted(moments):
        last = nights[-1] if nights else None
        is_live = last is not None and last.ended_at is None
        if not is_on:
            if last and is_live and stream in {"", on}:
                nights[-1] = ExpectedNight(last.started_at, at)
            continue
        if last and last.ended_at and at - last.ended_at < timedelta(minutes=15):
            nights[-1] = ExpectedNight(last.started_at, None)
        elif not (is_live and stream == on):
            if last and is_live:
                nights[-1] = ExpectedNight(last.started_at, at)
            nights.append(ExpectedNight(at, None))
        on = stream
    return nights


def _with_tapes(
    nights: Sequence[ExpectedNight], tapes: Sequence[Tape]
) -> tuple[tuple[ExpectedNight, ...], tuple[ExpectedScreening, ...]]:
    """Give each night its tapes: it ends no sooner than its last one begins, and before the next night."""
    rows, screenings = list[ExpectedNight](), list[ExpectedScreening]()
    for number, night in enumerate(nights):
        following = nights[number + 1].started_at if number + 1 < len(nights) else None
        on = [t for t in tapes if night.started_at <= t.at and (following is None or t.at < following)]
        ended_at = night.ended_at and max([night.ended_at, *(tape.at for tape in on)])
        rows.append(ExpectedNight(night.started_at, ended_at))
        ends = [*(tape.at for tape in on[1:]), ended_at]
        screenings += [
            ExpectedScreening(tape.tape_id, tape.at, end) for tape, end in zip(on, ends, strict=False)
        ]
    return tuple(rows), tuple(screenings)


# --- each event by itself ----------------------------------------------------------------------------


def _alert(event: ev.Event, *, shows_recipients: bool) -> tuple[object, ...] | None:  # noqa: PLR0911 - a table
    match event:
        case ev.Follow(viewer):
            return "follow", _name(viewer)
        case ev.Raid(raider, viewers):
            return "raid", _name(raider), viewers
        case ev.Cheer(viewer, bits, message):
            return "cheer", _name(viewer), bits, message[:2000]
        case ev.SubscriptionStart(viewer, _, is_gift):
            return ("subscribe", _name(viewer), is_gift, 1, "") if shows_recipients or not is_gift else None
        case ev.Resubscription(viewer, _, months, message):
            return "subscribe", _name(viewer), False, months, message[:2000]
        case ev.GiftedSubscriptions(viewer, _, total):
            return "gift-sub", _name(viewer), total
        case ev.HypeTrainUpdate(_, ev.HypeTrainPhase.BEGIN | ev.HypeTrainPhase.END, level):
            return "hype-train", level
        case ev.WatchStreak(_, viewer):
            return "watch-streak", _name(viewer), event.streak, event.text[:2000]
        case _:
            return None


def _name(viewer: Viewer | None) -> str:
    return (viewer.display_name or viewer.login) if viewer else "Anonymous"


def _ghosts(event: ev.Event) -> list[tuple[str, str]]:
    """Name the ghost that a cheer of 200 bits or more asks for, if its viewer is known."""
    if not isinstance(event, ev.Cheer) or event.viewer is None or event.bits < 200:  # noqa: PLR2004 - its price
        return []
    words = event.message
    for place in range(len(words)):
        if words[place : place + 8].lower() == "ghost of" and words[place + 8 : place + 9].isspace():
            subject = words[place + 9 :].strip()[:120].strip()
            return [(event.viewer.id, subject)] if subject else []
    return []


def _hype_train(told: Iterable[ev.HypeTrainUpdate]) -> tuple[str, bool, int, int] | None:
    """Tell how far the train that began last has come; no two begin at once here."""

    def when(one: ev.HypeTrainUpdate) -> tuple[datetime, bool, int, int]:
        assert one.started_at, "without it nobody can tell which train is the later one"
        return one.started_at, one.phase is ev.HypeTrainPhase.END, one.level, one.progress

    last = max(told, key=when, default=None)
    return (last.id, last.phase is ev.HypeTrainPhase.END, last.level, last.progress) if last else None


# --- points ------------------------------------------------------------------------------------------


def earned(content: object) -> tuple[str, int]:
    """Tell whom an event earns how many points, where nothing else tells of the same; nobody: an empty id."""
    match content:
        case ev.Cheer(Viewer(viewer_id), bits):
            return viewer_id, bits
        case ev.SubscriptionStart(Viewer(viewer_id), tier) | ev.Resubscription(Viewer(viewer_id), tier):
            return viewer_id, 600 * TIMES.get(tier, 0)
        case ev.GiftedSubscriptions(Viewer(viewer_id), tier, total):
            return viewer_id, 200 * total * TIMES.get(tier, 0)
        case _:
            return "", 0


def told_twice(events: Iterable[tuple[object, datetime | None]]) -> Counter[str]:
    """Tell what each viewer would have earned once more for months that two messages told of.

    Each event is given with the time of its message, for those that have none of their own.
    """
    begun = defaultdict[tuple[str, str], list[datetime]](list)
    shared = defaultdict[tuple[str, str], list[datetime]](list)
    for event, sent_at in events:
        match event:
            case ev.SubscriptionStart(viewer, tier, False, at):
                begun[viewer.id, tier].append(at)
            case ev.Resubscription(viewer, tier):
                shared[viewer.id, tier] += [at for at in (event.sent_at or sent_at,) if at]
    twice = Counter[str]()
    for (viewer_id, tier), moments in begun.items():
        twice[viewer_id] += 600 * TIMES.get(tier, 0) * _most_pairs(moments, shared[viewer_id, tier])
    return twice


def _points(first: Sequence[Message]) -> Counter[str]:
    due = Counter[str]()
    for message in first:
        viewer_id, points = earned(message.event)
        due[viewer_id] += points
    due.subtract(told_twice((message.event, message.sent_at) for message in first))
    return +due


def _most_pairs(begun: Sequence[datetime], shared: Sequence[datetime]) -> int:
    """Count the most pairs within 28 days: by augmenting paths, which know nothing of an order."""
    partner = dict[int, int]()

    def finds(one: int, tried: set[int]) -> bool:
        near = (i for i, at in enumerate(shared) if abs(at - begun[one]) <= timedelta(days=28))
        for other in near:
            if other not in tried:
                tried.add(other)
                if other not in partner or finds(partner[other], tried):
                    partner[other] = one
                    return True
        return False

    return sum(finds(one, set()) for one in range(len(begun)))
