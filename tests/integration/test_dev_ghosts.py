"""Chat, points and ghosts on a laptop, up to the gallery: `showtime dev` needs nobody else for them."""

import asyncio
import io
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image
from psycopg.conninfo import conninfo_to_dict

from showtime_adapters.postgres.embedded.database import EmbeddedPostgres
from support.dev import Dev, developing, environment
from support.following import following, until
from support.in_process import run_here
from support.server import rows

BALANCES = """
    select viewer_login, coalesce(sum(points) filter (where state = 'accepted'), 0)::int,
           count(*) filter (where state = 'pending')
    from showtime.flow join (select distinct viewer_id, viewer_login from showtime.ghost) as whose
         using (viewer_id)
    group by viewer_login
"""


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """Run it as somebody whose files are open to all, in a folder that is so from before."""
    data_dir = tmp_path_factory.mktemp("ghosts") / "data"
    (data_dir / "gallery").mkdir(parents=True)
    (data_dir / "gallery" / "an-older-one.jpg").write_bytes(b"boo")
    for path, mode in (
        (data_dir, 0o755),
        (data_dir / "gallery", 0o777),
        (data_dir / "gallery" / "an-older-one.jpg", 0o644),
    ):
        path.chmod(mode)
    umask = os.umask(0)
    try:
        with developing(data_dir) as dev:
            yield dev
    finally:
        os.umask(umask)


@pytest.fixture(scope="module")
def database(dev: Dev) -> Iterator[str]:
    with EmbeddedPostgres.start(dev.data_dir) as postgres:
        yield postgres.conninfo


async def simulate(dev: Dev, *options: str) -> None:
    """Play something, as people do in a second terminal."""
    played = await asyncio.to_thread(
        run_here,
        *("simulate", *options, "--data-dir", dev.data_dir),
        names=environment({}),
        folder=dev.data_dir,
    )
    assert played.returncode == 0, played.stdout + played.stderr


def assert_is_jpeg(url: str) -> None:
    answer = httpx.get(url, timeout=20)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    with Image.open(io.BytesIO(answer.content)) as image:
        assert (image.format, image.size) == ("JPEG", (1024, 1024))


async def assert_leads_on(page: str) -> None:
    """Make sure that all a page refers to is there."""
    async with httpx.AsyncClient(timeout=20) as browser:
        links = re.findall(r'(?:href|src)="([^"]+)"', (await browser.get(page)).text)
        found = [(await browser.get(httpx.URL(page).join(link))).status_code for link in links]
    assert len(found) > 1
    assert set(found) == {200}


def gallery(dev: Dev) -> str:
    """Open the gallery."""
    return httpx.get(f"{dev.server.url}/local/gallery", timeout=20).raise_for_status().text


def pictures(dev: Dev, name: str, subject: str) -> list[str]:
    """List the images of the gallery with this caption."""
    caption = f"<figcaption>Ghost from <b>{name}</b>: <i>{subject}</i>"
    return re.findall(rf'src="([^"]+)"[^>]*>\s*{caption}', gallery(dev))


async def test_what_is_said_in_chat_is_shown(dev: Dev):
    """What the welcome says to type is shown in chat, and so is what a moderator does about it."""
    async with following(f"{dev.server.url}/chat") as client:
        await simulate(dev, "chat", "--message", "be kind, rewind", "--message-id", "rewind-1")
        await simulate(dev, "chat-delete", "--message-id", "rewind-1")
        await until(lambda: len(client.events) == 2)
    said, deleted = client.data
    assert said["message"]["text"] == "be kind, rewind"
    assert deleted == {"type": "deletion", "deletion": {"messageIds": ["rewind-1"]}}


async def test_a_cheer_becomes_a_ghost_in_the_gallery(dev: Dev, database: str):
    """What the welcome of `showtime dev` says to type: alert, image, balance and gallery are right."""
    async with following(f"{dev.server.url}/alerts") as client:
        options = ("--bits", "200", "--message", "a ghost of a baby seal please")
        await simulate(dev, "cheer", "--from-user", "VHSVera", *options)
        await until(lambda: len(client.events) == 2, seconds=60)
    cheered, appeared = client.data
    assert cheered["type"] == "cheer"
    assert appeared["type"] == "generated-images"
    assert (appeared["data"]["username"], appeared["data"]["description"]) == (
        "VHSVera",
        "a baby seal please",
    )
    [url] = appeared["data"]["urls"]
    assert_is_jpeg(url)
    assert ("vhsvera", 0, 0) in rows(database, BALANCES)
    await until(lambda: pictures(dev, "VHSVera", "a baby seal please"), seconds=60)
    [picture] = pictures(dev, "VHSVera", "a baby seal please")
    assert_is_jpeg(str(httpx.URL(f"{dev.server.url}/local/gallery").join(picture)))
    await assert_leads_on(f"{dev.server.url}/local/gallery/")


async def test_points_of_a_cheer_buy_a_ghost_later(dev: Dev, database: str):
    """A viewer who cheered asks for a ghost with a token: with the points for it, and not without."""
    token = await asyncio.to_thread(dev.token, "viewer", "--login", "rewindrita")
    bearer = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=dev.server.url, headers=bearer, timeout=60) as rita:
        poor = await rita.post("/image-gen", json={"subject": "a lonely fax machine"})
        assert (poor.status_code, poor.text) == (409, "not enough points")
        await simulate(dev, "cheer", "--from-user", "rewindrita", "--bits", "250")
        credited = "select from showtime.outbox where kind = 'credit-cheer' and status = 'done' and lane = %s"
        whose = "select payload -> 'viewer' ->> 'id' from showtime.outbox where kind = 'credit-cheer'"
        [(viewer_id,)] = rows(database, whose + " and payload -> 'viewer' ->> 'login' = 'rewindrita'")
        await until(lambda: rows(database, credited, viewer_id), seconds=60)
        rich = await rita.post("/image-gen", json={"subject": "a lonely fax machine"})
        assert rich.status_code in {202, 204}, rich.text
    await until(lambda: ("rewindrita", 50, 0) in rows(database, BALANCES), seconds=60)


async def points_of(dev: Dev, database: str, login: str, bits: int) -> dict[str, str]:
    """Have a viewer cheer, and wait for the points; returns the headers that say who it is."""
    await simulate(dev, "cheer", "--from-user", login, "--bits", str(bits), "--message", "be kind")
    credited = """
        select from showtime.outbox
        where kind = 'credit-cheer' and status = 'done' and payload -> 'viewer' ->> 'login' = %s
    """
    await until(lambda: rows(database, credited, login), seconds=60)
    return {"authorization": f"Bearer {await asyncio.to_thread(dev.token, 'viewer', '--login', login)}"}


async def test_a_viewer_who_goes_away_gets_the_ghost(dev: Dev, database: str):
    """The browser is closed while the ghost is made: it is shown all the same, and paid for once."""
    bearer = await points_of(dev, database, "leavinglee", 400)
    async with httpx.AsyncClient(base_url=dev.server.url, headers=bearer, timeout=60) as lee:
        asked = asyncio.create_task(lee.post("/image-gen", json={"subject": "an empty chair"}))
        recorded = "select from showtime.journal where source = 'viewer' and position(%s in body) > 0"
        await until(lambda: rows(database, recorded, b"an empty chair"), seconds=60)
        asked.cancel()
    await until(lambda: ("leavinglee", 200, 0) in rows(database, BALANCES), seconds=60)
    await until(lambda: "an empty chair" in gallery(dev), seconds=60)


async def test_a_viewer_who_does_not_wait_may_ask_how_it_stands(dev: Dev, database: str):
    """The answer is 202 with an address, and the same key is the same ghost before it is there and after."""
    bearer = await points_of(dev, database, "patientpat", 400) | {
        "prefer": "respond-async",
        "idempotency-key": "tuesday",
    }
    async with httpx.AsyncClient(base_url=dev.server.url, headers=bearer, timeout=60) as pat:
        first = await pat.post("/image-gen", json={"subject": "a waiting room"})
        again = await pat.post("/image-gen", json={"subject": "a waiting room"})
        assert [answer.status_code for answer in (first, again)] == [202, 202]
        where = first.headers["location"]
        assert again.headers["location"] == where
        assert first.headers["preference-applied"] == "respond-async"
        await until(lambda: httpx.get(f"{dev.server.url}/{where}").json()["status"] == "shown", seconds=60)
        later = await pat.post("/image-gen", json={"subject": "a waiting room"})
        assert later.json()["id"] == first.json()["id"]
        images = await pat.get(f"/history/images/{first.json()['id']}")
    [url] = images.json()
    assert_is_jpeg(url)
    assert ("patientpat", 200, 0) in rows(database, BALANCES)


async def test_what_is_kept_is_its_owner_s_alone(dev: Dev, database: str):
    """Nobody else of the machine enters the data folder, and what is in it is closed by itself as well."""
    await simulate(dev, "cheer", "--bits", "200", "--message", "a ghost of a private tape please")
    await until(lambda: "a private tape" in gallery(dev))
    sockets = conninfo_to_dict(database)["host"]
    kept = [dev.data_dir, *dev.data_dir.rglob("*"), Path(str(sockets))]
    names = {path.name for path in kept}
    assert names >= {"dev.json", "postgres.log", "postgres", "an-older-one.jpg", "ghosts", "gallery"}
    assert {str(path): oct(path.stat().st_mode) for path in kept if path.stat().st_mode & 0o077} == {}
    assert stat.S_IMODE(dev.data_dir.stat().st_mode) == 0o700
