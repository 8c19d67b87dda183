"""Server-sent events as bytes: what a browser's EventSource reads."""

import pytest

from showtime_app.web import sse

BLOCKS = {
    "an event": ({"data": '{"isLive":false}'}, b'data: {"isLive":false}\n\n'),
    "an event with an id": ({"data": "{}", "event_id": "c24-7"}, b"id: c24-7\ndata: {}\n\n"),
    "an id and no event": ({"event_id": "c24-7", "retry": 3000}, b"id: c24-7\nretry: 3000\n\n"),
    "a retry alone": ({"retry": 3000}, b"retry: 3000\n\n"),
}


@pytest.mark.parametrize(("fields", "written"), BLOCKS.values(), ids=BLOCKS)
def test_a_block_has_the_fields_that_are_given(fields, written):
    """A block is one line for each field that is given, id and retry before the data, and an empty line."""
    assert sse.block(**fields) == written


@pytest.mark.parametrize(("text", "written"), [("", b":\n\n"), ("come again", b": come again\n\n")])
def test_a_comment_is_no_event(text, written):
    """A comment begins with a colon, so that clients pass over it, and says nothing unless it is told to."""
    assert sse.comment(text) == written


async def test_an_answer_begins_with_200_and_is_neither_kept_nor_held_back():
    """The answer is 200 and of the type that a browser takes for a stream; nobody keeps or delays it."""
    sent = []

    async def send(message):
        sent.append(message)

    await sse.begin(send)
    [start] = sent
    assert (start["type"], start["status"]) == ("http.response.start", 200)
    assert dict(start["headers"]) == {
        b"content-type": b"text/event-stream",
        b"cache-control": b"no-cache, no-transform",
        b"x-accel-buffering": b"no",
    }
