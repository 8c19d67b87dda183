"""Storage that speaks S3: images go where everybody can see them.

boto3 signs, and httpx sends: what boto3 sends itself needs a thread, and nobody can take a thread back from a
storage that answers a byte now and then.
"""

import asyncio
import html
import re
from typing import TYPE_CHECKING

import boto3
import httpx
from attrs import field, frozen
from botocore.config import Config

from showtime_adapters.http_client import NeighbourClient
from showtime_core.errors import Unavailable
from showtime_core.texts import quote

if TYPE_CHECKING:  # the types are installed for development alone
    from types_boto3_s3 import S3Client

ANSWER_SECONDS = 30.0
"""How long it may take as a whole to store an image."""
_SIGNED_SECONDS = 300
_CONTENT_TYPE = "image/jpeg"
_CODE = re.compile(r"<Code>(\w{1,64})</Code>")
_MESSAGE = re.compile(r"<Message>([^<]+)</Message>")
_CHECK_ACL = ": check SPACES_ACL, which must be empty for a storage without ACLs"
_REMEDIES = {
    "AccessControlListNotSupported": _CHECK_ACL,
    "AccessDenied": ": check what the key may do, and SPACES_ACL",
    "InvalidAccessKeyId": ": check SPACES_ACCESS_KEY_ID",
    "NotImplemented": _CHECK_ACL,
    "NoSuchBucket": ": check SPACES_BUCKET_NAME and SPACES_ENDPOINT_URL",
    "SignatureDoesNotMatch": ": check SPACES_SECRET_KEY and SPACES_REGION_NAME",
}


@frozen
class BucketLocation:
    """Where a bucket is, and the keys of who may write to it."""

    bucket: str
    region: str
    endpoint: str
    """A host, with the bucket in front of it; with a scheme, a URL with the bucket behind it."""
    access_key_id: str = field(repr=False)
    secret_key: str = field(repr=False)
    acl: str = "public-read"
    """The canned ACL that an image is stored with; empty: none, for the bucket itself says who reads."""

    @property
    def has_scheme(self) -> bool:
        """Whether the endpoint is a URL: then the bucket is a part of the path."""
        return "://" in self.endpoint

    def url(self, key: str) -> str:
        """Tell where everybody sees what is stored under a key."""
        if self.has_scheme:
            return f"{self.endpoint.rstrip('/')}/{self.bucket}/{key}"
        return f"https://{self.bucket}.{self.endpoint}/{key}"


class S3Bucket:
    """Stores images."""

    def __init__(self, client: NeighbourClient, space: BucketLocation) -> None:
        """Store in this space."""
        self._client = client
        self._space = space
        in_path = space.has_scheme
        session = boto3.Session(space.access_key_id, space.secret_key, region_name=space.region)
        self._signer: S3Client = session.client(
            "s3",
            endpoint_url=space.endpoint if in_path else f"https://{space.endpoint}",
            config=Config(
                signature_version="s3v4", s3={"addressing_style": "path" if in_path else "virtual"}
            ),
        )

    async def store(self, key: str, jpeg: bytes) -> str:
        """Store an image under a key, in place of what is there; returns its URL. Raises Unavailable."""
        url = await asyncio.to_thread(self._sign, key)
        acl = {"x-amz-acl": self._space.acl} if self._space.acl else {}
        headers = {"content-type": _CONTENT_TYPE, **acl}
        answer = await self._client.ask("PUT", url, headers, content=jpeg)
        if not answer.is_success:
            raise Unavailable(_complaint(answer))
        return self._space.url(key)

    async def prove(self, key: str, jpeg: bytes) -> None:
        """Store an object, read it by its public URL, and delete it; raises Unavailable."""
        try:
            url = await self.store(key, jpeg)
            answer = await self._client.ask("GET", url)
            if not answer.is_success:
                raise Unavailable(
                    f"stored, but its public address answers {answer.status_code}: check SPACES_ACL"
                )
            if answer.content != jpeg:
                raise Unavailable("stored, but its public address shows something else: check SPACES_*")
        finally:
            deleted = await self._delete(key)
        if not deleted.is_success:
            raise Unavailable(f"stored and read, but not deleted: the storage answers {deleted.status_code}")

    async def _delete(self, key: str) -> httpx.Response:
        """Have an object deleted; one that is not there counts as deleted (S3 reference, DeleteObject)."""
        wanted = {"Bucket": self._space.bucket, "Key": key}
        url = await asyncio.to_thread(
            self._signer.generate_presigned_url, "delete_object", wanted, _SIGNED_SECONDS
        )
        return await self._client.ask("DELETE", url)

    def _sign(self, key: str) -> str:
        """Make the URL by which an image may be stored under a key, for the next minutes."""
        acl = {"ACL": self._space.acl} if self._space.acl else {}
        wanted = {"Bucket": self._space.bucket, "Key": key, "ContentType": _CONTENT_TYPE, **acl}
        return self._signer.generate_presigned_url("put_object", wanted, ExpiresIn=_SIGNED_SECONDS)


def _complaint(answer: httpx.Response) -> str:
    found, message = _CODE.search(answer.text), _MESSAGE.search(answer.text)
    code = found[1] if found else "no reason"
    remedy = _REMEDIES.get(code, "")
    said = f"; it says: {quote(html.unescape(message[1]))}" if message else ""
    return f"the storage does not take the image: it answers {answer.status_code} ({code}){remedy}{said}"
