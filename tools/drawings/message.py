"""The picture of a message's way: from Twitch through the house, and out to the overlay.

Each step is a function or a method, told by the first sentence of its docstring. That one leads to the next
is looked up as well: the module of the one names the next, or the composition does, where it hands the one to
the other. A step that is gone, or that nobody leads to any more, is not drawn: it is an error.
"""

import ast
from functools import cache
from itertools import pairwise
from pathlib import Path
from textwrap import wrap
from typing import NamedTuple

from svg import MARGIN, WIDTH, arrow, box, picture, text

SOURCES = Path(__file__).parents[2] / "src"
COMPOSITION = "showtime_app/composition"
FEED = "showtime_feed"
"""What the database is told to wake its listeners by."""

INDENT = {"showtime_app": 0, "showtime_adapters": 50, "showtime_core": 100}
"""How far in a step stands, in pixels: outside to the left, the pure core to the right."""
BOX_WIDTH = WIDTH - 2 * MARGIN - max(INDENT.values())
LINE, GAP = 19, 28
CHARACTERS = 84
"""How many of a sentence fit on a line."""


class Step(NamedTuple):
    """A function or a method on the way: its module, as a path under `src`, and its name."""

    module: str
    name: str


IN = [
    Step("showtime_app/web/routes/callback", "in_front"),
    Step("showtime_adapters/twitch/eventsub", "Receiver.receive"),
    Step("showtime_adapters/twitch/messages", "read_entry"),
    Step("showtime_core/use_cases/group_commit", "Gathering.submit"),
    Step("showtime_core/use_cases/receive", "receive"),
    Step("showtime_adapters/postgres/unit_of_work", "PostgresUnitOfWork.record"),
    Step("showtime_core/use_cases/receive", "plan_changes"),
    Step("showtime_core/domain/reactions", "react"),
    Step("showtime_adapters/postgres/journal_changes", "write_changes"),
]
OUT = [
    Step("showtime_adapters/postgres/feed", "PostgresFeed.run"),
    Step("showtime_app/web/hub", "Hub.publish"),
    Step("showtime_app/web/routes/streams", "routes"),
]
LED_BY = {"Gathering.submit": IN[1], "plan_changes": IN[4], "write_changes": IN[5]}
"""Who leads to a step where it is not the one before: it has the turn again, or has passed the step on."""


class LostWayError(Exception):
    """The way that is drawn is not the one that the code takes any more."""


@cache
def parsed(module: str) -> ast.Module:
    """Read a module."""
    return ast.parse((SOURCES / f"{module}.py").read_text("utf-8"))


def names_in(module: str) -> set[str]:
    """Tell all names that a module uses."""
    nodes = list(ast.walk(parsed(module)))
    return {node.id for node in nodes if isinstance(node, ast.Name)} | {
        node.attr for node in nodes if isinstance(node, ast.Attribute)
    }


@cache
def composed() -> frozenset[str]:
    """Tell all names that the composition uses."""
    modules = (f"{COMPOSITION}/{path.stem}" for path in (SOURCES / COMPOSITION).glob("*.py"))
    return frozenset().union(*map(names_in, modules))


def sentence(step: Step) -> str:
    """Tell what a step does, by the first sentence of its docstring."""
    found: ast.AST = parsed(step.module)
    for part in step.name.split("."):
        bodies = [node for node in getattr(found, "body", []) if getattr(node, "name", None) == part]
        if not bodies:
            raise LostWayError(f"{step.module} has no {step.name}")
        found = bodies[0]
    told = ast.get_docstring(found) if isinstance(found, ast.FunctionDef | ast.AsyncFunctionDef) else None
    if not told:
        raise LostWayError(f"{step.module}.{step.name} says nothing of itself")
    return told.splitlines()[0].replace("`", "")


def look_up(steps: list[Step]) -> None:
    """Check that each step leads to the next."""
    for before, step in pairwise(steps):
        leader = LED_BY.get(step.name, before)
        if step.name.rpartition(".")[2] not in names_in(leader.module) | composed():
            raise LostWayError(f"nothing leads from {leader.module} to {step.module}.{step.name}")


def draw_step(step: Step, top: float) -> tuple[list[str], float]:
    """Draw one step; returns it, and where it ends."""
    package, _, room = step.module.partition("/")
    x = MARGIN + INDENT[package]
    lines = wrap(sentence(step), CHARACTERS)
    height = 34 + LINE * len(lines)
    return [
        box(x, top, BOX_WIDTH, height, package.removeprefix("showtime_")),
        text(x + 14, top + 23, f"{room.replace('/', '.')}.{step.name}", "name"),
        text(x + BOX_WIDTH - 14, top + 23, package, "dim", "end"),
        *(text(x + 14, top + 43 + LINE * row, line, "plain") for row, line in enumerate(lines)),
    ], top + height


def draw_way(steps: list[Step], top: float) -> tuple[list[str], float]:
    """Draw steps one under the other, each with a line that leads to it; returns them, and where they end."""
    look_up(steps)
    parts: list[str] = []
    came_from = 0
    for step in steps:
        indent = INDENT[step.module.partition("/")[0]]
        drawn, end = draw_step(step, top + GAP)
        parts += [down(max(indent, came_from), top), *drawn]
        top, came_from = end, indent
    return parts, top


def down(indent: int, top: float) -> str:
    """Draw the line from what ends at `top` to what comes after it."""
    x = MARGIN + indent + 24
    return arrow(f"M{x} {top:g}L{x} {top + GAP:g}")


def draw() -> str:
    """Draw the way."""
    statements = (SOURCES / "showtime_adapters/postgres/statements.py").read_text("utf-8")
    if f"pg_notify('{FEED}'" not in statements:
        raise LostWayError(f"nobody is told of {FEED} any more")
    way_in, recorded = draw_way(IN, 44)
    table = recorded + GAP
    way_out, shown = draw_way(OUT, table + 34 + LINE)
    x = MARGIN + INDENT["showtime_adapters"]
    parts = [
        text(MARGIN, 34, "Twitch: POST /callback", "title"),
        *way_in,
        down(INDENT["showtime_adapters"], recorded),
        box(x, table, BOX_WIDTH, 34 + LINE, "box"),
        text(x + 14, table + 23, f"PostgreSQL: COMMIT, and NOTIFY {FEED}", "name"),
        text(x + 14, table + 43, "Twitch is answered 204, and every instance reads on in the feed.", "plain"),
        *way_out,
        text(MARGIN, shown + 34, "The overlay: GET /alerts, on every instance", "title"),
    ]
    return picture(
        "The way of a message",
        "From Twitch through the app and the adapters to the core, to the database, and out to the overlay.",
        shown + 34 + MARGIN,
        parts,
    )
