"""The broadcaster's routes of the show: secrets, and rules of kinds."""

import secrets
from collections.abc import Collection
from typing import Annotated, Any
from uuid import UUID, uuid4

from attrs import evolve
from litestar import Request, Router, delete, get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody
from msgspec import DecodeError, Struct, json
from msgspec.structs import asdict

from showtime_app.web.ids import read_id
from showtime_app.web.middleware.access import BROADCASTER, HOST, Guards
from showtime_app.web.openapi.descriptions import AWAY, described, said, says
from showtime_app.web.routes.options import options
from showtime_app.web.times import DATE_TIME, Time, convert_to
from showtime_core.domain.show.kind_rules import (
    MAX_BITS,
    MAX_SECONDS,
    MIN_SECONDS,
    IfBusy,
    InSafeMode,
    KindRule,
    default_rule,
)
from showtime_core.domain.show.show_secrets import (
    MAX_NAME_CHARACTERS,
    SecretKind,
    ShowSecret,
    spell_secret,
)
from showtime_core.errors import NotFound, Refused
from showtime_core.ports import ShowSecrets
from showtime_core.texts import digest_of
from showtime_core.use_cases.run_show import RunShow

_CHANCE_BYTES = 32


class WantedSecret(Struct):
    """A secret to be made."""

    kind: Annotated[SecretKind, says("What it is for.")]
    name: Annotated[str, says("For people.", minLength=1, maxLength=MAX_NAME_CHARACTERS, examples=["OBS"])]


class ListedSecret(Struct, rename="camel"):
    """A secret that holds, without itself."""

    id: UUID
    kind: Annotated[SecretKind, says("What it is for.")]
    name: Annotated[str, says("For people.")]
    made_at: Annotated[Time, says("When it was made.", **DATE_TIME)]


class MadeSecret(ListedSecret):
    """A secret that was made: it is shown this once."""

    secret: Annotated[str, says("The bearer token.")]


class SecretList(Struct):
    """The secrets that hold."""

    secrets: Annotated[list[ListedSecret], says("The oldest first.")]


class RuleOfKind(Struct, rename="camel"):
    """How alerts of a kind are played; what is left out is the default."""

    seconds: Annotated[
        float | None, says("How long one plays.", minimum=MIN_SECONDS, maximum=MAX_SECONDS)
    ] = None
    if_busy: Annotated[
        IfBusy | None, says("What becomes of one that comes while another plays or waits.")
    ] = None
    min_bits: Annotated[int | None, says("One of fewer bits is skipped.", minimum=1, maximum=MAX_BITS)] = None
    is_joined: Annotated[bool | None, says("Whether those that wait become one.")] = None
    in_safe_mode: Annotated[InSafeMode | None, says("What becomes of one in safe mode.")] = None


class RulesOfKinds(Struct):
    """The rules of all kinds of alerts."""

    rules: dict[str, RuleOfKind]


KindName = Annotated[str, says("The `type` of alerts.", examples=["follow"])]
_NO_SECRET = "no such secret"  # noqa: S105 - what is told where there is none
_NO_KIND = "no such kind"
_BAD_NAME = f"the name must have 1 to {MAX_NAME_CHARACTERS} characters"


def routers(
    use_case: RunShow, show_secrets: ShowSecrets, kinds: Collection[str], guards: Guards
) -> list[Router]:
    """Make the routes: hosts read the rules, and all the others are the broadcaster's alone."""
    return [
        Router(
            "/admin/show",
            route_handlers=[_list_rules(use_case, kinds)],
            guards=[guards.host],
            security=HOST,
            tags=["show"],
        ),
        Router(
            "/admin/show",
            route_handlers=[*_secrets(show_secrets), _set_rule(use_case, kinds)],
            guards=[guards.broadcaster],
            security=BROADCASTER,
            tags=["show"],
        ),
    ]


def _secrets(show_secrets: ShowSecrets) -> list[HTTPRouteHandler]:
    @post(
        "/secrets",
        status_code=201,
        opt=said("make_secret", {400: [_BAD_NAME, "kind: Invalid enum value 'console'"]}),
    )
    async def make_secret(data: JSONBody[WantedSecret]) -> MadeSecret:
        """Make a secret for an overlay or a hotkey, and show it this once.

        The first one of an overlay begins the queue, with what is told from then on.
        """
        token = spell_secret(data.kind, secrets.token_urlsafe(_CHANCE_BYTES))
        kept = await show_secrets.add(ShowSecret(uuid4(), data.kind, data.name), digest_of(token))
        return MadeSecret(**asdict(convert_to(ListedSecret, kept)), secret=token)

    @get("/secrets", opt=said("list_secrets"))
    async def list_secrets() -> SecretList:
        """List the secrets that hold."""
        return SecretList(convert_to(list[ListedSecret], await show_secrets.list_all()))

    @delete("/secrets/{secret_id:str}", status_code=204, opt=described(refusals={404: [_NO_SECRET], **AWAY}))
    async def withdraw_secret(secret_id: Annotated[str, says("Names the secret.", format="uuid")]) -> None:
        """Withdraw a secret: it is not accepted any more."""
        await show_secrets.withdraw(read_id(secret_id, _NO_SECRET))

    return [options("/secrets", "GET", "POST"), make_secret, list_secrets, withdraw_secret]


def _list_rules(use_case: RunShow, kinds: Collection[str]) -> HTTPRouteHandler:
    @get("/rules", opt=said("list_rules"))
    async def list_rules() -> RulesOfKinds:
        """List how each kind of alerts is played."""
        show = (await use_case.store.read()).show
        return RulesOfKinds({kind: convert_to(RuleOfKind, show.rule(kind)) for kind in kinds})

    return list_rules


def _set_rule(use_case: RunShow, kinds: Collection[str]) -> HTTPRouteHandler:
    @put("/rules/{kind:str}", status_code=204, opt=said("set_rule", {404: [_NO_KIND]}))
    async def set_rule(kind: KindName, request: Request[Any, Any, Any]) -> None:
        """Change how a kind of alerts is played, from what is taken next."""
        if kind not in kinds:
            raise NotFound(_NO_KIND)
        await use_case.set_rule(kind, _read_rule(default_rule(kind), await request.body()))

    return set_rule


def _read_rule(default: KindRule, body: bytes) -> KindRule:
    """Read a rule, each field as it is described; raises Refused for anything else."""
    try:
        said = json.decode(body, type=RuleOfKind)
    except DecodeError as reason:
        raise Refused(f"body: {reason}") from None
    given = {name: value for name, value in asdict(said).items() if value is not None}
    return evolve(default, **given)
