"""Errors in the format and with the texts of Google's Calendar API."""

from typing import Any

Json = dict[str, Any]

# reason: (domain, message). Reasons used in one place only carry their message there.
DEFAULTS = {
    "accessNotConfigured": ("usageLimits", "Google Calendar API has not been used in this project before."),
    "authError": ("global", "Invalid Credentials"),
    "backendError": ("global", "Backend Error"),
    "calendarUsageLimits": ("usageLimits", "Calendar usage limits exceeded."),
    "conflict": ("global", "Conflict"),
    "dailyLimitExceeded": ("usageLimits", "Daily Limit Exceeded"),
    "deleted": ("global", "Resource has been deleted"),
    "duplicate": ("global", "The requested identifier already exists."),
    "forbidden": ("global", "Forbidden"),
    "forbiddenForNonOrganizer": ("calendar", "Shared properties can only be changed by the organizer."),
    "insufficientPermissions": ("global", "Insufficient Permission"),
    "internalError": ("global", "Internal Error"),
    "notFound": ("global", "Not Found"),
    "quotaExceeded": ("usageLimits", "Calendar usage limits exceeded."),
    "rateLimitExceeded": ("usageLimits", "Rate Limit Exceeded"),
    "requiredAccessLevel": ("calendar", "You need to have writer access to this calendar."),
    "userRateLimitExceeded": ("usageLimits", "User Rate Limit Exceeded"),
}


class ApiError(Exception):
    """An error response: status, reason and message as Google sends them."""

    def __init__(
        self,
        status: int,
        reason: str,
        message: str | None = None,
        *,
        domain: str | None = None,
        location: str | None = None,
        location_type: str | None = None,
        headers: dict[str, str] | None = None,
        extra: Json | None = None,
        summary: str | None = None,
    ) -> None:
        known_domain, known_message = DEFAULTS.get(reason, ("global", reason))
        self.status = status
        self.reason = reason
        self.message = message or known_message
        self.domain = domain or known_domain
        self.location = location
        self.location_type = location_type
        self.headers = headers or {}
        self.extra = extra or {}
        self.summary = summary or self.message
        super().__init__(f"{status} {reason}: {self.message}")

    def body(self) -> Json:
        """The JSON document that Google sends with such an error."""
        error: Json = {"domain": self.domain, "reason": self.reason, "message": self.message}
        if self.location:
            error |= {"locationType": self.location_type or "parameter", "location": self.location}
        return {"error": {"errors": [error], "code": self.status, "message": self.summary, **self.extra}}


def bad_request(message: str, reason: str = "invalid", location: str | None = None) -> ApiError:
    """400: the request itself is wrong."""
    return ApiError(400, reason, message, location=location)


def not_found() -> ApiError:
    """404: missing, or hidden from this caller."""
    return ApiError(404, "notFound")


def precondition_failed() -> ApiError:
    """412: the resource changed since the etag was read."""
    return ApiError(412, "conditionNotMet", "Precondition Failed", location="If-Match", location_type="header")


def full_sync_required() -> ApiError:
    """410: the sync token is no longer valid; a full sync is required."""
    return ApiError(
        410,
        "fullSyncRequired",
        "Sync token is no longer valid, a full sync is required.",
        domain="calendar",
        location="syncToken",
    )


def unauthenticated(reason: str = "authError", message: str | None = None) -> ApiError:
    """401: no access token, or an invalid one."""
    return ApiError(
        401,
        reason,
        message,
        location="Authorization",
        location_type="header",
        headers={"WWW-Authenticate": 'Bearer realm="emulator", error="invalid_token"'},
        summary="Request had invalid authentication credentials. Expected OAuth 2 access token, "
        "login cookie or other valid authentication credential.",
        extra={"status": "UNAUTHENTICATED"},
    )


def insufficient_scope(method: str) -> ApiError:
    """403: the person did not grant a scope that this method needs."""
    detail = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
        "domain": "googleapis.com",
        "metadata": {"service": "calendar-json.googleapis.com", "method": f"calendar.v3.{method}"},
    }
    return ApiError(
        403,
        "insufficientPermissions",
        headers={"WWW-Authenticate": 'Bearer realm="emulator", error="insufficient_scope"'},
        summary="Request had insufficient authentication scopes.",
        extra={"status": "PERMISSION_DENIED", "details": [detail]},
    )
