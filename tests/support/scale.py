"""How much of a long proof is played: `make test` plays a short form of it, `make soak` the whole.

A test that asks for the fixture `scale` is played in both, by the same code. Properties and state machines
have a scale too: the profiles of hypothesis, `showtime` and `soak` (see `tests/conftest.py`).
"""

from attrs import frozen


@frozen
class Scale:
    """So many of everything that takes long."""

    storm_rounds: int
    """Of the storm: in each the weather changes, and one instance or both are killed."""
    deeds: int
    """Of viewers in the storm."""
    wishes: int
    """Ghosts that viewers ask for in the storm, by the route."""
    messages: int
    """Of a busy evening."""
    chat_cuts: int
    """How often the connection to chat is cut."""
    chat_lines: int
    """Of a flood in chat, twice: together more than are kept."""
    faults: int
    """Of all kinds, on a stage where everything fails."""
    fault_points: int
    """At how many of the named points an instance is killed there at least."""
    fault_seconds: float
    """How long that may take."""
    requests: int
    """To each route, that are thought up from its description, beyond those that cover its parts; 0: none."""
    frame_rate: int
    """How many frames a second of what moves are looked at."""
    overlay_alerts: int
    """Of a show whose page, network and server die meanwhile."""
    overlay_kills: int
    """How often one of them does."""
    overlay_follows: int
    """That come within ten seconds, and are joined."""
    overlay_chat: int
    """Messages of a flood of chat, a hundred a second."""
    longest_task: float
    """For how many milliseconds the page may be busy at once; a machine that is shared keeps it waiting."""


SHORT = Scale(
    storm_rounds=3,
    deeds=170,
    wishes=8,
    messages=600,
    chat_cuts=4,
    chat_lines=11_000,
    faults=15,
    fault_points=3,
    fault_seconds=300,
    requests=0,
    frame_rate=15,
    overlay_alerts=6,
    overlay_kills=3,
    overlay_follows=40,
    overlay_chat=90,
    longest_task=float("inf"),
)
LONG = Scale(
    storm_rounds=17,
    deeds=960,
    wishes=40,
    messages=2000,
    chat_cuts=20,
    chat_lines=15_000,
    faults=500,
    fault_points=57,
    fault_seconds=1500,
    requests=60,
    frame_rate=60,
    overlay_alerts=300,
    overlay_kills=100,
    overlay_follows=500,
    overlay_chat=1000,
    longest_task=100,
)
