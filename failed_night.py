"""A night that fails: AssertionError: (25,) counts, and nobody has painted

Seed 364, showtime 0.2.0, Python 3.11.7. Run it with Python.
"""

from showtime_core.testing.world.explain import explain
from showtime_core.testing.world.night import SeededNight, Step
from showtime_core.testing.world.play import play

NIGHT = SeededNight(
    seed=364,
    steps=(
        Step(at=28.059, what="month", who=1, amount=200),
        Step(at=34.732, what="follow", who=3, amount=50),
        Step(at=35.069, what="page dies", who=1, amount=13.6),
        Step(at=37.974, what="raid", who=2, amount=300),
        Step(at=37.974, what="anonymous cheer", who=3, amount=200),
        Step(at=49.521, what="follow", who=3, amount=199),
        Step(at=114.222, what="cheer", who=1, amount=100),
        Step(at=158.264, what="cheer for a ghost", who=0, amount=200),
        Step(at=159.504, what="cheer for a ghost", who=0, amount=200),
        Step(at=164.466, what="gift", who=1, amount=199),
        Step(at=164.616, what="cheer", who=3, amount=300),
        Step(at=167.532, what="month", who=2, amount=100),
        Step(at=193.337, what="month begins", who=1, amount=100),
        Step(at=194.407, what="cheer", who=2, amount=300),
        Step(at=352.366, what="month", who=4, amount=100),
        Step(at=352.366, what="month begins", who=4, amount=100),
        Step(at=352.593, what="month begins", who=2, amount=200),
        Step(at=352.805, what="anonymous cheer", who=3, amount=200),
        Step(at=364.293, what="cheer for a ghost", who=0, amount=50),
        Step(at=378.496, what="raid", who=4, amount=1),
        Step(at=397.064, what="follow", who=4, amount=200),
        Step(at=480.806, what="raid", who=1, amount=200),
        Step(at=481.191, what="cheer for a ghost", who=1, amount=200),
        Step(at=493.041, what="raid", who=3, amount=50),
        Step(at=494.158, what="instance freezes", who=0, amount=19.4),
        Step(at=499.377, what="page stops painting", who=0, amount=32.7),
    ),
    faults=frozenset(
        {
            "answers of neighbours are lost",
            "answers to pages are lost",
            "calls to neighbours are lost",
            "calls to neighbours are not reached",
            "calls to neighbours are refused",
            "commits are not answered",
            "deliveries are doubled",
            "deliveries are late",
            "deliveries are not answered",
            "forgeries are sent",
            "neighbours are late",
            "news of the feed is lost",
            "old messages are replayed",
            "pages acknowledge too early",
            "watchers come again",
        }
    ),
)

if __name__ == "__main__":
    played = play(NIGHT)
    print("\n".join(played.lines))
    print(explain(played.failure) if played.failure else "nothing failed", played.digest, sep="\n")
    raise SystemExit(1 if played.failure else 0)
