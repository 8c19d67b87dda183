"""From wishes to signed requests: what is sent, how often, and in which state."""

import uuid
from collections.abc import Callable, Iterator
from random import Random

from attrs import evolve, frozen

from showtime_app.simulate import messages, timestamps
from showtime_app.simulate.catalogue import EventType, consequences
from showtime_app.simulate.messages import Address, Flaw, Message, MessageKind, Request, Subscription
from showtime_app.simulate.wishes import Json, Scene, Wishes

Clock = Callable[[], int]
"""Tells the time in nanoseconds since 1970."""

ENABLED = "enabled"


@frozen
class Manner:
    """How messages are made, whatever event they carry."""

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
class Source:
    """What deliveries are made of besides wishes: chance, time and address."""

    address: Address
    clock: Clock
    rng: Random
    ids: Random

    @classmethod
    def seeded(cls, address: Address, seed: int, clock: Clock) -> "Source":
        """Repeat with the seed all that may repeat; ids come from seed and time.

        A run whose ids repeated an earlier one's would be nothing but duplicates to a server.
        """
        return cls(address, clock, Random(seed), Random(f"{seed} {clock()}"))  # noqa: S311 - a play of chance


def deliveries(kind: EventType, wishes: Wishes, manner: Manner, source: Source) -> Iterator[Request]:
    """Make the requests of one command, each at the moment when it is asked for."""
    for _ in range(manner.repeat):
        if manner.status != ENABLED:
            yield from _deliver(kind, wishes, manner, source)
            continue
        own = manner
        for each, wished in consequences(kind, wishes, source.rng):
            yield from _deliver(each, wished, own, source)
            own = evolve(manner, event_id=None, version=None)


def _deliver(kind: EventType, wishes: Wishes, manner: Manner, source: Source) -> Iterator[Request]:
    now = source.clock()
    timestamp = manner.timestamp or timestamps.written(messages.moment(manner.flaw, now))
    scene = Scene(source.rng, source.ids, timestamp)
    first = Message(
        id=manner.event_id or scene.uuid(),
        kind=MessageKind.NOTIFICATION if manner.status == ENABLED else MessageKind.REVOCATION,
        subscription=subscription(kind, wishes, manner, source.address),
        timestamp=timestamp,
        content={"event": kind.build(wishes, scene)} if manner.status == ENABLED else {},
        retry=manner.retry,
    )
    expected = messages.expectation(
        manner.flaw,
        in_window=timestamps.in_window(timestamp, now),
        may_be_known=manner.event_id is not None,
    )
    for retry in range(manner.retry, manner.retry + manner.resend + 1):
        again = evolve(first, retry=retry)
        yield messages.request(again, source.address.secret, expected, manner.flaw)


def challenge(kind: EventType, text: str, manner: Manner, source: Source) -> Request:
    """Make the request that verifies a callback; a flawed one is to be refused."""
    now = source.clock()
    pending = evolve(manner, status="webhook_callback_verification_pending")
    content: Json = {"challenge": text}
    timestamp = timestamps.written(now)
    message = Message(
        id=Scene(source.rng, source.ids, timestamp).uuid(),
        kind=MessageKind.CHALLENGE,
        subscription=subscription(kind, Wishes(), pending, source.address),
        timestamp=timestamp,
        content=content,
    )
    expected = messages.expectation(manner.flaw, in_window=True)
    return messages.request(message, source.address.secret, expected, manner.flaw)


def subscription(kind: EventType, wishes: Wishes, manner: Manner, address: Address) -> Subscription:
    """Make the subscription of a type: the same one, with the same id, in every message to an address."""
    own_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{address.url}#{kind.name}"))
    return Subscription(
        id=manner.subscription_id or own_id,
        type=kind.name,
        version=manner.version or kind.version,
        condition=kind.condition(wishes.to_user.id),
        callback=address.url,
        status=manner.status,
    )
