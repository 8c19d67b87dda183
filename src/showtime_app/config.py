"""Settings, from the environment and a `.env` file in the working directory; the environment wins."""

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Literal, Self

from attrs import field, frozen
from psycopg.conninfo import make_conninfo
from pydantic import (
    AfterValidator,
    Field,
    FilePath,
    HttpUrl,
    SecretStr,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

_SECRET_LENGTH = range(10, 101)
_CommaSeparated = Annotated[tuple[str, ...], NoDecode]
_URL = TypeAdapter(HttpUrl)
_IRC_URL = re.compile(r"ircs?://(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?")
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?")
_SPACES = (
    "spaces_bucket_name",
    "spaces_region_name",
    "spaces_endpoint_url",
    "spaces_access_key_id",
    "spaces_secret_key",
)
_Secrets = Annotated[tuple[SecretStr, ...], NoDecode]

EMBEDDED = "embedded"
"""The ledger that is a part of the database."""


def _plain_url(value: str) -> HttpUrl:
    try:
        url = _URL.validate_python(value)
    except ValidationError:
        raise ValueError("must be a URL that begins with http:// or https://") from None
    if url.username is not None or url.password is not None or url.query is not None or url.fragment:
        raise ValueError("must be a URL of host, port and path alone")
    return url


def _base_url(value: str) -> str:
    return str(_plain_url(value)).rstrip("/")


def _ledger(value: str) -> str:
    return value if value == EMBEDDED else _base_url(value)


def _endpoint(value: str) -> str:
    if "://" in value:
        return _base_url(value)
    if not _HOST.fullmatch(value):
        raise ValueError("must be a bare host, or a URL of host and port for a server of your own")
    return value


def _webhook(value: SecretStr) -> SecretStr:
    try:
        _URL.validate_python(value.get_secret_value())
    except ValidationError:
        raise ValueError("must be the URL of a webhook of a channel") from None
    return value


_BaseUrl = Annotated[str, AfterValidator(_base_url)]

ChatSource = Literal["irc", "eventsub", "off"]


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
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    bind_addr: str = "127.0.0.1"
    listen_port: int = Field(default=5001, ge=0, le=65535)
    twitch_webhook_secret: _Secrets = ()
    twitch_channel_name: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_]{1,25}$")
    twitch_client_id: str | None = None
    twitch_client_secret: SecretStr | None = None
    twitch_webhook_callback_url: str = "https://goldenvcr.com/api/showtime/callback"
    twitch_keep_subscriptions: bool = True
    twitch_api_url: _BaseUrl = "https://api.twitch.tv/helix"
    twitch_auth_url: _BaseUrl = "https://id.twitch.tv/oauth2"
    twitch_irc_url: str = "ircs://irc.chat.twitch.tv:6697"
    twitch_ca_file: FilePath | None = None
    chat_source: ChatSource = "irc"
    cors_allowed_origins: _CommaSeparated = ()
    auth_url: _BaseUrl = "http://localhost:5002"
    auth_shared_secret: SecretStr | None = None
    ledger_url: Annotated[str, AfterValidator(_ledger)] = "http://localhost:5003"
    ledger_settle_seconds: float = Field(default=30, ge=0, le=600)
    openai_api_key: SecretStr | None = None
    openai_base_url: _BaseUrl | None = None
    openai_image_model: str = "gpt-image-2.6-flare"
    spaces_bucket_name: str | None = Field(default=None, pattern=r"^[a-z0-9.-]{3,63}$")
    spaces_region_name: str | None = None
    spaces_endpoint_url: Annotated[str, AfterValidator(_endpoint)] | None = None
    spaces_access_key_id: SecretStr | None = None
    spaces_secret_key: SecretStr | None = None
    discord_ghosts_webhook_url: Annotated[SecretStr, AfterValidator(_webhook)] | None = None
    max_streams: int = Field(default=1000, ge=1)
    max_streams_per_address: int = Field(default=20, ge=1)
    trusted_proxies: _CommaSeparated = ("127.0.0.1", "::1")
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

    @field_validator("twitch_webhook_secret", "cors_allowed_origins", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value

    @field_validator("twitch_webhook_secret")
    @classmethod
    def _check_secrets(cls, secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for secret in secrets:
            text = secret.get_secret_value()
            if not text.isascii() or len(text) not in _SECRET_LENGTH:
                raise ValueError("each secret must have 10 to 100 ASCII characters")
        return secrets

    @field_validator("trusted_proxies")
    @classmethod
    def _check_proxies(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        try:
            _networks(values)
        except ValueError:
            raise ValueError("must be addresses or networks, such as 10.0.0.7 or 10.0.0.0/24") from None
        return values

    @field_validator("twitch_api_url", "twitch_auth_url")
    @classmethod
    def _check_secrecy(cls, value: str) -> str:
        url = _URL.validate_python(value)
        if url.scheme != "https" and url.host not in _LOOPBACK:
            raise ValueError("must begin with https://, for secrets go there; http:// is for this machine")
        return value

    @field_validator("twitch_webhook_callback_url")
    @classmethod
    def _check_callback(cls, value: str) -> str:
        _plain_url(value)
        return value  # to the letter: a subscription is known by it

    @field_validator("twitch_irc_url")
    @classmethod
    def _check_irc_url(cls, value: str) -> str:
        if not _IRC_URL.fullmatch(value):
            raise ValueError(
                "must be a URL of scheme, host and port alone that begins with ircs:// or irc://"
            )
        return value

    @model_validator(mode="after")
    def _check_groups(self) -> Self:
        problems = []
        if self.twitch_client_secret in self.twitch_webhook_secret:
            problems.append("TWITCH_WEBHOOK_SECRET must not hold the value of TWITCH_CLIENT_SECRET")
        application = {
            "TWITCH_CLIENT_ID": self.twitch_client_id,
            "TWITCH_CLIENT_SECRET": self.twitch_client_secret,
        }
        wanted = {"TWITCH_CHANNEL_NAME": self.twitch_channel_name, **application}
        missing = [name for name, value in wanted.items() if value is None]
        if missing and (any(application.values()) or self.is_callback_explicit):
            given = [name for name in wanted if name not in missing and name in application]
            given += ["TWITCH_WEBHOOK_CALLBACK_URL"] if self.is_callback_explicit else []
            problems.append(f"{', '.join(missing)} must be set, since {' and '.join(given)} is")
        missing = [name.upper() for name in _SPACES if getattr(self, name) is None]
        if missing and len(missing) < len(_SPACES):
            problems.append(f"{', '.join(missing)} must be set as well, or no SPACES_* at all")
        if problems:
            raise ValueError("\n".join(problems))
        return self

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """The EventSub secrets: the first signs, all verify."""
        return tuple(secret.get_secret_value() for secret in self.twitch_webhook_secret)

    @property
    def has_homeless_ghosts(self) -> bool:
        """Whether ghosts could be painted, and not stored."""
        return self.openai_api_key is not None and self.spaces_bucket_name is None

    @property
    def has_chat(self) -> bool:
        """Whether there is a chat to serve; to read it by IRC, the channel must be named."""
        return self.chat_source == "eventsub" or bool(self.chat_source == "irc" and self.twitch_channel_name)

    @property
    def trusted_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The proxies whose word counts on where a request comes from."""
        return _networks(self.trusted_proxies)

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


def _networks(texts: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(text) for text in texts)


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
