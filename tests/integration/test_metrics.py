"""What Prometheus is told is what happened."""

import re
from datetime import UTC, datetime

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from support import twitch as t
from support.auth_service import REJECTED
from support.databases import fresh_database, gone
from support.following import until
from support.in_process import running_here
from support.neighbours import neighbours_running
from support.server import rows
from support.sse import listening
from support.twitch_api import twitch_api
from support.twitch_world import OUR_URL


def measured(url: str) -> dict[str, float]:
    """All that is measured, as `name` or `name{label="value"}`."""
    answer = httpx.get(f"{url}/metrics", timeout=60)
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        sample.name + "".join(f'{{{name}="{value}"}}' for name, value in sample.labels.items()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_requests_are_counted_by_what_became_of_them(server, twitch):
    """Every request to the callback is counted once; those that were taken are timed as well."""
    twitch.send(t.cheer(), t.cheer(), t.cheer(secret="a-guess-of-mine"))
    twitch.send(
        t.message("channel.cheer", None, body=b"no json"), t.message("channel.cheer", None, body=b"x" * 2**21)
    )
    now = measured(server.url)
    assert {name: value for name, value in now.items() if name.startswith("showtime_callback_requests")} == {
        'showtime_callback_requests_total{outcome="accepted"}': 2,
        'showtime_callback_requests_total{outcome="signature"}': 1,
        'showtime_callback_requests_total{outcome="not-json"}': 1,
        'showtime_callback_requests_total{outcome="too-large"}': 1,
    }
    assert now["showtime_callback_seconds_count"] == 2
    assert now["process_resident_memory_bytes"] > 0


def test_entries_are_counted_by_what_became_of_them(server, twitch, caplog):
    """Each message counts once, as new or as a duplicate; a revocation with Twitch's reason, and once."""
    cheer, revocation = (
        t.cheer(),
        t.message("channel.cheer", None, message_type="revocation", status="authorization_revoked"),
    )
    now = datetime.now(UTC)
    twitch.send(cheer, cheer.again(), revocation, revocation.again(), t.message("channel.shoutout", {}))
    twitch.send(t.follow(followed_at=now), t.follow(followed_at=now), t.cheer(bits=-1))
    measures = measured(server.url)
    outcomes = {"reacted": 3, "duplicate": 2, "kept": 1, "repeated": 1, "parked": 1}
    assert {
        outcome: measures[f'showtime_entries_total{{outcome="{outcome}"}}'] for outcome in outcomes
    } == outcomes
    assert [value for name, value in measures.items() if name.startswith("showtime_revocations_total")] == [1]
    assert measures["showtime_unit_seconds_count"] == 8
    assert "parked: 'bits' is not a whole number" in caplog.text


NEIGHBOURS = {(name, "2xx") for name in ("auth", "discord", "ledger", "openai", "storage", "twitch")}
NEIGHBOURS.add(("auth", "4xx"))


async def test_neighbours_are_timed_by_how_they_answered(migrated):
    """Whoever is asked for a ghost, for a name or for the subscriptions is in the metrics, by name."""
    with neighbours_running() as neighbours, twitch_api() as twitch:
        settings = neighbours.settings | twitch.settings | {"TWITCH_WEBHOOK_CALLBACK_URL": OUR_URL}
        settings["CHAT_SOURCE"] = "off"
        with running_here(migrated, settings) as server, httpx.Client() as client:
            t.Twitch(server.url, client).send(t.cheer(bits=500, text="ghost of a seal"))
            async with httpx.AsyncClient(headers={"authorization": f"Bearer {REJECTED}"}) as nobody:
                await nobody.delete(f"{server.url}/admin/tape")
            await until(lambda: answered(server.url) >= NEIGHBOURS, 120)


def answered(url: str) -> set[tuple[str, str]]:
    """Tell how neighbours have answered."""
    counted = re.compile(r'showtime_neighbour_seconds_count\{neighbour="(\w+)"\}\{outcome="(\w+)"\}')
    return {(found[1], found[2]) for name in measured(url) if (found := counted.fullmatch(name))}


async def test_streams_are_counted_while_they_are_open(server):
    """A stream counts from its beginning until its client is gone."""
    async with listening(f"{server.url}/alerts") as stream:
        await stream.block()
        assert measured(server.url)['showtime_stream_clients{stream="alerts"}'] == 1
    await until(lambda: measured(server.url)['showtime_stream_clients{stream="alerts"}'] == 0)


def test_what_waits_is_the_same_on_every_instance(server, twitch, migrated):
    """What is parked and what is to be performed is counted in the database, whoever took it."""
    twitch.send(t.message("channel.cheer", t.viewer("Zed") | {"bits": -1}), t.cheer())
    effects = rows(migrated, "update showtime.outbox set status = 'due' returning key")
    with running_here(migrated) as another:
        for now in (measured(server.url), measured(another.url)):
            assert now["showtime_database_up"] == 1
            assert now["showtime_parked_messages"] == 1
            assert now["showtime_waiting_effects"] == len(effects) == 1
            assert now["showtime_oldest_effect_seconds"] > 0


def test_what_cannot_be_told_is_no_number(postgres_server):
    """While the database is away that is said, and what waits in it is unknown, not nothing."""
    with (
        fresh_database(postgres_server.conninfo) as database,
        running_here(database) as server,
        gone(database, postgres_server.conninfo),
    ):
        now = measured(server.url)
    assert now["showtime_database_up"] == 0
    assert now["showtime_parked_messages"] == pytest.approx(float("nan"), nan_ok=True)
