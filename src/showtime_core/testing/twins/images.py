"""A painter, a bucket and a gallery in memory, which fail as they are told to."""

from attrs import Factory, define

from showtime_core.errors import Ambiguous, ContentRefused, ShowtimeError

BLACK = bytes.fromhex(
    "ffd8ffdb004300" + "01" * 64 + "ffc0000b080400040001011100"
    "ffc4001400010000000000000000000000000000000fffc4001410010000000000000000000000000000000000"
    "ffda0008010100003f00ffd9"
)
"""The head of a JPEG of 1024 x 1024; no picture is in it."""


@define
class MemoryPainter:
    """Paints nothing but a head, and lists what it was asked for; see `showtime_core.ports.Painter`."""

    prompts: list[str] = Factory(list)
    forbidden: str = "forbidden"
    failure: ShowtimeError | None = None
    """What is raised in place of an answer."""

    async def paint(self, prompt: str) -> bytes:
        """Paint an image, whatever of."""
        if self.failure:
            raise self.failure
        if self.forbidden in prompt:
            raise ContentRefused("this is not painted")
        self.prompts.append(prompt)
        return BLACK


@define
class MemoryBucket:
    """Stores images; see `showtime_core.ports.Bucket`."""

    base_url: str = "https://images.example"
    images: dict[str, bytes] = Factory(dict)
    """URL → image."""
    failure: ShowtimeError | None = None
    """What is raised in place of an answer."""

    async def store(self, key: str, jpeg: bytes) -> str:
        """Store an image under a key."""
        if self.failure:
            raise self.failure
        url = f"{self.base_url}/{key}"
        self.images[url] = jpeg
        return url


@define
class MemoryGallery:
    """Keeps what is posted; see `showtime_core.ports.Gallery`."""

    posts: list[tuple[str, str, bytes]] = Factory(list)
    """Who, what, and the image."""
    failure: ShowtimeError | None = None
    """What is raised in place of an answer; where it is Ambiguous, after the post."""

    async def post(self, username: str, subject: str, jpeg: bytes) -> None:
        """Post a ghost."""
        if self.failure and not isinstance(self.failure, Ambiguous):
            raise self.failure
        self.posts.append((username, subject, jpeg))
        if self.failure:
            raise self.failure
