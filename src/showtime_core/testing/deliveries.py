"""Evenings that are delivered in two orders, drawn by Hypothesis: see `machines.any_order`."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from attrs import frozen
from hypothesis import strategies as st

from showtime_core.domain import events as ev
from showtime_core.domain.journal import Entry, Malformed, Unknown
from showtime_core.domain.reactions import Policy
from showtime_core.domain.viewers import Viewer
from showtime_core.testing import strategies as some

_LATEST = 600
"""Twitch delivers within so many seconds; what is older is not accepted."""
_GAPS = ((0, 1, 30, 400, 599), (0, 899, 900, 901, 1100), (0, 1, 599, 900, 1100, 2400, 5400))
"""Seconds between two things that are said of the stream, on evenings of three kinds.

At once, within the time that a message may take, around the 15 minutes, and longer.
"""
_AGES = (0, 0, 0, 1, 540)
"""How many seconds a stream was on the air when Twitch first said so."""
_PARTS = (
    ("begins",),
    ("begins", "again"),
    ("begins", "ends", "begins"),
    ("begins", "ends", "begins"),
    ("begins", "ends", "again"),
    ("begins", "again", "ends unnamed"),
    ("ends",),
    ("an earlier ends",),
    ("rerun",),
)
"""What may be said of a stream, one after the other."""
_WORDS = (
    "Cheer100 hello",
    "ghost of a fax machine",
    "ȺİGHOST OF\u2003 Bela Lugosi ",
    "a ghost often",
    "ghost of ",
    "ghost of " + 13 * "a fax machine ",
)


@frozen
class Delivery:
    """A message, and how many seconds after it was sent it comes."""

    entry: Entry
    late: int


@frozen
class Evening:
    """What happens on an evening, the policy, and two ways in which it may be delivered."""

    policy: Policy
    one: tuple[Delivery, ...]
    other: tuple[Delivery, ...]
    batch_sizes: tuple[int, ...]
    """Of one delivery after the other, over and over."""
    tapes: tuple[int, ...]
    """Minutes into the evening at which the host puts a tape on."""


@st.composite
def evenings_in_two_orders(draw: st.DrawFn) -> Evening:
    """Draw an evening that is delivered twice, in two orders: each message late, and perhaps again."""
    said = [*draw(_streams()), *draw(_others())]
    entries = [some.entry(f"message-{number}", what, at) for number, (at, what) in enumerate(said)]
    for number in draw(st.lists(st.integers(0, max(0, len(entries) - 1)), max_size=3, unique=True)):
        if number < len(entries) and _may_be_told_twice(entries[number].content):
            told = entries[number]
            entries.append(some.entry(f"{told.id}-twice-told", told.content, told.sent_at))
    late = st.lists(
        st.sampled_from((0, 0, 2, 59, 301, _LATEST, _LATEST)), min_size=len(entries), max_size=len(entries)
    )
    again = st.lists(
        st.sampled_from((None, None, None, 1, _LATEST, 8 * 3600)),
        min_size=len(entries),
        max_size=len(entries),
    )

    def deliveries() -> tuple[Delivery, ...]:
        once = [Delivery(entry, seconds) for entry, seconds in zip(entries, draw(late), strict=True)]
        more = [
            Delivery(one.entry, one.late + more) for one, more in zip(once, draw(again), strict=True) if more
        ]
        return tuple(draw(st.permutations([*once, *more])))  # of what comes at one moment, either is first

    policy = Policy(alert_gift_recipients=draw(st.booleans()))
    sizes = tuple(draw(st.lists(st.integers(1, 8), min_size=1, max_size=4)))
    tapes = tuple(sorted(draw(st.lists(st.integers(0, 300), max_size=3))))
    return Evening(policy, deliveries(), deliveries(), sizes, tapes)


@st.composite
def _streams(draw: st.DrawFn) -> list[tuple[datetime, some.Content]]:
    """Say that streams begin, go on and end: some ends are lost, some name their stream."""
    at, begun, said = some.OPENING_NIGHT, list[datetime](), list[tuple[datetime, some.Content]]()
    steps = [
        step for part in draw(st.lists(st.sampled_from(_PARTS), min_size=1, max_size=5)) for step in part
    ]
    some_gaps = st.sampled_from(draw(st.sampled_from(_GAPS)))
    gaps = draw(st.lists(some_gaps, min_size=len(steps), max_size=len(steps)))
    for step, gap in zip(steps, gaps, strict=True):
        at += timedelta(seconds=gap)
        if step == "begins":
            begun.append(at - timedelta(seconds=draw(st.sampled_from(_AGES))))
        number = len(begun) if step != "an earlier ends" else draw(st.integers(0, len(begun)))
        stream = f"stream-{number}"
        if step in {"begins", "again"} and begun:
            said.append((at, ev.StreamOnline(stream, "live", begun[-1], at)))
        elif step == "rerun":
            said.append((at, ev.StreamOnline("stream-of-old", "rerun", at, at)))
        elif "ends" in step:
            said.append((at, ev.StreamOffline(at, None if step == "ends unnamed" else stream)))
    return said


def _hype_train(number: int, phase: ev.HypeTrainPhase, level: int, progress: int) -> ev.HypeTrainUpdate:
    began = some.OPENING_NIGHT + timedelta(hours=number)
    return ev.HypeTrainUpdate(f"choo-{number}", phase, level, progress, 10, began)


def _month(viewer: Viewer, tier: str) -> tuple[some.Content, ...]:
    return some.two_of_a_month(viewer, tier, some.OPENING_NIGHT, timedelta(0))


def _one(content: some.Content) -> tuple[some.Content, ...]:
    return (content,)


_THEN = st.just(some.OPENING_NIGHT)
_BITS = st.sampled_from((1, 100, 199, 200, 200, 201))
_CHEERS = st.builds(ev.Cheer, some.viewers() | some.viewers() | st.none(), _BITS, st.sampled_from(_WORDS))
_TRAINS = st.builds(
    _hype_train, st.integers(1, 2), st.sampled_from(ev.HypeTrainPhase), st.integers(1, 3), st.integers(0, 9)
)
_ODD = st.sampled_from((Unknown(), Malformed("'bits' is missing")))
_TOGETHER: st.SearchStrategy[Sequence[some.Content]] = st.one_of(
    st.lists(_CHEERS, min_size=1, max_size=3),
    st.lists(_TRAINS, min_size=1, max_size=3),
    st.builds(_month, some.viewers(), st.sampled_from(("1000", "2000", "3000"))),
    st.one_of(
        some.raids(),
        some.gifts(),
        some.follows(_THEN),
        some.subscriptions(_THEN),
        some.resubscriptions(_THEN),
        _ODD,
    ).map(_one),
)
_HAPPENS: st.SearchStrategy[tuple[int, int, Sequence[some.Content]]] = st.tuples(
    st.integers(0, 8 * 3600), st.integers(0, 900), _TOGETHER
)
"""Seconds into the evening, seconds between one and the next, and what happens."""


@st.composite
def _others(draw: st.DrawFn) -> list[tuple[datetime, some.Content]]:
    """Draw what else happens: reports of one fact say the same of it, and no two trains begin at once."""
    drawn = [
        _at(timedelta(seconds=begin + number * gap), content)
        for begin, gap, contents in draw(st.lists(_HAPPENS, min_size=1, max_size=6))
        for number, content in enumerate(contents)
    ]
    named = {name_of_fact(content) or str(number): number for number, (_, content) in enumerate(drawn)}
    return [drawn[number] for number in named.values()]


def _at(later: timedelta, content: some.Content) -> tuple[datetime, some.Content]:
    """Let something happen so much later; a train begins when it begins."""
    is_train = isinstance(content, ev.HypeTrainUpdate)
    return some.OPENING_NIGHT + later, content if is_train else some.moved(content, later)


def _may_be_told_twice(content: some.Content) -> bool:
    return name_of_fact(content) is not None or isinstance(content, ev.StreamOnline | ev.StreamOffline)


def name_of_fact(content: some.Content) -> str | None:
    """Name the fact that two messages may report here; None: each report of this kind counts."""
    match content:
        case ev.Follow(viewer, followed_at):
            return f"{viewer.id} {followed_at}"
        case ev.HypeTrainUpdate(train, phase) if phase is not ev.HypeTrainPhase.PROGRESS:
            return f"{train} {phase}"
        case _:
            return None
