"""All neighbours in a process of their own: they live on when the showtime beside them is killed.

    PYTHONPATH=tests python -m support.neighbours

prints where they are, as one line of JSON, and ends with its standard input. Each is told at `POST /NAME` of
the control how to fail (the arguments of `Neighbour.trouble`), and tells at `GET /NAME` what it holds, and at
`GET /NAME/requests` how often it was asked for each path.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing.connection import Connection
from typing import Any

import httpx
from attrs import define, field, frozen

from support.auth_service import SHARED_SECRET, Auth
from support.discord_service import PATH, DiscordService
from support.forked import fork, pipe
from support.ledger_service import LedgerService
from support.neighbour import Neighbour, Reply, Request
from support.openai_service import API_KEY, OpenAIService
from support.s3_service import ACCESS_KEY_ID, BUCKET, REGION, SECRET_KEY, S3Service


@define
class Control(Neighbour):
    """Tells the neighbours how to do."""

    neighbours: Mapping[str, Neighbour] = field(factory=dict)

    def handle(self, request: Request) -> Reply:
        name, _, what = request.path.strip("/").partition("/")
        neighbour = self.neighbours.get(name)
        if neighbour is None:
            return Reply(404, f"there are {', '.join(self.neighbours)}\n")
        if request.method == "POST":
            neighbour.trouble(**json.loads(request.body))
        told = dict(neighbour.requests) if what == "requests" else neighbour.held()
        return Reply(200, json.dumps(told), "application/json")


@frozen
class Neighbours:
    """Neighbours in another process."""

    urls: Mapping[str, str]
    """Name → base URL; one of them is `control`."""
    _client: httpx.Client

    @property
    def settings(self) -> dict[str, str]:
        """The settings with which showtime uses them."""
        return {
            "AUTH_URL": self.urls["auth"],
            "AUTH_SHARED_SECRET": SHARED_SECRET,
            "LEDGER_URL": self.urls["ledger"],
            "OPENAI_API_KEY": API_KEY,
            "OPENAI_BASE_URL": f"{self.urls['openai']}/v1",
            "SPACES_BUCKET_NAME": BUCKET,
            "SPACES_REGION_NAME": REGION,
            "SPACES_ENDPOINT_URL": self.urls["s3"],
            "SPACES_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "SPACES_SECRET_KEY": SECRET_KEY,
            "DISCORD_GHOSTS_WEBHOOK_URL": self.urls["discord"] + PATH,
        }

    def trouble(self, name: str, failure: str | list[str] | None = None, **how: object) -> None:
        """Have one of them fail, as `Neighbour.trouble` says."""
        told = {"failure": failure, **how}
        self._client.post(f"{self.urls['control']}/{name}", json=told).raise_for_status()

    def held(self, name: str) -> Any:
        """Tell what one of them holds."""
        return self._client.get(f"{self.urls['control']}/{name}").raise_for_status().json()

    def asked(self, name: str, path: str) -> int:
        """Tell how often one of them has been asked for a path, whether or not it has answered."""
        url = f"{self.urls['control']}/{name}/requests"
        return int(self._client.get(url).raise_for_status().json().get(path, 0))


@contextmanager
def neighbours_running() -> Iterator[Neighbours]:
    """Run all neighbours for a while."""
    ours, theirs = pipe()
    with ours, httpx.Client(timeout=30) as client:
        process = fork(_serve, theirs)
        theirs.close()
        yield Neighbours(ours.recv(), client)
        ours.close()
        process.wait(30)


def _serve(theirs: Connection) -> None:
    with _all() as urls, suppress(EOFError):
        theirs.send(urls)
        theirs.recv()


@contextmanager
def _all() -> Iterator[dict[str, str]]:
    """Run all neighbours in this process; gives their URLs by name."""
    auth = Auth()
    services: dict[str, Neighbour] = {
        "auth": auth,
        "ledger": LedgerService(auth=auth),
        "openai": OpenAIService(),
        "s3": S3Service(),
        "discord": DiscordService(),
    }
    services["control"] = Control(neighbours=dict(services))
    with ExitStack() as stack:
        for service in services.values():
            stack.enter_context(service)
        yield {name: service.url for name, service in services.items()}


def _main() -> None:
    with _all() as urls:
        sys.stdout.write(json.dumps(urls) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    _main()
