"""What is asked over HTTP keeps to the contract of its port, at a stand-in that speaks as the real one."""

from collections.abc import AsyncIterator, Iterator
from functools import partial

import httpx
import pytest

from showtime_adapters.discord import DiscordGallery
from showtime_adapters.openai_images import OpenAIPainter
from showtime_adapters.s3_storage import BucketLocation, S3Bucket
from showtime_core.testing.contracts.images import (
    BucketContract,
    BucketStage,
    LookUpContract,
    LookUpStage,
    PainterStage,
    PublicStorageContract,
    PublicStorageStage,
    RemoteGalleryContract,
    RemoteGalleryStage,
    RemotePainterContract,
)
from showtime_core.testing.contracts.tokens import (
    RemoteAuthenticatorContract,
    RemoteAuthenticatorStage,
)
from support import auth_service as a
from support import s3_service as s3
from support.clients import opened_auth, opened_bucket, opened_gallery
from support.discord_service import DiscordService
from support.openai_service import API_KEY, MODELS, OpenAIService

MODEL = min(MODELS)


@pytest.fixture(scope="module")
def openai_service() -> Iterator[OpenAIService]:
    with OpenAIService() as service:
        yield service


@pytest.fixture
async def openai_painter(openai_service: OpenAIService) -> AsyncIterator[OpenAIPainter]:
    openai_service.prompts.clear()
    async with OpenAIPainter(API_KEY, MODEL, f"{openai_service.url}/v1", seconds=20) as painter:
        yield painter
    openai_service.trouble()


@pytest.fixture(scope="module")
def s3_service() -> Iterator[s3.S3Service]:
    with s3.S3Service() as service:
        yield service


@pytest.fixture
async def bucket(s3_service: s3.S3Service) -> AsyncIterator[S3Bucket]:
    location = BucketLocation(s3.BUCKET, s3.REGION, s3_service.url, s3.ACCESS_KEY_ID, s3.SECRET_KEY)
    async with opened_bucket(location) as bucket:
        yield bucket
    s3_service.trouble()


@pytest.fixture(scope="module")
def discord() -> Iterator[DiscordService]:
    with DiscordService() as service:
        yield service


@pytest.fixture
async def gallery(discord: DiscordService) -> AsyncIterator[DiscordGallery]:
    discord.posts.clear()
    async with opened_gallery(discord.webhook_url) as gallery:
        yield gallery
    discord.trouble()


@pytest.fixture(scope="module")
def auth() -> Iterator[a.Auth]:
    with a.auth_service() as service:
        yield service


class TestOpenAIPainter(RemotePainterContract):
    """The contract, at a stand-in of OpenAI."""

    @pytest.fixture
    def stage(self, openai_painter: OpenAIPainter, openai_service: OpenAIService) -> PainterStage:
        trouble = openai_service.trouble
        return PainterStage(
            openai_painter, "something forbidden", partial(trouble, "503"), partial(trouble, "401")
        )


class TestOpenAIModel(LookUpContract):
    """The contract, at a stand-in of OpenAI."""

    @pytest.fixture
    def stage(self, openai_painter: OpenAIPainter, openai_service: OpenAIService) -> LookUpStage:
        trouble, prompts = openai_service.trouble, openai_service.prompts
        return LookUpStage(
            openai_painter, MODEL, lambda: len(prompts), partial(trouble, "401"), partial(trouble, "cut")
        )


class TestS3Bucket(BucketContract):
    """The contract, at a stand-in of S3."""

    @pytest.fixture
    def stage(self, bucket: S3Bucket, s3_service: s3.S3Service) -> BucketStage:
        async def read(url: str) -> bytes | None:
            async with httpx.AsyncClient() as anybody:
                answer = await anybody.get(url)
            return answer.content if answer.is_success else None

        return BucketStage(bucket, read, partial(s3_service.trouble, "503"))


class TestS3PublicStorage(PublicStorageContract):
    """The contract, at a stand-in of S3."""

    @pytest.fixture
    def stage(self, bucket: S3Bucket, s3_service: s3.S3Service) -> PublicStorageStage:
        trouble = s3_service.trouble
        hide, go_away = partial(trouble, "403", only="^GET "), partial(trouble, "503")
        return PublicStorageStage(bucket, s3_service.held, hide, go_away)


class TestDiscordGallery(RemoteGalleryContract):
    """The contract, at a stand-in of Discord."""

    @pytest.fixture
    def stage(self, gallery: DiscordGallery, discord: DiscordService) -> RemoteGalleryStage:
        return RemoteGalleryStage(
            gallery,
            lambda: [post["image"] for post in discord.posts],
            partial(discord.trouble, "refuse"),
            partial(discord.trouble, "500 after"),
            partial(discord.trouble, "404"),
        )


class TestDiscordWebhook(LookUpContract):
    """The contract, at a stand-in of Discord."""

    @pytest.fixture
    def stage(self, gallery: DiscordGallery, discord: DiscordService) -> LookUpStage:
        trouble, posts = discord.trouble, discord.posts
        return LookUpStage(
            gallery, "Ghosts", lambda: len(posts), partial(trouble, "404"), partial(trouble, "500")
        )


class TestAuthService(RemoteAuthenticatorContract):
    """The contract, for tokens of Twitch and for those that auth signs itself."""

    @pytest.fixture(params=["of Twitch", "of auth"])
    async def stage(
        self, auth: a.Auth, request: pytest.FixtureRequest
    ) -> AsyncIterator[RemoteAuthenticatorStage]:
        signed, other = a.signed(auth.key), a.signed(auth.key, gvcr_service="another")
        own = {"of Twitch": (a.VIEWER, a.REJECTED), "of auth": (signed, _with_signature_of(signed, other))}
        viewer, forged = own[request.param]
        async with opened_auth(auth.url) as service:
            yield RemoteAuthenticatorStage(
                service, a.BROADCASTER, viewer, forged, partial(auth.trouble, "500")
            )
        auth.trouble()


def _with_signature_of(token: str, other: str) -> str:
    return ".".join([*token.split(".")[:2], other.split(".")[2]])
