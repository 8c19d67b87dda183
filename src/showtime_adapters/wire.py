"""The wire formats that more than one adapter speaks: the one place where values become JSON and back.

But for entries of our own in the journal: `showtime_core.domain.own_entries` brings them with their bodies.
"""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, assert_never
from uuid import UUID

from attrs import fields
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override
from cattrs.preconf.json import make_converter

from showtime_core.domain import alerts
from showtime_core.domain.alert_tests import AlertTest
from showtime_core.domain.alerts import Alert
from showtime_core.domain.broadcasts.broadcast import ChannelState, HypeTrainProgress, Snapshot
from showtime_core.domain.broadcasts.stream_check import MissingStream
from showtime_core.domain.broadcasts.timeline import Timeline
from showtime_core.domain.chat import ChatLine, ChatMessage, Clear, Deletion
from showtime_core.domain.health import TwitchHealth
from showtime_core.domain.points_and_ghosts import effects
from showtime_core.domain.points_and_ghosts.effects import Effect
from showtime_core.domain.reactions import Policy
from showtime_core.domain.show.kind_rules import KindRule
from showtime_core.texts import format_time

ALERT_TYPES: dict[type[Alert], str] = {
    alerts.FollowAlert: "follow",
    alerts.RaidAlert: "raid",
    alerts.CheerAlert: "cheer",
    alerts.SubscribeAlert: "subscribe",
    alerts.GiftSubAlert: "gift-sub",
    alerts.GhostAlert: "generated-images",
    alerts.HypeTrainAlert: "hype-train",
    alerts.WatchStreakAlert: "watch-streak",
}
"""The `type` of each alert, as the overlay knows it."""

_EMOTE_URL = "https://static-cdn.jtvnw.net/emoticons/v2/{}/default/dark/1.0"

_EFFECTS: dict[str, type[Effect]] = {kind: cls for cls, kind in effects.FIRST_KINDS.items()}

_CHECK = "check-"

# What fields are called where values are kept: a database keeps them for longer than a version lasts.
# Those that are part of another stand before it.
_STORED_NAMES: dict[type[Any], dict[str, str]] = {
    Timeline: {"base": "settled", "base_until": "settled_until"},
    MissingStream: {"checks": "times"},
    TwitchHealth: {"missing": "doubt"},
}

Document = dict[str, Any]
"""An object of JSON."""


def alert_document(alert: Alert) -> Document:
    """Say an alert as the overlay reads it."""
    return {"type": ALERT_TYPES[type(alert)], "data": _without_none(alert)}


def shown_document(shown: Alert | AlertTest | Snapshot) -> Document:
    """Say an alert, one that the host tries out, or the state, as the feed keeps it."""
    match shown:
        case Snapshot():
            return snapshot_document(shown)
        case AlertTest(alert):
            return alert_document(alert) | {"isTest": True}
        case _:
            return alert_document(shown)


def snapshot_document(snapshot: Snapshot) -> Document:
    """Say the state as the overlay and the website read it: without what is not known."""
    return _without_none(snapshot)


def _without_none(value: Alert | Snapshot) -> Document:
    return {key: each for key, each in _camel.unstructure(value).items() if each is not None}


def chat_document(line: ChatLine) -> Document:
    """Say a line of chat as the overlay reads it."""
    match line:
        case ChatMessage():
            emotes = [{"name": emote.name, "url": _EMOTE_URL.format(emote.id)} for emote in line.emotes]
            names = ("id", "username", "color", "text")
            message = {name: getattr(line, name) for name in names} | {"emotes": emotes}
            message |= {"channel": line.source_channel} if line.source_channel else {}
            return {"type": "message", "message": message}
        case Deletion(message_ids):
            return {"type": "deletion", "deletion": {"messageIds": list(message_ids)}}
        case Clear():
            return {"type": "clear"}
        case _:
            assert_never(line)


def policy_document(policy: Policy) -> Document:
    """Say the policy under which entries were reacted to."""
    return {**_plain.unstructure(policy), "features": sorted(policy.features)}


def decode_effect(kind: str, document: object) -> Effect:
    """Read an effect of a kind, as `effect_document` said it, from parsed JSON."""
    if kind.startswith(_CHECK):
        return _decode_check(kind, document)
    effect: Effect = _plain.structure(document, _EFFECTS.get(kind, effects.AdvanceGhost))
    return effect


def find_effect(kind: str, document: object) -> Effect | None:
    """Read the same; None if nobody can read it, whatever it was changed to by hand."""
    try:
        return decode_effect(kind, document)
    except Exception:
        return None


def _decode_check(kind: str, document: Any) -> effects.CheckForDouble:  # noqa: ANN401 - parsed JSON
    of = decode_effect(kind.removeprefix(_CHECK), document["of"])
    if isinstance(of, effects.AdvanceGhost | effects.CheckForDouble):
        raise TypeError(f"{kind} is no kind of effect")
    return effects.CheckForDouble(of, UUID(document["flow_id"]))


def twitch_health_document(health: TwitchHealth) -> Document:
    """Say what a check at Twitch came to, for keeping; its time is kept beside it."""
    document: Document = _plain.unstructure(health)
    del document["checked_at"]
    return document


def decode_twitch_health(checked_at: datetime, document: Document) -> TwitchHealth:
    """Read what a check came to, as `twitch_health_document` said it."""
    known: TwitchHealth = _plain.structure(document | {"checked_at": format_time(checked_at)}, TwitchHealth)
    return known


def kind_rule_document(rule: KindRule) -> Document:
    """Say the rule of a kind of alerts for keeping."""
    document: Document = _plain.unstructure(rule)
    return document


def decode_kind_rule(document: object) -> KindRule:
    """Read a rule, as `kind_rule_document` said it, from parsed JSON."""
    rule: KindRule = _plain.structure(document, KindRule)
    return rule


def camel_case(name: str) -> str:
    """Name a field as clients know it."""
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def _camel_names(cls: type[Any]) -> dict[str, str] | None:
    """Name the fields of what clients read."""
    if cls not in {*ALERT_TYPES, Snapshot}:
        return None
    return {field.name: camel_case(field.name) for field in fields(cls)}


def _renaming_converter(names: Callable[[type[Any]], dict[str, str] | None]) -> Any:  # noqa: ANN401 - cattrs' preconfigured converters have no common type
    """Make a converter; how it treats a class is worked out when one is first met, not on import."""
    converter = make_converter()
    converter.register_unstructure_hook(datetime, format_time)
    converter.register_structure_hook(datetime, lambda text, _: datetime.fromisoformat(text))
    converter.register_unstructure_hook(UUID, str)
    converter.register_structure_hook(UUID, lambda text, _: UUID(text))

    def is_renamed(cls: type[Any]) -> bool:
        return names(cls) is not None

    def renamed(cls: type[Any]) -> Any:  # noqa: ANN401 - see above
        return {name: override(rename=stored) for name, stored in (names(cls) or {}).items()}

    converter.register_unstructure_hook_factory(
        is_renamed, lambda cls: make_dict_unstructure_fn(cls, converter, **renamed(cls))
    )
    converter.register_structure_hook_factory(
        is_renamed, lambda cls: make_dict_structure_fn(cls, converter, **renamed(cls))
    )
    return converter


_plain = _renaming_converter(_STORED_NAMES.get)
# Versions before have not kept it: it is written where it is known.
_when_known = make_dict_unstructure_fn(HypeTrainProgress, _plain, expires_at=override(omit_if_default=True))
_plain.register_unstructure_hook(HypeTrainProgress, _when_known)


def state_document(state: ChannelState) -> Document:
    """Say the channel's state for keeping; of equal states, the same."""
    document: Document = _plain.unstructure(state)
    document["timeline"]["facts"].sort(key=str)
    return document


decode_state: Callable[[object], ChannelState] = partial(_plain.structure, cl=ChannelState)
"""Reads the channel's state, as `state_document` said it, from parsed JSON."""
decode_policy: Callable[[object], Policy] = partial(_plain.structure, cl=Policy)
"""Reads a policy, as `policy_document` said it, from parsed JSON."""
effect_document: Callable[[Effect], Document] = _plain.unstructure
"""Says an effect for keeping; its kind is kept beside it."""

_camel = _renaming_converter(_camel_names)
