"""Work that is done after the response has been sent, such as recording when a token was last used."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from flask import Flask, Response, after_this_request, current_app

logger = logging.getLogger(__name__)


def after_response(work: Callable[[], None], subject: str) -> None:
    """Run `work` after the current response has been sent, in its own application context.

    If it fails, a warning is logged that `subject` could not be recorded.
    """
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - Flask's documented way; no types

    @after_this_request
    def _register(response: Response) -> Response:
        response.call_on_close(partial(_do, app, work, subject))
        return response


def _do(app: Flask, work: Callable[[], None], subject: str) -> None:
    try:
        with app.app_context():
            work()
    except Exception:
        logger.warning("%s could not be recorded", subject, exc_info=True)
