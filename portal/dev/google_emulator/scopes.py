"""Which scopes allow which method, as in the Calendar API's discovery document.

`tests/dev/google_emulator/test_scopes.py` compares the table with the document that the client library ships.
"""

PREFIX = "https://www.googleapis.com/auth/"
CALENDAR_SCOPES = {
    "calendar": "See, edit, share and permanently delete all calendars",
    "calendar.acls": "See and change the sharing of calendars you own",
    "calendar.acls.readonly": "See the sharing of calendars you own",
    "calendar.app.created": "Make secondary calendars, and see, create, change and delete events on them",
    "calendar.calendarlist": "See, add and remove calendars in your list",
    "calendar.calendarlist.readonly": "See the list of your calendars",
    "calendar.calendars": "See and change the properties of calendars, and create secondary ones",
    "calendar.calendars.readonly": "See the title, description and time zone of calendars",
    "calendar.events": "View and edit events on all your calendars",
    "calendar.events.freebusy": "See the availability on calendars you can access",
    "calendar.events.owned": "See, create, change and delete events on calendars you own",
    "calendar.events.owned.readonly": "See the events on calendars you own",
    "calendar.events.public.readonly": "See the events on public calendars",
    "calendar.events.readonly": "View events on all your calendars",
    "calendar.freebusy": "View your availability",
    "calendar.readonly": "See and download any calendar you can access",
    "calendar.settings.readonly": "View your calendar settings",
}
SIGN_IN_SCOPES = {
    "openid": "openid",
    "email": PREFIX + "userinfo.email",
    "profile": PREFIX + "userinfo.profile",
    PREFIX + "userinfo.email": PREFIX + "userinfo.email",
    PREFIX + "userinfo.profile": PREFIX + "userinfo.profile",
}

_READ_EVENTS = (
    "calendar calendar.app.created calendar.events calendar.events.freebusy calendar.events.owned "
    "calendar.events.owned.readonly calendar.events.public.readonly calendar.events.readonly calendar.readonly"
)
_WRITE_EVENTS = "calendar calendar.app.created calendar.events calendar.events.owned"
_WRITE_CALENDARS = "calendar calendar.app.created calendar.calendars"
_READ_ACL = "calendar calendar.acls calendar.acls.readonly"
_WRITE_ACL = "calendar calendar.acls"
_READ_LIST = "calendar calendar.calendarlist calendar.calendarlist.readonly calendar.readonly"
_WRITE_LIST = "calendar calendar.app.created calendar.calendarlist"
METHOD_SCOPES = {
    method: frozenset(names.split())
    for method, names in {
        "acl.delete": _WRITE_ACL,
        "acl.get": _READ_ACL + " calendar.readonly",
        "acl.insert": _WRITE_ACL,
        "acl.list": _READ_ACL,
        "acl.patch": _WRITE_ACL,
        "acl.update": _WRITE_ACL,
        "calendarList.delete": _WRITE_LIST,
        "calendarList.get": _READ_LIST + " calendar.app.created",
        "calendarList.insert": "calendar calendar.calendarlist",
        "calendarList.list": _READ_LIST,
        "calendarList.patch": _WRITE_LIST,
        "calendarList.update": _WRITE_LIST,
        "calendars.delete": _WRITE_CALENDARS,
        "calendars.get": _WRITE_CALENDARS + " calendar.calendars.readonly calendar.readonly",
        "calendars.insert": _WRITE_CALENDARS,
        "calendars.patch": _WRITE_CALENDARS,
        "calendars.update": _WRITE_CALENDARS,
        "channels.stop": _READ_ACL
        + " calendar.app.created calendar.calendarlist calendar.calendarlist.readonly calendar.events "
        "calendar.events.freebusy calendar.events.owned calendar.events.owned.readonly "
        "calendar.events.public.readonly calendar.events.readonly calendar.readonly calendar.settings "
        "calendar.settings.readonly",
        "events.delete": _WRITE_EVENTS,
        "events.get": _READ_EVENTS,
        "events.import": _WRITE_EVENTS,
        "events.insert": _WRITE_EVENTS,
        "events.instances": _READ_EVENTS,
        "events.list": _READ_EVENTS,
        "events.patch": _WRITE_EVENTS,
        "events.update": _WRITE_EVENTS,
        "events.watch": _READ_EVENTS,
        "freebusy.query": "calendar calendar.events.freebusy calendar.freebusy calendar.readonly",
    }.items()
}


def canonical(requested: str) -> tuple[list[str], list[str]]:
    """Requested scopes as Google names them in its responses, without duplicates; and the unknown ones.

    `email` and `profile` are returned under other names, which makes oauthlib say that the scope has changed.
    """
    known: list[str] = []
    unknown: list[str] = []
    for scope in requested.split():
        name = SIGN_IN_SCOPES.get(scope)
        if name is None and scope.startswith(PREFIX) and scope.removeprefix(PREFIX) in CALENDAR_SCOPES:
            name = scope
        if name is None:
            unknown.append(scope)
        elif name not in known:
            known.append(name)
    return known, unknown


def is_optional(scope: str) -> bool:
    """Whether the person may decline it: all but the sign-in scopes."""
    return scope not in SIGN_IN_SCOPES.values()


def describe(scope: str) -> str:
    """The text of a scope on the consent page."""
    return CALENDAR_SCOPES.get(scope.removeprefix(PREFIX), scope)
