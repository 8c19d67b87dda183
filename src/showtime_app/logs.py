"""Logs: one line an event, as JSON or, in a terminal, for people.

A line bears the id of the request, the message or the effect that it is about, where there is one; for
people, if there is something to do about it. Only our own lines may be as chatty as the settings say: what
libraries tell below a warning has tokens and signatures in it. What anybody can cause comes once a minute.
"""

import logging
import sys
from typing import Literal

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

from showtime_app.throttle import Throttle
from showtime_app.web.middleware.request_id import add_request_id
from showtime_core.texts import printable

OURS = ("showtime", "showtime_app", "showtime_adapters", "showtime_core")
"""The loggers of the project, each with those below it."""
_IDS = ("message_id", "effect_key")
"""What whoever logs may give as `extra`, beside what is bound to the context."""
_ROOMS = {
    **dict.fromkeys(("error", "protocol"), "server"),
    **dict.fromkeys(("lifecycle", "common"), "showtime"),
    **dict.fromkeys(("irc", "record_chat"), "chat"),
    **dict.fromkeys(("check_channel", "upkeep"), "twitch"),
    **dict.fromkeys(("instrumented", "group_commit", "receive"), "journal"),
    "dispatch": "relay",
    "perform": "relay",
    "rejection_log": "callback",
}
"""What people call the parts that log by another name."""
_ADVICE = "No supported WebSocket library detected."


def configure(log_format: Literal["auto", "json", "text"], level: str) -> None:
    """Send all logs to standard error: `auto` is readable in a terminal, and JSON elsewhere."""
    readable = log_format == "text" or (log_format == "auto" and sys.stderr.isatty())
    shared: list[Processor] = [
        add_request_id,
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.ExtraAdder(allow=_IDS),
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper("%H:%M:%S" if readable else "iso", utc=not readable),
        structlog.processors.format_exc_info,
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_RubbishFilter())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _for_people if readable else structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for name in OURS:
        logging.getLogger(name).setLevel(level.upper())


class _RubbishFilter(logging.Filter):
    """Lets what the server says of requests that are none pass once a minute, and its advice not at all."""

    def __init__(self) -> None:
        super().__init__()
        self._throttle = Throttle()

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith("uvicorn") or record.levelno > logging.WARNING:
            return True
        if str(record.msg).startswith(_ADVICE):
            return False
        count = self._throttle.count(str(record.msg))
        record.msg = f"{record.msg} (%d since the last such line)"
        record.args = (*record.args, count) if isinstance(record.args, tuple) else (count,)
        return count > 0


def _for_people(_: WrappedLogger, __: str, line: EventDict) -> str:
    """Write when, who and what, and ids of what may need a look; who is quoted writes no line of ours."""
    room = line["logger"].rpartition(".")[2]
    serious = line["level"] not in {"debug", "info"}
    told = f"{line['level']}: {line['event']}" if serious else line["event"]
    known = {name: line[name] for name in (*_IDS, "request_id") if line.get(name) and serious}
    ids = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in known.items())
    words = f"{line['timestamp']} {_ROOMS.get(room, room):9} {told}{f' ({ids})' if ids else ''}"
    return "\n".join(map(printable, [words, *line.get("exception", "").splitlines()]))


def name_effect(key: str, message_id: str) -> None:
    """Let every line that this task writes from now on, whoever writes it, name an effect and its message."""
    structlog.contextvars.bind_contextvars(effect_key=key, message_id=message_id)
