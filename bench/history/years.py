"""Years of the channel, made up in the database: six tapes and ten ghosts a night."""

from typing import LiteralString

import psycopg
from psycopg.abc import Params

TAPES_A_NIGHT = 6
GHOSTS_A_NIGHT = 10
_VIEWERS = 1000
_COLLECTION = 800

# Nights from one number to another, one a day.
_NIGHTS: LiteralString = """
    insert into showtime.broadcast (id, started_at, ended_at, vod_url)
    select night, at, at + interval '4 h', 'https://www.twitch.tv/videos/' || 2203000000 + night
    from generate_series(%(first)s::int, %(last)s::int) as night,
         lateral (select timestamptz '2000-01-01 20:00Z' + night * interval '1 day') as t (at)
"""

# Their tapes, in no order: rows lie on the disk as they come.
_TAPES: LiteralString = """
    insert into showtime.screening (broadcast_id, tape_id, started_at, ended_at)
    select id, 1 + (id * 7 + nth * 131) %% %(collection)s, started_at + nth * interval '39 min 0.123456 s',
           started_at + (nth + 1) * interval '39 min 0.123456 s'
    from showtime.broadcast, generate_series(0, %(tapes)s - 1) as nth
    where id between %(first)s and %(last)s order by random()
"""

# Their ghosts, over the tapes in turn.
_GHOSTS: LiteralString = """
    insert into showtime.image_request
        (id, twitch_user_id, screening_id, subject_noun_clause, prompt, created_at, finished_at)
    select gen_random_uuid(), 1 + (random() * (%(viewers)s - 1))::int, screening.id, 'a fax machine', '',
           screening.started_at + nth * interval '1 min', screening.started_at + nth * interval '2 min'
    from (select *, row_number() over (partition by broadcast_id order by started_at) - 1 as place
          from showtime.screening where broadcast_id between %(first)s and %(last)s) as screening,
         generate_series(0, %(ghosts)s - 1) as nth
    where nth %% %(tapes)s = place
"""

# A picture of each.
_IMAGES: LiteralString = """
    insert into showtime.image (image_request_id, index, url)
    select id, 0, format('https://ghosts.example.com/%%s/%%s-00.jpg', id, id) from showtime.image_request
    on conflict do nothing
"""

_FANS: LiteralString = """
    insert into showtime.viewer select n, 'Tapehead' || n from generate_series(1, %(viewers)s::int) as n
    on conflict do nothing
"""

_COUNTS: LiteralString = """
    select (select count(*) from showtime.broadcast), (select count(*) from showtime.screening),
           (select count(*) from showtime.image_request)
"""


def grow(conninfo: str, first: int, last: int) -> tuple[int, int, int]:
    """Add nights, and let the server tidy up as its autovacuum would; counts nights, tapes, ghosts."""
    values: Params = {
        "first": first,
        "last": last,
        "tapes": TAPES_A_NIGHT,
        "ghosts": GHOSTS_A_NIGHT,
        "viewers": _VIEWERS,
        "collection": _COLLECTION,
    }
    with psycopg.connect(conninfo, autocommit=True) as connection:
        with connection.transaction():
            for statement in (_FANS, _NIGHTS, _TAPES, _GHOSTS, _IMAGES):
                connection.execute(statement, values)
        connection.execute("vacuum analyze")
        broadcasts, screenings, ghosts = connection.execute(_COUNTS).fetchone() or (0, 0, 0)
        return broadcasts, screenings, ghosts


def some_ghosts(conninfo: str, count: int) -> list[str]:
    """Name some ghosts, in no order."""
    with psycopg.connect(conninfo) as connection:
        found = connection.execute(
            "select id::text from showtime.image_request order by random() limit %s", [count]
        )
        return [ghost for (ghost,) in found]
