"""Logging to stderr: one line per event, as key=value."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

# For lines of libraries, including tracebacks.
_FORMAT = "%(asctime)s %(name)s request_id=%(request_id)s %(message)s"


def configure(level: str) -> None:
    """Send the portal's and its libraries' log lines to stderr at the given level (debug, info, warning, error)."""
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _without_control_characters,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"], bool_as_flag=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(_Stderr()),  # type: ignore[arg-type]  # it has what is written to
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=max(number, logging.WARNING), stream=sys.stderr, format=_FORMAT)
    for handler in logging.getLogger().handlers:
        handler.addFilter(_add_request_id)
    # The portal logs failed retries itself.
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)


def bind_request(request_id: str, client: str) -> None:
    """Set the request id and client for the log lines of the current request."""
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_id, client=client)


def unbind_request() -> None:
    """Clear them at the end of the request."""
    structlog.contextvars.clear_contextvars()


def _without_control_characters(_logger: object, _name: str, values: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Foreign texts (names, responses of mail servers) must not start a log line or control a terminal."""
    return {key: _clean(value) if isinstance(value, str) else value for key, value in values.items()}


def _clean(text: str) -> str:
    # The renderer escapes line breaks.
    return "".join(it if it.isprintable() or it == "\n" else "\N{REPLACEMENT CHARACTER}" for it in text)


def _add_request_id(record: logging.LogRecord) -> bool:
    record.request_id = structlog.contextvars.get_contextvars().get("request_id", "-")
    return True


class _Stderr:
    # Looked up at each write, since test runners replace sys.stderr.
    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()
