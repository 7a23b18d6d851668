"""Translates the errors of Google's API and libraries into the portal's.

Status *and* reason decide: the same 403 can mean a rate limit, a daily quota, a missing permission or missing rights.
Bodies may be HTML. Unknown errors count as temporary with unknown outcome.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from typing import Any

import google.auth.exceptions as auth
import googleapiclient.errors as api
import httplib2
import oauthlib.oauth2
import requests

from portal.calendar_sync.errors import (
    CalendarAccessLost,
    CalendarNotFound,
    ConsentLost,
    EventChanged,
    EventIdTaken,
    EventNotFound,
    PermissionMissing,
    ProviderError,
    ProviderMisconfigured,
    ProviderUnreachable,
    QuotaExhausted,
    RateLimited,
    RequestRejected,
    SyncTokenExpired,
    TemporaryFailure,
)

MAX_DETAIL = 500


class Subject(Enum):
    """The subject of a call, which decides what "not found" and "gone" mean."""

    CALENDAR = "calendar"
    EVENT = "event"
    INCREMENT = "increment"  # events.list with a sync token


FORBIDDEN: dict[str, type[ProviderError]] = {
    "rateLimitExceeded": RateLimited,
    "userRateLimitExceeded": RateLimited,
    "RATE_LIMIT_EXCEEDED": RateLimited,
    "quotaExceeded": QuotaExhausted,
    "calendarUsageLimits": QuotaExhausted,
    "dailyLimitExceeded": QuotaExhausted,
    "insufficientPermissions": PermissionMissing,
    "insufficientAuthenticationScopes": PermissionMissing,
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": PermissionMissing,
    "accessNotConfigured": ProviderMisconfigured,
    "SERVICE_DISABLED": ProviderMisconfigured,
    "forbidden": CalendarAccessLost,
    "requiredAccessLevel": CalendarAccessLost,
    "forbiddenForNonOrganizer": CalendarAccessLost,
    "cannotChangeOwnAcl": CalendarAccessLost,
}
OAUTH_CODES: dict[str, type[ProviderError]] = {
    "invalid_grant": ConsentLost,
    "access_denied": ConsentLost,
    "invalid_client": ProviderMisconfigured,
    "unauthorized_client": ProviderMisconfigured,
    "deleted_client": ProviderMisconfigured,
    "disabled_client": ProviderMisconfigured,
    "org_internal": ProviderMisconfigured,
    "admin_policy_enforced": ConsentLost,
    "invalid_request": ProviderMisconfigured,
    "unsupported_grant_type": ProviderMisconfigured,
    "invalid_scope": ProviderMisconfigured,
    "redirect_uri_mismatch": ProviderMisconfigured,
    "rate_limit_exceeded": RateLimited,
    "internal_failure": ProviderUnreachable,
    "server_error": ProviderUnreachable,
    "temporarily_unavailable": ProviderUnreachable,
}


@contextmanager
def translated(subject: Subject) -> Iterator[None]:
    """Translate all errors of Google's libraries inside into ProviderError."""
    try:
        yield
    except ProviderError:
        raise
    except Exception as error:
        raise translate(error, subject) from error


def translate(error: BaseException, subject: Subject = Subject.CALENDAR) -> ProviderError:
    """The portal's error for an error of the libraries."""
    if isinstance(error, ProviderError):
        return error
    if isinstance(error, api.BatchError):
        return ProviderUnreachable(_short(f"the response to a batch is broken: {error.reason}"))
    if isinstance(error, api.HttpError):
        return error_of_response(int(error.resp.status), error.content, error.resp, subject)
    if isinstance(error, auth.RefreshError):
        return _from_refresh(error)
    if isinstance(error, auth.TransportError | auth.TimeoutError | auth.ResponseError):
        return ProviderUnreachable(_named(error))
    if isinstance(error, auth.GoogleAuthError):
        return ProviderUnreachable(_named(error)) if error.retryable else ProviderMisconfigured(_named(error))
    if isinstance(error, oauthlib.oauth2.OAuth2Error):
        return _from_oauth_code(str(error.error or ""), _named(error))
    if isinstance(error, requests.RequestException | httplib2.HttpLib2Error | http.client.HTTPException | OSError):
        return ProviderUnreachable(_named(error))
    if isinstance(error, api.InvalidJsonError | ValueError | LookupError | TypeError | AttributeError):
        # The libraries raise these for responses that are cut off or not JSON.
        return ProviderUnreachable(f"the response could not be parsed: {_named(error)}")
    return RequestRejected(_named(error))


def error_of_response(status: int, content: bytes, headers: Mapping[str, Any], subject: Subject) -> ProviderError:
    """The portal's error for an unsuccessful response of the API."""
    reason, message = read_error(content)
    detail = _short(f"{status} {reason or 'without a reason'}: {message}")
    wait = _retry_after(headers)
    if status == 403:
        return _from_forbidden(reason, detail, wait)
    if status == 429:
        return RateLimited(detail, retry_after=wait)
    if status == 404:
        return EventNotFound(detail) if subject is Subject.EVENT else CalendarNotFound(detail)
    if status == 410:
        return (
            EventNotFound(detail)
            if subject is Subject.EVENT and reason != "fullSyncRequired"
            else SyncTokenExpired(detail)
        )
    if status == 409:
        return EventIdTaken(detail) if reason == "duplicate" else TemporaryFailure(detail)
    if status == 412:
        return EventChanged(detail)
    if status == 400:
        return SyncTokenExpired(detail) if subject is Subject.INCREMENT else RequestRejected(detail)
    if status == 401:
        # The libraries have refreshed the token and tried again before they report this.
        return TemporaryFailure(detail)
    if status == 408 or status >= 500 or status < 400:
        return ProviderUnreachable(detail, retry_after=wait)
    return RequestRejected(detail)


def read_error(content: bytes) -> tuple[str, str]:
    """Reason and message of an error's body; empty if the body is not as documented."""
    try:
        error = json.loads(content)["error"]
        if isinstance(error, str):
            return error, ""
        message = str(error.get("message", ""))
        for item in error.get("errors") or []:
            if item.get("reason"):
                return str(item["reason"]), message
        for item in error.get("details") or []:
            if item.get("reason"):
                return str(item["reason"]), message
        return str(error.get("status", "")), message
    except (ValueError, LookupError, TypeError, AttributeError):
        return "", ""


def _from_forbidden(reason: str, detail: str, wait: float | None) -> ProviderError:
    if not reason:
        # A page of a proxy or a captcha, not the API.
        return TemporaryFailure(detail, retry_after=wait)
    kind = FORBIDDEN.get(reason, CalendarAccessLost)
    return kind(detail, retry_after=wait) if issubclass(kind, TemporaryFailure) else kind(detail)


def _from_refresh(error: auth.RefreshError) -> ProviderError:
    if error.retryable:
        return ProviderUnreachable(_named(error))
    if str(error).startswith("Reauthentication"):
        # The account's organization requires users to sign in again from time to time (invalid_rapt).
        return ConsentLost(_named(error))
    body = error.args[1] if len(error.args) > 1 else None
    code = body.get("error") if isinstance(body, Mapping) else None
    return _from_oauth_code(code if isinstance(code, str) else "", _named(error))


def _from_oauth_code(code: str, detail: str) -> ProviderError:
    return OAUTH_CODES.get(code, ProviderUnreachable)(detail)


def _retry_after(headers: Mapping[str, Any]) -> float | None:
    try:
        return max(0.0, float(headers.get("retry-after", "")))
    except (TypeError, ValueError):
        return None


def _named(error: BaseException) -> str:
    return _short(f"{type(error).__name__}: {error}")


def _short(text: str) -> str:
    return text if len(text) <= MAX_DETAIL else f"{text[:MAX_DETAIL]} …"
