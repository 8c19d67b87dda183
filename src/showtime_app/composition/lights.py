"""What the lights of the neighbours are told from, of one instance."""

import time
from collections.abc import Sequence

from showtime_app.composition.ports import Ports
from showtime_app.config import Settings
from showtime_app.metrics import Metrics
from showtime_app.web.routes.lights import ReadLights
from showtime_app.web.times import Time
from showtime_core.domain.lights import Known, Light, light_up


def read_lights(settings: Settings, ports: Ports, metrics: Metrics) -> ReadLights:
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
        known = Known(
            health,
            state,
            await storage.night.efforts(),
            metrics.last_answers.get("auth"),
            milliseconds,
            settings.chat_way,
            is_checked=ports.twitch is not None,
            absent=[name for name, neighbour in wired.items() if neighbour is None],
        )
        return Time.of(health.now), light_up(known)

    return read
