"""The lights of the neighbours, for the host: `GET /admin/health`."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated

from litestar import Router, get
from msgspec import Struct

from showtime_app.web.middleware.access import HOST, Guard
from showtime_app.web.openapi.descriptions import said, says
from showtime_app.web.times import DATE_TIME, Time, TimeField
from showtime_core.domain.lights import Light, LightState


class LightDocument(Struct, rename="camel"):
    """How one neighbour stands."""

    name: Annotated[str, says("Names it.", examples=["ledger"])]
    title: Annotated[str, says("As people call it.")]
    state: Annotated[str, says("`unknown`: nobody has asked it for ten minutes.", enum=[*LightState])]
    said: Annotated[str, says("What was asked of it last, or what is wrong.")]
    remedy: Annotated[str | None, says("What to do; null: nothing.")]
    tried_at: Annotated[TimeField | None, says("When it was asked last; null: that is not known.")]
    at: Annotated[Time, says("When this was so.", **DATE_TIME)]


class Lights(Struct):
    """How the neighbours stand."""

    lights: Annotated[list[LightDocument], says("Always the same eight, in the same order.")]


ReadLights = Callable[[], Awaitable[tuple[Time, Sequence[Light]]]]


def router(read: ReadLights, host: Guard) -> Router:
    """Make the route; `read` tells when the lights are so, and the lights."""

    @get("/health", opt=said("get_lights"))
    async def get_lights() -> Lights:
        """Tell how the neighbours stand, by what was asked of them last: nothing is tried."""
        at, lights = await read()
        return Lights([_describe(each, at) for each in lights])

    return Router("/admin", route_handlers=[get_lights], guards=[host], security=HOST, tags=["host"])


def _describe(light: Light, at: Time) -> LightDocument:
    tried_at = Time.of(light.tried_at) if light.tried_at else None
    return LightDocument(light.name, light.title, light.state.value, light.said, light.remedy, tried_at, at)
