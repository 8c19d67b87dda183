"""Simulated events for a page on the same machine: chosen by name and by texts, sent as by the command."""

import secrets
import time
from collections.abc import Mapping, Sequence

import click
from attrs import frozen

from showtime_app.simulate import options
from showtime_app.simulate.catalogue import EVENT_TYPES, EventType, event_type
from showtime_app.simulate.deliveries import DeliveryContext, DeliveryOptions, deliveries
from showtime_app.simulate.event_options import EventOptions
from showtime_app.simulate.messages import Address
from showtime_app.simulate.report import Tally
from showtime_app.simulate.sections import pick
from showtime_app.simulate.sender import Sender, open_client
from showtime_core.errors import Refused, Unavailable

_SECONDS = 10.0
_SEEDS = 1_000_000


@frozen
class SimulationPanel:
    """Sends events to the callback of this server."""

    address: Address

    def list_events(self) -> Sequence[EventType]:
        """List what can be sent."""
        return EVENT_TYPES

    async def send(self, name: str, texts: Mapping[str, str]) -> Sequence[str]:
        """Send an event with options as texts, and tell what was sent.

        Raises Refused for an event or an option that is not known, and Unavailable if it is not accepted.
        """
        kind = _kind(name)
        context = DeliveryContext.seeded(self.address, secrets.randbelow(_SEEDS), time.time_ns)
        requests = [*deliveries(kind, _options(kind, texts), DeliveryOptions(), context)]
        tally = Tally()
        async with open_client(self.address.url, allow_remote=False) as client:
            await Sender(client, self.address.url, _SECONDS, tally).deliver(iter(requests))
        if not tally.all_right:
            raise Unavailable("the callback did not accept it: see the log")
        return [each.label for each in requests]


def _kind(name: str) -> EventType:
    try:
        return event_type(name)
    except KeyError:
        raise Refused("no such event") from None


def _options(kind: EventType, texts: Mapping[str, str]) -> EventOptions:
    """Read options as the command line reads them; a flag is set by any text."""
    if unknown := sorted(set(texts) - set(kind.takes)):
        raise Refused(f"{kind.name} takes no {unknown[0]}")
    parameters = dict(zip(kind.takes, options.parameters(*kind.takes), strict=True))
    arguments: list[str] = []
    for each, text in texts.items():
        parameter = parameters[each]
        assert isinstance(parameter, click.Option), "an event takes options alone"
        arguments += [parameter.opts[0]] if parameter.is_flag else [parameter.opts[0], text]
    try:
        command = click.Command(kind.name, params=[*parameters.values()])
        return pick(EventOptions, command.make_context(kind.name, arguments).params)
    except click.UsageError as reason:
        raise Refused(reason.format_message()) from reason
