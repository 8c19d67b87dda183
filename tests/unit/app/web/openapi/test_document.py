"""The description of the routes, made from their handlers."""

import json
import re
from pathlib import Path

import pytest
from litestar import asgi, get

from showtime_app.web import routes
from showtime_app.web.openapi.descriptions import described, raw, read_text
from showtime_app.web.openapi.document import UndescribedError, describe
from showtime_core.domain.points_and_ghosts.ghosts import MAX_SUBJECT_CHARACTERS

ROUND = {"get": {"operationId": "round", "tags": ["status"], "summary": "Go round", "responses": {}}}


@get("/tapes", tags=["history"], opt=described(example=[31], refusals={404: ["no such shelf"]}))
async def list_tapes() -> list[int]:
    """List the tapes.

    All of them.
    """
    return []


@get("/forgotten", tags=["history"])
async def forgotten() -> None:
    """Say nothing of itself."""


@get("/lost", opt=described())
async def lost() -> None:
    """Be in no section."""


@get("/overlay", include_in_schema=False)
async def overlay() -> None:
    """Be a page for people."""


@asgi("/raw-and-forgotten", copy_scope=False)
async def raw_and_forgotten(scope: object, receive: object, send: object) -> None:
    """Say nothing of itself either."""


@asgi("/raw", copy_scope=False, opt=raw(**ROUND))
async def raw_and_said(scope: object, receive: object, send: object) -> None:
    """Say all that there is to say."""


def test_a_handler_is_described_by_its_signature_and_its_word():
    """A route is described by docstring, signature, and what the handler says that it refuses."""
    operation = describe([list_tapes], {}, {})["paths"]["/tapes"]["get"]
    assert (operation["summary"], operation["description"]) == ("List the tapes", "All of them.")
    [answer] = operation["responses"]["200"]["content"].values()
    assert answer == {"schema": {"type": "array", "items": {"type": "integer"}}, "example": [31]}
    problem = operation["responses"]["404"]["content"]["application/problem+json"]["examples"]["1"]["value"]
    assert problem == {"title": "Not Found", "status": 404, "detail": "no such shelf"}


@pytest.mark.parametrize("handler", [forgotten, raw_and_forgotten, lost])
def test_a_handler_that_says_nothing_of_itself_is_found(handler):
    """A route without documentation is no route that we have: the description cannot be made."""
    with pytest.raises(UndescribedError, match=r"give it"):
        describe([list_tapes, handler], {}, {})


def test_where_there_is_get_there_is_head():
    """HEAD is described wherever GET is, by a name of its own: the same answers, none with a body."""
    paths = describe([list_tapes, raw_and_said], {"/before": {"post": ROUND["get"]}}, {})["paths"]
    assert [path for path, operations in paths.items() if "head" in operations] == ["/tapes", "/raw"]
    get, head = paths["/tapes"]["get"], paths["/tapes"]["head"]
    assert head["operationId"] != get["operationId"]
    assert head["responses"].keys() == get["responses"].keys()
    assert "content" in get["responses"]["200"]
    assert not any("content" in answer for answer in head["responses"].values())


def test_a_page_may_be_left_out():
    """A page is left out of the description only where it says so on purpose."""
    assert set(describe([list_tapes, overlay], {}, {})["paths"]) == {"/tapes"}


def test_what_speaks_asgi_itself_is_described_beside_the_rest():
    """A raw ASGI route is described by its option, or by name where it stands before the framework."""
    paths = describe([list_tapes, raw_and_said], {"/before": ROUND}, {})["paths"]
    assert {path: by["get"]["summary"] for path, by in paths.items() if path != "/tapes"} == {
        "/raw": "Go round",
        "/before": "Go round",
    }


def test_what_is_kept_beside_is_of_a_handler():
    """What is said of a handler that is no more is found, for nothing holds it against an answer."""
    sources = "".join(path.read_text("utf-8") for path in Path(routes.__file__).parent.glob("*.py"))
    assert set(json.loads(read_text("handlers.json"))) == set(re.findall(r'opt=said\(\s*"(\w+)"', sources))


def test_the_wish_is_bounded_as_the_core_bounds_it():
    """What is said of the longest subject is what is refused beyond it."""
    ghost = json.loads(read_text("handlers.json"))["request_ghost"]
    schema = ghost["body"]["content"]["application/json"]["schema"]
    assert schema["properties"]["subject"]["maxLength"] == MAX_SUBJECT_CHARACTERS
    assert f"<= {MAX_SUBJECT_CHARACTERS} characters" in ghost["refusals"]["400"][2]
