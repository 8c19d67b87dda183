"""Rules of a kind: how alerts of one `type` are played, as the broadcaster sets them."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from attrs import field, frozen

from showtime_core.errors import Refused

MIN_SECONDS, MAX_SECONDS = 0.5, 120.0
MAX_BITS = 2**31 - 1
"""The largest number of bits that a rule may ask for."""


class IfBusy(StrEnum):
    """What becomes of an alert that comes while something plays or waits."""

    QUEUE = "queue"
    SKIP = "skip"


class InSafeMode(StrEnum):
    """What becomes of a kind in safe mode."""

    SHOW = "show"
    JOIN = "join"
    DROP = "drop"


def _within(least: float, most: float) -> Any:  # noqa: ANN401 - attrs' own type says nothing more
    def check(_: object, attribute: Any, value: float) -> None:  # noqa: ANN401
        if not least <= value <= most:
            raise Refused(f"{attribute.name.replace('_', ' ')} must be {least:g} to {most:g}")

    return check


@frozen
class KindRule:
    """How alerts of one kind are played. Raises Refused for what is out of bounds."""

    seconds: float = field(default=8.0, validator=_within(MIN_SECONDS, MAX_SECONDS))
    """How long one plays, from 0.5 to 120."""
    if_busy: IfBusy = IfBusy.QUEUE
    min_bits: int = field(default=1, validator=_within(1, MAX_BITS))
    """An alert of fewer bits is not played; this counts for alerts that have bits."""
    is_joined: bool = False
    """Those that wait are taken together, ten seconds after the first, and become one."""
    in_safe_mode: InSafeMode = InSafeMode.SHOW

    def joins(self, *, is_safe: bool) -> bool:
        """Tell whether those that wait become one."""
        return self.is_joined or (is_safe and self.in_safe_mode is InSafeMode.JOIN)

    def drops(self, *, is_safe: bool) -> bool:
        """Tell whether it is not played for safety."""
        return is_safe and self.in_safe_mode is InSafeMode.DROP


_DEFAULTS: Mapping[str, KindRule] = {
    "follow": KindRule(seconds=6.0, in_safe_mode=InSafeMode.JOIN),
    "raid": KindRule(seconds=10.0, in_safe_mode=InSafeMode.JOIN),
    "gift-sub": KindRule(seconds=10.0),
    "generated-images": KindRule(seconds=20.0),
}


def default_rule(kind: str) -> KindRule:
    """Give the rule of a kind that the broadcaster has not set."""
    return _DEFAULTS.get(kind, KindRule())
