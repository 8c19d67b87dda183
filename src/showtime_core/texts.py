"""Texts: what others write, viewers, Twitch and neighbours; and how times are written."""

import re
from datetime import UTC, datetime
from hashlib import sha256

MAX_SHOWN_CHARACTERS = 2000
"""How many characters of a message are shown at most: Twitch's own limit is 500."""
MAX_QUOTED_CHARACTERS = 300
"""How many characters of what a neighbour says of a failure are passed on at most."""

_MAX_TOKEN = 512
"""Of characters; whatever is longer was not made here, and is not worth a digest."""

INVISIBLE = (
    r"\x00-\x20\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f"
    r"\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""White space and letters that nobody sees, as the inside of a class of a regular expression: controls,
Unicode's `Default_Ignorable_Code_Point`, and the blank of Braille."""

_LEADING = re.compile(f"[{INVISIBLE}]*")
# Letters that nobody sees alone: they make an emoji of a symbol, or a region's flag of the flag before them.
_REST_OF_EMOJI = re.compile(r"(?<=[^\w\s]|\u2139)\ufe0f|(?<=🏴)[\U000e0020-\U000e007e]+\U000e007f")

_ERRORS = {
    "ConnectError": "no connection",
    "ConnectTimeout": "no connection in time",
    "OperationalError": "no connection",
    "PoolTimeout": "no connection in time",
    "ReadError": "the connection broke off",
    "ReadTimeout": "no answer in time",
    "TimeoutError": "it took too long",
}


def clean(text: str) -> str:
    """Drop what PostgreSQL and UTF-8 cannot hold: NUL, and halves of surrogate pairs."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "").encode("utf-8", "ignore").decode()


def trim(text: str) -> str:
    """Take white space and invisible letters off both edges; those within an emoji stay.

    Empty if there is nothing to see. Chat clients append such letters, since Twitch drops repetitions.
    """
    if text and "!" <= text[0] <= "~" and "!" <= text[-1] <= "~":  # as nearly all names begin and end
        return text
    first = _end_of_invisible(text)
    if first == len(text):
        return ""
    last = len(text) - _end_of_invisible(text[::-1])
    rest = _REST_OF_EMOJI.match(text, last)
    return text[first : rest.end() if rest else last]


def _end_of_invisible(text: str) -> int:
    found = _LEADING.match(text)
    return found.end() if found else 0


def shorten(text: str) -> str:
    """Cut a message to what is shown of it: its first 2,000 characters."""
    return text[:MAX_SHOWN_CHARACTERS]


def printable(text: str) -> str:
    """Escape what a terminal would obey: so a quoted text adds no line and no colour, and turns nothing."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text
    )


def format_time(moment: datetime) -> str:
    """Write a moment as RFC 3339 in UTC with `Z`, to the microsecond, without zeros at the end of a fraction.

    So the predecessor wrote them, and its clients were tested with that.
    """
    text = moment.astimezone(UTC).isoformat().removesuffix("+00:00")
    return f"{text.rstrip('0') if moment.microsecond else text}Z"


def name_error(error: BaseException) -> str:
    """Name an error in words, by its class: its own message may hold addresses and secrets."""
    name = type(error).__name__
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)
    return _ERRORS.get(name) or " ".join(words).lower()


def quote(text: str) -> str:
    """Quote what a neighbour says: on one line, printable, and at most 300 characters of it."""
    return printable(clean(" ".join(text.split())[:MAX_QUOTED_CHARACTERS]))[:MAX_QUOTED_CHARACTERS]


def digest_of(token: str) -> bytes:
    """Give the digest that is kept of a token, a secret or a code: each is random, so it needs no salt."""
    return sha256(token[:_MAX_TOKEN].encode(errors="surrogatepass")).digest()
