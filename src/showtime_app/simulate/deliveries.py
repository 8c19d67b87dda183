"""From options to signed requests: what is sent, how often, and in which state."""

import uuid
from collections.abc import Callable, Iterator
from random import Random

from attrs import evolve, field, frozen

from showtime_app.simulate import messages, timestamps
from showtime_app.simulate.catalogue import EventType, consequences
from showtime_app.simulate.event_options import EventOptions, Json, Scene
from showtime_app.simulate.messages import Address, Flaw, Message, MessageKind, Request

Clock = Callable[[], int]
"""Tells the time in nanoseconds since 1970."""

ENABLED = "enabled"
_PENDING = "webhook_callback_verification_pending"
_SUBSCRIBED_AT = "2025-10-31T20:00:00.000000000Z"


@frozen
class DeliveryOptions:
    """How messages are delivered, whatever event they carry."""

    repeat: int = 1
    """How often the event happens."""
    resend: int = 0
    """How often each message comes again, with the same id."""
    retry: int = 0
    """The retry counter of the first delivery."""
    flaw: Flaw | None = None
    event_id: str | None = None
    """The message id; of a gift and its recipients the gift's alone."""
    subscription_id: str | None = None
    status: str = ENABLED
    """The status of the subscription; any but `enabled` makes a revocation."""
    version: str | None = None
    timestamp: str | None = None


@frozen
class DeliveryContext:
    """What deliveries are made from besides options: chance, time and address."""

    address: Address
    clock: Clock
    rng: Random
    ids: Random
    began: dict[str, str] = field(factory=dict)
    """When each hype train began, for all that is told of it."""

    @classmethod
    def seeded(cls, address: Address, seed: int, clock: Clock) -> "DeliveryContext":
        """Repeat with the seed all that may repeat; ids come from seed and time.

        A run whose ids repeated an earlier one's would be nothing but duplicates to a server.
        """
        return cls(address, clock, Random(seed), Random(f"{seed} {clock()}"))  # noqa: S311 - a play of chance


def deliveries(
    kind: EventType, options: EventOptions, delivery: DeliveryOptions, context: DeliveryContext
) -> Iterator[Request]:
    """Make the requests of one command, each at the moment when it is asked for."""
    for _ in range(delivery.repeat):
        if delivery.status != ENABLED:
            yield from _deliver(kind, options, delivery, context)
            continue
        own = delivery
        for each, options_of_it in consequences(kind, options, context.rng):
            yield from _deliver(each, options_of_it, own, context)
            own = evolve(delivery, event_id=None, version=None)


def challenge(kind: EventType, text: str, flaw: Flaw | None, context: DeliveryContext) -> Request:
    """Make the request that verifies a callback; a flawed one is to be refused."""
    delivery = DeliveryOptions(flaw=flaw, status=_PENDING)
    [request] = _deliver(kind, EventOptions(), delivery, context, {"challenge": text})
    return request


def _deliver(
    kind: EventType,
    options: EventOptions,
    delivery: DeliveryOptions,
    context: DeliveryContext,
    content: Json | None = None,
) -> Iterator[Request]:
    now = context.clock()
    timestamp = delivery.timestamp or timestamps.written(messages.moment(delivery.flaw, now))
    scene = Scene(context.rng, context.ids, timestamp, context.began)
    message_kind = MessageKind.CHALLENGE if content else MessageKind.REVOCATION
    if delivery.status == ENABLED:
        message_kind, content = MessageKind.NOTIFICATION, {"event": kind.build(options, scene)}
    first = Message(
        id=delivery.event_id or scene.uuid(),
        kind=message_kind,
        subscription=_subscription(kind, options, delivery, context.address.url),
        timestamp=timestamp,
        content=content or {},
        flaw=delivery.flaw,
    )
    expected = messages.expectation(
        delivery.flaw,
        in_window=timestamps.in_window(timestamp, now),
        may_be_known=delivery.event_id is not None,
    )
    for retry in range(delivery.retry, delivery.retry + delivery.resend + 1):
        yield messages.request(evolve(first, retry=retry), context.address.secret, expected)


def _subscription(kind: EventType, options: EventOptions, delivery: DeliveryOptions, url: str) -> Json:
    """Make the subscription of a type: the same one, with the same id, in every message to an address."""
    return {
        "id": delivery.subscription_id or str(uuid.uuid5(uuid.NAMESPACE_URL, f"{url}#{kind.name}")),
        "status": delivery.status,
        "type": kind.name,
        "version": delivery.version or kind.version,
        "cost": 0,
        "condition": dict.fromkeys(kind.condition, options.to_user.id),
        "transport": {"method": "webhook", "callback": url},
        "created_at": _SUBSCRIBED_AT,
    }
