"""Evenings that are delivered in two orders, drawn by Hypothesis: see `machines.any_order`."""

from datetime import datetime, timedelta

from attrs import frozen
from hypothesis import strategies as st

from showtime_core.domain import events as ev
from showtime_core.domain.journal import Entry, Malformed, Unknown
from showtime_core.domain.reactions import Policy
from showtime_core.testing import strategies as some

_LATEST = 600
"""Twitch delivers within so many seconds; what is older is not accepted."""
_GAPS = (0, 0, 1, 30, 300, 599, 899, 900, 901, 1200, 2400, 5400)
"""Seconds between two things that are said of the stream: at once, around the 15 minutes, and longer."""
_AGES = (0, 0, 1, 60, 540)
"""How many seconds a stream was on the air when Twitch first said so."""
_WORDS = (
    "Cheer100 hello",
    "ghost of a fax machine",
    "ȺİGHOST OF\u2003 Bela Lugosi ",
    "a ghost often",
    "ghost of ",
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
        st.sampled_from((0, 0, 0, 2, 59, 301, _LATEST)), min_size=len(entries), max_size=len(entries)
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
    steps = st.sampled_from(
        ("begins", "begins", "again", "ends", "ends", "ends unnamed", "an earlier ends", "rerun")
    )
    for step, gap in draw(st.lists(st.tuples(steps, st.sampled_from(_GAPS)), max_size=12)):
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


_MOMENTS = st.integers(0, 8 * 3600).map(lambda seconds: some.OPENING_NIGHT + timedelta(seconds=seconds))


@st.composite
def _others(draw: st.DrawFn) -> list[tuple[datetime, some.Content]]:
    """Draw what else happens: reports of one fact say the same of it, and no two trains begin at once."""
    drawn = [(at, draw(_content(at))) for at in draw(st.lists(_MOMENTS, max_size=12))]
    named = {name_of_fact(content) or str(number): number for number, (_, content) in enumerate(drawn)}
    return [drawn[number] for number in named.values()]


def _content(at: datetime) -> st.SearchStrategy[some.Content]:
    then, bits, words = st.just(at), st.sampled_from((1, 100, 199, 200, 201)), st.sampled_from(_WORDS)
    phases, levels, ways = st.sampled_from(ev.HypeTrainPhase), st.integers(1, 3), st.integers(0, 9)
    return st.one_of(
        st.builds(ev.Cheer, st.none() | some.viewers(), bits, words),
        st.builds(_hype_train, st.integers(1, 2), phases, levels, ways),
        some.raids(),
        some.gifts(),
        some.follows(then),
        some.subscriptions(then),
        some.resubscriptions(then),
        st.sampled_from((Unknown(), Malformed("'bits' is missing"))),
    )


def _hype_train(number: int, phase: ev.HypeTrainPhase, level: int, progress: int) -> ev.HypeTrainUpdate:
    began = some.OPENING_NIGHT + timedelta(hours=number)
    return ev.HypeTrainUpdate(f"choo-{number}", phase, level, progress, 10, began)


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
