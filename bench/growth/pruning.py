"""How long a message waits for its answer while what is old is pruned, and when nothing is."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import LiteralString

import psycopg
from attrs import frozen
from callback.ours import Database, showtime
from callback.receivers import ReceiverError, running
from callback.report import spread, table
from callback.turns import free_port
from streams.posting import post_steadily

_PER_SECOND = 50
_AIM_MS = 50
_OLD_ROWS = 200_000
_LONGEST_SECONDS = 120

_AGE: LiteralString = """
    update showtime.journal set received_at = received_at - interval '10 years'
    where position between 0 and %s
"""
_OLD: LiteralString = """
    select count(*) from showtime.journal
    where position between 0 and %s and body is not null and received_at < now() - interval '9 years'
"""


@frozen
class Waits:
    """How long messages took to be answered in one turn."""

    seconds: Sequence[float]
    pruned: int
    """Rows that were pruned meanwhile."""

    @property
    def p99_ms(self) -> float:
        """Of a hundred the longest but one."""
        return sorted(self.seconds)[int(len(self.seconds) * 0.99)] * 1e3

    @property
    def longest_ms(self) -> float:
        """Of all of them."""
        return max(self.seconds) * 1e3


def measure_pruning(base: Database, folder: Path, rounds: int, seconds: int) -> Mapping[str, Sequence[Waits]]:
    """Age rows, and start a server, which prunes them at once; raises ReceiverError if it does not."""
    with psycopg.connect(base.conninfo, autocommit=True) as connection:

        def turn() -> Waits:
            before = _old(connection)
            took = asyncio.run(post_steadily(port, _PER_SECOND, seconds))
            return Waits(took, before - _old(connection))

        connection.execute(_AGE, [_OLD_ROWS])
        port = free_port()
        with running(showtime(base), port, folder / "log"):
            asyncio.run(post_steadily(port, _PER_SECOND, 1))  # until all plans are kept
            while_pruning = [turn() for _ in range(rounds)]
            deadline = time.monotonic() + _LONGEST_SECONDS
            while _old(connection):
                if time.monotonic() > deadline:
                    raise ReceiverError(f"{_old(connection)} old rows are not pruned")
                time.sleep(0.5)
            afterwards = [turn() for _ in range(rounds)]
    while_pruning = [waits for waits in while_pruning if waits.pruned]
    if not while_pruning:
        raise ReceiverError("nothing was pruned while messages came: there was too little that is old")
    return {"while old rows are pruned": while_pruning, "when none are left": afterwards}


def _old(connection: psycopg.Connection) -> int:
    (count,) = connection.execute(_OLD, [_OLD_ROWS]).fetchone() or (0,)
    return int(count)


def report(found: Mapping[str, Sequence[Waits]]) -> str:
    """Tell how long a message waits, and whether that is short enough."""
    rows = [
        [
            what,
            spread([waits.p99_ms for waits in turns], "{:.0f}"),
            spread([waits.longest_ms for waits in turns], "{:.0f}"),
            f"{sum(waits.pruned for waits in turns):,}",
        ]
        for what, turns in found.items()
    ]
    pruning, after = (max(waits.longest_ms for waits in turns) for turns in found.values())
    verdict = "reached" if pruning <= _AIM_MS else "NOT REACHED"
    told = f"no answer takes more than {_AIM_MS} ms: {pruning:.0f}; when none are left, {after:.0f}"
    return "\n\n".join(
        [
            f"### While old rows are pruned, {_PER_SECOND} messages a second",
            table(["", "p99 ms", "max ms", "rows pruned"], rows),
            f"- {verdict}: {told}",
        ]
    )
