"""Asking the database: rows come by the names of their columns, or as the class that has these fields."""

from collections.abc import Mapping, Sequence
from typing import Any, LiteralString, TypeVar

from psycopg.rows import AsyncRowFactory, namedtuple_row, scalar_row

from showtime_adapters.postgres.session import Connection

T = TypeVar("T")
Values = Sequence[Any] | Mapping[str, Any] | None

by_name: AsyncRowFactory[Any] = namedtuple_row
"""Each row has its columns as attributes."""


async def fetch_all(  # noqa: PLR0913 - those of psycopg
    connection: Connection,
    query: LiteralString,
    row: AsyncRowFactory[T],
    values: Values = None,
    *,
    prepare: bool | None = None,
    binary: bool = False,
) -> list[T]:
    """Run a query, and give its rows, each made by `row`; raises psycopg.Error."""
    cursor = connection.cursor(row_factory=row)
    await cursor.execute(query, values, prepare=prepare, binary=binary)
    return await cursor.fetchall()


async def fetch_one(
    connection: Connection, query: LiteralString, row: AsyncRowFactory[T], values: Values = None
) -> T | None:
    """Run a query, and give its first row; None if it has none. Raises psycopg.Error."""
    return next(iter(await fetch_all(connection, query, row, values)), None)


async def fetch_value(
    connection: Connection, query: LiteralString, values: Values = None, *, prepare: bool | None = None
) -> Any:  # noqa: ANN401 - whatever the column holds
    """Run a query, and give the first column of its first row; None if it has none. Raises psycopg.Error."""
    return next(iter(await fetch_all(connection, query, scalar_row, values, prepare=prepare)), None)
