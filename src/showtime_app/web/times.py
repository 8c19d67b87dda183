"""Times in what the routes answer: as they are written everywhere, which the framework's encoder does not."""

from datetime import datetime
from typing import Annotated, Any, TypeVar

from msgspec import convert

from showtime_app.web.openapi.descriptions import Object, says
from showtime_core.texts import format_time

Shape = TypeVar("Shape")

DATE_TIME: Object = {"type": "string", "format": "date-time"}
"""A time as JSON Schema knows it."""


class Time(str):
    """A time as it is written; see `format_time`."""

    __slots__ = ()

    @classmethod
    def of(cls, moment: datetime) -> "Time":
        """Write a moment."""
        return cls(format_time(moment))


TimeField = Annotated[Time, says("", **DATE_TIME)]
"""A time as a field of an answer, where there is no more to say of it."""


def convert_to(shape: type[Shape], value: Any) -> Shape:  # noqa: ANN401 - whatever has these fields
    """Make an answer of what has fields of these names; moments are written as times."""
    return convert(value, shape, from_attributes=True, dec_hook=_write)


def _write(_: type, moment: datetime) -> Time:
    return Time.of(moment)
