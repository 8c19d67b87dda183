"""What the console is told of the night that is on, and of the neighbours, by one instance."""

import time
from collections.abc import Sequence

from litestar.types import ControllerRouterHandler

from showtime_adapters.twitch.messages import read_again
from showtime_app.composition.ports import Ports
from showtime_app.config import Settings
from showtime_app.metrics import Metrics
from showtime_app.web.middleware.access import Guards
from showtime_app.web.routes import lights, local_simulate, night_feed
from showtime_app.web.times import Time
from showtime_core.domain.lights import Light, LightInputs, light_up
from showtime_core.use_cases.read_night_feed import ReadNightFeed


def console_routes(
    settings: Settings, ports: Ports, metrics: Metrics, guards: Guards
) -> Sequence[ControllerRouterHandler]:
    """Let hosts read the night, and how the neighbours stand; on a laptop, simulate events."""
    storage, host = ports.storage, guards.host
    return [
        night_feed.router(ReadNightFeed(storage.night_feed, read_again), storage.history, host),
        lights.router(_read_lights(settings, ports, metrics), host),
        *([local_simulate.router(ports.simulation, host)] if ports.simulation else []),
    ]


def _read_lights(settings: Settings, ports: Ports, metrics: Metrics) -> lights.ReadLights:
    """Tell how the neighbours stand."""
    storage, neighbours = ports.storage, ports.neighbours
    wired = {
        "ledger": neighbours.ledger,
        "openai": neighbours.painter,
        "storage": neighbours.bucket,
        "discord": neighbours.gallery,
    }

    async def read() -> tuple[Time, Sequence[Light]]:
        began = time.perf_counter()
        state, health = await storage.read_health()
        milliseconds = round((time.perf_counter() - began) * 1000)
        known = LightInputs(
            health,
            state,
            await storage.night_feed.effect_tries(),
            metrics.last_answers.get("auth"),
            milliseconds,
            settings.chat_way,
            is_checked=ports.twitch is not None,
            absent=[name for name, neighbour in wired.items() if neighbour is None],
        )
        return Time.of(health.now), light_up(known)

    return read
