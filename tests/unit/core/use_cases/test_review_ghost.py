"""Whether a ghost waits for the host before it is painted."""

import pytest
from attrs import frozen

from showtime_core.errors import NotAllowed, Unavailable
from showtime_core.use_cases.review_ghost import ReviewGhost


@frozen
class Says:
    """An AutoMod that says this, or fails so."""

    answer: bool | Exception

    async def permits(self, words):
        assert words == "a seal"
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


NO_APPLICATION = "AutoMod cannot be asked: showtime has no application at Twitch"


@pytest.mark.parametrize(
    ("automod", "is_always", "reason"),
    [
        (Says(True), False, None),
        (Says(True), True, "every ghost waits for the host"),
        (Says(False), False, "AutoMod does not let it pass"),
        (Says(False), True, "AutoMod does not let it pass"),
        (Says(Unavailable("it is away")), False, "AutoMod cannot be asked: it is away"),
        (Says(NotAllowed("the scope is missing")), True, "AutoMod cannot be asked: the scope is missing"),
        (None, False, NO_APPLICATION),
        (None, True, NO_APPLICATION),
    ],
)
async def test_what_automod_does_not_let_pass_waits(automod, is_always, reason):
    """A ghost waits where AutoMod stops its words or cannot be asked, and where every one does."""
    assert await ReviewGhost(automod, is_always=is_always).why_to_wait("a seal") == reason
