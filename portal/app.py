"""The composition root: creates the application. The only module that imports every package."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask, Response, request
from flask.ctx import RequestContext
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import BadRequest, HTTPException, RequestURITooLarge
from werkzeug.middleware.proxy_fix import ProxyFix

from portal import logs
from portal.api import errors as api_errors
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
from portal.domain.paths import is_api
from portal.early_refusals import early_refusals
from portal.errors import PortalError
from portal.extensions import csrf, db, has_old_secrets, installation_salt, login_manager, prepare_engine
from portal.queries.catalogue_index import current_index
from portal.request_ids import REQUEST_ID, RequestIds
from portal.response_headers import ResponseHeaders, Wsgi
from portal.secretbox import SecretBox
from portal.services import limits
from portal.web import errors as web_errors
from portal.web.register import register as register_web
from portal.worker import enqueue

logger = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parent.parent
# Files are never uploaded, and forms are parsed before the sender is known.
MAX_BODY_BYTES = 256 * 1024
# A name of 253 characters, and a port.
LONGEST_HOST = 259
# Bytes of path and query. Links and redirects repeat it, and proxies accept no more than 8 or 16 KB.
LONGEST_ADDRESS = 16 * 1024


class Portal(Flask):
    """Flask with small changes for security and speed."""

    session_interface = Sessions()

    def request_context(self, environ: dict[str, Any]) -> RequestContext:
        # Werkzeug fails on some invalid hosts.
        if not _is_host(environ.get("HTTP_HOST", "")):
            environ["HTTP_HOST"] = ""
        return super().request_context(environ)

    def log_exception(self, exc_info: Any) -> None:
        # Flask would log the URL, which is a secret for links in mail and for feeds.
        rule = request.url_rule.rule if request.url_rule else "(unknown URL)"
        self.logger.error("Exception on %s [%s]", rule, request.method, exc_info=exc_info)

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        # No view or hook is a coroutine, and checking that takes as long as routing.
        return func


def create_app(settings: Settings | None = None) -> Flask:
    """Create the application. Default `settings` come from the environment (raises ConfigError if they are invalid)."""
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

    # Not readable by other users of the machine: the database contains addresses and password hashes.
    settings.instance_path.mkdir(mode=0o700, parents=True, exist_ok=True)
    db.init_app(app)
    with app.app_context():
        prepare_engine(db.engine)
    app.wsgi_app = _behind_proxy(app.wsgi_app, settings)  # type: ignore[method-assign]  # as Flask documents it
    register_compression(app)
    login_manager.init_app(app)
    csrf.init_app(app)

    app.before_request(_begin_request)
    app.after_request(_count_write)
    app.teardown_request(_unbind_request)
    app.teardown_request(_forget_write)
    register_web(app)
    register_api(app)
    app.register_error_handler(PortalError, _portal_error)
    app.register_error_handler(HTTPException, _http_error)
    return app


def make_asgi(app: Flask, threads: int) -> AsgiApplication:
    """The application for an ASGI server, run by this number of threads."""
    settings: Settings = app.extensions["portal.settings"]
    refusals = _behind_proxy(early_refusals(), settings)
    return AsgiApplication(app, refusals, threads=threads, most_bytes=MAX_BODY_BYTES)


def _behind_proxy(application: Wsgi, settings: Settings) -> Wsgi:
    """The application with our response headers, the headers of trusted proxies, and request ids."""
    application = ResponseHeaders(application, settings)
    hops = settings.proxy_hops
    if hops:
        application = ProxyFix(application, x_for=hops, x_proto=hops, x_host=hops)
    return RequestIds(application, trusted=hops > 0)


def load_catalogue(app: Flask) -> None:
    """Load the catalogue index before this process accepts requests.

    If the database is not available or has no tables yet, the first request that needs the index loads it.
    """
    with app.app_context():
        try:
            current_index()
        except SQLAlchemyError as error:
            logger.warning("The catalogue is not loaded yet: %s", type(error).__name__)
        # A server may fork this process, and connections must not be shared.
        db.session.remove()
        db.engine.dispose()


def _engine_options(settings: Settings) -> dict[str, object]:
    # Errors are logged without the values of statements.
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


def _portal_error(error: PortalError) -> ResponseReturnValue:
    return api_errors.portal_error(error) if is_api(request.path) else web_errors.portal_error(error)


def _http_error(error: HTTPException) -> ResponseReturnValue:
    # Also for paths without a route, which belong to no blueprint.
    return api_errors.http_error(error) if is_api(request.path) else web_errors.http_error(error)


def _begin_request() -> None:
    environ = request.environ
    logs.bind_request(environ.get(REQUEST_ID, ""), request.remote_addr or "")
    # Redirects and links cannot be built with an invalid host.
    if not request.host:
        raise BadRequest("Invalid Host header.")
    if len(request.query_string) + len(environ.get("PATH_INFO", "")) > LONGEST_ADDRESS:
        raise RequestURITooLarge(f"The address is too long: at most {LONGEST_ADDRESS:,} bytes are read.")


def _unbind_request(_error: BaseException | None) -> None:
    logs.unbind_request()


def _count_write(response: Response) -> Response:
    try:
        limits.end_write()
    except (PortalError, SQLAlchemyError):
        # The response is complete and correct without the count.
        logger.warning("A request that writes could not be counted", exc_info=True)
    return response


def _forget_write(_error: BaseException | None) -> None:
    limits.forget_write()
