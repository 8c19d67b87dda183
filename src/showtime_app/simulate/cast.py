"""Who comes to the show, and what they say: the material that simulated events are drawn from."""

import tomllib
import uuid
from collections.abc import Iterator
from importlib.resources import files
from random import Random
from typing import Any

from attrs import frozen

from showtime_core.domain.viewers import Viewer


def read_data(name: str) -> dict[str, Any]:
    """Read a file of data that lies beside the code."""
    return tomllib.loads((files(__package__) / f"{name}.toml").read_text("utf-8"))


MATERIAL = read_data("cast")
CHANNEL: str = MATERIAL["channel"]


@frozen
class Tape:
    """A tape on the host's shelf."""

    id: int
    """Its number in the catalogue, as `POST /admin/tape/{id}` takes it."""
    title: str


def viewer(name: str, user_id: str | None = None) -> Viewer:
    """Make the viewer of a display name; the same name is always the same user.

    `showtime token` names its bearers by it too, so that a viewer who cheered in a simulation can spend those
    points with a token.
    """
    login = name.lower()
    user_id = user_id or str(uuid.uuid5(uuid.NAMESPACE_DNS, login).int % 10**9)
    # A display name in another script has a login in ASCII.
    return Viewer(id=user_id, login=login if login.isascii() else f"user{user_id}", display_name=name)


def someone(rng: Random, of: str = "regulars") -> Viewer:
    """Draw one of the regulars, or of others that the material names."""
    return viewer(rng.choice(MATERIAL[of]))


def crowd(rng: Random, size: int) -> tuple[Viewer, ...]:
    """Draw that many different viewers, the regulars first."""
    names = _names(rng)
    return tuple(viewer(next(names)) for _ in range(size))


def _names(rng: Random) -> Iterator[str]:
    regulars = MATERIAL["regulars"]
    yield from rng.sample(regulars, len(regulars))
    newcomers = [first + second for first in MATERIAL["first_halves"] for second in MATERIAL["second_halves"]]
    yield from rng.sample(newcomers, len(newcomers))
    number = 2
    while True:
        yield from (f"{name}{number}" for name in newcomers)
        number += 1
