"""The database of a benchmark, dumped and restored into another: without statistics, as after a disaster."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import psutil
import psycopg
from attrs import evolve
from callback.ours import Database
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

_NAME = "restored"


def restored(base: Database, folder: Path) -> Database:
    """Give a copy on the same server, by pg_dump and pg_restore of its version; nothing analyzes it."""
    with psycopg.connect(base.conninfo, autocommit=True) as connection:
        connection.execute(SQL("create database {}").format(Identifier(_NAME)))
    conninfo = make_conninfo(base.conninfo, dbname=_NAME)
    dump = str(folder / "dump")
    _run(base, "pg_dump", ["--format=custom", "--compress=0", f"--file={dump}", base.conninfo])
    _run(base, "pg_restore", [f"--dbname={conninfo}", dump])
    return evolve(base, conninfo=conninfo, environment={**base.environment, "PGDATABASE": _NAME})


def _run(base: Database, program: str, arguments: Sequence[str]) -> None:
    """Run a program that stands beside that of the server."""
    path = Path(psutil.Process(base.pid).exe()).with_name(program)
    subprocess.run([str(path), *arguments], check=True, capture_output=True)
