"""How one instance of the service is put together."""

from functools import partial

from showtime_adapters.auth import AuthService
from showtime_adapters.json_schemas import shapes
from showtime_adapters.local.tokens import TokenIssuer
from showtime_adapters.postgres.backlog import read_backlog
from showtime_adapters.postgres.heartbeat import Pulse
from showtime_adapters.postgres.history import PostgresHistory
from showtime_adapters.postgres.ledger import PostgresLedger
from showtime_adapters.postgres.readiness import require_ready
from showtime_adapters.twitch.eventsub import Receiver, Sorted
from showtime_app.composition.chat import wire_chat
from showtime_app.composition.effects import wire_ghosts, wire_relay
from showtime_app.composition.journal import Recording, wire_feed, wire_recording
from showtime_app.composition.neighbours import Laptop, wire_neighbours
from showtime_app.composition.parked import wire_desk
from showtime_app.composition.resources import Ground, Guards
from showtime_app.composition.twitch import read_standing, wire_upkeep
from showtime_app.config import Settings
from showtime_app.server import Server, create_app
from showtime_app.web.middleware import edge_limits, request_id
from showtime_app.web.middleware.stream_limits import StreamLimits
from showtime_app.web.routes import admin, callback, console, history, parked, status, streams
from showtime_core.domain.chat import ChatSource
from showtime_core.domain.points_and_ghosts.effects import Feature
from showtime_core.domain.reactions import Policy
from showtime_core.ports import Authenticator


def compose(
    settings: Settings,
    conninfo: str,
    secrets: tuple[str, ...],
    token_secret: str | None = None,
    laptop: Laptop | None = None,
) -> Server:
    """Wire the service; without a secret for tokens of our own they are the business of the auth service.

    A laptop is harmless: it makes itself what the settings do not name, and changes nothing at Twitch.
    """
    ground = Ground.lay(settings, conninfo)
    guards = Guards.post(_wire_authenticator(ground, token_secret))
    bank, pulse = PostgresLedger(ground.recording), Pulse()
    neighbours = wire_neighbours(settings, bank, pulse.require, ground.telemetry, laptop)
    ground.parts.hold(neighbours.opened())
    policy = Policy(settings.alert_gift_recipients, neighbours.features, settings.ghost_limits)
    recording = wire_recording(ground, policy)
    chat = wire_chat(ground)
    off = sorted(set(Feature) - neighbours.features) + ([] if settings.has_chat else ["chat"])
    is_checked = laptop is None and wire_upkeep(ground, recording)
    ground.parts.serve(*streams.routes(wire_feed(ground), chat.source, chat.recent))
    _wire_status(ground, off, chat.way, is_checked=is_checked)
    _wire_host(ground, recording, guards, off)
    wire_ghosts(ground, recording, guards, neighbours.bank or bank)
    wire_relay(ground, recording, neighbours, pulse)
    ground.parts.serve(*neighbours.routes)
    return _serve(ground, Receiver(secrets, Sorted(recording.inbox, chat.inbox)), off)


def _wire_authenticator(ground: Ground, token_secret: str | None) -> Authenticator:
    if token_secret:
        return TokenIssuer(token_secret)
    return ground.parts.hold(AuthService(ground.settings.auth_url, ground.telemetry("auth")))


def _wire_status(ground: Ground, off: list[str], chat: ChatSource, *, is_checked: bool) -> None:
    async def check() -> None:
        await require_ready(ground.pool)
        await ground.writes.require()

    standing = partial(read_standing, ground.pool)
    watch = status.Watch(
        standing,
        ground.writes.require,
        off,
        is_checked=is_checked,
        chat=chat,
        most_painted=ground.settings.ghost_limits.painted,
    )
    ground.parts.serve(*status.routes(watch, check, ground.metrics, partial(read_backlog, ground.pool)))


def _wire_host(ground: Ground, recording: Recording, guards: Guards, off: list[str]) -> None:
    """Let everybody read what was, and the broadcaster change what is."""
    past = PostgresHistory(ground.pool)
    ground.parts.serve(
        history.router(past),
        console.route(partial(read_standing, ground.pool), off, guards.broadcaster_only),
        admin.router(recording.units, past, recording.policy, guards.broadcaster_only),
        parked.router(wire_desk(ground.recording, recording.units), guards.broadcaster_only),
    )


def _serve(ground: Ground, receiver: Receiver, off: list[str]) -> Server:
    """Put the web in front: what must be answered at once before what may be refused a place."""
    settings, metrics, parts = ground.settings, ground.metrics, ground.parts
    app = create_app(parts.routes, parts.running, shapes(), settings.cors_allowed_origins)
    limits = StreamLimits(settings.max_streams, settings.max_streams_per_address, settings.trusted_networks)
    front = callback.in_front(edge_limits.shielded(app, limits, metrics), receiver.receive, metrics)
    return Server(request_id.with_request_id(front), parts.stop, off)
