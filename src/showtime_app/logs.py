"""Logs: one line an event, as JSON or, in a terminal, for people.

A line bears the id of the request, the message or the effect that it is about, where there is one. Only our
own lines may be as chatty as the settings say: what libraries tell below a warning has tokens and signatures
in it.
"""

import logging
import os
import sys
from typing import Literal

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

from showtime_app.web.middleware.request_id import add_request_id
from showtime_core.texts import printable

_OURS = ("showtime", "showtime_app", "showtime_adapters", "showtime_core")
_IDS = ("message_id", "effect_key")
"""What whoever logs may give as `extra`, beside what is bound to the context."""


def configure(log_format: Literal["auto", "json", "text"], level: str) -> None:
    """Send all logs to standard error: `auto` is readable in a terminal, and JSON elsewhere."""
    readable = log_format == "text" or (log_format == "auto" and sys.stderr.isatty())
    shared: list[Processor] = [
        add_request_id,
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.ExtraAdder(allow=_IDS),
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _on_one_line if readable else structlog.processors.format_exc_info,
    ]
    renderer: Processor = _readable() if readable else structlog.processors.JSONRenderer()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for name in _OURS:
        logging.getLogger(name).setLevel(level.upper())
    logging.getLogger("uvicorn").setLevel(max(logging.INFO, logging.getLogger("showtime").level))


def _on_one_line(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    """Let nobody who is quoted write lines of ours; JSON sees to that by itself."""
    return {name: printable(value) if isinstance(value, str) else value for name, value in line.items()}


def _readable() -> Processor:
    """Make lines for people; the default would show local variables in tracebacks, and secrets among them."""
    colors = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    return structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback)


def name_effect(key: str, message_id: str) -> None:
    """Let every line that this task writes from now on, whoever writes it, name an effect and its message."""
    structlog.contextvars.bind_contextvars(effect_key=key, message_id=message_id)
