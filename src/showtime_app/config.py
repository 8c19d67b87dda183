"""Settings, from the environment and a `.env` file in the working directory; the environment wins."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from ipaddress import IPv4Network, IPv6Network
from typing import Any, Literal, Self

from attrs import field, frozen
from psycopg.conninfo import make_conninfo
from psycopg.pq import Conninfo
from pydantic import Field, FilePath, ModelWrapValidatorHandler, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from showtime_app import setting_types as kinds
from showtime_app.setting_sources import Given, find_given
from showtime_app.setting_types import must_be, networks, split
from showtime_core.domain.chat import ChatSource
from showtime_core.domain.ghost_approval import GhostApproval
from showtime_core.domain.points_and_ghosts.ghost_limits import GhostLimits

_ALIKE = 0.82
"""How alike two names are, from 0 to 1, if one may be meant for the other; `USER` is `PGUSER` by 0.8."""


class ConfigurationError(Exception):
    """The settings cannot be used; the message names every problem, and no value."""


@frozen
class TwitchApp:
    """Our application at Twitch, and the channel that it serves."""

    channel: str
    client_id: str
    client_secret: str = field(repr=False)


class Settings(BaseSettings):
    """All settings; what is absent is off."""

    model_config = SettingsConfigDict(
        env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    instance_role: Literal["all", "web", "relay"] = "all"
    bind_addr: str = "127.0.0.1"
    listen_port: int = Field(default=5001, ge=0, le=65535)
    twitch_webhook_secret: kinds.Secrets = ()
    twitch_channel_name: kinds.Login | None = None
    twitch_client_id: str | None = None
    twitch_client_secret: SecretStr | None = None
    twitch_webhook_callback_url: kinds.CallbackUrl = "https://goldenvcr.com/api/showtime/callback"
    twitch_keep_subscriptions: bool = True
    twitch_redirect_url: kinds.RedirectUrl | None = None
    twitch_api_url: kinds.TrustedUrl = "https://api.twitch.tv/helix"
    twitch_auth_url: kinds.TrustedUrl = "https://id.twitch.tv/oauth2"
    twitch_irc_url: kinds.IrcUrl = "ircs://irc.chat.twitch.tv:6697"
    twitch_ca_file: FilePath | None = None
    chat_source: ChatSource = "irc"
    show_shared_chat: bool = False
    cors_allowed_origins: kinds.Origins = ()
    auth_url: kinds.BaseUrl = "http://localhost:5002"
    auth_shared_secret: SecretStr | None = None
    ledger_url: kinds.LedgerUrl = "http://localhost:5003"
    ledger_settle_seconds: float = Field(default=30, ge=0, le=600)
    openai_api_key: SecretStr | None = None
    openai_base_url: kinds.BaseUrl | None = None
    openai_image_model: str = "gpt-image-2.6-flare"
    ghost_approval: GhostApproval = GhostApproval.OFF
    max_waiting_ghosts: kinds.Limit = 10
    max_ghosts_per_day: kinds.Limit = 200
    spaces_bucket_name: str | None = Field(default=None, pattern=r"^[a-z0-9.-]{3,63}$")
    spaces_region_name: str | None = None
    spaces_endpoint_url: kinds.Endpoint | None = None
    spaces_access_key_id: SecretStr | None = None
    spaces_secret_key: SecretStr | None = None
    spaces_acl: kinds.CannedAcl = "public-read"
    discord_ghosts_webhook_url: kinds.Webhook | None = None
    max_streams: int = Field(default=1000, ge=1)
    max_streams_per_address: int = Field(default=20, ge=1)
    trusted_proxies: kinds.Networks = ("127.0.0.1", "::1")
    alert_replay_minutes: int = Field(default=15, ge=0, le=24 * 60)
    alert_gift_recipients: bool = False
    alert_watch_streaks: bool = False
    retention_days: int = Field(default=400, ge=1, le=36_500)
    log_format: Literal["auto", "json", "text"] = "auto"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    pghost: str | None = None
    pgport: int | None = Field(default=None, ge=1, le=65535)
    pgdatabase: str | None = None
    pguser: str | None = None
    pgpassword: SecretStr | None = None
    pgsslmode: kinds.SslMode | None = None

    @model_validator(mode="wrap")
    @classmethod
    def _tell_all(cls, given: dict[str, Any], read: ModelWrapValidatorHandler[Self]) -> Self:
        """Tell of everything at once: what is wrong with a setting, and with those that belong together."""
        problems = [*_twitch_problems(given), *_spaces_problems(given)]
        try:
            settings = read(given)
        except ValidationError as error:
            problems = [*_problems_of_fields(error), *problems]
        if problems:
            raise ValueError("\n".join(dict.fromkeys(problems)))
        return settings

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """The EventSub secrets: the first signs, all verify."""
        return tuple(secret.get_secret_value() for secret in self.twitch_webhook_secret)

    @property
    def ghost_limits(self) -> GhostLimits:
        """How many ghosts there may be."""
        limits = (self.max_waiting_ghosts, self.max_ghosts_per_day)
        return GhostLimits(*(None if limit == "none" else limit for limit in limits))

    @property
    def chat_way(self) -> ChatSource:
        """How chat is read; to read it by IRC, the channel must be named."""
        return "off" if self.chat_source == "irc" and not self.twitch_channel_name else self.chat_source

    @property
    def trusted_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The proxies whose word counts on where a request comes from."""
        return networks(self.trusted_proxies)

    @property
    def is_callback_explicit(self) -> bool:
        """Whether it was said where Twitch delivers, rather than assumed."""
        return "twitch_webhook_callback_url" in self.model_fields_set

    @property
    def twitch_app(self) -> TwitchApp | None:
        """Our application at Twitch; None: it is not configured."""
        if not (self.twitch_channel_name and self.twitch_client_id and self.twitch_client_secret):
            return None
        secret = self.twitch_client_secret.get_secret_value()
        return TwitchApp(self.twitch_channel_name, self.twitch_client_id, secret)

    @property
    def keeps_subscriptions(self) -> bool:
        """Whether `serve` repairs its subscriptions by itself."""
        return bool(self.twitch_app and self.is_callback_explicit and self.twitch_keep_subscriptions)

    @property
    def has_database(self) -> bool:
        """Whether a database is named here; libpq has defaults for what is not."""
        return bool(self.pghost or self.pgdatabase)

    @property
    def conninfo(self) -> str:
        """The connection string, from what is set; the rest is up to libpq and its environment."""
        named = {name: getattr(self, f"pg{name}") for name in ("host", "port", "user", "sslmode")}
        password = self.pgpassword.get_secret_value() if self.pgpassword else None
        named |= {"dbname": self.pgdatabase, "password": password}
        return make_conninfo("", **{name: value for name, value in named.items() if value is not None})


_SPACES = [name for name in Settings.model_fields if name.startswith("spaces_") and name != "spaces_acl"]


def load(given: Given | None = None, *, for_serve: bool = False) -> Settings:
    """Read the settings; raises ConfigurationError naming all problems at once, without values.

    `for_serve` has them judged by what `showtime serve` needs.
    """
    given = given or find_given(Settings.model_fields)
    problems = [*given.problems]
    try:
        settings = Settings(**given.values)
    except ValidationError as error:
        problems += [each["msg"].removeprefix("Value error, ") for each in error.errors()]
    problems += _serve_problems(given.values) if for_serve else []
    if problems:
        raise ConfigurationError("\n".join(problems))
    return settings


def misspelt(given: Given) -> Iterator[str]:
    """Tell of names that are no settings and look like one; those that libpq knows are left to it."""
    known = {name.upper() for name in Settings.model_fields}
    others = {option.envvar.decode() for option in Conninfo.get_defaults() if option.envvar}
    for name, origin in given.unknown.items():
        if name not in others and (close := get_close_matches(name.upper(), known, 1, _ALIKE)):
            yield f"{name} ({origin}) is no setting, and ignored: did you mean {close[0]}?"


def _problems_of_fields(error: ValidationError) -> Iterator[str]:
    schema = Settings.model_json_schema()["properties"]
    for each in error.errors(include_url=False, include_context=False, include_input=False):
        name = str(each["loc"][0])
        yield f"{name.upper()}: must be {must_be(name, schema[name])}"


def _twitch_problems(given: Mapping[str, object]) -> Iterator[str]:
    secret, webhook_secrets = given.get("twitch_client_secret"), given.get("twitch_webhook_secret")
    if secret and secret in split(webhook_secrets):
        yield (
            "TWITCH_WEBHOOK_SECRET must not hold the value of TWITCH_CLIENT_SECRET: "
            "choose another, and subscribe again with `showtime init`"
        )
    names = ("twitch_channel_name", "twitch_client_id", "twitch_client_secret")
    missing = [name.upper() for name in names if not given.get(name)]
    urls = ("twitch_webhook_callback_url", "twitch_redirect_url")
    reasons = [name.upper() for name in (*names[1:], *urls) if given.get(name)]
    if missing and reasons:
        verb = "is" if len(reasons) == 1 else "are"
        yield f"{', '.join(missing)} must be set, since {' and '.join(reasons)} {verb}"


def _spaces_problems(given: Mapping[str, object]) -> Iterator[str]:
    missing = [name.upper() for name in _SPACES if not given.get(name)]
    if 0 < len(missing) < len(_SPACES):
        yield f"{', '.join(missing)} must be set as well, or no SPACES_* at all"


def _serve_problems(given: Mapping[str, object]) -> Iterator[str]:
    if not given.get("twitch_webhook_secret"):
        yield "TWITCH_WEBHOOK_SECRET is not set: give the secret of your subscriptions"
    performs = given.get("auth_shared_secret") or given.get("ledger_url") == kinds.EMBEDDED
    if given.get("instance_role") == "relay" and not performs:
        yield "INSTANCE_ROLE is relay: set AUTH_SHARED_SECRET, or LEDGER_URL=embedded, to have a ledger"
    if given.get("openai_api_key") and given.keys().isdisjoint(_SPACES):
        yield "OPENAI_API_KEY is set: set SPACES_* as well, since a ghost needs a place"
