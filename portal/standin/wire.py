"""The Calendar API as HTTP: one route a method, each call one transaction, answers and refusals as JSON."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from flask import Flask, Response, request

from portal.standin import acl, calendar_list, calendars, channels, events, fields, freebusy, listing
from portal.standin.access import Call, authenticate, authorise
from portal.standin.errors import ApiError, Json
from portal.standin.world import world

PREFIX = "/calendar/v3"
JSON_TYPE = "application/json; charset=UTF-8"
PATCH_UNITS = 3  # https://developers.google.com/workspace/calendar/api/guides/quota


@dataclass(frozen=True)
class Method:
    """One method of the API. `writes` is false where it only reads."""

    id: str
    verb: str
    path: str
    handle: Callable[[Call], Json | None]
    writes: bool = True


CALENDAR, RULE, EVENT = "/calendars/<calendarId>", "/acl/<ruleId>", "/events/<eventId>"
LIST = "/users/me/calendarList"
METHODS = (
    Method("acl.delete", "DELETE", CALENDAR + RULE, acl.delete),
    Method("acl.get", "GET", CALENDAR + RULE, acl.get, writes=False),
    Method("acl.insert", "POST", CALENDAR + "/acl", acl.insert),
    Method("acl.list", "GET", CALENDAR + "/acl", acl.listing, writes=False),
    Method("acl.patch", "PATCH", CALENDAR + RULE, acl.change),
    Method("acl.update", "PUT", CALENDAR + RULE, acl.change),
    Method("calendarList.delete", "DELETE", LIST + "/<calendarId>", calendar_list.delete),
    Method("calendarList.get", "GET", LIST + "/<calendarId>", calendar_list.get, writes=False),
    Method("calendarList.insert", "POST", LIST, calendar_list.insert),
    Method("calendarList.list", "GET", LIST, calendar_list.listing, writes=False),
    Method("calendarList.patch", "PATCH", LIST + "/<calendarId>", calendar_list.change),
    Method("calendarList.update", "PUT", LIST + "/<calendarId>", calendar_list.change),
    Method("calendars.delete", "DELETE", CALENDAR, calendars.delete),
    Method("calendars.get", "GET", CALENDAR, calendars.get, writes=False),
    Method("calendars.insert", "POST", "/calendars", calendars.insert),
    Method("calendars.patch", "PATCH", CALENDAR, calendars.change),
    Method("calendars.update", "PUT", CALENDAR, calendars.change),
    Method("channels.stop", "POST", "/channels/stop", channels.stop),
    Method("events.delete", "DELETE", CALENDAR + EVENT, events.delete),
    Method("events.get", "GET", CALENDAR + EVENT, events.get, writes=False),
    Method("events.import", "POST", CALENDAR + "/events/import", events.insert),
    Method("events.insert", "POST", CALENDAR + "/events", events.insert),
    Method("events.instances", "GET", CALENDAR + EVENT + "/instances", listing.instances, writes=False),
    Method("events.list", "GET", CALENDAR + "/events", listing.listing, writes=False),
    Method("events.patch", "PATCH", CALENDAR + EVENT, events.change),
    Method("events.update", "PUT", CALENDAR + EVENT, events.change),
    Method("events.watch", "POST", CALENDAR + "/events/watch", channels.watch),
    Method("freebusy.query", "POST", "/freeBusy", freebusy.query, writes=False),
)


def register(app: Flask) -> None:
    """Give the application a route for every method."""
    for method in METHODS:
        app.add_url_rule(
            PREFIX + method.path,
            endpoint="v3:" + method.id,
            view_func=_view(method),
            methods=[method.verb],
            provide_automatic_options=False,
        )
    app.register_error_handler(ApiError, refusal)


def refusal(error: ApiError) -> Response:
    """A refusal as an answer, noted in the counts."""
    if entry := request.environ.get("standin.entry"):
        world().counters.answered(entry, error.status, error.reason)
    return Response(json.dumps(error.body()), error.status, error.headers, content_type=JSON_TYPE)


def count(method: str, account: str, units: int) -> Json:
    """Count the current request as a call; the entry in which its answer is to be noted."""
    entry = world().counters.call(
        method, account, units=units, part="standin.part" in request.environ, path=request.path
    )
    request.environ["standin.entry"] = entry
    return entry


def _view(method: Method) -> Callable[..., Response]:
    def view(**path: str) -> Response:
        return _perform(method, path)

    return view


def _perform(method: Method, path: dict[str, str]) -> Response:
    here = world()
    transaction = here.store.write if method.writes else here.store.read
    with transaction() as db:
        token = request.args.get("access_token") or request.args.get("oauth_token")
        header = f"Bearer {token}" if token else request.headers.get("Authorization")
        caller = authenticate(db, header, here.clock.ms())
        units = PATCH_UNITS if method.verb == "PATCH" else 1
        entry = count(method.id, caller.account, units)
        here.counters.spend(caller.account, units)
        call = Call(
            method.id,
            here,
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
    here.notifier.send(call.deliveries)
    return _success(answer, entry)


def _success(answer: Json | None, entry: Json) -> Response:
    counters = world().counters
    if answer is None:
        counters.answered(entry, 204)
        return Response(status=204)
    if request.method == "GET" and answer.get("etag") in request.headers.get("If-None-Match", "").split(", "):
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
