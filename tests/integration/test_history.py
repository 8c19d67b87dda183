"""The history: PostgreSQL's keeps to the contract; and its routes, to the letter."""

import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

import httpx
import psycopg
import pytest

from showtime_adapters.postgres import statements
from showtime_adapters.postgres.history import PostgresHistory
from showtime_adapters.postgres.pool import make_pool
from showtime_core.domain.broadcasts.broadcast import Broadcast, Screening
from showtime_core.testing.contracts.history import HistoryContract, HistoryStage
from showtime_core.testing.twins.history import StoredGhost
from support.answers import said
from support.databases import fresh_database, gone
from support.history import KEEP_GHOST, columns
from support.in_process import Ran, run_here, running_here
from support.server import environment


class TestPostgresHistory(HistoryContract):
    """The contract of the history, in PostgreSQL."""

    @pytest.fixture
    async def stage(self, migrated: str) -> AsyncIterator[HistoryStage]:
        async with make_pool(migrated) as pool:

            async def record(broadcasts: Sequence[Broadcast], screenings: Sequence[Screening]) -> None:
                async with pool.connection() as connection:
                    for row in broadcasts:
                        saved = [row.id, row.started_at, row.ended_at]
                        await connection.execute(statements.SAVE_BROADCAST, saved)
                    for row in screenings:
                        saved = [row.id, row.broadcast_id, row.tape_id, row.started_at, row.ended_at]
                        await connection.execute(statements.SAVE_SCREENING, saved)

            async def keep(ghost: StoredGhost) -> None:
                async with pool.connection() as connection:
                    await connection.execute(KEEP_GHOST, columns(ghost))

            yield HistoryStage(PostgresHistory(pool), record, keep)


# --- the routes ---------------------------------------------------------------------------------

NIGHTS = """
    -- Rows as the predecessor left them, which no rule has seen.
    alter table showtime.screening disable trigger user, drop constraint screening_tape_id_positive;
    drop index showtime.screening_open_unique;
    insert into showtime.viewer values ('1', 'VHSVera'), ('2', '');
    insert into showtime.broadcast (id, started_at, ended_at, vod_url) values
        (3, '2024-10-31T20:00:00Z', '2024-10-31T23:00:00Z', 'https://vods.example.com/3'),
        (5, '2024-11-01T20:00:00.123456Z', '2024-11-01T23:00:00Z', null),
        (6, '2024-11-02T20:00:00Z', '2024-11-02T20:05:00Z', null),
        (7, '2024-11-03T20:00:00Z', null, null);
    insert into showtime.screening (id, broadcast_id, tape_id, started_at, ended_at) values
        ('00000000-0000-0000-0000-000000000002', 3, 80, '2024-10-31T21:00:00Z', null),
        ('00000000-0000-0000-0000-000000000001', 3, 31, '2024-10-31T20:00:00Z', '2024-10-31T21:00:00Z'),
        ('00000000-0000-0000-0000-000000000003', 5, 31, '2024-11-01T20:01:00Z', '2024-11-01T21:00:00Z'),
        ('00000000-0000-0000-0000-000000000004', 5, 31, '2024-11-01T21:00:00Z', '2024-11-01T22:00:00Z'),
        ('00000000-0000-0000-0000-000000000005', 5, 0, '2024-11-01T22:00:00Z', '2024-11-01T22:30:00Z'),
        ('00000000-0000-0000-0000-000000000006', 6, -1, '2024-11-02T20:00:00Z', '2024-11-02T20:05:00Z'),
        ('00000000-0000-0000-0000-000000000007', 7, 13, '2024-11-03T20:00:01.5Z', null);
    insert into showtime.image_request values
        ('00000000-0000-4000-8000-00000000000a', '1', '00000000-0000-0000-0000-000000000001',
         'a baby seal', 'p', '2024-10-31T20:30:00Z', '2024-10-31T20:31:00Z', null),
        ('00000000-0000-4000-8000-00000000000b', '2', '00000000-0000-0000-0000-000000000001',
         'a fax machine', 'p', '2024-10-31T20:20:00Z', '2024-10-31T20:32:00Z', null),
        ('00000000-0000-4000-8000-00000000000c', '2', '00000000-0000-0000-0000-000000000001',
         'nobody', 'p', '2024-10-31T20:10:00Z', '2024-10-31T20:12:00Z', 'the painter was away');
    insert into showtime.image values
        ('00000000-0000-4000-8000-00000000000a', 1, 'https://ghosts.example.com/a-01.jpg'),
        ('00000000-0000-4000-8000-00000000000a', 0, 'https://ghosts.example.com/a-00.jpg'),
        ('00000000-0000-4000-8000-00000000000c', 0, 'https://ghosts.example.com/c-00.jpg');
"""
THIRD = {
    "id": 3,
    "startedAt": "2024-10-31T20:00:00Z",
    "vodUrl": "https://vods.example.com/3",
    "tapeIds": [31, 80],
}
FIFTH = {"id": 5, "startedAt": "2024-11-01T20:00:00.123456Z", "vodUrl": "", "tapeIds": [31, 31]}
SEVENTH = {"id": 7, "startedAt": "2024-11-03T20:00:00Z", "vodUrl": "", "tapeIds": [13]}
NOT_FOUND = (404, "no such broadcast")


@pytest.fixture(scope="module")
def past(postgres_server) -> Iterator[str]:
    with fresh_database(postgres_server.conninfo) as conninfo:
        with psycopg.connect(conninfo) as connection:
            connection.execute(NIGHTS)
        yield conninfo


@pytest.fixture(scope="module")
def website(past) -> Iterator[httpx.Client]:
    with running_here(past) as server, httpx.Client(base_url=server.url) as client:
        yield client


@pytest.mark.parametrize("path", ["/history", "/history/"])
def test_the_whole_list(website, path):
    """The list has all nights with a tape that can be shown, by their start, and each tape's nights once."""
    answer = website.get(path)
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {
        "broadcasts": [THIRD, FIFTH, SEVENTH],
        "broadcastIdsByTapeId": {"31": [3, 5], "80": [3], "13": [7]},
    }
    assert list(answer.json()["broadcastIdsByTapeId"]) == ["13", "31", "80"]


def test_a_page_names_the_next(website):
    """Its link is relative, for the prefix that a proxy strips; followed to the end it gives the list."""
    pages, link = [], "?limit=1"
    while link:
        answer = website.get(f"/history{link}")
        pages.append(answer.json())
        link = answer.links.get("next", {}).get("url")
    assert [page["broadcasts"] for page in pages] == [[THIRD], [FIFTH], [SEVENTH]]
    assert [page["broadcastIdsByTapeId"] for page in pages] == [
        {"31": [3], "80": [3]},
        {"31": [5]},
        {"13": [7]},
    ]
    assert website.get("/history?limit=3").links == {}
    assert website.get("/history?limit=0&after=0").json() == website.get("/history").json()
    assert website.get("/history?after=3").json()["broadcasts"] == [FIFTH, SEVENTH]
    assert website.get("/history?after=0&limit=1").json()["broadcasts"] == [THIRD]
    assert website.get("/history?after=7&limit=5").json() == {"broadcasts": [], "broadcastIdsByTapeId": {}}


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ("limit=-1", (400, "limit: Expected `int` >= 0")),
        ("limit=1001", (400, "limit: Expected `int` <= 1000")),
        ("limit=all", (400, "limit: Expected `int`, got `str`")),
        ("limit=null", (400, "limit: Expected `int`, got `str`")),
        ("after=yesterday", (400, "after: Expected `int`, got `str`")),
        ("after=4", NOT_FOUND),
        (f"after={'9' * 40}", NOT_FOUND),
    ],
)
def test_a_page_that_cannot_be_is_refused(website, query, answer):
    """The answer names what is wrong."""
    assert said(website.get(f"/history?{query}")) == answer


def test_one_night(website):
    """A night lists what was on with its ghosts, oldest first, and an open screening ends with its night."""
    assert website.get("/history/3").json() == {
        "id": 3,
        "startedAt": "2024-10-31T20:00:00Z",
        "endedAt": "2024-10-31T23:00:00Z",
        "screenings": [
            {
                "tapeId": 31,
                "startedAt": "2024-10-31T20:00:00Z",
                "endedAt": "2024-10-31T21:00:00Z",
                "imageRequests": [
                    {
                        "id": "00000000-0000-4000-8000-00000000000b",
                        "username": "User 2",
                        "subject": "a fax machine",
                    },
                    {
                        "id": "00000000-0000-4000-8000-00000000000a",
                        "username": "VHSVera",
                        "subject": "a baby seal",
                    },
                ],
            },
            {
                "tapeId": 80,
                "startedAt": "2024-10-31T21:00:00Z",
                "endedAt": "2024-10-31T23:00:00Z",
                "imageRequests": [],
            },
        ],
        "vodUrl": "https://vods.example.com/3",
    }


def test_nights_that_lack_something(website):
    """What a night lacks is left out: no VOD no field, no shown tape no screening, live no end."""
    assert website.get("/history/6/").json() == {
        "id": 6,
        "startedAt": "2024-11-02T20:00:00Z",
        "endedAt": "2024-11-02T20:05:00Z",
        "screenings": [],
    }
    live = website.get("/history/7").json()
    assert (live["endedAt"], live["screenings"][0]["endedAt"]) == (None, None)
    assert live["screenings"][0]["startedAt"] == "2024-11-03T20:00:01.5Z"


@pytest.mark.parametrize("number", ["4", "0", "-3", "4294967299", "9" * 400, "18446744073709551619"])
def test_a_night_that_never_was(website, number):
    """An unknown night is 404, and never the night left when a large number is cut: 4294967299 is not 3."""
    assert said(website.get(f"/history/{number}")) == NOT_FOUND


@pytest.mark.parametrize("number", ["abc", "3.0", "0x3", "\uff13", "%203", "3;", "+"])
def test_a_night_has_a_number(website, number):
    """What is no number is answered 400."""
    assert said(website.get(f"/history/{number}")) == (400, "broadcast ID must be an integer")


def test_the_images_of_a_ghost(website):
    """Images of a ghost are listed in order, and a failed or unknown ghost has an empty list, not null."""
    a, c = ("00000000-0000-4000-8000-00000000000" + letter for letter in "ac")
    urls = ["https://ghosts.example.com/a-00.jpg", "https://ghosts.example.com/a-01.jpg"]
    assert website.get(f"/history/images/{a}").json() == urls
    assert website.get(f"/history/images/{a.upper()}/").json() == urls
    assert website.get(f"/history/images/{c}").text == "[]"
    assert website.get(f"/history/images/{c[:-1]}d").text == "[]"


@pytest.mark.parametrize("name", ["1", "a" * 32, "{00000000-0000-4000-8000-00000000000a}", "x" * 36, "%00"])
def test_a_ghost_has_a_uuid(website, name):
    """What is none is answered 400."""
    assert said(website.get(f"/history/images/{name}")) == (400, "image request ID must be a uuid")


@pytest.mark.parametrize("path", ["/history", "/history?limit=2", "/history/3"])
def test_who_has_an_answer_already_is_told_that_it_holds(website, path):
    """A known answer gets 304 without a body, also where a proxy has weakened the tag, and else all of it."""
    first = website.get(path)
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "no-cache"
    for known in (tag, f"W/{tag}", f'"another", {tag}', "*"):
        again = website.get(path, headers={"if-none-match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert again.headers["cache-control"] == "no-cache"
    changed = website.get(path, headers={"if-none-match": '"another"'})
    assert (changed.status_code, changed.content) == (200, first.content)


def test_an_error_is_not_kept(website):
    """What went wrong has no tag, and a 404 says nothing of how long it holds."""
    answer = website.get("/history/4", headers={"if-none-match": "*"})
    assert answer.status_code == 404
    assert not {"etag", "cache-control"} & set(answer.headers)


def test_the_history_is_away_with_the_database(postgres_server, past, website):
    """The history is 503 while the database is away, and as it was when it is back."""
    with gone(past, postgres_server.conninfo):
        assert website.get("/history", timeout=10).status_code == 503
    deadline = datetime.now(UTC) + timedelta(seconds=20)
    while website.get("/history").status_code != 200:
        assert datetime.now(UTC) < deadline


# --- the command --------------------------------------------------------------------------------


@pytest.fixture
def broadcast(tmp_path) -> Callable[..., Ran]:
    """Run `showtime broadcast` beside a database."""

    def run(conninfo: str, *arguments: str) -> Ran:
        return run_here("broadcast", *arguments, names=environment(conninfo), folder=tmp_path)

    return run


def test_the_operator_says_where_a_recording_is(past, website, broadcast):
    """`showtime broadcast set-vod` shows with the next look; what is no URL is refused; '' takes it back."""
    url = "https://www.twitch.tv/videos/2203817154"
    before = website.get("/history/5").headers["etag"]
    assert broadcast(past, "set-vod", "5", url) == Ran(0, f"broadcast 5: {url}\n", "")
    assert website.get("/history/5", headers={"if-none-match": before}).json()["vodUrl"] == url
    assert broadcast(past, "set-vod", "4", url) == Ran(1, "", "Error: no such broadcast\n")
    refused = broadcast(past, "set-vod", "5", "javascript:alert(1)")
    assert (refused.returncode, "must begin with http:// or https://" in refused.stderr) == (1, True)
    assert broadcast(past, "set-vod", "5", "") == Ran(0, "broadcast 5: no recording\n", "")
    assert website.get("/history").json()["broadcasts"] == [THIRD, FIFTH, SEVENTH]


def test_a_database_that_is_not_migrated_says_so(database, broadcast):
    """A database that is not migrated is answered with the reason and the remedy."""
    refused = broadcast(database, "set-vod", "5", "https://example.com")
    assert refused.returncode == 1
    assert "run `showtime migrate`" in refused.stderr


def test_json_tells_what_was_wrong(website):
    """A machine gets a problem document."""
    answer = website.get("/history/4", headers={"accept": "application/json"})
    assert answer.headers["content-type"] == "application/problem+json"
    assert json.loads(answer.text) == {"title": "Not Found", "status": 404, "detail": "no such broadcast"}
