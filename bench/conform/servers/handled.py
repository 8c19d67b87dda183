"""Where a library writes what it has handled: `python -m conform.servers.NAME PORT FILE`."""

import sys
from pathlib import Path


def write_down(message_id: str | None) -> None:
    """Add the id of a message to the file."""
    with Path(sys.argv[2]).open("a", encoding="utf-8") as file:
        file.write(f"{message_id}\n")
