"""How a ghost that was asked for is kept in the tables, whatever became of it."""

from showtime_core.testing.twins.history import StoredGhost

KEEP_GHOST = """
    with known as (
        insert into showtime.viewer (twitch_user_id, twitch_display_name) values (%(viewer)s, %(name)s)
        on conflict do nothing
    ), asked as (
        insert into showtime.image_request values
            (%(id)s, %(viewer)s, %(screening)s, %(subject)s, 'a ghostly image', %(at)s, %(done)s, %(error)s)
    )
    insert into showtime.image
    select %(id)s, ordinal - 1, url from unnest(%(urls)s::text[]) with ordinality as u (url, ordinal)
    order by ordinal desc
"""


def columns(ghost: StoredGhost) -> dict[str, object]:
    return {
        "id": ghost.id,
        "viewer": ghost.viewer.id,
        "name": ghost.viewer.display_name,
        "screening": ghost.screening_id,
        "subject": ghost.subject,
        "at": ghost.created_at,
        "done": ghost.finished_at,
        "error": ghost.error_message,
        "urls": list(ghost.urls),
    }
