"""What was, as the history tells it; and the history in memory."""

from datetime import UTC, datetime

import pytest

from showtime_core.domain.broadcasts.history import (
    MAX_URL_LENGTH,
    ListedBroadcast,
    broadcasts_by_tape,
    check_vod_url,
)
from showtime_core.errors import Refused
from showtime_core.testing.contracts.history import HistoryContract, HistoryStage, memory_history_stage

HALLOWEEN = datetime(2026, 10, 31, 20, tzinfo=UTC)


class TestMemoryHistory(HistoryContract):
    """The contract of the history, in memory."""

    @pytest.fixture
    def stage(self) -> HistoryStage:
        return memory_history_stage()


def night(number: int, *tape_ids: int) -> ListedBroadcast:
    return ListedBroadcast(number, HALLOWEEN, "", tape_ids)


def test_a_tape_leads_to_its_nights():
    """A tape leads to each of its nights once, however often it was on, in the order of the list."""
    nights = [night(9, 31, 80, 31), night(2, 5), night(4, 80, 31)]
    assert broadcasts_by_tape(nights) == {31: [9, 4], 80: [9, 4], 5: [2]}
    assert broadcasts_by_tape([]) == {}


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://www.twitch.tv/videos/2203817154",
        "http://localhost:8000/night.mp4?t=1#credits",
        "https://xn--vido-bpa.example?nuit=%C3%BC",
        "https://EXAMPLE.com",
        "https://example.com/" + "v" * (MAX_URL_LENGTH - 20),
    ],
)
def test_a_web_address_is_a_vod_url(url):
    """A VOD URL is an http or https address with a host, or empty."""
    assert check_vod_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "twitch.tv/videos/1",
        "ftp://example.com/1",
        "javascript:alert(1)",
        "https://",
        "https:///videos/1",
        "https://host:port/1",
        "https://[::1/1",
        "https://example.com/a b",
        " https://example.com/",
        "https://example.com/\n",
        "https://vidéo.example/",
        " ",
        "https://example.com/a\nb",
        "https://example.com/\x00",
        "https://user:secret@example.com/",
        "//example.com/1",
        "https://example.com/" + "v" * (MAX_URL_LENGTH - 19),
    ],
)
def test_anything_else_is_none(url):
    """The website makes a link of it: what is no address of the web is refused, with what it must be."""
    with pytest.raises(Refused, match="the VOD URL must "):
        check_vod_url(url)
