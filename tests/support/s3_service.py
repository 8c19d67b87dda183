"""A real S3 server, moto's, behind a door that fails as neighbours do."""

import logging
from typing import Any, Self

import boto3
import httpx
from attrs import define, field
from moto.server import ThreadedMotoServer

from support.neighbour import Neighbour, Reply, Request

BUCKET, REGION, ACCESS_KEY_ID, SECRET_KEY = (
    "gvcr-ghosts",
    "nyc3",
    "SPACES1986",
    "rewind-the-space-before-leaving",
)
_OF_THE_CONNECTION = {"connection", "expect", "host", "content-length", "transfer-encoding", "date", "server"}


@define
class S3Service(Neighbour):
    """A running S3 with one bucket; keys are read by anybody if they were stored so."""

    _moto: ThreadedMotoServer = field(factory=lambda: ThreadedMotoServer("127.0.0.1", 0, verbose=False))
    _http: httpx.Client = field(factory=lambda: httpx.Client(timeout=30))
    _inner: str = ""

    def __enter__(self) -> Self:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)  # not a line for each request
        self._moto.start()
        host, port = self._moto.get_host_and_port()
        self._inner = f"http://{host}:{port}"
        # All of moto's servers in one process share what they store.
        self._http.post(f"{self._inner}/moto-api/reset").raise_for_status()
        self._boto().create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        return super().__enter__()

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self._moto.stop()
        self._http.close()

    def held(self) -> Any:
        listed = self._boto().list_objects_v2(Bucket=BUCKET).get("Contents", [])
        return sorted(item["Key"] for item in listed)

    def handle(self, request: Request) -> Reply:
        headers = {name: value for name, value in request.headers.items() if name not in _OF_THE_CONNECTION}
        answer = self._http.request(
            request.method, self._inner + request.target, headers=headers, content=request.body
        )
        kept = {name: value for name, value in answer.headers.items() if name not in _OF_THE_CONNECTION}
        return Reply(answer.status_code, answer.content, kept.pop("content-type", ""), kept)

    def look(self, key: str) -> dict[str, Any]:
        """Tell of an object what S3 knows of it, and who may read it."""
        boto = self._boto()
        grants = boto.get_object_acl(Bucket=BUCKET, Key=key)["Grants"]
        readers = [g["Grantee"].get("URI", "") for g in grants if g["Permission"] == "READ"]
        return {**boto.head_object(Bucket=BUCKET, Key=key), "readers": readers}

    def _boto(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=self._inner,
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY_ID,
            aws_secret_access_key=SECRET_KEY,
        )
