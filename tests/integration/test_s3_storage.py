"""A ghost's image in S3: where everybody can see it, or not there at all."""

import asyncio
from urllib.parse import urlsplit

import httpx
import pytest
from attrs import evolve

from showtime_adapters.s3_storage import BucketLocation
from showtime_core.errors import Unavailable
from support import s3_service as s3
from support.clients import opened_bucket
from support.following import until
from support.neighbour import Reply
from support.s3_service import S3Service

KEY = "0e9a/0e9a-00.jpg"
SPACES = BucketLocation("gvcr", "nyc3", "nyc3.digitaloceanspaces.com", "id-of-the-key", "secret-of-the-key")


@pytest.fixture(scope="module")
def well_service():
    with S3Service() as service:
        yield service


@pytest.fixture
def service(well_service):
    """Run S3; however a test has left it, the next one finds it well."""
    well_service.received.clear()
    yield well_service
    well_service.trouble()


@pytest.fixture
def space(service):
    return BucketLocation(s3.BUCKET, s3.REGION, service.url, s3.ACCESS_KEY_ID, s3.SECRET_KEY)


@pytest.fixture
async def bucket(space):
    async with opened_bucket(space) as bucket:
        yield bucket


async def test_an_image_is_where_its_url_says(bucket, service):
    """An image is at its URL for everybody, as an image, and storing again replaces it."""
    before = service.held()
    for jpeg in (b"first", b"second"):
        url = await bucket.store(key := "first/and-second.jpg", jpeg)
        assert url == f"{service.url}/{s3.BUCKET}/{key}"
        async with httpx.AsyncClient() as anybody:
            answer = await anybody.get(url)
        assert (answer.status_code, answer.content, answer.headers["content-type"]) == (
            200,
            jpeg,
            "image/jpeg",
        )
    assert service.look(key)["readers"] == ["http://acs.amazonaws.com/groups/global/AllUsers"]
    assert service.held() == sorted([*before, key])


async def test_an_image_is_sent_as_others_than_amazon_take_it(bucket, service):
    """An image is sent whole, and without the checksums that boto3 adds and others do not know."""
    await bucket.store(KEY, b"jpeg")
    (sent,) = service.received
    assert (sent.method, sent.body, sent.headers["x-amz-acl"]) == ("PUT", b"jpeg", "public-read")
    assert not [
        name for name in sent.headers if "checksum" in name or "trailer" in name or "transfer" in name
    ]
    assert "aws-chunked" not in sent.headers.get("content-encoding", "")


async def test_a_storage_without_acls_is_sent_none(space, service):
    """With an empty ACL none is sent and none is signed: who may read is up to the bucket."""
    async with opened_bucket(evolve(space, acl="")) as bucket:
        await bucket.store(key := "without/one.jpg", b"jpeg")
    (sent,) = service.received
    assert "acl" not in f"{sent.target} {' '.join(sent.headers)}".lower()
    assert service.look(key)["readers"] == []


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (501, "NotImplemented", "Header &apos;x-amz-acl&apos; with value\n &apos;public-read&apos;\x1b[2J"),
        (400, "AccessControlListNotSupported", "The bucket does not allow ACLs"),
    ],
)
async def test_a_storage_that_refuses_acls_is_told_with_the_setting(bucket, service, status, code, message):
    """The operator reads which setting to look at, and what the storage says, made printable."""
    document = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    service.scripted = Reply(status, document, "application/xml")
    with pytest.raises(Unavailable) as reason:
        await bucket.store(KEY, b"jpeg")
    said = str(reason.value)
    assert f"it answers {status} ({code}): check SPACES_ACL, which must be empty" in said
    quoted = message.replace("&apos;", "'").replace("\n ", " ").replace("\x1b", r"\x1b")
    assert said.endswith(f"; it says: {quoted}")


@pytest.mark.parametrize("status", [201, 204])
async def test_any_success_is_one(bucket, service, status):
    """An image is stored whatever success a storage has a number for."""
    service.scripted = Reply(status)
    assert await bucket.store(KEY, b"jpeg")


@pytest.mark.parametrize(
    "endpoint", ["nyc3.digitaloceanspaces.com", "https://s3.example.com", "http://localhost:9000/"]
)
async def test_a_url_is_where_the_image_is_sent(endpoint):
    """With a bare host the bucket stands in front of it, with a scheme behind it, in both places alike."""
    space = evolve(SPACES, endpoint=endpoint)
    async with opened_bucket(space) as bucket:
        signed = bucket._sign(KEY)  # noqa: SLF001 - no server has these names here
    sent, seen = urlsplit(signed), urlsplit(space.url(KEY))
    assert (sent.scheme, sent.netloc, sent.path) == (seen.scheme, seen.netloc, seen.path)


def test_the_url_of_an_image_is_the_one_that_clients_know():
    """URLs of images are as the predecessor made them."""
    assert SPACES.url(KEY) == "https://gvcr.nyc3.digitaloceanspaces.com/0e9a/0e9a-00.jpg"


@pytest.mark.parametrize(
    "failure", ["refuse", "hang", "cut", "die", "drip", "403", "429", "500", "503", "301"]
)
async def test_a_storage_that_is_not_well_is_unavailable(space, service, failure):
    """Storing twice does no harm, so an answer that was lost is no answer; nothing is repeated here."""
    async with opened_bucket(space, answer_seconds=2.0) as bucket:
        service.trouble(failure)
        with pytest.raises(Unavailable):
            await bucket.store(KEY, b"jpeg")
        assert len(service.received) == (0 if failure == "refuse" else 1)
        service.trouble()
    async with opened_bucket(space) as bucket:
        assert await bucket.store(KEY, b"jpeg")


@pytest.mark.parametrize("name", ["", "no-such-bucket"])
async def test_a_bucket_that_is_not_there_is_named(space, name):
    """A bucket that is not there is named, with what to check."""
    async with opened_bucket(evolve(space, bucket=name or "gvcr-elsewhere")) as bucket:
        with pytest.raises(Unavailable, match=r"404 \(NoSuchBucket\): check SPACES_BUCKET_NAME"):
            await bucket.store(KEY, b"jpeg")


async def test_storing_does_not_stop_the_show(bucket, service):
    """The event loop goes on, and as many images as may be are stored at once."""
    service.trouble("late")
    storing = asyncio.gather(*(bucket.store(f"{number}.jpg", b"jpeg") for number in range(4)))
    await until(lambda: len(service.received) == 4)
    assert not storing.done()
    service.trouble()
    assert len(await storing) == 4


async def test_connections_are_few_and_end(space, service):
    """Connections are few and end, however many images are stored, and whatever becomes of them."""
    async with opened_bucket(space, answer_seconds=3.0) as bucket:
        for failure in (None, "cut", "500", "drip", None):
            service.trouble(failure, share=0.5)
            stores = (bucket.store(f"{number}.jpg", b"jpeg") for number in range(12))
            await asyncio.gather(*stores, return_exceptions=True)
        await until(lambda: len(service.connections) <= 5)
    await until(lambda: not service.connections)


async def test_no_key_is_told_on(space, service, caplog):
    """No key is told in the most talkative log, in an error or in a repr."""
    caplog.set_level("DEBUG")
    told = ""
    async with opened_bucket(space) as bucket:
        for failure in (None, "cut", "403"):
            service.trouble(failure)
            for outcome in await asyncio.gather(bucket.store(KEY, b"jpeg"), return_exceptions=True):
                told += f"{outcome!r} {getattr(outcome, '__cause__', None)!r}"
        told += f"{space!r} {bucket!r} {vars(bucket)!r}"
    assert s3.SECRET_KEY not in told + caplog.text
    assert s3.ACCESS_KEY_ID not in told
