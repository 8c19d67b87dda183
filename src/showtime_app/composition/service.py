"""What one instance of the service is made of."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from uuid import UUID, uuid4

from attrs import evolve, frozen
from litestar.handlers import BaseRouteHandler
from litestar.types import ASGIApp, ControllerRouterHandler

from showtime_adapters.json_schemas import json_schemas
from showtime_adapters.twitch.eventsub import Receiver
from showtime_adapters.twitch.messages import read_again
from showtime_adapters.wire import ALERT_TYPES
from showtime_app.composition import sign_in
from showtime_app.composition.console import console_routes
from showtime_app.composition.lifecycle import log_readiness, running
from showtime_app.composition.ports import Ports, Relay, Storage, Work
from showtime_app.composition.preflight import make_preflight
from showtime_app.composition.receiving import Receiving, make_receiving
from showtime_app.composition.relaying import make_relays
from showtime_app.composition.twitch import look_after_channel
from showtime_app.config import Settings
from showtime_app.metrics import Metrics
from showtime_app.server import Server, create_app
from showtime_app.upkeep import repeat
from showtime_app.web.hub import CHAT_QUEUE_LENGTH, Hub
from showtime_app.web.middleware import edge_limits, request_id
from showtime_app.web.middleware.access import Guards, viewers_only
from showtime_app.web.middleware.stream_limits import StreamLimits
from showtime_app.web.polling import Polling
from showtime_app.web.queue_document import describe_queue
from showtime_app.web.routes import (
    admin,
    callback,
    console,
    ghost_approvals,
    ghosts,
    history,
    ledger,
    moderators,
    nights,
    pages,
    parked,
    preflight,
    show,
    show_settings,
    show_stream,
    show_tests,
    status,
    streams,
)
from showtime_app.web.train_document import describe_train
from showtime_app.web.watch import watch_of
from showtime_core.domain.health import Readiness, assess
from showtime_core.domain.points_and_ghosts.effects import Feature
from showtime_core.domain.reactions import Policy
from showtime_core.domain.show.show_secrets import SecretKind
from showtime_core.use_cases.decide_parked import DecideParked
from showtime_core.use_cases.look_back import LookBack
from showtime_core.use_cases.record_chat import RecordChat
from showtime_core.use_cases.request_ghost import RequestGhost
from showtime_core.use_cases.run_show import RunShow

_REPORT_SECONDS = 4.0
Routes = Sequence[ControllerRouterHandler]


@frozen
class _Instance:
    """What an instance is made of, whatever its role."""

    settings: Settings
    ports: Ports
    storage: Storage
    """Counted, timed and logged."""
    metrics: Metrics
    policy: Policy
    off: Sequence[str]
    """What the channel does without."""
    receiving: Receiving
    relays: Sequence[Relay]


def build_service(settings: Settings, ports: Ports, metrics: Metrics) -> Server:
    """Put one instance together, of whatever is behind the ports; nothing is opened before it serves."""
    storage, features = ports.storage.instrumented(metrics, ports.clock), ports.neighbours.features
    policy = Policy(settings.alert_gift_recipients, features, settings.ghost_limits)
    off = [*sorted(set(Feature) - features), *(["chat"] if settings.chat_way == "off" else [])]
    receiving = make_receiving(settings, ports, storage, policy)
    relays = make_relays(settings, ports, storage, receiving.inbox, metrics)
    of_all = _Instance(settings, ports, storage, metrics, policy, off, receiving, relays)
    return _relay_alone(of_all) if settings.instance_role == "relay" else _whole(of_all)


def _relay_alone(of_all: _Instance) -> Server:
    """Perform effects, and tell how that goes; receive and show nothing."""
    storage, relays = of_all.storage, of_all.relays
    resources = [*storage.resources, of_all.ports.neighbours.opened(), of_all.receiving.inbox, *relays]
    told = _status_routes(of_all, _readiness(of_all))
    background = [partial(log_readiness, storage.require_ready)]
    app = create_app(
        [route for route in told if "/" not in route.paths], partial(running, resources, background)
    )
    return Server(app, [relay.stop for relay in relays], of_all.off)


def _whole(of_all: _Instance) -> Server:
    """Receive, show, and perform effects unless others do."""
    settings, ports, storage, receiving = of_all.settings, of_all.ports, of_all.storage, of_all.receiving
    policy, relays, instance = of_all.policy, of_all.relays, uuid4()

    # What was recorded is shown, whichever instance has recorded it; and who asks is answered.
    replay = timedelta(minutes=settings.alert_replay_minutes)
    hub, chat_hub = Hub(of_all.metrics), Hub(of_all.metrics, CHAT_QUEUE_LENGTH)
    feed = streams.StreamSource(hub, partial(storage.missed_alerts, replay), storage.read_feed_tip)
    chat = streams.StreamSource(chat_hub, storage.missed_chat, storage.read_chat_tip)
    shown = _show_sources(storage, feed, chat, _readiness(of_all), instance)
    polling, jobs = Polling(ghosts.WAIT_SECONDS), preflight.PreflightJobs(make_preflight(settings, ports))
    routes = _routes(of_all, shown, polling, jobs)

    # What is opened when it starts, in this order, and closed in reverse; what runs beside it; and what ends
    # as soon as it is told to stop, while requests are still under way.
    inboxes = [receiving.inbox, receiving.chat_inbox]
    resources = [*storage.resources, ports.neighbours.opened(), *inboxes, *relays, jobs]
    background: list[Work] = [
        partial(log_readiness, storage.require_ready),
        storage.prune,
        storage.follow_chat(chat.hub.publish, chat.hub.is_watched),
        *_work_at_twitch(settings, ports, storage, policy, receiving.record_chat),
        storage.follow_feed(feed.hub.publish, feed.hub.is_watched),
        storage.follow_show(shown.look, shown.is_watched),
        _report_streamed(storage, policy, feed, instance),
    ]
    streams_end = [chat.hub.close, feed.hub.close, shown.stopped.set]
    on_stop = [*streams_end, polling.stop, *(relay.stop for relay in relays)]

    cors = settings.cors_allowed_origins
    app = create_app(routes, partial(running, resources, background), json_schemas(), cors)
    return Server(_in_front(app, settings, receiving.receiver, of_all.metrics), on_stop, of_all.off)


def _routes(
    of_all: _Instance, shown: show_stream.ShowSources, polling: Polling, jobs: preflight.PreflightJobs
) -> Routes:
    """Give all that is answered, but for what stands in front."""
    settings, ports, storage, policy = of_all.settings, of_all.ports, of_all.storage, of_all.policy
    hosts = sign_in.session_routes(settings, ports)
    guards = Guards(
        ports.authenticator, hosts.use_case, storage.show_secrets, hosts.cookies, hosts.same_origin
    )
    return [
        *streams.routes(shown.feed, shown.chat, storage.recent_chat),
        *_status_routes(of_all, shown.health),
        *_show(guards, storage, policy, shown),
        *_for_the_host(guards, storage, policy, of_all.off, jobs),
        *console_routes(settings, ports, of_all.metrics, guards),
        hosts.router(),
        moderators.router(hosts.use_case, guards.broadcaster),
        *_ghosts(ports, storage, policy, polling),
        *_points(ports),
        *pages.routes(),
        *ports.neighbours.routes,
    ]


def _status_routes(of_all: _Instance, readiness: status.ReadinessCache) -> Sequence[BaseRouteHandler]:
    """Tell how the instance stands."""
    storage = of_all.storage
    return status.routes(readiness, storage.require_ready, of_all.metrics, storage.read_pending_work)


def _readiness(of_all: _Instance) -> status.ReadinessCache:
    """Tell how it stands."""
    settings, storage, off = of_all.settings, of_all.storage, of_all.off

    async def judge() -> Readiness:
        state, health = await storage.read_health()
        is_checked, painted = of_all.ports.twitch is not None, settings.ghost_limits.painted
        return assess(health, state, off, is_checked=is_checked, chat=settings.chat_way, most_painted=painted)

    return status.ReadinessCache(judge, storage.require_writable)


def _show_sources(
    storage: Storage,
    feed: streams.StreamSource,
    chat: streams.StreamSource,
    readiness: status.ReadinessCache,
    instance: UUID,
) -> show_stream.ShowSources:
    """Gather what a page of ours is told in one stream."""

    async def read_queue() -> object:
        view = await storage.show.read()
        is_streamed = feed.hub.is_read("alerts") or view.show.is_streamed_beside(instance)
        return describe_queue(view, is_also_streamed=is_streamed)

    async def read_train() -> object:
        state, _ = await storage.read_health()
        return describe_train(state)

    async def read_night() -> object:
        return {"revision": await storage.night_feed.revision()}

    watches = {"queue": watch_of(read_queue), "train": watch_of(read_train), "night": watch_of(read_night)}
    return show_stream.ShowSources(feed, chat, storage.recent_chat, watches, readiness)


def _report_streamed(storage: Storage, policy: Policy, feed: streams.StreamSource, instance: UUID) -> Work:
    """Tell all instances while somebody reads the alerts at this one without the queue."""
    use_case = RunShow(storage.show, storage.units, policy)

    async def report() -> None:
        if feed.hub.is_read("alerts"):
            await use_case.report_streamed(instance)

    return partial(repeat, "telling that alerts are streamed", report, *[_REPORT_SECONDS] * 2)


def _show(guards: Guards, storage: Storage, policy: Policy, shown: show_stream.ShowSources) -> Routes:
    """Let overlays play what happens, and hosts command it."""
    use_case, kinds = RunShow(storage.show, storage.units, policy), sorted(ALERT_TYPES.values())
    overlays = guards.holders_of(SecretKind.OVERLAY)
    return [
        *show.routers(use_case, overlays, guards.holders_of(SecretKind.HOTKEY, guards.host)),
        *show_settings.routers(use_case, storage.show_secrets, kinds, guards),
        show_tests.router(use_case, guards.host),
        show_stream.route(shown, guards),
    ]


def _for_the_host(
    guards: Guards, storage: Storage, policy: Policy, off: Sequence[str], jobs: preflight.PreflightJobs
) -> Routes:
    """Let everybody read what was, and hosts change what is."""
    decide = DecideParked(storage.parked, storage.units, read_again)
    of_hosts: Routes = [
        console.route(storage.read_health, off),
        *admin.tape_routes(storage.units, policy),
        parked.list_router(decide),
    ]
    of_the_broadcaster: Routes = [admin.vod_route(storage.history), parked.decision_router(decide)]
    return [
        history.router(storage.history),
        *admin.routers(of_hosts, of_the_broadcaster, guards),
        preflight.router(jobs, guards),
        nights.router(LookBack(storage.nights, read_again), guards.host),
        ghost_approvals.router(storage.ghost_approvals, guards.host),
    ]


def _ghosts(ports: Ports, storage: Storage, policy: Policy, polling: Polling) -> Routes:
    """Let viewers ask for ghosts."""
    account = ports.neighbours.ledger or storage.ledger
    use_case = RequestGhost(storage.units, account, storage.ghosts, policy)
    return ghosts.routes(use_case, storage.ghosts, polling, viewers_only(ports.authenticator))


def _points(ports: Ports) -> Routes:
    """Let viewers see their points, where they are kept here: else they ask the ledger service."""
    kept_here = ports.storage.ledger
    if ports.neighbours.ledger is not kept_here:
        return []
    return [ledger.router(kept_here, viewers_only(ports.authenticator))]


def _work_at_twitch(
    settings: Settings, ports: Ports, storage: Storage, policy: Policy, record_chat: RecordChat
) -> Sequence[Work]:
    """Read chat there, and look after the channel."""
    work: list[Work] = []
    if ports.read_chat:
        work.append(ports.read_chat(evolve(record_chat, log=storage.leader_chat_log).record))
    if ports.twitch:
        may_repair = settings.keeps_subscriptions
        work.append(partial(look_after_channel, ports.twitch, storage, policy, may_repair=may_repair))
    return work


def _in_front(app: ASGIApp, settings: Settings, receiver: Receiver, metrics: Metrics) -> ASGIApp:
    """Put the web in front: what must be answered at once before what may be refused a place."""
    limits = StreamLimits(settings.max_streams, settings.max_streams_per_address, settings.trusted_networks)
    limited = edge_limits.with_edge_limits(app, limits, metrics)
    return request_id.with_request_id(callback.in_front(limited, receiver.receive, metrics))
