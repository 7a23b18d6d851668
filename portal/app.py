"""The composition root: the only module that sees every room. Imported by wsgi.py, tools and tests only."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask, Response, request
from flask.ctx import RequestContext
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import BadRequest, RequestURITooLarge
from werkzeug.middleware.proxy_fix import ProxyFix

from portal import logs
from portal.api.register import register as register_api
from portal.api.sessions import Sessions
from portal.asgi import AsgiApplication
from portal.calendar_sync.provider import OPEN_PROVIDER
from portal.calendar_sync.providers import CONSENT, PROVIDER_FACTORY
from portal.compression import register_compression
from portal.config import Settings, load_settings, unencrypted_connections
from portal.deferred import Deferred
from portal.domain.cache import Cache
from portal.domain.catalogue_index import CatalogueIndex
from portal.early_refusals import Wsgi, early_refusals
from portal.errors import PortalError
from portal.extensions import (
    csrf,
    db,
    has_old_secrets,
    installation_salt,
    login_manager,
    prepare_engine,
)
from portal.queries.catalogue_index import current_index
from portal.request_ids import REQUEST_ID, RequestIds
from portal.secretbox import SecretBox
from portal.services import limits
from portal.web.register import register as register_web
from portal.worker import enqueue

logger = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parent.parent
# No page and no resource takes a file. Forms are read before anybody knows who sends them, at 2 MB/s.
MAX_BODY_BYTES = 256 * 1024
# A name of 253 signs, and a port.
LONGEST_HOST = 259
# Bytes of a path with its query. Links and redirects repeat it, and proxies take no more than 8 or 16 KB either.
LONGEST_ADDRESS = 16 * 1024


class Portal(Flask):
    """Flask, less what costs every request something and is of no use here."""

    session_interface = Sessions()

    def request_context(self, environ: dict[str, Any]) -> RequestContext:
        # The framework takes a host with odd signs for none, and stumbles over one that is no name for other reasons.
        if not _is_host(environ.get("HTTP_HOST", "")):
            environ["HTTP_HOST"] = ""
        return super().request_context(environ)

    def log_exception(self, exc_info: Any) -> None:
        # Flask would write the address, and some addresses are secrets: links in mail, feeds.
        rule = request.url_rule.rule if request.url_rule else "(no such address)"
        self.logger.error("Exception on %s [%s]", rule, request.method, exc_info=exc_info)

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        # No view and no hook is a coroutine; finding that out anew takes as long as routing.
        return func


def create_app(settings: Settings | None = None) -> Flask:
    """Build the application. Without `settings` they come from the environment (ConfigError if they are wrong)."""
    settings = settings or load_settings(os.environ)
    app = Portal(
        "portal",
        root_path=str(ROOT / "portal"),
        template_folder=str(ROOT / "templates"),
        static_folder=str(ROOT / "static"),
        instance_path=str(settings.instance_path.absolute()),
    )
    app.config.update(
        SECRET_KEY=settings.secret_key.split(",")[0],
        SECRET_KEY_FALLBACKS=settings.secret_key.split(",")[1:],
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=_engine_options(settings),
        MAX_CONTENT_LENGTH=MAX_BODY_BYTES,
        SESSION_COOKIE_NAME=settings.cookie_name("portal_session"),
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.secure_cookies,
        WTF_CSRF_TIME_LIMIT=None,
        TEMPLATES_AUTO_RELOAD=False,
    )
    app.extensions["portal.settings"] = settings
    app.extensions["portal.secret_box"] = SecretBox(settings.secret_key, installation_salt, has_old_secrets)
    app.extensions["portal.cache"] = Cache()
    app.extensions["portal.catalogue_index"] = CatalogueIndex()
    app.extensions["portal.consent"] = Deferred(*CONSENT, settings)
    app.extensions["portal.password_estimator"] = Deferred("portal.services.password_guesses", "Zxcvbn")
    app.extensions[OPEN_PROVIDER] = Deferred(*PROVIDER_FACTORY, settings)
    enqueue.connect(app, Deferred("portal.worker.queue", "open_queue", app))
    logs.configure(settings.log_level)
    for sentence in unencrypted_connections(settings, os.environ):
        logger.warning(sentence)

    # The database holds addresses and password hashes: other users of this machine may not look in.
    settings.instance_path.mkdir(mode=0o700, parents=True, exist_ok=True)
    db.init_app(app)
    with app.app_context():
        prepare_engine(db.engine)
    app.wsgi_app = _behind_proxy(app.wsgi_app, settings)  # type: ignore[method-assign]  # as Flask documents it
    register_compression(app)
    login_manager.init_app(app)
    csrf.init_app(app)

    app.before_request(_bind_request)
    app.before_request(_refuse_host)
    app.before_request(_refuse_long_address)
    app.after_request(_count_write)
    app.teardown_request(_unbind_request)
    app.teardown_request(_forget_write)
    register_web(app)
    register_api(app)
    return app


def make_asgi(app: Flask, threads: int) -> AsgiApplication:
    """The application for an ASGI server, run by so many threads."""
    settings: Settings = app.extensions["portal.settings"]
    refusals = _behind_proxy(early_refusals(settings), settings)
    return AsgiApplication(app, refusals, threads=threads, most_bytes=MAX_BODY_BYTES)


def _behind_proxy(application: Wsgi, settings: Settings) -> Wsgi:
    """The application with what trusted proxies say of a request, and with an id of each request."""
    hops = settings.proxy_hops
    if hops:
        application = ProxyFix(application, x_for=hops, x_proto=hops, x_host=hops)
    return RequestIds(application, trusted=hops > 0)


def load_catalogue(app: Flask) -> None:
    """Load the catalogue index before this process takes requests, so that none of them has to.

    A database that does not answer yet, or has no tables yet, is no reason not to start: the index is loaded by the
    first request that needs it, then.
    """
    with app.app_context():
        try:
            current_index()
        except SQLAlchemyError as error:
            logger.warning("The catalogue is not loaded yet: %s", type(error).__name__)
        # A server may start other processes from this one, and a connection must not be shared with them.
        db.session.remove()
        db.engine.dispose()


def _engine_options(settings: Settings) -> dict[str, object]:
    # An error would otherwise be logged with all that was to be written.
    options: dict[str, object] = {"hide_parameters": True}
    if settings.database_url.startswith("sqlite"):
        return {**options, "connect_args": {"timeout": 15}}
    return {**options, "pool_pre_ping": True, "pool_size": 10, "max_overflow": 20}


def _is_host(host: str) -> bool:
    try:
        host.partition(":")[0].encode("idna").decode("idna")
    except UnicodeError:
        return False
    return len(host) <= LONGEST_HOST


def _bind_request() -> None:
    logs.bind_request(request.environ.get(REQUEST_ID, ""), request.remote_addr or "")


def _unbind_request(_error: BaseException | None) -> None:
    logs.unbind_request()


def _refuse_host() -> None:
    # Redirects and links could not be made: neither the framework nor browsers take such a host for one.
    if not request.host:
        raise BadRequest("The Host header is no host name: letters, digits, hyphens and dots, with a port at most.")


def _refuse_long_address() -> None:
    if len(request.query_string) + len(request.environ.get("PATH_INFO", "")) > LONGEST_ADDRESS:
        raise RequestURITooLarge(f"The address is too long: at most {LONGEST_ADDRESS:,} bytes are read.")


def _count_write(response: Response) -> Response:
    try:
        limits.end_write()
    except (PortalError, SQLAlchemyError):
        # The answer is made already, and what it says holds whether or not the request was counted.
        logger.warning("A request that writes could not be counted", exc_info=True)
    return response


def _forget_write(_error: BaseException | None) -> None:
    limits.forget_write()
