"""Logs: one line an event, as JSON or, in a terminal, for people."""

import logging
import sys
from typing import Literal

import structlog
from structlog.types import Processor

from showtime_app.web.request_id import add_request_id


def configure(log_format: Literal["auto", "json", "text"], level: str) -> None:
    """Send all logs to standard error: `auto` is readable in a terminal, and JSON elsewhere."""
    readable = log_format == "text" or (log_format == "auto" and sys.stderr.isatty())
    shared: list[Processor] = [
        add_request_id,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if not readable:
        shared.append(structlog.processors.format_exc_info)
    renderer: Processor = _readable() if readable else structlog.processors.JSONRenderer()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for chatty in ("httpx", "psycopg.pool"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, logging.getLogger().level))


def _readable() -> Processor:
    """Make lines for people; the default would show local variables in tracebacks, and secrets among them."""
    return structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
