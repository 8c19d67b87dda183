"""The lights of the neighbours, for the host: `GET /admin/health`."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated

from litestar import Router, get
from msgspec import Struct

from showtime_app.web.middleware.access import HOST, Guard
from showtime_app.web.openapi.descriptions import AWAY, described, says
from showtime_app.web.times import DATE_TIME, Time, TimeField
from showtime_core.domain.lights import Light, LightState


class LightDocument(Struct, rename="camel"):
    """How one neighbour stands."""

    name: Annotated[str, says("Names it.", examples=["ledger"])]
    title: Annotated[str, says("As people call it.")]
    state: Annotated[
        str,
        says("`unknown`: nobody has asked it for ten minutes.", enum=[each.value for each in LightState]),
    ]
    said: Annotated[str, says("What was asked of it last, or what is wrong.")]
    remedy: Annotated[str | None, says("What to do; null: nothing.")]
    tried_at: Annotated[TimeField | None, says("When it was asked last; null: that is not known.")]
    at: Annotated[Time, says("When this was so.", **DATE_TIME)]


class Lights(Struct):
    """How the neighbours stand."""

    lights: Annotated[list[LightDocument], says("Always the same eight, in the same order.")]


ReadLights = Callable[[], Awaitable[tuple[Time, Sequence[Light]]]]
_EXAMPLE = {
    "lights": [
        {
            "name": "ledger",
            "title": "Ledger",
            "state": "ok",
            "said": "moved points",
            "remedy": None,
            "triedAt": "2026-10-30T22:49:31Z",
            "at": "2026-10-30T22:49:40Z",
        }
    ]
}


def router(read: ReadLights, host: Guard) -> Router:
    """Make the route; `read` tells when the lights are so, and the lights."""

    @get("/health", opt=described(example=_EXAMPLE, refusals=AWAY))
    async def get_lights() -> Lights:
        """Tell how the neighbours stand, by what was asked of them last: nothing is tried."""
        at, lights = await read()
        return Lights([_describe(each, at) for each in lights])

    return Router("/admin", route_handlers=[get_lights], guards=[host], security=HOST, tags=["host"])


def _describe(light: Light, at: Time) -> LightDocument:
    tried_at = Time.of(light.tried_at) if light.tried_at else None
    return LightDocument(light.name, light.title, light.state.value, light.said, light.remedy, tried_at, at)
