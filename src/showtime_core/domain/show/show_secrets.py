"""Secrets by which an overlay takes alerts, and a hotkey commands: they may do that, and nothing else."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from attrs import field, frozen

from showtime_core.errors import Refused
from showtime_core.texts import clean

MAX_NAME_CHARACTERS = 60
"""Of the name of a secret, which is for people."""


class SecretKind(StrEnum):
    """What a secret is for; it begins with this word."""

    OVERLAY = "overlay"
    HOTKEY = "hotkey"


def _name(text: str) -> str:
    name = clean(text).strip()
    if not 1 <= len(name) <= MAX_NAME_CHARACTERS:
        raise Refused(f"the name must have 1 to {MAX_NAME_CHARACTERS} characters")
    return name


@frozen
class ShowSecret:
    """A secret that was made, without itself. Raises Refused for a name of no or more than 60 characters."""

    id: UUID
    kind: SecretKind
    name: str = field(converter=_name)
    """For people: which overlay, which key."""
    made_at: datetime | None = None
    """By the database's clock; None: it is not kept yet."""


def spell_secret(kind: SecretKind, chance: str) -> str:
    """Spell a secret, so that its kind is seen by whoever finds it; `chance` is not to be guessed."""
    return f"{kind}_{chance}"


def kind_of(token: str) -> SecretKind | None:
    """Tell which kind of secret a bearer token is; None: it is none of these."""
    return next((kind for kind in SecretKind if token.startswith(f"{kind}_")), None)
