"""The kinds of settings that not everything is one of; a value that is refused is not repeated."""

import re
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    FilePath,
    HttpUrl,
    SecretStr,
    TypeAdapter,
    ValidationError,
)
from pydantic_settings import NoDecode

EMBEDDED = "embedded"
"""The ledger that is a part of the database."""

_SECRET_LENGTH = range(10, 101)
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_URL = TypeAdapter(HttpUrl)
_IRC_URL = re.compile(r"ircs?://(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?")
_HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?")
_ORIGIN = re.compile(r"\*|[a-z][a-z0-9+.-]*://(\[[0-9a-f:]+\]|[a-z0-9_*.-]+)(:[0-9]{1,5})?", re.IGNORECASE)
_HTTPS_PORT = 443


def in_words(schema: Mapping[str, Any]) -> str:
    """Say what a setting must be, by its JSON schema: its description, or what its type allows."""
    if said := schema.get("description"):
        return str(said)
    if choices := schema.get("anyOf"):
        return " or ".join(in_words(each) for each in choices if each.get("type") != "null")
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


def _check_origins(texts: tuple[str, ...]) -> tuple[str, ...]:
    if not all(_ORIGIN.fullmatch(text) for text in texts):
        raise ValueError(
            "each must be an origin, scheme and host without a path or a slash at the end, "
            "such as https://example.com"
        )
    return tuple(text.lower() for text in texts)


def _check_secrets(secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    texts = [secret.get_secret_value() for secret in secrets]
    if not all(text.isascii() and len(text) in _SECRET_LENGTH for text in texts):
        raise ValueError("each secret must have 10 to 100 ASCII characters; `openssl rand -hex 16` makes one")
    return secrets


def _check_networks(texts: tuple[str, ...]) -> tuple[str, ...]:
    try:
        networks(texts)
    except ValueError:
        raise ValueError("must be addresses or networks, such as 10.0.0.7 or 10.0.0.0/24") from None
    return texts


def _plain_url(value: str) -> HttpUrl:
    try:
        url = _URL.validate_python(value)
    except ValidationError:
        raise ValueError("must be a URL that begins with http:// or https://") from None
    if url.username is not None or url.password is not None or url.query is not None or url.fragment:
        raise ValueError("must be a URL of host, port and path alone")
    return url


def _check_callback_url(value: str) -> str:
    url = _plain_url(value)
    if url.scheme != "https" or url.port != _HTTPS_PORT:
        raise ValueError("must begin with https:// and name no port but 443: Twitch delivers to no other")
    return value


def _check_base_url(value: str) -> str:
    return str(_plain_url(value)).rstrip("/")


def _check_trusted_url(value: str) -> str:
    url = _plain_url(value)
    if url.scheme != "https" and url.host not in _LOOPBACK:
        raise ValueError("must begin with https://, for secrets go there; http:// is for this machine")
    return str(url).rstrip("/")


def _check_irc_url(value: str) -> str:
    if not _IRC_URL.fullmatch(value):
        raise ValueError("must be a URL of scheme, host and port alone that begins with ircs:// or irc://")
    return value


def _check_ledger_url(value: str) -> str:
    return value if value == EMBEDDED else _check_base_url(value)


def _check_endpoint(value: str) -> str:
    if "://" in value:
        return _check_base_url(value)
    if not _HOST.fullmatch(value):
        raise ValueError("must be a bare host, or a URL of host and port for a server of your own")
    return value


def _check_webhook(value: SecretStr) -> SecretStr:
    try:
        _URL.validate_python(value.get_secret_value())
    except ValidationError:
        raise ValueError("must be the URL of a webhook of a channel") from None
    return value


Login = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9_]{1,25}$",
        description="the name in the channel's address: 1 to 25 letters, digits and underscores",
    ),
]
"""The login of a channel."""
Limit = Annotated[int, Field(ge=1)] | Literal["none"]
"""How many there may be, or that there is no limit."""
CertificateFile = Annotated[FilePath, Field(description="a file that is there, with certificates (PEM)")]
"""Certificates to trust."""
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
CommaSeparated = Annotated[tuple[str, ...], NoDecode, BeforeValidator(split)]
"""Several, in one line."""
Origins = Annotated[CommaSeparated, AfterValidator(_check_origins)]
"""Origins of pages, as browsers name them; `*` is all."""
Networks = Annotated[CommaSeparated, AfterValidator(_check_networks)]
"""Addresses and networks."""
Secrets = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(split), AfterValidator(_check_secrets)]
"""What EventSub messages are signed with."""
BaseUrl = Annotated[str, AfterValidator(_check_base_url)]
"""Where something begins: paths are put behind it."""
CallbackUrl = Annotated[str, AfterValidator(_check_callback_url)]
"""Where Twitch delivers: HTTPS on port 443, kept to the letter."""
TrustedUrl = Annotated[str, AfterValidator(_check_trusted_url)]
"""A base URL that secrets are sent to."""
IrcUrl = Annotated[str, AfterValidator(_check_irc_url)]
"""Where chat is read."""
LedgerUrl = Annotated[str, AfterValidator(_check_ledger_url)]
"""Where the ledger is, or that it is embedded."""
Endpoint = Annotated[str, AfterValidator(_check_endpoint)]
"""The host of a storage, or the base URL of one of our own."""
Webhook = Annotated[SecretStr, AfterValidator(_check_webhook)]
"""A URL that is a secret."""
