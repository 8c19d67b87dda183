"""An embedded PostgreSQL that comes to an end, and comes back at the same place."""

import os
import signal
from pathlib import Path

from showtime_adapters.postgres.embedded.database import EmbeddedPostgres


def restart(folder: Path, by: signal.Signals) -> None:
    """End the server of this data folder by a signal, and start it again for those who use it."""
    postmaster = int((folder / "postgres" / "postmaster.pid").read_text().split()[0])
    os.kill(postmaster, by)
    EmbeddedPostgres.start(folder).stop()  # others still use it: it goes on
