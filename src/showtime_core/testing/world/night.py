"""What is planned for a night: what people do, and what goes wrong; drawn from a seed, or by hand."""

from collections.abc import Callable
from random import Random

from attrs import field, frozen, mutable

INSTANCES = 2
PAGES = 2
VIEWERS = 5
FAULTS = (
    "calls to neighbours are not reached",
    "calls to neighbours are refused",
    "calls to neighbours are lost",
    "answers of neighbours are lost",
    "neighbours are late",
    "credits that seem lost are made by hand",
    "commits are not answered",
    "deliveries are not answered",
    "deliveries are doubled",
    "deliveries are late",
    "forgeries are sent",
    "old messages are replayed",
    "news of the feed is lost",
    "watchers come again",
    "answers to pages are lost",
    "pages acknowledge too early",
    "pages freeze as they play",
)
"""What happens by chance, and can be left out."""

_SAID = (
    "cheer for a ghost",
    "cheer for a ghost",
    "cheer",
    "anonymous cheer",
    "follow",
    "raid",
    "gift",
    "month begins",
    "month",
    "chat",
    "something unreadable",
)
_WRONG = (
    ("instance crashes", 2.5),
    ("instance freezes", 1.0),
    ("ledger freezes", 1.0),
    ("database is away", 0.7),
    ("page dies", 1.5),
    ("page stops painting", 1.0),
    ("clock of an instance is off", 0.5),
)
_BITS = (1, 50, 100, 199, 200, 200, 200, 200, 300, 300)
_BUSY, _IDLE, _IDLE_AFTER_BURST = 1.5, 25.0, 0.1
"""Mean seconds between two messages: in a burst, and outside of one; and how often two come at one moment."""
_BURST = 0.6
_CRASH_WITHIN = 0.4
"""How soon after a message something goes wrong, in seconds: while it is under way."""
_GAPS = (0, 1, 30, 600, 899, 900, 901, 1200)
"""Seconds that a stream is off the air: around the 15 minutes in which a night goes on, and beyond."""
_AGES = (0, 0, 1, 60, 540)
"""How many seconds a stream was on the air when Twitch first says so."""
_JUMP_BACK_SECONDS, _JUMP_SECONDS = 3600.0, 4.0
"""How far the clock of the database jumps. Were it further ahead, the ledger's time to settle would be over
too soon, while it still works on what it was asked."""


@frozen
class Step:
    """Something that happens to the channel at a time."""

    at: float
    """In seconds since the night began."""
    what: str
    who: int = 0
    """Which viewer of the cast, instance, page, stream or tape."""
    amount: float = 0
    """Of bits, subscriptions or seconds."""


@frozen
class SeededNight:
    """A night that can be played; equal ones are played alike."""

    seed: int
    """Decides by chance what no step says."""
    steps: tuple[Step, ...]
    faults: frozenset[str] = frozenset(FAULTS)


@mutable
class _Plan:
    """A night that is being drawn."""

    chance: Random
    at: float = 1.0
    steps: list[Step] = field(factory=list)
    stream: int = 0
    """The one that is on the air."""

    def add(self, what: str, who: int = 0, amount: float = 0) -> None:
        self.steps.append(Step(round(self.at, 3), what, who, amount))

    def say(self) -> None:
        """Let a viewer do something, after a while."""
        if self.chance.random() >= _IDLE_AFTER_BURST:
            self.at += self.chance.expovariate(1 / (_BUSY if self.chance.random() < _BURST else _IDLE))
        self.add(self.chance.choice(_SAID), self.chance.randrange(VIEWERS), self.chance.choice(_BITS))

    def begin_stream(self) -> None:
        self.add("stream begins", self.stream, self.chance.choice(_AGES))

    def end_stream(self) -> None:
        """Let it end; Twitch does not always say which."""
        self.add("stream ends" if self.chance.random() < 0.5 else "stream ends unnamed", self.stream)  # noqa: PLR2004

    def drop_out(self) -> None:
        """Let the stream end, and the same or another begin after a while."""
        self.end_stream()
        self.at += self.chance.choice(_GAPS)
        if self.chance.random() < 0.3:  # noqa: PLR2004 - the same comes back
            self.add("stream begins", self.stream)
        else:
            self.change_stream()

    def change_stream(self) -> None:
        """Let another stream begin; nobody says that the one before has ended."""
        self.stream += 1
        self.begin_stream()

    def end_an_earlier_stream(self) -> None:
        self.add("stream ends", max(0, self.stream - 1))

    def tell_again(self) -> None:
        self.add("stream begins", self.stream)

    def put_tapes_on(self) -> None:
        for _ in range(2):
            self.add("tape is put on", self.chance.randint(1, 99))
            self.at += self.chance.random() * 5

    def pause(self) -> None:
        self.add("show is paused", 0, round(self.chance.uniform(1, 20), 1))


def draw_night(seed: int, messages: int = 60) -> SeededNight:
    """Draw a night with so many messages of viewers."""
    plan = _Plan(Random(f"{seed} night"))  # noqa: S311 - one that can be repeated
    chance = plan.chance
    turns = _draw_turns(plan, messages)
    plan.begin_stream()
    for number in range(messages):
        for turn in turns.get(number, ()):
            turn()
        plan.say()
    _go_wrong(plan)
    plan.at += chance.choice((0, 1))
    plan.end_stream()
    return SeededNight(seed, tuple(sorted(plan.steps, key=lambda step: step.at)))


def _draw_turns(plan: _Plan, messages: int) -> dict[int, list[Callable[[], None]]]:
    """Draw what happens to the stream and what the host does, and before which message."""
    turns = dict[int, list[Callable[[], None]]]()
    choices = (
        plan.drop_out,
        plan.drop_out,
        plan.change_stream,
        plan.end_an_earlier_stream,
        plan.tell_again,
        plan.put_tapes_on,
        plan.pause,
    )
    for _ in range(plan.chance.randint(0, 6)):
        turns.setdefault(plan.chance.randrange(messages), []).append(plan.chance.choice(choices))
    return turns


def _go_wrong(plan: _Plan) -> None:
    """Draw what goes wrong by itself, most of it while a message is under way."""
    chance, moments = plan.chance, [step.at for step in plan.steps]
    for what, mean in _WRONG:
        for _ in range(min(int(chance.expovariate(1 / mean)), 8)):
            soon = chance.choice(moments) + chance.random() * _CRASH_WITHIN
            plan.steps.append(
                Step(round(soon, 3), what, chance.randrange(2), round(chance.uniform(0.5, 40), 1))
            )
    has_tapes = any(step.what == "tape is put on" for step in plan.steps)
    if chance.random() < 0.3 and not has_tapes:  # noqa: PLR2004 - in some nights; a tape has the time of that clock
        seconds = round(chance.uniform(-_JUMP_BACK_SECONDS, _JUMP_SECONDS), 1)
        plan.steps.append(Step(chance.choice(moments), "clock of the database jumps", 0, seconds))
