"""Logging: one line an event, key=value, to stderr; stdout belongs to results."""

from __future__ import annotations

import logging
import sys

import structlog


def configure(level: str) -> None:
    """Send the portal's and its libraries' log lines to stderr at the given level (debug, info, warning, error)."""
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(_Stderr()),  # type: ignore[arg-type]
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(
        level=max(number, logging.WARNING), stream=sys.stderr, format="%(asctime)s %(name)s %(message)s"
    )
    # Retries are ours to tell of, once they have failed, in words.
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)


class _Stderr:
    # Looked up at each write: test runners and command runners exchange sys.stderr.
    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()
