"""Every event that can be simulated, from the table in `events.toml`."""

from collections.abc import Mapping
from random import Random
from typing import Any

from attrs import evolve, field, frozen

from showtime_app.simulate.cast import MATERIAL, crowd, read_data, someone
from showtime_app.simulate.event_options import EventOptions, Json, Scene
from showtime_app.simulate.payloads import CUSTOM_POWER_UP, Draft, fill, identity

GIFT = "channel.subscription.gift"
_CHANNEL = "broadcaster_user_id"


@frozen
class EventType:
    """A type of EventSub event, and how to simulate it."""

    name: str
    about: str
    """One line for people."""
    aliases: tuple[str, ...] = field(converter=tuple)
    """Shorter names; those of Twitch's own tool among them."""
    event: Mapping[str, Any] = field(repr=False)
    """What a message says, as a template."""
    takes: tuple[str, ...] = field(default=(), converter=tuple)
    """The options that it has a place for, by name."""
    version: str = "1"
    condition: tuple[str, ...] = field(default=(_CHANNEL,), converter=tuple)
    """The fields of the condition of a subscription.

    Each is the channel: the broadcaster may moderate and read there, and does for showtime.
    """

    def build(self, options: EventOptions, scene: Scene) -> Json:
        """Make the `event` of a message."""
        channel = identity(options.to_user, "broadcaster_user") if _CHANNEL in self.condition else {}
        return channel | fill(self.event, Draft(options, scene))


EVENT_TYPES = tuple(EventType(**row) for row in read_data("events")["events"])
_BY_NAME = {name: kind for kind in EVENT_TYPES for name in (kind.name, *kind.aliases)}


def event_type(name: str) -> EventType:
    """Look up a type by name or alias; raises KeyError for one that is neither."""
    return _BY_NAME[name]


def names() -> tuple[str, ...]:
    """List every name and alias."""
    return tuple(_BY_NAME)


def consequences(
    kind: EventType, options: EventOptions, rng: Random
) -> tuple[tuple[EventType, EventOptions], ...]:
    """Say which events one deed brings.

    A gift its recipients' subscriptions, a Power-up of the channel's own its redemption, any other itself.
    """
    actor = options.from_user or someone(rng)
    if kind.name == "channel.bits.use" and options.bits_type == CUSTOM_POWER_UP:
        bits = rng.choice(MATERIAL["power_up_bits"]) if options.bits is None else options.bits
        same = evolve(options, from_user=actor, bits=bits)
        return ((kind, same), (event_type("channel.custom_power_up_redemption.add"), same))
    if kind.name != GIFT:
        return ((kind, options),)
    total = options.total or rng.choice(MATERIAL["gift_sizes"])
    count = total if options.recipients is None else min(total, options.recipients)
    others = [one for one in crowd(rng, count + 1) if one.id != actor.id][:count]
    received = EventOptions(to_user=options.to_user, tier=options.tier, gift=True)
    subscribe = event_type("channel.subscribe")
    return (
        (kind, evolve(options, total=total, from_user=actor)),
        *((subscribe, evolve(received, from_user=one)) for one in others),
    )
