"""What stands in for OpenAI, S3 and Discord on a laptop: a painter, a bucket and a gallery of our own."""

import asyncio
import io
import os
import random
import shutil

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageStat

from showtime_adapters.local.figure import traits_of
from showtime_adapters.local.folder import LocalBucket, LocalFolder, LocalGallery
from showtime_adapters.local.painter import LocalPainter
from showtime_adapters.local.tokens import TokenIssuer
from showtime_core.domain.viewers import Role
from showtime_core.errors import Unavailable
from showtime_core.testing.contracts.images import (
    BucketContract,
    BucketStage,
    GalleryContract,
    GalleryStage,
    PainterContract,
)
from showtime_core.testing.contracts.tokens import HOST, VIEWER, AuthenticatorContract, AuthenticatorStage

KEY = "0e9a/0e9a-00.jpg"


def prompt(subject):
    return f"a ghostly image of {subject}, with glitchy VHS artifacts, dark background"


def paint(text):
    return asyncio.run(LocalPainter().paint(text))


def brightness(image, box):
    return ImageStat.Stat(image.convert("L").crop(box)).mean[0]


# --- painter --------------------------------------------------------------------------------------


@settings(max_examples=settings.default.max_examples // 12)
@given(st.text(max_size=120))
@example("")
@example("Ⱥ İ 👻\n\0\ud800")
@example("w" * 120)
@example("with glitchy VHS artifacts, dark background")
def test_whatever_is_asked_for_is_painted(subject):
    """Any text at all gives an image of the right size, as a JPEG."""
    image = Image.open(io.BytesIO(paint(prompt(subject))))
    assert (image.format, image.size, image.mode) == ("JPEG", (1024, 1024), "RGB")


def test_a_subject_has_a_ghost_of_its_own():
    """The same one each time, whatever is painted in between, and another than other subjects have."""
    seal = paint(prompt("a baby seal"))
    assert paint(prompt("a walrus")) != seal
    assert paint(prompt("a baby seal")) == seal


def test_there_is_a_ghost_in_the_dark():
    """It shines in the middle of a picture whose corners are dark, and has hollow eyes or a mouth."""
    image = Image.open(io.BytesIO(paint(prompt("a baby seal"))))
    ghost = brightness(image, (430, 560, 600, 700))
    assert ghost > 120
    assert all(brightness(image, (x, y, x + 40, y + 40)) < ghost / 3 for x in (4, 980) for y in (4, 900))
    assert min(image.convert("L").crop((340, 280, 700, 560)).tobytes()) < 40


def test_the_caption_is_the_subject():
    """Nothing of the prompt but the subject is written under the ghost; another text is written as it is."""
    assert paint(prompt("a walrus")) == paint("a walrus")
    assert written("a seal " * 4) > 2 * written("a seal") > 2 * written("") + 200


def written(subject):
    """Count the bright points where the caption is."""
    caption = Image.open(io.BytesIO(paint(prompt(subject)))).convert("L").crop((60, 925, 960, 975))
    return sum(caption.histogram()[190:])


@pytest.mark.parametrize(
    ("subject", "trait"),
    [
        ("Two CATS", "pointed"),
        ("a baby seal", "flippers"),
        ("a Witch's broom", "hat"),
        ("my old VCR", "antennae"),
    ],
)
def test_what_a_ghost_was_can_be_seen(subject, trait):
    """A word of the subject gives the ghost something that everybody knows it by."""
    assert trait in traits_of(subject, random.Random(1986))


async def test_painting_does_not_stop_the_show():
    """The event loop goes on while a ghost is painted."""
    painting = asyncio.create_task(LocalPainter().paint(prompt("a baby seal")))
    turns = 0
    while not painting.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert turns > 5


# --- bucket and gallery ---------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    return LocalFolder(tmp_path / "data" / "ghosts")


class TestLocalBucket(BucketContract):
    """The contract of a bucket, in a folder."""

    @pytest.fixture
    def stage(self, folder) -> BucketStage:
        async def read(url):
            return await folder.read(url.removeprefix("http://localhost:5001/local/ghosts/"))

        bucket = LocalBucket(folder, "http://localhost:5001/local/ghosts")
        return BucketStage(bucket, read, lambda: be_in_the_way(folder))


class TestLocalGallery(GalleryContract):
    """The contract of a gallery, in a folder."""

    @pytest.fixture
    def stage(self, folder) -> GalleryStage:
        def posts():
            return [path.read_bytes() for path in sorted(folder.path.glob("*.jpg"))]

        return GalleryStage(LocalGallery(folder), posts, lambda: be_in_the_way(folder))


class TestLocalPainter(PainterContract):
    """The contract of a painter."""

    @pytest.fixture
    def painter(self) -> LocalPainter:
        return LocalPainter()


class TestLocalTokens(AuthenticatorContract):
    """The contract of who knows tokens."""

    @pytest.fixture
    def stage(self) -> AuthenticatorStage:
        issuer, other = TokenIssuer("be kind, rewind" * 3), TokenIssuer("be kind, return" * 3)
        host, viewer = issuer.issue(HOST, Role.BROADCASTER), issuer.issue(VIEWER, Role.VIEWER)
        return AuthenticatorStage(issuer, host, viewer, other.issue(HOST, Role.BROADCASTER))


def be_in_the_way(folder):
    """Put a file where the folder is to be."""
    if folder.path.exists():
        shutil.rmtree(folder.path)
    folder.path.parent.mkdir(exist_ok=True)
    folder.path.write_text("a file is in the way")


async def test_a_file_is_stored_whole_and_alone(folder):
    """Storing again leaves one file under a key, and no draft of it."""
    for data in (b"first", b"second"):
        await folder.write(KEY, data)
    assert [path.name for path in folder.path.rglob("*") if path.is_file()] == ["0e9a-00.jpg"]


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/",
        "../secret.txt",
        "0e9a/../../secret.txt",
        "/etc/passwd",
        ".hidden",
        "0e9a/.",
        "0e9a//x",
        "a\0b",
        "a\\b",
    ],
)
async def test_nothing_leads_out_of_the_folder(folder, key):
    """No key leads out of the folder, neither to read nor to write."""
    await folder.write(KEY, b"jpeg")
    (folder.path.parent / "secret.txt").write_text("keep out")
    assert await folder.read(key) is None
    with pytest.raises(ValueError, match="no place"):
        await folder.write(key, b"jpeg")


async def test_what_is_not_there_is_none(folder):
    """What was not stored is None, also before anything was stored, and a folder is no image."""
    assert await folder.read(KEY) is None
    await folder.write(KEY, b"jpeg")
    assert await folder.read("0e9a") is None


async def test_a_folder_that_cannot_be_written_is_unavailable(folder):
    """A folder that cannot be written is Unavailable, with its name and the remedy."""
    be_in_the_way(folder)
    with pytest.raises(Unavailable, match=r"ghosts cannot be written .*--data-dir"):
        await folder.write(KEY, b"jpeg")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")
async def test_root_leaves_files_to_the_owner_of_the_folder(folder):
    """Root leaves its files to the owner of the folder, who could not go on otherwise."""
    folder.path.parent.mkdir()
    os.chown(folder.path.parent, 12345, 12345)
    await folder.write(KEY, b"jpeg")
    assert {path.stat().st_uid for path in folder.path.rglob("*")} == {12345}


async def test_the_gallery_shows_the_newest_first(folder):
    """The gallery shows the newest post first, each with its image and with whatever people wrote."""
    gallery = LocalGallery(folder)
    assert "Nobody has asked for a ghost yet" in await gallery.page()
    await gallery.post("Vera_Haste", "a baby seal", b"one")
    await gallery.post("<script>", "\"><img src=x onerror=alert(1)> {username} & 'co'", b"two")
    page = await gallery.page()
    assert page.index("&lt;script&gt;") < page.index("Vera_Haste")
    assert "&quot;&gt;&lt;img src=x onerror=alert(1)&gt; {username} &amp; &#x27;co&#x27;" in page
    assert "<script" not in page
    images = [part.split('"')[0] for part in page.split('src="posts/')[1:]]
    assert [await folder.read(image) for image in images] == [b"two", b"one"]
