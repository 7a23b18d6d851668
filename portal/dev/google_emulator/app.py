"""The Flask application: every route of the emulator, and the header on every response that says it is not Google."""

from flask import Flask, Response, render_template, request
from werkzeug.exceptions import HTTPException

from portal.dev.google_emulator import api, batch, controls, oauth, pages, tokens
from portal.dev.google_emulator.accounts import ensure_default_accounts
from portal.dev.google_emulator.errors import ApiError
from portal.dev.google_emulator.faults import RESPONSE_KINDS, Fault
from portal.dev.google_emulator.state import EmulatorState


def create_emulator(state: EmulatorState) -> Flask:
    """The application of an emulator. Creates the default test accounts."""
    app = Flask("portal.dev.google_emulator", static_folder=None)
    app.extensions["google_emulator"] = state
    app.json.ensure_ascii = False  # type: ignore[attr-defined]  # of the default provider
    for blueprint in (oauth.blueprint, tokens.blueprint, batch.blueprint, pages.blueprint, controls.blueprint):
        app.register_blueprint(blueprint)
    api.register(app)
    app.before_request(_inject_before)
    app.after_request(_finish)
    app.register_error_handler(HTTPException, _http_error)
    with state.store.write() as db:
        ensure_default_accounts(db, state.clock.ms())
    return app


def _inject_before() -> Response | None:
    """The response of a fault that is injected before the request takes effect."""
    fault: Fault | None = request.environ.get("emulator.fault")
    if fault is None or fault.kind not in RESPONSE_KINDS or fault.apply:
        return None
    status, headers, body = fault.response()
    if (request.endpoint or "").startswith("v3:"):
        entry = api.count(str(request.endpoint).removeprefix("v3:"), "", 0)
        entry |= {"status": status, "reason": f"fault {fault.reason}"}
    return Response(body, status, headers)


def _finish(response: Response) -> Response:
    """Faults that are injected after the request took effect, and the emulator's headers."""
    fault: Fault | None = request.environ.get("emulator.fault")
    if fault is not None and fault.apply and fault.kind in RESPONSE_KINDS:
        if fault.kind == "broken_json":
            content = response.get_data()
            response.set_data(content[: len(content) // 2])
        else:
            status, headers, body = fault.response()
            response = Response(body, status, headers)
    response.headers["X-Emulator"] = "portal"
    if response.mimetype == "text/html":
        response.headers["Content-Security-Policy"] = (
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors http://localhost:*"
            " http://127.0.0.1:* 'self'"
        )
        response.headers["Referrer-Policy"] = "same-origin"
    return response


def _http_error(error: HTTPException) -> Response | tuple[str, int]:
    """Unknown addresses: JSON under the API's paths, a page elsewhere."""
    code = error.code or 500
    if request.path.startswith(("/calendar/v3", "/batch", "/emulator")):
        reason = {404: "notFound", 405: "httpMethodNotAllowed"}.get(code, "badRequest")
        return api.error_response(ApiError(code, reason, error.name))
    return render_template("problem.html", title=error.name, text=error.description), code
