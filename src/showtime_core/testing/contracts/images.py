"""What painters, buckets and galleries keep to: suites of rules, to be mixed into classes of tests.

Needs pytest-asyncio in auto mode.
"""

from collections.abc import Awaitable, Callable, Sequence

import pytest
from attrs import frozen

from showtime_core.errors import Ambiguous, ContentRefused, Refused, Unavailable
from showtime_core.ports import Bucket, Gallery, Painter, PainterModel, PublicStorage, Webhook

PROMPT = "a ghostly image of a baby seal, with glitchy VHS artifacts, dark background"
JPEG, OTHER_JPEG = b"\xff\xd8 boo \r\n--\r\n\xff\xd9", b"\xff\xd8 another \0 \xff\xd9"
KEY = "0e9a/0e9a-00.jpg"
TRIED_KEY = "preflight/a-try.jpg"
KEY_TO_JPEG = {KEY: JPEG, "0e9a/0e9a-01.jpg": OTHER_JPEG, "1f.jpg": b""}
_MARKERS_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD9)}
_FRAMES = {0xC0, 0xC1, 0xC2}


def size_of(jpeg: bytes) -> tuple[int, int]:
    """Read width and height of a JPEG from its frame header (ITU-T T.81, B.2.2); raises ValueError."""
    if jpeg[:2] != b"\xff\xd8" or jpeg[-2:] != b"\xff\xd9":
        raise ValueError("it does not begin or does not end as a JPEG does")
    at = 2
    while at + 9 <= len(jpeg) and jpeg[at] == 0xFF:  # noqa: PLR2004 - begins every marker
        marker = jpeg[at + 1]
        if marker in _FRAMES:
            height, width = (int.from_bytes(jpeg[at + each : at + each + 2]) for each in (5, 7))
            return width, height
        at += 2 if marker in _MARKERS_WITHOUT_LENGTH else 2 + int.from_bytes(jpeg[at + 2 : at + 4])
    raise ValueError("it has no frame")


@frozen
class PainterStage:
    """A painter, and what becomes of it."""

    painter: Painter
    forbidden: str
    """A prompt that is refused for what it asks for."""
    go_away: Callable[[], None]
    """Lets nobody be answered."""
    turn_down: Callable[[], None]
    """Lets us be refused."""


class PainterContract:
    """The rules of `showtime_core.ports.Painter`; the fixture is `painter`."""

    @pytest.mark.parametrize("prompt", [PROMPT, "Ⱥ 👻 ヴェラ\n'--"])
    async def test_an_image_is_a_jpeg_of_1024_by_1024(self, painter: Painter, prompt: str) -> None:
        """Whatever text is painted gives one whole JPEG of 1024 x 1024."""
        assert size_of(await painter.paint(prompt)) == (1024, 1024)


class RemotePainterContract(PainterContract):
    """The same for a painter that is asked, and may refuse; the fixture is `stage`."""

    @pytest.fixture
    def painter(self, stage: PainterStage) -> Painter:
        """Give the painter."""
        return stage.painter

    async def test_painting_again_does_no_harm(self, stage: PainterStage) -> None:
        """The same prompt is painted as often as it is asked for."""
        for _ in range(2):
            assert size_of(await stage.painter.paint(PROMPT)) == (1024, 1024)

    async def test_what_is_not_painted_is_refused_with_its_reason(self, stage: PainterStage) -> None:
        """Content that is refused is ContentRefused with words for the viewer; the next is painted."""
        with pytest.raises(ContentRefused) as refused:
            await stage.painter.paint(stage.forbidden)
        assert str(refused.value).isprintable()
        assert str(refused.value).strip()
        assert await stage.painter.paint(PROMPT)

    async def test_a_painter_that_is_away_is_unavailable(self, stage: PainterStage) -> None:
        """While the painter is away it is Unavailable: the viewer is refused nothing."""
        stage.go_away()
        with pytest.raises(Unavailable):
            await stage.painter.paint(PROMPT)

    async def test_who_may_not_paint_is_refused_and_not_the_content(self, stage: PainterStage) -> None:
        """Where our credentials are refused it is Refused, and no viewer is told that the subject was."""
        stage.turn_down()
        with pytest.raises(Refused) as refused:
            await stage.painter.paint(PROMPT)
        assert not isinstance(refused.value, ContentRefused)


@frozen
class LookUpStage:
    """What can be looked up without doing anything, and what happens to it."""

    port: PainterModel | Webhook
    name: str
    """What it is called."""
    done: Callable[[], int]
    """Counts what it has painted or posted."""
    turn_down: Callable[[], None]
    """Lets us be refused."""
    go_away: Callable[[], None]
    """Lets nobody be answered."""


class LookUpContract:
    """The rules of `showtime_core.ports.PainterModel` and `Webhook`."""

    async def test_it_tells_its_name_and_does_nothing(self, stage: LookUpStage) -> None:
        """It tells its name as often as it is asked, and nothing is painted or posted."""
        for _ in range(2):
            assert await stage.port.look_up() == stage.name
        assert stage.done() == 0

    async def test_one_that_refuses_us_is_refused(self, stage: LookUpStage) -> None:
        """Where we may not use it, it is Refused."""
        stage.turn_down()
        with pytest.raises(Refused):
            await stage.port.look_up()

    async def test_one_that_is_away_is_unavailable(self, stage: LookUpStage) -> None:
        """While it is away it is Unavailable."""
        stage.go_away()
        with pytest.raises(Unavailable):
            await stage.port.look_up()


@frozen
class BucketStage:
    """A bucket, as everybody sees it."""

    bucket: Bucket
    read: Callable[[str], Awaitable[bytes | None]]
    """Reads what is at a URL, as anybody may; None: there is nothing."""
    go_away: Callable[[], None]
    """Lets nothing be stored."""


class BucketContract:
    """The rules of `showtime_core.ports.Bucket`."""

    async def test_an_image_is_where_its_url_says(self, stage: BucketStage) -> None:
        """An image is at the URL that is returned, to the byte, and other keys have other URLs."""
        urls = {await stage.bucket.store(key, KEY_TO_JPEG[key]): key for key in KEY_TO_JPEG}
        assert len(urls) == len(KEY_TO_JPEG)
        for url, key in urls.items():
            assert await stage.read(url) == KEY_TO_JPEG[key]

    async def test_storing_again_replaces_what_is_there(self, stage: BucketStage) -> None:
        """A key has one URL for good, at which is what was stored last."""
        first = await stage.bucket.store(KEY, JPEG)
        for jpeg in (JPEG, OTHER_JPEG):
            assert await stage.bucket.store(KEY, jpeg) == first
            assert await stage.read(first) == jpeg

    async def test_a_bucket_that_is_away_is_unavailable(self, stage: BucketStage) -> None:
        """A failure to store is Unavailable, since to store twice does no harm; what is there stays."""
        url = await stage.bucket.store(KEY, JPEG)
        stage.go_away()
        with pytest.raises(Unavailable):
            await stage.bucket.store(KEY, OTHER_JPEG)
        assert await stage.read(url) in {JPEG, None}


@frozen
class PublicStorageStage:
    """A storage, and what is in it."""

    storage: PublicStorage
    keys: Callable[[], Sequence[str]]
    """Lists what is stored."""
    hide: Callable[[], None]
    """Lets everything be stored and nothing be read."""
    go_away: Callable[[], None]
    """Lets nothing be stored."""


class PublicStorageContract:
    """The rules of `showtime_core.ports.PublicStorage`."""

    async def test_a_storage_that_works_keeps_nothing(self, stage: PublicStorageStage) -> None:
        """Where an object can be stored, read and deleted, nothing is raised, and nothing is left."""
        before = stage.keys()
        for _ in range(2):
            await stage.storage.prove(TRIED_KEY, JPEG)
            assert stage.keys() == before

    async def test_a_storage_that_nobody_can_read_is_unavailable(self, stage: PublicStorageStage) -> None:
        """Where what is stored cannot be read by everybody it is Unavailable, and nothing is left."""
        before = stage.keys()
        stage.hide()
        with pytest.raises(Unavailable):
            await stage.storage.prove(TRIED_KEY, JPEG)
        assert stage.keys() == before

    async def test_a_storage_that_is_away_is_unavailable(self, stage: PublicStorageStage) -> None:
        """Where nothing can be stored it is Unavailable."""
        stage.go_away()
        with pytest.raises(Unavailable):
            await stage.storage.prove(TRIED_KEY, JPEG)


@frozen
class GalleryStage:
    """A gallery, and what hangs in it."""

    gallery: Gallery
    posts: Callable[[], Sequence[bytes]]
    """Gives the images that were posted, in order."""
    go_away: Callable[[], None]
    """Lets nothing be posted."""


@frozen
class RemoteGalleryStage(GalleryStage):
    """A gallery that is asked by a network."""

    lose_answers: Callable[[], None]
    """Lets everything be done, and nobody be told."""
    turn_down: Callable[[], None]
    """Lets us be refused."""


class GalleryContract:
    """The rules of `showtime_core.ports.Gallery`."""

    @pytest.mark.parametrize("subject", ["a baby seal", "@everyone **Ⱥ** 👻 <b>&amp;\n# x", ""])
    async def test_a_ghost_is_posted_once_with_its_image(self, stage: GalleryStage, subject: str) -> None:
        """Whatever its subject is called, a ghost is posted once, with its image to the byte, in order."""
        await stage.gallery.post("Vera_Haste", subject, JPEG)
        await stage.gallery.post("Vera_Haste", subject, OTHER_JPEG)
        assert stage.posts() == [JPEG, OTHER_JPEG]

    async def test_a_gallery_that_is_not_reached_has_nothing(self, stage: GalleryStage) -> None:
        """Unavailable says for certain that nothing was posted."""
        stage.go_away()
        with pytest.raises(Unavailable):
            await stage.gallery.post("Vera_Haste", "a baby seal", JPEG)
        assert stage.posts() == []


class RemoteGalleryContract(GalleryContract):
    """The same for a gallery whose answers may be lost, and which may refuse."""

    async def test_a_post_whose_answer_is_lost_is_ambiguous(self, stage: RemoteGalleryStage) -> None:
        """A post that may be there is Ambiguous, and is not repeated."""
        stage.lose_answers()
        with pytest.raises(Ambiguous):
            await stage.gallery.post("Vera_Haste", "a baby seal", JPEG)
        assert stage.posts() == [JPEG]

    async def test_who_may_not_post_is_refused(self, stage: RemoteGalleryStage) -> None:
        """Where we may not post it is Refused, and nothing is there."""
        stage.turn_down()
        with pytest.raises(Refused):
            await stage.gallery.post("Vera_Haste", "a baby seal", JPEG)
        assert stage.posts() == []
