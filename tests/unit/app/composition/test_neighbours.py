"""Which neighbours there are, from the settings; and what a laptop serves in their place."""

from pathlib import Path

import httpx
import pytest

from showtime_adapters.http_client import SILENT
from showtime_app.composition.neighbours import DevPlace, wire_neighbours
from showtime_app.config import ConfigurationError, Settings, load
from showtime_app.server import create_app
from showtime_core.domain.points_and_ghosts.effects import Feature
from showtime_core.testing.twins.ledger import MemoryLedger

POINTS = {"AUTH_SHARED_SECRET": "be-kind-rewind-among-friends"}
PAINTER = {"OPENAI_API_KEY": "sk-proj-1986"}
SPACES = {
    "SPACES_BUCKET_NAME": "gvcr-ghosts",
    "SPACES_REGION_NAME": "nyc3",
    "SPACES_ENDPOINT_URL": "nyc3.digitaloceanspaces.com",
    "SPACES_ACCESS_KEY_ID": "id-of-the-key",
    "SPACES_SECRET_KEY": "secret-of-the-key",
}
DISCORD = {"DISCORD_GHOSTS_WEBHOOK_URL": "https://discord.com/api/webhooks/1042/t0ken"}
SECRETS = [*POINTS.values(), *PAINTER.values(), "id-of-the-key", "secret-of-the-key", "t0ken"]


@pytest.fixture
def configure(monkeypatch, tmp_path):
    """Have these settings, and no others."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)

    def configured(settings):
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        return load()

    return configured


@pytest.mark.parametrize(
    ("settings", "features", "gallery"),
    [
        ({}, set(), None),
        (POINTS, {Feature.POINTS}, None),
        (POINTS | PAINTER | SPACES, {Feature.POINTS, Feature.GHOSTS}, None),
        (PAINTER | SPACES | DISCORD, set(), "DiscordGallery"),
        ({"LEDGER_URL": "embedded"} | PAINTER | SPACES | DISCORD, set(Feature), "DiscordGallery"),
        ({"LEDGER_URL": "http://ledger:5003"}, set(), None),
    ],
)
async def test_what_is_absent_is_off(configure, settings, features, gallery):
    """Points need a ledger that listens to us; a ghost has to be paid, painted and stored."""
    wired = wire_neighbours(configure(settings), MemoryLedger(), lambda: None, lambda _: SILENT)
    async with wired.opened():
        assert wired.features == features
        assert (type(wired.gallery).__name__ if wired.gallery else None) == gallery
        assert wired.routes == []


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({}, ["MemoryLedger", "LocalPainter", "LocalBucket", "LocalGallery"]),
        (POINTS, ["MemoryLedger", "LocalPainter", "LocalBucket", "LocalGallery"]),
        (
            POINTS | {"LEDGER_URL": "http://localhost:5003"} | PAINTER | DISCORD,
            ["HttpLedger", "OpenAIPainter", "LocalBucket", "DiscordGallery"],
        ),
        (SPACES, ["MemoryLedger", "LocalPainter", "S3Bucket", "LocalGallery"]),
    ],
)
async def test_a_laptop_has_everything(configure, settings, names, tmp_path):
    """A stand-in is replaced as soon as the settings name the real one."""
    dev_place = DevPlace(tmp_path, "http://localhost:5001")
    wired = wire_neighbours(configure(settings), MemoryLedger(), lambda: None, lambda _: SILENT, dev_place)
    async with wired.opened():
        assert wired.features == set(Feature)
        found = [wired.ledger, wired.painter, wired.bucket, wired.gallery]
        assert [type(each).__name__ for each in found] == names


@pytest.mark.parametrize("missing", sorted(SPACES))
def test_a_half_set_group_is_an_error(configure, missing):
    """A group that is half set is an error that names what is missing, and no value."""
    with pytest.raises(ConfigurationError, match=f"^{missing} must be set as well") as problem:
        configure({name: value for name, value in SPACES.items() if name != missing})
    assert not [secret for secret in SECRETS if secret in str(problem.value)]


@pytest.mark.parametrize(
    ("given", "dotenv", "acl"),
    [
        ({}, "", "public-read"),
        ({"SPACES_ACL": ""}, "", ""),
        ({}, "SPACES_ACL=", ""),
        ({"SPACES_ACL": "bucket-owner-full-control"}, "SPACES_ACL=", "bucket-owner-full-control"),
        ({"SPACES_ACL": ""}, "SPACES_ACL=private", "private"),
    ],
)
def test_an_empty_acl_is_none(configure, given, dotenv, acl):
    """Of all settings this one means something where it is empty, in the environment as in the file."""
    Path(".env").write_text(dotenv)
    assert configure(SPACES | given).spaces_acl == acl


def test_an_acl_that_is_none_of_s3_s_is_an_error(configure):
    """A word that no storage knows is found at the start, and it alone makes no group of settings."""
    with pytest.raises(ConfigurationError, match=r"^SPACES_ACL: "):
        configure({"SPACES_ACL": "none"})


def test_a_painter_needs_a_bucket(configure):
    """`serve` refuses a painter without a bucket, since nobody would see what it paints."""
    secret = {"TWITCH_WEBHOOK_SECRET": "rewind-before-returning"}
    configure(secret | SPACES | PAINTER)
    load(for_serve=True)
    configure(dict.fromkeys(SPACES, ""))
    with pytest.raises(ConfigurationError, match=r"^OPENAI_API_KEY is set: set SPACES_\* as well"):
        load(for_serve=True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LEDGER_URL", "ledger:5003"),
        ("LEDGER_URL", "http://user:pass@ledger"),
        ("OPENAI_BASE_URL", "api.openai.com"),
        ("SPACES_ENDPOINT_URL", "nyc3.digitaloceanspaces.com/gvcr"),
        ("SPACES_ENDPOINT_URL", "ftp://nyc3.digitaloceanspaces.com"),
        ("SPACES_BUCKET_NAME", "../etc"),
        ("DISCORD_GHOSTS_WEBHOOK_URL", "t0ken-of-a-webhook"),
    ],
)
def test_what_cannot_be_is_refused(configure, name, value):
    """A setting that cannot be is refused by name, and without the value."""
    with pytest.raises(ConfigurationError, match=f"{name}: ") as problem:
        configure(SPACES | {name: value})
    assert value not in str(problem.value)


def test_secrets_are_in_no_repr(configure):
    """No secret is in a repr of the settings, nor of who uses them."""
    settings = configure(POINTS | {"LEDGER_URL": "http://ledger"} | PAINTER | SPACES | DISCORD)
    wired = wire_neighbours(settings, MemoryLedger(), lambda: None, lambda _: SILENT)
    told = f"{settings!r} {wired!r} {[vars(each) for each in (wired.painter, wired.bucket)]!r}"
    assert not [secret for secret in SECRETS if secret in told]


async def test_a_laptop_shows_what_it_made(configure, tmp_path: Path):
    """A ghost's URL opens as a JPEG, and the gallery shows it; there is nothing else to find."""
    wired = wire_neighbours(
        configure({}),
        MemoryLedger(),
        lambda: None,
        lambda _: SILENT,
        DevPlace(tmp_path / "data", "http://laptop"),
    )
    assert wired.painter
    assert wired.bucket
    assert wired.gallery
    jpeg = await wired.painter.paint(
        "a ghostly image of a baby seal, with glitchy VHS artifacts, dark background"
    )
    url = await wired.bucket.store("0e9a/0e9a-00.jpg", jpeg)
    await wired.gallery.post("Vera_Haste", "a baby <seal>", jpeg)
    app = create_app(wired.routes, wired.opened, {})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://laptop") as people:
        image, page = await people.get(url), await people.get("/local/gallery")
        assert (image.content, image.headers["content-type"]) == (jpeg, "image/jpeg")
        assert page.headers["content-type"].startswith("text/html")
        assert "Ghost from <b>Vera_Haste</b>: <i>a baby &lt;seal&gt;</i>" in page.text
        shown = page.text.split('src="')[1].split('"')[0]
        assert (await people.get(f"/local/{shown}")).content == jpeg
        assert (await people.get("/local/gallery.css")).headers["content-type"].startswith("text/css")
        for path in (
            "ghosts/none.jpg",
            "ghosts/0e9a",
            "ghosts/%2e%2e/gallery",
            "ghosts/..%2f..%2fx",
            "posts/.x",
        ):
            assert (await people.get(f"/local/{path}")).status_code == 404
