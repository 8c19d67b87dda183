"""The options of `showtime simulate`, from the table in `options.toml`."""

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import click

from showtime_app.dev_file import DEFAULT_DATA_DIR
from showtime_app.simulate.cast import read_data
from showtime_app.simulate.event_options import EventOptions
from showtime_app.simulate.messages import Flaw
from showtime_app.simulate.sections import SectionedOption, to_header, to_tier, to_timestamp, to_viewer

EVENT = "The event"
_HEADINGS = {
    "event": EVENT,
    "delivery": "How it is delivered",
    "flaw": "Wrong on purpose (a refusal is then the right answer)",
    "envelope": "The envelope",
    "target": "Where it goes",
}
_KINDS: Mapping[str, Mapping[str, Any]] = {
    "text": {},
    "flag": {"is_flag": True},
    "list": {"multiple": True},
    "who": {"callback": to_viewer, "metavar": "WHO"},
    "header": {"callback": to_header},
    "timestamp": {"callback": to_timestamp},
    "tier": {"callback": to_tier},
    "integer": {"type": int},
    "count": {"type": click.IntRange(min=0)},
    "positive": {"type": click.IntRange(min=1)},
    "many": {"type": click.IntRange(1, 1000)},
    "seconds": {"type": click.FloatRange(min=0, min_open=True)},
    "speed": {"type": click.FloatRange(min=1)},
    "folder": {"type": click.Path(path_type=Path), "default": DEFAULT_DATA_DIR},
    "webhook": {"type": click.Choice(["webhook"])},
}


@attrs.frozen
class Pacing:
    """How fast messages go out."""

    rate: float | None = None
    """Messages each second; None is as fast as it goes."""
    concurrency: int = 1


def _option(section: str, key: str, row: Mapping[str, Any]) -> SectionedOption:
    """Make an option; each command needs its own."""
    settings = {name: value for name, value in row.items() if name not in {"flags", "kind", "name"}}
    default = getattr(attrs.fields_dict(EventOptions).get(key), "default", None)
    if isinstance(default, str):
        settings["default"] = default
    names = (*row["flags"], row.get("name", key))
    return SectionedOption(*names, section=_HEADINGS[section], **settings, **_KINDS[row.get("kind", "text")])


_TABLE = read_data("options")
_OPTIONS = {
    key: partial(_option, name, key, row) for name, rows in _TABLE.items() for key, row in rows.items()
}
EVENT_OPTIONS = {key: _OPTIONS[key] for key in _TABLE["event"] if key not in {"gift_user", "to_user"}}
"""The options of what events say, by the names of the fields of `EventOptions`."""
COMMON = ("timeout", "seed", "dry_run")
"""What every command takes, beside where it goes."""
TARGET = tuple(key for key in _TABLE["target"] if key != "token")


def parameters(*keys: str) -> list[click.Parameter]:
    """Make the options of a command, by their names in the table."""
    return [_OPTIONS[key]() for key in keys]


def delivered(takes: Iterable[str], status: str = "status") -> list[click.Parameter]:
    """Make the options of what is delivered; `status` names the one that says what ends a subscription."""
    delivery = [key for key in _TABLE["delivery"] if key not in {"speed", "any_speed", "same_ids"}]
    envelope = [key for key in _TABLE["envelope"] if key not in {"status", "reason"}]
    return parameters(*takes, "to_user", *delivery, *_TABLE["flaw"], *envelope, status, *TARGET)


def flaw_in(given: Mapping[str, object]) -> Flaw | None:
    """Find the flaw among the given options; raises UsageError for two of them."""
    flaws = [flaw for flaw in Flaw if given.get(flaw.value)]
    if len(flaws) > 1:
        raise click.UsageError(f"one thing wrong at a time: {' and '.join(f'--{flaw}' for flaw in flaws)}")
    return flaws[0] if flaws else None
