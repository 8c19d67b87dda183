"""Options as click knows them, with two things more: sections in the help, and values of this domain."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

import attrs
import click

from showtime_app.simulate import cast as people
from showtime_app.simulate import timestamps
from showtime_core.domain.viewers import Viewer

_T = TypeVar("_T")


class SectionedOption(click.Option):
    """An option that knows under which heading the help lists it."""

    def __init__(self, *names: str, section: str, **settings: Any) -> None:  # noqa: ANN401 - as click takes them
        if isinstance(settings.get("type"), click.IntRange | click.FloatRange):
            settings["metavar"] = "N"
        super().__init__(names, show_default=True, **settings)
        self.section = section


class SectionedCommand(click.Command):
    """A command whose help lists its options by section."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one list of options for each section."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record:
                sections.setdefault(getattr(parameter, "section", "Help"), []).append(record)
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records)


def to_viewer(_ctx: click.Context, _param: click.Parameter, value: str | None) -> Viewer | None:
    """Read NAME, NAME:ID, or an ID alone."""
    if value is None:
        return None
    name, _, user_id = value.partition(":")
    if not user_id and name.isascii() and name.isdigit():
        return people.viewer(f"Viewer{name}", name)
    if not name or (user_id and not (user_id.isascii() and user_id.isdigit())):
        raise click.BadParameter(f"{value!r} is no NAME, no NAME:ID and no ID")
    return people.viewer(name, user_id or None)


def to_header(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """Check that a text fits into an HTTP header."""
    if value is not None and not (
        value and value.isascii() and value.isprintable() and value == value.strip()
    ):
        raise click.BadParameter(f"{value!r} does not fit into a header: printable ASCII only")
    return value


def to_timestamp(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """Check the form of a message timestamp; it is sent as it is written."""
    try:
        timestamps.read(value or timestamps.written(0))
    except ValueError as reason:
        raise click.BadParameter(str(reason)) from reason
    return value


def to_tier(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    """Read a tier as people call it; any other text is sent as it is."""
    return {"1": "1000", "2": "2000", "3": "3000"}.get(value, value)


def pick(cls: type[_T], given: Mapping[str, object]) -> _T:
    """Make an attrs value of those options that are named as its fields, and were given."""
    make: Callable[..., _T] = cls
    names = attrs.fields_dict(cast("type[attrs.AttrsInstance]", cls))
    return make(**{name: given[name] for name in names if given.get(name) is not None})
