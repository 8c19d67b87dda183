"""The description of the API says what the server does: held against a running one."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from showtime_core.domain.points_and_ghosts.ghosts import ghost_id_of
from support import twitch as t
from support.dev import developing
from support.sse import begun, listening

SUPPORT = Path(__file__).parents[1] / "support"
SCHEMATHESIS = Path(sys.executable).with_name("st")
SEQUENCES = 4
"""Of requests that follow from each other's answers, where none are thought up."""
NO_TOKEN = (400, "Twitch user access token or internal JWT must be supplied in Authorization header")
NOT_ACCEPTED = (401, "access token was not accepted")
NOT_THE_HOST = (403, "insufficient access: requires broadcaster; you are viewer")


@pytest.fixture(scope="module")
def dev(tmp_path_factory):
    with developing(tmp_path_factory.mktemp("schema") / "data", LOG_LEVEL="error") as dev:
        yield dev


@pytest.fixture(scope="module")
def secret(dev):
    return json.loads((dev.data_dir / "dev.json").read_text())["webhook_secret"]


@pytest.fixture(scope="module")
def document(dev):
    return httpx.get(f"{dev.server.url}/schema/openapi.json").raise_for_status().json()


def operations(document) -> Iterator[tuple[str, str, dict]]:
    for path, by_method in document["paths"].items():
        for method, operation in by_method.items():
            yield method, path, operation


def send(dev, message):
    httpx.post(f"{dev.server.url}/callback", headers=message.headers, content=message.body).raise_for_status()


@pytest.mark.long
def test_schemathesis_finds_nothing(dev, secret, tmp_path, scale):
    """Whatever is asked, statuses, headers and bodies are those of the description."""
    send(dev, t.online("the-night-of-the-schema", secret=secret))  # at other times the host can do nothing
    wish = t.cheer(bits=200, text="a ghost of a baby seal", secret=secret)
    send(dev, wish)
    torn = [t.message("channel.cheer", None, secret=secret) for _ in range(30)]
    for each in torn:
        send(dev, each)
    wanted = {"kind": "overlay", "name": "OBS"}
    host = bearer(dev.token("broadcaster"))
    made = httpx.post(f"{dev.server.url}/admin/show/secrets", json=wanted, headers=host)
    phases = ["examples", "coverage", "stateful", *(["fuzzing"] if scale.requests else [])]
    run = subprocess.run(
        [
            *(SCHEMATHESIS, "--config-file", SUPPORT / "schemathesis.toml"),
            *("run", "--phases", ",".join(phases), "--max-examples", str(scale.requests or SEQUENCES)),
            f"{dev.server.url}/schema/openapi.json",
        ],
        cwd=tmp_path,
        env=os.environ
        | {
            "PYTHONPATH": str(SUPPORT.parent),
            "BROADCASTER_TOKEN": dev.token("broadcaster"),
            "OVERLAY_SECRET": made.json()["secret"],
            "WEBHOOK_SECRET": secret,
            "GHOST_ID": str(ghost_id_of(wish.id)),
            "PARKED_IDS": " ".join(each.id for each in torn),
        },
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "No issues found" in run.stdout, run.stdout


def test_the_document_is_openapi(document):
    """It keeps to the specification, 3.1, and every operation has a name of its own."""
    assert document["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(document).validate()
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names))


def test_every_route_is_described_to_the_end(document):
    """Each route tells what it does, each answer with its type, problems in both forms, and an example."""
    for method, path, operation in operations(document):
        where = f"{method} {path}"
        assert operation["summary"], where
        assert all(parameter["description"] for parameter in operation["parameters"]), where
        for code, answer in operation["responses"].items():
            assert answer["description"], where
            assert ("content" in answer) == (code not in {"204", "304"} and method != "head"), where
            for media in answer.get("content", {}).values():
                assert "example" in media or media.get("examples"), f"{where} {code}"
        if method != "head" and operation["tags"][0] not in {"streams", "twitch"}:  # plain, whoever asks
            refusals = [operation["responses"][code] for code in operation["responses"] if code >= "400"]
            forms = {"text/plain", "application/problem+json"}
            assert all(set(answer["content"]) == forms for answer in refusals), where


def test_examples_fit_their_schemas(document):
    """An example that could not be sent would teach the wrong thing."""
    count = 0
    for _, _, operation in operations(document):
        bodies = [operation["requestBody"]] if "requestBody" in operation else []
        for holder in [*operation["responses"].values(), *bodies]:
            for media_type, media in holder.get("content", {}).items():
                examples = [media["example"]] if "example" in media else []
                examples += [each["value"] for each in media.get("examples", {}).values()]
                if media_type == "text/event-stream":
                    examples = [block(text) for example in examples for text in example.split("\n\n") if text]
                for example in examples:
                    validator(document, media["schema"]).validate(example)
                    count += 1
    assert count > 50


def block(text: str) -> dict:
    pairs = (line.partition(": ") for line in text.splitlines() if not line.startswith(":"))
    return {name: int(value) if name == "retry" else value for name, _, value in pairs}


def validator(document, schema) -> Draft202012Validator:
    """Validate against a schema of the document, with its references."""
    return Draft202012Validator(
        {**schema, "components": document["components"]}, format_checker=Draft202012Validator.FORMAT_CHECKER
    )


async def test_what_the_streams_say_fits_their_schemas(dev, secret, document):
    """Each event that is sent, in the middle of a night, is one that is described."""
    send(dev, t.online("the-night-of-the-streams", secret=secret))
    said = {
        "/alerts": [t.follow("VHSVera", secret=secret), t.cheer(secret=secret)],
        "/state": [],
        "/chat": [],
    }
    for path, messages in said.items():
        media = document["paths"][path]["get"]["responses"]["200"]["content"]["text/event-stream"]
        shape = media["schema"]["properties"]["data"]["contentSchema"]
        async with listening(dev.server.url + path) as stream:
            if path == "/alerts":
                await begun(stream)
            for message in messages:
                send(dev, message)
            for _ in messages or ([None] if path == "/state" else []):
                event = (await stream.event()).data
                validator(document, shape).validate(event)


def test_whatever_needs_a_token_asks_for_it(dev, document):
    """Who brings none, a false one, or a viewer's, is told so before anything else is looked at."""
    secured = [
        (method, path)
        for method, path, operation in operations(document)
        if "security" in operation and method != "head"  # which is told the same, but for the words
    ]
    assert {path for _, path in secured} >= {path for path in document["paths"] if path.startswith("/admin")}
    viewer = dev.token("viewer")
    for method, path in secured:
        url = dev.server.url + re.sub(r"\{.*?\}", "1", path)
        needs_host = document["paths"][path][method]["security"][0] == {"token": ["broadcaster"]}
        answers = [httpx.request(method, url, headers=headers) for headers in ({}, bearer("forged"))]
        assert [(answer.status_code, answer.text) for answer in answers] == [NO_TOKEN, NOT_ACCEPTED], url
        if needs_host:
            answer = httpx.request(method, url, headers=bearer(viewer))
            assert (answer.status_code, answer.text) == NOT_THE_HOST, url


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


@pytest.mark.parametrize("path", ["/schema", "/schema/"])
def test_the_page_needs_nothing_but_itself(dev, document, path):
    """The page works without a network and behind any prefix, for it has no script, image or far address."""
    answer = httpx.get(dev.server.url + path)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "script" not in answer.headers["content-security-policy"]
    links = re.findall(r'(?:href|src)="([^"]*)"', answer.text)
    anchors = {link for link in links if link.startswith("#")}
    [away] = set(links) - anchors
    behind_a_proxy = f"https://goldenvcr.com/api/showtime{path}"
    assert urljoin(behind_a_proxy, away) == "https://goldenvcr.com/api/showtime/schema/openapi.json"
    assert all(f'id="{anchor[1:]}"' in answer.text for anchor in anchors)
    assert not re.search(r"<(script|link|img|iframe)|@import|url\(", answer.text)
    for method, path_, operation in operations(document):
        is_shown = f'<details id="{operation["operationId"]}">' in answer.text
        assert is_shown == (method != "head"), path_  # of which all is said at the top


def test_the_servers_place_is_relative(document):
    """A proxy strips a prefix that nobody tells us: paths begin where the document lies, one level up."""
    [server] = document["servers"]
    base = urljoin("https://goldenvcr.com/api/showtime/schema/openapi.json", server["url"])
    assert base == "https://goldenvcr.com/api/showtime/"
