"""Texts of others: viewers, Twitch, neighbours."""


def clean(text: str) -> str:
    """Drop what PostgreSQL and UTF-8 cannot hold: NUL, and halves of surrogate pairs."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "").encode("utf-8", "ignore").decode()
