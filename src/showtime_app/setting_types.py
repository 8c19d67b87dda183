"""The kinds of settings that not everything is one of, and what a setting must be in words."""

import re
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, HttpUrl, SecretStr, TypeAdapter
from pydantic_settings import NoDecode

EMBEDDED = "embedded"
"""The ledger that is a part of the database."""

REDIRECT_PATH = "/session/callback"
"""Where Twitch sends a browser back that signs in, behind whatever a proxy puts before it."""

_SECRET_LENGTH = range(10, 101)
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_URL = TypeAdapter(HttpUrl)
_HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?")
_ORIGIN = re.compile(r"\*|[a-z][a-z0-9+.-]*://(\[[0-9a-f:]+\]|[a-z0-9_*.-]+)(:[0-9]{1,5})?", re.IGNORECASE)
_HTTPS_PORT = 443


def must_be(name: str, schema: Mapping[str, Any]) -> str:
    """Say what a setting must be: in words of its own, or by its type, as its JSON schema has it."""
    words = tomllib.loads((files("showtime_app") / "setting_words.toml").read_text("utf-8"))
    return str(words.get(name) or _in_words(schema))


def _in_words(schema: Mapping[str, Any]) -> str:
    if choices := schema.get("anyOf"):
        return " or ".join(_in_words(each) for each in choices if each.get("type") != "null")
    if choices := schema.get("enum"):
        return f"one of {', '.join(str(each) or 'nothing' for each in choices)}"
    lowest, highest = (schema.get(name) for name in ("minimum", "maximum"))
    least = "" if lowest is None else f" of at least {lowest}"
    kinds = {"integer": "a whole number", "number": "a number", "boolean": "true or false"}
    kind = str(schema.get("const") or kinds.get(schema["type"], "text"))
    return kind + (least if highest is None else f" from {lowest} to {highest}")


def networks(texts: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    """Read addresses and networks; raises ValueError."""
    return tuple(ip_network(text) for text in texts)


def split(value: Any) -> Any:  # noqa: ANN401 - what is no text is for others to judge
    """Take a text apart at its commas; what is no text stays as it is, and nothing is no parts."""
    return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value or ()


def _require(fits: object) -> None:
    """Raise ValueError for what does not fit: what it must be is said in words elsewhere."""
    if not fits:
        raise ValueError


def _check_secrets(secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    texts = [secret.get_secret_value() for secret in secrets]
    _require(all(text.isascii() and len(text) in _SECRET_LENGTH for text in texts))
    return secrets


def _check_networks(texts: tuple[str, ...]) -> tuple[str, ...]:
    networks(texts)
    return texts


def _check_origins(texts: tuple[str, ...]) -> tuple[str, ...]:
    origins = tuple(text.lower() for text in texts if text)
    _require(all(map(_ORIGIN.fullmatch, origins)))
    return origins


def _plain_url(value: str) -> HttpUrl:
    url = _URL.validate_python(value)
    _require(url.username is None and url.password is None and url.query is None and not url.fragment)
    return url


def _check_callback_url(value: str) -> str:
    url = _plain_url(value)
    _require(url.scheme == "https" and url.port == _HTTPS_PORT)
    return value


def _check_redirect_url(value: str) -> str:
    url = _plain_url(value)
    _require(url.scheme == "https" or url.host in _LOOPBACK)
    _require((url.path or "").endswith(REDIRECT_PATH))
    return value


def _check_base_url(value: str) -> str:
    return str(_plain_url(value)).rstrip("/")


def _check_trusted_url(value: str) -> str:
    url = _plain_url(value)
    _require(url.scheme == "https" or url.host in _LOOPBACK)
    return str(url).rstrip("/")


def _check_ledger_url(value: str) -> str:
    return value if value == EMBEDDED else _check_base_url(value)


def _check_endpoint(value: str) -> str:
    if "://" in value:
        return _check_base_url(value)
    _require(_HOST.fullmatch(value))
    return value


def _check_webhook(value: SecretStr) -> SecretStr:
    _URL.validate_python(value.get_secret_value())
    return value


Login = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,25}$")]
"""The login of a channel."""
Limit = Annotated[int, Field(ge=1)] | Literal["none"]
"""How many there may be, or that there is no limit."""
SslMode = Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]
"""How the database is spoken to with TLS, by libpq's names."""
CannedAcl = Literal[
    "",
    "private",
    "public-read",
    "public-read-write",
    "authenticated-read",
    "aws-exec-read",
    "bucket-owner-read",
    "bucket-owner-full-control",
]
"""Who may read what is stored, by the names that S3 has for it; empty: the bucket says so itself."""
_Parts = Annotated[tuple[str, ...], NoDecode, BeforeValidator(split)]
Origins = Annotated[_Parts, AfterValidator(_check_origins)]
"""Origins of pages, as browsers name them; `*` is all."""
Networks = Annotated[_Parts, AfterValidator(_check_networks)]
"""Addresses and networks."""
Secrets = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(split), AfterValidator(_check_secrets)]
"""What EventSub messages are signed with."""
BaseUrl = Annotated[str, AfterValidator(_check_base_url)]
"""Where something begins: paths are put behind it."""
CallbackUrl = Annotated[str, AfterValidator(_check_callback_url)]
"""Where Twitch delivers: HTTPS on port 443, kept to the letter."""
RedirectUrl = Annotated[str, AfterValidator(_check_redirect_url)]
"""Where Twitch sends a browser back, kept to the letter."""
TrustedUrl = Annotated[str, AfterValidator(_check_trusted_url)]
"""A base URL that secrets are sent to."""
IrcUrl = Annotated[str, Field(pattern=r"^ircs?://(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?$")]
"""Where chat is read."""
LedgerUrl = Annotated[str, AfterValidator(_check_ledger_url)]
"""Where the ledger is, or that it is embedded."""
Endpoint = Annotated[str, AfterValidator(_check_endpoint)]
"""The host of a storage, or the base URL of one of our own."""
Webhook = Annotated[SecretStr, AfterValidator(_check_webhook)]
"""A URL that is a secret."""
