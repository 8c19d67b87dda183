"""Requests to the callback that were not taken: each is counted, and the log tells of them now and then.

Anybody can send what is refused, and as much of it as they like: the log has one line a minute for each
reason, so that a wrong secret is noticed and a flood of forgeries fills no disk.
"""

import logging
import re

from attrs import define, field
from litestar.types import Scope

from showtime_app.metrics import Metrics
from showtime_app.throttle import Throttle
from showtime_app.web.asgi import header

_log = logging.getLogger(__name__)

_NOT_TAKEN = "not taken: %s (%d since the last such line)"
_PRINTABLE = re.compile(r"[!-~]{1,512}")


@define
class RejectionLog:
    """Counts rejected requests, and logs each reason at most once a minute."""

    metrics: Metrics
    _throttle: Throttle = field(factory=Throttle)

    def record(self, reason: str, scope: Scope) -> None:
        """Count a rejected request."""
        self.metrics.callback_requests.labels(reason).inc()
        if count := self._throttle.count(reason):
            _log.warning(_NOT_TAKEN, reason, count, extra=message_of(scope))


def message_of(scope: Scope) -> dict[str, str]:
    """Name the message that a request brings, as fields of a line in the log; it may not be Twitch's."""
    message_id = header(scope, b"twitch-eventsub-message-id")
    return {"message_id": message_id} if _PRINTABLE.fullmatch(message_id) else {}
