"""Rare states that a set of nights must reach: a test that never gets there proves nothing of them."""

from collections import Counter

FLOOR_NIGHTS = 30
"""The floors are for so many nights, from seed 0 on."""
FLOORS = {
    "a call to accept was lost": 1,
    "a call to credit was lost": 8,
    "a call to post was lost": 1,
    "a commit found another state than it had assumed": 40,
    "a credit that seemed lost was made by hand": 3,
    "a frozen instance lost its number": 4,
    "a ghost waited for its cheer": 20,
    "a ledger that froze did what it had been asked before": 5,
    "a message was delivered again while its first delivery was under way": 50,
    "a takeover while a commit was under way": 2,
    "a watcher came again after a drop-out": 150,
    "an alert was shown again after an interruption": 8,
    "an answer to accept was lost": 4,
    "an answer to credit was lost": 25,
    "an answer to reject was lost": 1,
    "an answer to reserve was lost": 4,
    "an instance was killed while a commit was under way": 6,
    "an overlay was not answered": 80,
}


def below_floor(reached: Counter[str]) -> list[str]:
    """Say which states were reached less often than they must be."""
    return [
        f"{state}: {reached[state]} times, and at least {floor} are wanted"
        for state, floor in FLOORS.items()
        if reached[state] < floor
    ]
