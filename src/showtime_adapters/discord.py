"""Discord: ghosts are posted to a channel by its webhook, each with its image."""

import json
import re
import time
from collections.abc import Callable
from http import HTTPStatus

import httpx

from showtime_adapters.encoding import encode
from showtime_adapters.http_client import NeighbourClient, reason_in
from showtime_core.errors import Ambiguous, Refused, Unavailable
from showtime_core.texts import clean

ANSWER_SECONDS = 20.0
"""How long a post may take as a whole."""
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_LONGEST_WAIT_SECONDS = 3600.0


class DiscordGallery:
    """Posts ghosts."""

    def __init__(
        self, client: NeighbourClient, webhook_url: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Post by this webhook; its URL is a secret, since whoever knows it may post."""
        self._client = client
        self._itself = webhook_url
        # Answered when it is posted, not before.
        self._url = str(httpx.URL(webhook_url).copy_set_param("wait", "true"))
        self._clock = clock
        self._not_before = float("-inf")

    async def post(self, username: str, subject: str, jpeg: bytes) -> None:
        """Post a ghost; raises Refused, Unavailable if it was not posted, Ambiguous if it may have been."""
        wait = self._not_before - self._clock()
        if wait > 0:
            raise Unavailable(f"Discord asks to wait for {wait:.0f} seconds more")
        payload = {
            "content": f"Ghost from **{escape(username)}**: _{escape(subject)}_",
            "allowed_mentions": {"parse": []},
            "attachments": [{"id": 0, "filename": "ghost.jpg"}],
        }
        answer = await self._client.send(
            "POST",
            self._url,
            data={"payload_json": encode(payload)},
            files={"files[0]": ("ghost.jpg", jpeg, "image/jpeg")},
        )
        self._check(answer)

    async def look_up(self) -> str:
        """Tell the name of the webhook, posting nothing; raises Refused, or Unavailable.

        Discord's reference, Get Webhook with Token: whoever knows the URL may ask, and is told as JSON.
        """
        answer = await self._client.ask("GET", self._itself)
        if answer.status_code == HTTPStatus.NOT_FOUND:
            raise Refused("404: the webhook is gone")
        if not answer.is_success:
            raise Unavailable(f"Discord answers {answer.status_code}")
        try:
            said = json.loads(answer.content)
        except (ValueError, RecursionError):
            said = None
        match said:
            case {"id": str(), "name": str() | None as name}:
                return clean(name or "without a name")
        raise Unavailable("what answers is no webhook of Discord")

    def _check(self, answer: httpx.Response) -> None:
        if answer.is_success:
            return
        if answer.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            self._not_before = self._clock() + _wait_seconds(answer)
            raise Unavailable("Discord has had too many posts for now")
        reason = reason_in(answer.text)
        said = f"; it says: {reason}" if reason else ""
        if answer.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}:
            raise Refused(f"Discord answers {answer.status_code}: check DISCORD_GHOSTS_WEBHOOK_URL{said}")
        if answer.is_client_error:
            raise Refused(f"Discord refuses the post (it answers {answer.status_code}){said}")
        raise Ambiguous(f"Discord answers {answer.status_code}")


def escape(text: str) -> str:
    """Make text read in Discord as it is: on one line, with no markup, link or mention in it."""
    return _PUNCTUATION.sub(r"\\\1", " ".join(text.split()))


def _wait_seconds(answer: httpx.Response) -> float:
    """Tell how long Discord asks to wait."""
    try:
        return min(max(1.0, float(answer.headers["retry-after"])), _LONGEST_WAIT_SECONDS)
    except (KeyError, ValueError):
        return 1.0
