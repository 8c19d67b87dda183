"""Texts of others: viewers, Twitch, neighbours."""


def clean(text: str) -> str:
    """Drop what PostgreSQL and UTF-8 cannot hold: NUL, and halves of surrogate pairs."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "").encode("utf-8", "ignore").decode()


def printable(text: str) -> str:
    """Write out what a terminal would obey: whoever is quoted adds no line, and colours or turns nothing."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text
    )
