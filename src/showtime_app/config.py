"""Settings, from the environment and a `.env` file in the working directory; the environment wins."""

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Literal, Self

from attrs import field, frozen
from psycopg.conninfo import make_conninfo
from pydantic import Field, FilePath, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from showtime_app.setting_types import (
    BaseUrl,
    CannedAcl,
    CommaSeparated,
    Endpoint,
    ExactUrl,
    IrcUrl,
    LedgerUrl,
    Networks,
    Secrets,
    TrustedUrl,
    Webhook,
    networks,
)
from showtime_core.domain.chat import ChatSource
from showtime_core.domain.ghost_approval import GhostApproval
from showtime_core.domain.points_and_ghosts.ghost_limits import GhostLimits


class ConfigurationError(Exception):
    """The settings cannot be used; the message names every problem, and no value."""


@frozen
class TwitchApp:
    """Our application at Twitch, and the channel that it serves."""

    channel: str
    client_id: str
    client_secret: str = field(repr=False)


class _MayBeEmpty(BaseSettings):
    """Settings that mean something where they are empty."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", hide_input_in_errors=True)

    spaces_acl: CannedAcl = "public-read"


class Settings(BaseSettings):
    """All settings; what is absent is off."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    bind_addr: str = "127.0.0.1"
    listen_port: int = Field(default=5001, ge=0, le=65535)
    twitch_webhook_secret: Secrets = ()
    twitch_channel_name: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_]{1,25}$")
    twitch_client_id: str | None = None
    twitch_client_secret: SecretStr | None = None
    twitch_webhook_callback_url: ExactUrl = "https://goldenvcr.com/api/showtime/callback"
    twitch_keep_subscriptions: bool = True
    twitch_api_url: TrustedUrl = "https://api.twitch.tv/helix"
    twitch_auth_url: TrustedUrl = "https://id.twitch.tv/oauth2"
    twitch_irc_url: IrcUrl = "ircs://irc.chat.twitch.tv:6697"
    twitch_ca_file: FilePath | None = None
    chat_source: ChatSource = "irc"
    cors_allowed_origins: CommaSeparated = ()
    auth_url: BaseUrl = "http://localhost:5002"
    auth_shared_secret: SecretStr | None = None
    ledger_url: LedgerUrl = "http://localhost:5003"
    ledger_settle_seconds: float = Field(default=30, ge=0, le=600)
    openai_api_key: SecretStr | None = None
    openai_base_url: BaseUrl | None = None
    openai_image_model: str = "gpt-image-2.6-flare"
    ghost_approval: GhostApproval = GhostApproval.OFF
    max_waiting_ghosts: Annotated[int, Field(ge=1)] | Literal["none"] = 10
    max_ghosts_per_day: Annotated[int, Field(ge=1)] | Literal["none"] = 200
    spaces_bucket_name: str | None = Field(default=None, pattern=r"^[a-z0-9.-]{3,63}$")
    spaces_region_name: str | None = None
    spaces_endpoint_url: Endpoint | None = None
    spaces_access_key_id: SecretStr | None = None
    spaces_secret_key: SecretStr | None = None
    spaces_acl: CannedAcl = Field(default_factory=lambda: _MayBeEmpty().spaces_acl)
    discord_ghosts_webhook_url: Webhook | None = None
    max_streams: int = Field(default=1000, ge=1)
    max_streams_per_address: int = Field(default=20, ge=1)
    trusted_proxies: Networks = ("127.0.0.1", "::1")
    alert_replay_minutes: int = Field(default=15, ge=0, le=24 * 60)
    alert_gift_recipients: bool = False
    retention_days: int = Field(default=400, ge=1, le=36_500)
    log_format: Literal["auto", "json", "text"] = "auto"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    pghost: str | None = None
    pgport: int | None = None
    pgdatabase: str | None = None
    pguser: str | None = None
    pgpassword: SecretStr | None = None
    pgsslmode: str | None = None

    @model_validator(mode="after")
    def _check_groups(self) -> Self:
        if problems := [*self._check_secret(), *self._check_twitch(), *self._check_spaces()]:
            raise ValueError("\n".join(problems))
        return self

    def _check_secret(self) -> Iterator[str]:
        if self.twitch_client_secret in self.twitch_webhook_secret:
            yield "TWITCH_WEBHOOK_SECRET must not hold the value of TWITCH_CLIENT_SECRET"

    def _check_twitch(self) -> Iterator[str]:
        application = {
            "TWITCH_CLIENT_ID": self.twitch_client_id,
            "TWITCH_CLIENT_SECRET": self.twitch_client_secret,
        }
        wanted = {"TWITCH_CHANNEL_NAME": self.twitch_channel_name, **application}
        missing = [name for name, value in wanted.items() if value is None]
        if missing and (any(application.values()) or self.is_callback_explicit):
            given = [name for name in wanted if name not in missing and name in application]
            given += ["TWITCH_WEBHOOK_CALLBACK_URL"] if self.is_callback_explicit else []
            yield f"{', '.join(missing)} must be set, since {' and '.join(given)} is"

    def _check_spaces(self) -> Iterator[str]:
        spaces = {name for name in type(self).model_fields if name.startswith("spaces_")} - {"spaces_acl"}
        missing = [name.upper() for name in spaces if getattr(self, name) is None]
        if missing and len(missing) < len(spaces):
            yield f"{', '.join(missing)} must be set as well, or no SPACES_* at all"

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
    def has_homeless_ghosts(self) -> bool:
        """Whether ghosts could be painted, and not stored."""
        return self.openai_api_key is not None and self.spaces_bucket_name is None

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
        password = self.pgpassword.get_secret_value() if self.pgpassword else None
        named = {
            "host": self.pghost,
            "port": self.pgport,
            "dbname": self.pgdatabase,
            "user": self.pguser,
            "password": password,
            "sslmode": self.pgsslmode,
        }
        return make_conninfo("", **{name: value for name, value in named.items() if value is not None})


def load() -> Settings:
    """Read the settings; raises ConfigurationError naming all problems at once, without values."""
    try:
        return Settings()
    except ValidationError as error:
        problems = [
            ": ".join([*(str(part).upper() for part in problem["loc"][:1]), _strip(problem["msg"])])
            for problem in error.errors(include_input=False, include_url=False, include_context=False)
        ]
        raise ConfigurationError("\n".join(problems)) from None


def _strip(message: str) -> str:
    return message.removeprefix("Value error, ")
