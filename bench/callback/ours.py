"""showtime itself: `showtime serve` as it is deployed, over a PostgreSQL that keeps what it says it keeps."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
from attrs import define
from psycopg.conninfo import conninfo_to_dict

from callback.messages import SECRET
from callback.receivers import Receiver
from showtime_adapters.postgres.embedded.database import EmbeddedPostgres

_PROGRAM = str(Path(sys.executable).with_name("showtime"))
_PROBES = 100
_DURABILITY = ("server_version", "fsync", "synchronous_commit", "full_page_writes")


@define
class Database:
    """The database of the benchmark: under default settings, fsync on, and migrated."""

    conninfo: str
    environment: dict[str, str]
    pid: int
    _counted: int = 0

    def settings(self) -> dict[str, str]:
        """Tell how durable a commit is."""
        with psycopg.connect(self.conninfo) as connection:
            return {name: _show(connection, name) for name in _DURABILITY}

    def commit_ms(self) -> float:
        """Time the smallest commit, which waits for the disk: the median of many."""
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            connection.execute("create table public.probe (n int)")
            times = []
            for _ in range(_PROBES):
                start = time.perf_counter()
                connection.execute("insert into public.probe values (1)")
                times.append(time.perf_counter() - start)
            connection.execute("drop table public.probe")
        return statistics.median(times) * 1e3

    def batches(self) -> tuple[int, int]:
        """Tell how many messages were recorded, in how many transactions: each has a time of its own."""
        with psycopg.connect(self.conninfo) as connection:
            counted = connection.execute(
                "select count(*), count(distinct received_at) from showtime.journal"
            ).fetchone()
        return counted or (0, 0)

    def newly_recorded(self, _: str) -> int:
        """Count the rows that the journal has more than the last time."""
        with psycopg.connect(self.conninfo) as connection:
            (rows,) = connection.execute("select count(*) from showtime.journal").fetchone() or (0,)
        self._counted, before = rows, self._counted
        return int(rows) - before


def _show(connection: psycopg.Connection, name: str) -> str:
    row = connection.execute("select current_setting(%s)", [name]).fetchone()
    return str(row[0]) if row else "?"


@contextmanager
def database(folder: Path) -> Iterator[Database]:
    """Run a new PostgreSQL in this folder, and migrate it."""
    with EmbeddedPostgres.start(folder) as server:
        environment = _environment(server.conninfo)
        subprocess.run([_PROGRAM, "migrate"], env=environment, cwd=folder, check=True, capture_output=True)
        with psycopg.connect(server.conninfo) as connection:
            postmaster = psutil.Process(connection.info.backend_pid).ppid()
        yield Database(server.conninfo, environment, postmaster)


def showtime(base: Database) -> Receiver:
    """Name showtime, over this database."""
    return Receiver("showtime", (_PROGRAM, "serve", "--port"), base.environment, base.newly_recorded)


def _environment(conninfo: str) -> dict[str, str]:
    where = conninfo_to_dict(conninfo)
    return {
        "PATH": os.defpath,
        "TWITCH_WEBHOOK_SECRET": SECRET,
        "PGHOST": str(where["host"]),
        "PGPORT": str(where["port"]),
        "PGDATABASE": str(where["dbname"]),
        "PGUSER": str(where["user"]),
    }
