"""What is planned for a night: what Twitch says, and what goes wrong; drawn from a seed, or by hand."""

from random import Random

from attrs import frozen

INSTANCES = 2
PAGES = 2
VIEWERS = 5
FAULTS = (
    "calls to neighbours are not reached",
    "calls to neighbours are refused",
    "answers of neighbours are lost",
    "neighbours are late",
    "commits are not answered",
    "deliveries are not answered",
    "deliveries are doubled",
    "deliveries are late",
    "news of the feed is late",
    "watchers come again",
    "answers to pages are lost",
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
    "month",
)
_WRONG = (
    ("instance crashes", 2.5),
    ("instance freezes", 1.0),
    ("ledger freezes", 1.0),
    ("page dies", 1.5),
    ("page stops painting", 1.0),
)
_BUSY, _IDLE = 1.5, 25.0
"""Mean seconds between two messages: in a burst, and outside of one."""
_BURST = 0.6
_CRASH_WITHIN = 0.4
"""How soon after a message something goes wrong, in seconds: while it is under way."""


@frozen
class Step:
    """Something that happens to the channel at a time."""

    at: float
    """In seconds since the night began."""
    what: str
    who: int = 0
    """Which viewer of the cast, instance or page."""
    amount: float = 0
    """Of bits or subscriptions; or for how many seconds."""


@frozen
class SeededNight:
    """A night that can be played; equal ones are played alike."""

    seed: int
    """Decides by chance what no step says."""
    steps: tuple[Step, ...]
    faults: frozenset[str] = frozenset(FAULTS)


def draw_night(seed: int, messages: int = 60) -> SeededNight:
    """Draw a night with so many messages."""
    chance = Random(f"{seed} night")  # noqa: S311 - one that can be repeated
    steps, at = [Step(0.5, "stream begins")], 1.0
    for _ in range(messages):
        at += chance.expovariate(1 / (_BUSY if chance.random() < _BURST else _IDLE))
        amount = chance.choice((200, 200, 300)) if chance.random() < 0.7 else chance.choice((1, 5, 50, 199))  # noqa: PLR2004
        steps.append(Step(round(at, 3), chance.choice(_SAID), chance.randrange(VIEWERS), amount))
    messages_at = [step.at for step in steps[1:]] or [at]
    for what, mean in _WRONG:
        count = min(int(chance.expovariate(1 / mean)), 8)
        for _ in range(count):
            soon = chance.choice(messages_at) + chance.random() * _CRASH_WITHIN
            steps.append(Step(round(soon, 3), what, chance.randrange(2), round(chance.uniform(0.5, 40), 1)))
    steps.append(Step(round(at + 1, 3), "stream ends"))
    return SeededNight(seed, tuple(sorted(steps, key=lambda step: step.at)))
