"""How one instance of the service is put together."""

from functools import partial

from showtime_adapters.auth import AuthService
from showtime_adapters.json_schemas import json_schemas
from showtime_adapters.local.tokens import TokenIssuer
from showtime_adapters.postgres.heartbeat import Heartbeat
from showtime_adapters.postgres.history import PostgresHistory
from showtime_adapters.postgres.ledger import PostgresLedger
from showtime_adapters.postgres.pending_work import read_pending_work
from showtime_adapters.postgres.readiness import require_ready
from showtime_adapters.twitch.eventsub import Receiver, RoutingInbox
from showtime_app.composition.chat import wire_chat
from showtime_app.composition.effects import wire_ghosts, wire_relay
from showtime_app.composition.journal import Recording, wire_feed, wire_recording
from showtime_app.composition.neighbours import DevPlace, wire_neighbours
from showtime_app.composition.parked import wire_decide_parked
from showtime_app.composition.resources import Guards, Resources
from showtime_app.composition.twitch import read_health, wire_upkeep
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
    dev_place: DevPlace | None = None,
) -> Server:
    """Wire the service; without a secret for tokens of our own they are the business of the auth service.

    A laptop is harmless: it makes itself what the settings do not name, and changes nothing at Twitch.
    """
    resources = Resources.open(settings, conninfo)
    guards = Guards.of(_wire_authenticator(resources, token_secret))
    ledger, heartbeat = PostgresLedger(resources.recording), Heartbeat()
    neighbours = wire_neighbours(settings, ledger, heartbeat.require, resources.telemetry, dev_place)
    resources.lifecycle.manage(neighbours.opened())
    policy = Policy(settings.alert_gift_recipients, neighbours.features, settings.ghost_limits)
    recording = wire_recording(resources, policy)
    chat = wire_chat(resources)
    off = sorted(set(Feature) - neighbours.features) + ([] if settings.has_chat else ["chat"])
    is_checked = dev_place is None and wire_upkeep(resources, recording)
    resources.lifecycle.add_routes(*streams.routes(wire_feed(resources), chat.source, chat.recent))
    _wire_status(resources, off, chat.kind, is_checked=is_checked)
    _wire_host(resources, recording, guards, off)
    wire_ghosts(resources, recording, guards, neighbours.ledger or ledger)
    wire_relay(resources, recording, neighbours, heartbeat)
    resources.lifecycle.add_routes(*neighbours.routes)
    return _serve(resources, Receiver(secrets, RoutingInbox(recording.inbox, chat.inbox)), off)


def _wire_authenticator(resources: Resources, token_secret: str | None) -> Authenticator:
    if token_secret:
        return TokenIssuer(token_secret)
    return resources.lifecycle.manage(AuthService(resources.settings.auth_url, resources.telemetry("auth")))


def _wire_status(resources: Resources, off: list[str], chat: ChatSource, *, is_checked: bool) -> None:
    async def check() -> None:
        await require_ready(resources.pool)
        await resources.writes.require()

    standing = partial(read_health, resources.pool)
    watch = status.ReadinessCache(
        standing,
        resources.writes.require,
        off,
        is_checked=is_checked,
        chat=chat,
        most_painted=resources.settings.ghost_limits.painted,
    )
    resources.lifecycle.add_routes(
        *status.routes(watch, check, resources.metrics, partial(read_pending_work, resources.pool))
    )


def _wire_host(resources: Resources, recording: Recording, guards: Guards, off: list[str]) -> None:
    """Let everybody read what was, and the broadcaster change what is."""
    past = PostgresHistory(resources.pool)
    resources.lifecycle.add_routes(
        history.router(past),
        console.route(partial(read_health, resources.pool), off, guards.broadcaster_only),
        admin.router(recording.units, past, recording.policy, guards.broadcaster_only),
        parked.router(wire_decide_parked(resources.recording, recording.units), guards.broadcaster_only),
    )


def _serve(resources: Resources, receiver: Receiver, off: list[str]) -> Server:
    """Put the web in front: what must be answered at once before what may be refused a place."""
    settings, metrics, lifecycle = resources.settings, resources.metrics, resources.lifecycle
    app = create_app(lifecycle.routes, lifecycle.running, json_schemas(), settings.cors_allowed_origins)
    limits = StreamLimits(settings.max_streams, settings.max_streams_per_address, settings.trusted_networks)
    front = callback.in_front(edge_limits.with_edge_limits(app, limits, metrics), receiver.receive, metrics)
    return Server(request_id.with_request_id(front), lifecycle.stop, off)
