"""Lights of the neighbours for the host: how each stands by what was asked of it last, and what to do.

Nothing is tried here. What nobody has asked for a while is not known to work, and its light says so.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from attrs import evolve, frozen

from showtime_core.domain.broadcasts.broadcast import ChannelState
from showtime_core.domain.chat import ChatSource
from showtime_core.domain.health import Health, chat_trouble, twitch_trouble
from showtime_core.domain.outbox import EffectStatus
from showtime_core.domain.points_and_ghosts.effects import FIRST_KINDS
from showtime_core.domain.points_and_ghosts.ghosts import GhostTask

KNOWN_FOR = timedelta(minutes=10)
"""For so long an answer counts for what asks and is not tried by itself."""


class LightState(StrEnum):
    """What a light shows."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    UNKNOWN = "unknown"
    OFF = "off"
    """The channel does without."""


@frozen
class Light:
    """How one neighbour stands."""

    name: str
    title: str
    """As people call it."""
    state: LightState
    said: str
    """What was asked of it, or what is wrong, in a few words."""
    remedy: str | None = None
    """What to do; None: nothing."""
    tried_at: datetime | None = None
    """When it was asked last, as far as that is known."""


@frozen
class EffectTry:
    """An effect that was tried."""

    kind: str
    status: EffectStatus
    remark: str | None
    """Why it is not done."""
    at: datetime
    """When the last try began."""


@frozen
class LastAnswer:
    """How the last request of an instance to a neighbour ended."""

    is_answered: bool
    milliseconds: int
    at: datetime


@frozen
class LightInputs:
    """All that the lights are told from."""

    health: Health
    state: ChannelState
    effect_tries: Sequence[EffectTry]
    auth: LastAnswer | None
    database_milliseconds: int
    chat: ChatSource
    is_checked: bool
    """Whether this channel is checked at Twitch."""
    absent: Collection[str] = ()
    """The names of neighbours that the channel does without, or that have a stand-in on this machine."""


@frozen
class _Neighbour:
    name: str
    title: str
    kinds: Collection[str]
    """The effects that ask it."""
    done: str
    """What one of them means."""
    remedy: str


_AGAIN = "It is tried again by itself."
_NEIGHBOURS = (
    _Neighbour(
        "ledger",
        "Ledger",
        (*FIRST_KINDS.values(), GhostTask.PAY, GhostTask.REFUND),
        "moved points",
        f"{_AGAIN} Points wait meanwhile, and none are lost. If it lasts, see whether the ledger runs.",
    ),
    _Neighbour(
        "openai",
        "OpenAI",
        (GhostTask.PAINT,),
        "painted a ghost",
        f"{_AGAIN} If it lasts, see OpenAI's status page, and whether the key has credit.",
    ),
    _Neighbour(
        "storage",
        "Storage",
        (GhostTask.STORE,),
        "kept a picture",
        f"{_AGAIN} If it lasts, see whether the bucket takes writes with this key.",
    ),
    _Neighbour(
        "discord",
        "Discord",
        (GhostTask.POST,),
        "posted a ghost",
        f"{_AGAIN} The show runs without it. If it lasts, see whether the webhook is still there.",
    ),
)
_INIT = "Run `showtime init`, which repairs the subscriptions. What happens meanwhile at Twitch is lost."


def light_up(known: LightInputs) -> tuple[Light, ...]:
    """Tell how each neighbour stands, in the order of the house."""
    asked = {each.name: _asked(each, known) for each in _NEIGHBOURS}
    lights = (
        _twitch(known),
        _auth(known),
        *(asked[name] for name in ("ledger", "openai", "storage", "discord")),
        _chat(known),
        Light("database", "Database", LightState.OK, f"{known.database_milliseconds} ms"),
    )
    return tuple(_off(each) if each.name in known.absent else each for each in lights)


def _off(light: Light) -> Light:
    return Light(light.name, light.title, LightState.OFF, "not set up")


def _twitch(known: LightInputs) -> Light:
    light = Light("twitch", "Twitch", LightState.OK, "all subscriptions are enabled")
    if not known.is_checked:
        return evolve(light, state=LightState.UNKNOWN, said="nobody looks after the channel here")
    if not known.health.twitch:
        return evolve(light, state=LightState.UNKNOWN, said="nobody has checked it yet")
    light = evolve(light, tried_at=known.health.twitch.checked_at)
    if trouble := twitch_trouble(known.health, known.state, is_checked=True):
        return evolve(light, state=LightState.FAILED, said=trouble, remedy=_INIT)
    return light


def _auth(known: LightInputs) -> Light:
    light, answer = Light("auth", "Auth", LightState.UNKNOWN, "nobody has asked it yet"), known.auth
    if answer is None:
        return light
    light = evolve(light, said=f"answered, {answer.milliseconds} ms", tried_at=answer.at)
    if not answer.is_answered:
        remedy = "Who has no session cannot come in. If it lasts, see whether the auth service runs."
        return evolve(light, state=LightState.FAILED, said="it gives no answer", remedy=remedy)
    return light if _is_old(answer.at, known) else evolve(light, state=LightState.OK)


def _asked(neighbour: _Neighbour, known: LightInputs) -> Light:
    """Tell how one stands that effects ask: by the latest try of one that was settled, or was not."""
    light = Light(neighbour.name, neighbour.title, LightState.UNKNOWN, "nothing was asked of it yet")
    tried = [each for each in known.effect_tries if each.kind in neighbour.kinds]
    latest = max(tried, key=lambda each: each.at, default=None)
    if latest is None:
        return light
    light = evolve(light, said=neighbour.done, tried_at=latest.at)
    match latest.status:
        case EffectStatus.PARKED:
            why = latest.remark or "it failed"
            return evolve(light, state=LightState.WARNING, said=why, remedy="Decide about what is parked.")
        case EffectStatus.DUE | EffectStatus.LEASED if latest.remark:
            return evolve(light, state=LightState.WARNING, said=latest.remark, remedy=neighbour.remedy)
        case EffectStatus.DONE if not _is_old(latest.at, known):
            return evolve(light, state=LightState.OK)
        case _:
            return light


def _chat(known: LightInputs) -> Light:
    light = Light("chat", "Chat", LightState.OK, "its messages come by EventSub")
    if known.chat == "off":
        return _off(light)
    if known.chat == "irc" and not known.health.chat:
        return evolve(light, state=LightState.UNKNOWN, said="nobody has read it yet")
    if trouble := chat_trouble(known.health, known.state, known.chat, is_checked=known.is_checked):
        remedy = "The show runs without it. It is joined again by itself."
        return evolve(light, state=LightState.FAILED, said=trouble[1], remedy=remedy)
    if known.chat == "irc" and known.health.chat:
        return evolve(light, said="joined", tried_at=known.health.chat.checked_at)
    if not known.is_checked:
        return evolve(light, state=LightState.UNKNOWN, said="nobody checks whether its messages come")
    return light


def _is_old(at: datetime, known: LightInputs) -> bool:
    return known.health.now - at > KNOWN_FOR
