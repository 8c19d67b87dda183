"""What `showtime dev` serves for its console: every event that Twitch could send, simulated."""

from typing import TYPE_CHECKING

from litestar import Router, get, post
from litestar.params import JSONBody
from msgspec import Struct, field

from showtime_app.web.middleware.access import Guard

if TYPE_CHECKING:  # a laptop alone needs what simulates
    from showtime_app.simulate.panel import SimulationPanel


class EventChoice(Struct):
    """An event that can be sent."""

    name: str
    about: str
    takes: list[str]


class EventChoices(Struct):
    """All that can be sent."""

    events: list[EventChoice]


class WantedEvent(Struct):
    """An event to be sent."""

    event: str
    options: dict[str, str] = field(default_factory=dict)


class SentEvent(Struct):
    """What was sent."""

    sent: list[str]


def router(simulation: "SimulationPanel", host: Guard) -> Router:
    """Make the routes."""

    @get("/", include_in_schema=False)
    async def list_simulated() -> EventChoices:
        """List what can be sent."""
        return EventChoices(
            [EventChoice(each.name, each.about, [*each.takes]) for each in simulation.list_events()]
        )

    @post("/", status_code=200, include_in_schema=False)
    async def simulate(data: JSONBody[WantedEvent]) -> SentEvent:
        """Send an event, as Twitch would."""
        return SentEvent([*await simulation.send(data.event, data.options)])

    return Router("/local/simulate", route_handlers=[list_simulated, simulate], guards=[host])
