"""The application: every route of the stand-in, and the sign on every answer that it is not Google."""

from pathlib import Path

from flask import Flask, Response, render_template, request
from werkzeug.exceptions import HTTPException

from portal.standin import batch, controls, oauth, pages, tokens, wire
from portal.standin.accounts import ensure_first_accounts
from portal.standin.errors import ApiError
from portal.standin.faults import ANSWERS, Fault
from portal.standin.world import World

TEMPLATES = Path(__file__).resolve().parents[2] / "templates" / "standin"


def create_standin(world: World) -> Flask:
    """The application of a stand-in. The first test accounts are made here."""
    app = Flask("portal.standin", template_folder=str(TEMPLATES), static_folder=None)
    app.extensions["standin"] = world
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    for blueprint in (oauth.blueprint, tokens.blueprint, batch.blueprint, pages.blueprint, controls.blueprint):
        app.register_blueprint(blueprint)
    wire.register(app)
    app.before_request(_ordered_answer)
    app.after_request(_finish)
    app.register_error_handler(HTTPException, _http_error)
    with world.store.write() as db:
        ensure_first_accounts(db, world.clock.ms())
    return app


def _ordered_answer() -> Response | None:
    """The answer of a fault that strikes before the request takes effect."""
    fault: Fault | None = request.environ.get("standin.fault")
    if fault is None or fault.kind not in ANSWERS or fault.apply:
        return None
    status, headers, body = fault.answer()
    if (request.endpoint or "").startswith("v3:"):
        entry = wire.count(str(request.endpoint).removeprefix("v3:"), "", 0)
        entry |= {"status": status, "reason": f"fault {fault.reason}"}
    return Response(body, status, headers)


def _finish(response: Response) -> Response:
    """Faults that strike after the request took effect, and the marks of the stand-in."""
    fault: Fault | None = request.environ.get("standin.fault")
    if fault is not None and fault.apply and fault.kind in ANSWERS:
        if fault.kind == "broken_json":
            content = response.get_data()
            response.set_data(content[: len(content) // 2])
        else:
            status, headers, body = fault.answer()
            response = Response(body, status, headers)
    response.headers["X-Stand-In"] = "portal"
    if response.mimetype == "text/html":
        response.headers["Content-Security-Policy"] = (
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors http://localhost:*"
            " http://127.0.0.1:* 'self'"
        )
        response.headers["Referrer-Policy"] = "same-origin"
    return response


def _http_error(error: HTTPException) -> Response | tuple[str, int]:
    """Wrong addresses: JSON on the wire, a page for people."""
    code = error.code or 500
    if request.path.startswith(("/calendar/v3", "/batch", "/standin")):
        reason = {404: "notFound", 405: "httpMethodNotAllowed"}.get(code, "badRequest")
        return wire.refusal(ApiError(code, reason, error.name))
    return render_template("problem.html", title=error.name, text=error.description), code
