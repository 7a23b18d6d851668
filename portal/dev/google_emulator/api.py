"""The Calendar API over HTTP: one route per method, one transaction per call, responses and errors as JSON."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from flask import Flask, Response, request

from portal.dev.google_emulator import acl, calendar_list, calendars, channels, events, fields, freebusy, listing
from portal.dev.google_emulator.access import Call, authenticate, authorise
from portal.dev.google_emulator.errors import ApiError, Json
from portal.dev.google_emulator.state import current_state

PREFIX = "/calendar/v3"
JSON_TYPE = "application/json; charset=UTF-8"
PATCH_UNITS = 3  # https://developers.google.com/workspace/calendar/api/guides/quota


@dataclass(frozen=True)
class ApiMethod:
    """One method of the API; with `writes` it gets a write transaction."""

    id: str
    verb: str
    path: str
    handle: Callable[[Call], Json | None]
    writes: bool = True


CALENDAR, RULE, EVENT = "/calendars/<calendarId>", "/acl/<ruleId>", "/events/<eventId>"
LIST = "/users/me/calendarList"
METHODS = (
    ApiMethod("acl.delete", "DELETE", CALENDAR + RULE, acl.delete),
    ApiMethod("acl.get", "GET", CALENDAR + RULE, acl.get, writes=False),
    ApiMethod("acl.insert", "POST", CALENDAR + "/acl", acl.insert),
    ApiMethod("acl.list", "GET", CALENDAR + "/acl", acl.listing, writes=False),
    ApiMethod("acl.patch", "PATCH", CALENDAR + RULE, acl.change),
    ApiMethod("acl.update", "PUT", CALENDAR + RULE, acl.change),
    ApiMethod("calendarList.delete", "DELETE", LIST + "/<calendarId>", calendar_list.delete),
    ApiMethod("calendarList.get", "GET", LIST + "/<calendarId>", calendar_list.get, writes=False),
    ApiMethod("calendarList.insert", "POST", LIST, calendar_list.insert),
    ApiMethod("calendarList.list", "GET", LIST, calendar_list.listing, writes=False),
    ApiMethod("calendarList.patch", "PATCH", LIST + "/<calendarId>", calendar_list.change),
    ApiMethod("calendarList.update", "PUT", LIST + "/<calendarId>", calendar_list.change),
    ApiMethod("calendars.delete", "DELETE", CALENDAR, calendars.delete),
    ApiMethod("calendars.get", "GET", CALENDAR, calendars.get, writes=False),
    ApiMethod("calendars.insert", "POST", "/calendars", calendars.insert),
    ApiMethod("calendars.patch", "PATCH", CALENDAR, calendars.change),
    ApiMethod("calendars.update", "PUT", CALENDAR, calendars.change),
    ApiMethod("channels.stop", "POST", "/channels/stop", channels.stop),
    ApiMethod("events.delete", "DELETE", CALENDAR + EVENT, events.delete),
    ApiMethod("events.get", "GET", CALENDAR + EVENT, events.get, writes=False),
    ApiMethod("events.import", "POST", CALENDAR + "/events/import", events.insert),
    ApiMethod("events.insert", "POST", CALENDAR + "/events", events.insert),
    ApiMethod("events.instances", "GET", CALENDAR + EVENT + "/instances", listing.instances, writes=False),
    ApiMethod("events.list", "GET", CALENDAR + "/events", listing.listing, writes=False),
    ApiMethod("events.patch", "PATCH", CALENDAR + EVENT, events.change),
    ApiMethod("events.update", "PUT", CALENDAR + EVENT, events.change),
    ApiMethod("events.watch", "POST", CALENDAR + "/events/watch", channels.watch),
    ApiMethod("freebusy.query", "POST", "/freeBusy", freebusy.query, writes=False),
)


def register(app: Flask) -> None:
    """Add a route for every method."""
    for method in METHODS:
        app.add_url_rule(
            PREFIX + method.path,
            endpoint="v3:" + method.id,
            view_func=_view(method),
            methods=[method.verb],
            provide_automatic_options=False,
        )
    app.register_error_handler(ApiError, error_response)


def error_response(error: ApiError) -> Response:
    """The response of an error; counted."""
    if entry := request.environ.get("emulator.entry"):
        current_state().counters.answered(entry, error.status, error.reason)
    return Response(json.dumps(error.body()), error.status, error.headers, content_type=JSON_TYPE)


def count(method: str, account: str, units: int) -> Json:
    """Count the current request as a call; returns its log entry."""
    entry = current_state().counters.call(
        method, account, units=units, part="emulator.part" in request.environ, path=request.path
    )
    request.environ["emulator.entry"] = entry
    return entry


def _view(method: ApiMethod) -> Callable[..., Response]:
    def view(**path: str) -> Response:
        return _perform(method, path)

    return view


def _perform(method: ApiMethod, path: dict[str, str]) -> Response:
    state = current_state()
    transaction = state.store.write if method.writes else state.store.read
    with transaction() as db:
        token = request.args.get("access_token") or request.args.get("oauth_token")
        header = f"Bearer {token}" if token else request.headers.get("Authorization")
        caller = authenticate(db, header, state.clock.ms())
        units = PATCH_UNITS if method.verb == "PATCH" else 1
        entry = count(method.id, caller.account, units)
        state.counters.spend(caller.account, units)
        call = Call(
            method.id,
            state,
            db,
            caller,
            path,
            request.args,
            request.headers,
            _body() if method.verb in ("POST", "PUT", "PATCH") else {},
            request.host_url.rstrip("/"),
            authorise(method.id, caller),
        )
        answer = method.handle(call)
    state.notifier.send(call.deliveries)
    return _success(answer, entry)


def _success(answer: Json | None, entry: Json) -> Response:
    counters = current_state().counters
    if answer is None:
        counters.answered(entry, 204)
        return Response(status=204)
    if request.method == "GET" and "etag" in answer and request.if_none_match.contains_raw(answer["etag"]):
        counters.answered(entry, 304)
        return Response(status=304)
    if wanted := request.args.get("fields"):
        answer = fields.select(answer, fields.parse(wanted))
    indent = 1 if request.args.get("prettyPrint") == "true" else None
    counters.answered(entry, 200)
    return Response(json.dumps(answer, indent=indent), content_type=JSON_TYPE)


def _body() -> Json:
    content = request.get_data()
    if not content.strip():
        return {}
    try:
        body: Any = json.loads(content)
    except ValueError:
        raise ApiError(400, "parseError", "Parse Error") from None
    if not isinstance(body, dict):
        raise ApiError(400, "parseError", "Parse Error")
    return cast(Json, body)
