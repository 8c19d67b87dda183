"""What `showtime dev` serves for its console: every event that Twitch could send, simulated."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from litestar import Router, get, post
from litestar.params import JSONBody
from msgspec import Struct, field

from showtime_app.web.middleware.access import Guard


class SendableEvent(Protocol):
    """An event that can be sent."""

    @property
    def name(self) -> str:
        """EventSub's type."""

    @property
    def about(self) -> str:
        """What happens, for people."""

    @property
    def takes(self) -> Sequence[str]:
        """The names of its options."""


class Simulation(Protocol):
    """Sends events to the callback of this server."""

    def list_events(self) -> Sequence[SendableEvent]:
        """List what can be sent."""

    async def send(self, name: str, texts: Mapping[str, str]) -> Sequence[str]:
        """Send an event with options as texts, and tell what was sent; raises Refused or Unavailable."""


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


def router(simulation: Simulation, host: Guard) -> Router:
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
