"""Every exception of the libraries and every documented response of Google becomes one of the portal's errors."""

import http.client
import inspect
import json
import socket
import ssl

import google.auth.exceptions
import googleapiclient.errors
import httplib2
import httplib2.error
import oauthlib.oauth2.rfc6749.errors as oauth_errors
import pytest
import requests
import requests.exceptions

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
from portal.calendar_sync.providers.google.errors import Subject, error_of_response, translate, translated

CALENDAR, EVENT, INCREMENT = Subject.CALENDAR, Subject.EVENT, Subject.INCREMENT

ANSWERS = [
    (400, "invalid", CALENDAR, RequestRejected),
    (400, "required", EVENT, RequestRejected),
    (400, "timeRangeEmpty", CALENDAR, RequestRejected),
    (400, "badRequest", EVENT, RequestRejected),
    (400, "invalid", INCREMENT, SyncTokenExpired),
    (401, "authError", CALENDAR, TemporaryFailure),
    (403, "rateLimitExceeded", CALENDAR, RateLimited),
    (403, "userRateLimitExceeded", EVENT, RateLimited),
    (403, "quotaExceeded", CALENDAR, QuotaExhausted),
    (403, "calendarUsageLimits", CALENDAR, QuotaExhausted),
    (403, "dailyLimitExceeded", CALENDAR, QuotaExhausted),
    (403, "insufficientPermissions", CALENDAR, PermissionMissing),
    (403, "ACCESS_TOKEN_SCOPE_INSUFFICIENT", CALENDAR, PermissionMissing),
    (403, "forbidden", CALENDAR, CalendarAccessLost),
    (403, "requiredAccessLevel", CALENDAR, CalendarAccessLost),
    (403, "forbiddenForNonOrganizer", EVENT, CalendarAccessLost),
    (403, "cannotChangeOwnAcl", CALENDAR, CalendarAccessLost),
    (403, "accessNotConfigured", CALENDAR, ProviderMisconfigured),
    (403, "somethingNew", CALENDAR, CalendarAccessLost),
    (404, "notFound", CALENDAR, CalendarNotFound),
    (404, "notFound", INCREMENT, CalendarNotFound),
    (404, "notFound", EVENT, EventNotFound),
    (408, "timeout", CALENDAR, ProviderUnreachable),
    (409, "duplicate", CALENDAR, EventIdTaken),
    (409, "conflict", EVENT, TemporaryFailure),
    (410, "fullSyncRequired", INCREMENT, SyncTokenExpired),
    (410, "updatedMinTooLongAgo", INCREMENT, SyncTokenExpired),
    (410, "deleted", EVENT, EventNotFound),
    (412, "conditionNotMet", EVENT, EventChanged),
    (413, "uploadTooLarge", EVENT, RequestRejected),
    (429, "rateLimitExceeded", CALENDAR, RateLimited),
    (500, "backendError", CALENDAR, ProviderUnreachable),
    (502, "badGateway", CALENDAR, ProviderUnreachable),
    (503, "backendError", EVENT, ProviderUnreachable),
    (302, "moved", CALENDAR, ProviderUnreachable),
]


def body(status, reason):
    return json.dumps({"error": {"code": status, "message": "m", "errors": [{"reason": reason}]}}).encode()


@pytest.mark.parametrize(("status", "reason", "subject", "kind"), ANSWERS)
def test_responses(status, reason, subject, kind):
    found = error_of_response(status, body(status, reason), {}, subject)
    assert type(found) is kind
    assert str(status) in found.detail
    assert reason in found.detail


@pytest.mark.parametrize(
    "content", [b"", b"<html>error</html>", b"[]", b'{"error": []}', b'{"error": {"errors": [1]}}', b"\xff\xfe"]
)
@pytest.mark.parametrize("status", [*range(300, 320), *range(400, 432), 451, *range(500, 512)])
def test_undocumented_error_bodies_are_handled(status, content):
    assert isinstance(error_of_response(status, content, {}, CALENDAR), ProviderError)
    if status == 403:
        assert isinstance(error_of_response(status, content, {}, CALENDAR), TemporaryFailure), (
            "a proxy's page is not our fault"
        )


def test_details_name_the_reason_too():
    details = {"error": {"code": 403, "status": "PERMISSION_DENIED", "details": [{"reason": "SERVICE_DISABLED"}]}}
    assert isinstance(error_of_response(403, json.dumps(details).encode(), {}, CALENDAR), ProviderMisconfigured)


@pytest.mark.parametrize(("header", "seconds"), [("7", 7.0), ("0", 0.0), ("soon", None), ("-3", 0.0)])
def test_retry_after_is_read(header, seconds):
    found = error_of_response(429, body(429, "rateLimitExceeded"), {"retry-after": header}, CALENDAR)
    assert found.retry_after == seconds


def exceptions_of(module):
    return [
        found
        for _name, found in inspect.getmembers(module, inspect.isclass)
        if issubclass(found, Exception) and not issubclass(found, Warning)
    ]


LIBRARIES = {
    found
    for module in (
        google.auth.exceptions,
        googleapiclient.errors,
        httplib2.error,
        oauth_errors,
        requests.exceptions,
        http.client,
    )
    for found in exceptions_of(module)
} | {
    OSError,
    ConnectionResetError,
    ConnectionRefusedError,
    TimeoutError,
    socket.gaierror,
    ssl.SSLError,
    BrokenPipeError,
}


def made(kind):
    """An exception of this class, as far as it can be made without its library."""
    if kind is http.client.IncompleteRead:
        return kind(b"")
    error = kind.__new__(kind)
    if issubclass(kind, googleapiclient.errors.BatchError):
        error.reason, error.resp, error.content, error.uri = "broken", None, b"", ""
        error.error_details = ""
    elif issubclass(kind, googleapiclient.errors.HttpError):
        error.resp, error.content = httplib2.Response({"status": "500"}), b""
        error.uri = error.reason = error.error_details = ""
    elif issubclass(kind, google.auth.exceptions.GoogleAuthError):
        error._retryable = False
    elif issubclass(kind, oauth_errors.OAuth2Error):
        error.description = error.uri = error.state = None
        error.status_code = 400
    return error


@pytest.mark.parametrize("kind", sorted(LIBRARIES, key=lambda kind: f"{kind.__module__}.{kind.__name__}"))
def test_every_exception_of_the_libraries_is_mapped(kind):
    error = made(kind)
    found = translate(error)
    assert isinstance(found, ProviderError)
    # What comes from the network must never be taken for Google's refusal of what we sent.
    if issubclass(kind, (OSError, http.client.HTTPException, httplib2.HttpLib2Error)) and not issubclass(
        kind, google.auth.exceptions.GoogleAuthError
    ):
        assert isinstance(found, ProviderUnreachable)


REFRESHES = [
    ("invalid_grant", False, ConsentLost),
    ("invalid_client", False, ProviderMisconfigured),
    ("unauthorized_client", False, ProviderMisconfigured),
    ("deleted_client", False, ProviderMisconfigured),
    ("invalid_scope", False, ProviderMisconfigured),
    ("admin_policy_enforced", False, ConsentLost),
    ("internal_failure", True, ProviderUnreachable),
    ("something_else", False, ProviderUnreachable),
]


@pytest.mark.parametrize(("code", "retryable", "kind"), REFRESHES)
def test_refreshes(code, retryable, kind):
    error = google.auth.exceptions.RefreshError(f"{code}: x", {"error": code}, retryable=retryable)
    assert type(translate(error)) is kind


def test_an_html_response_to_a_refresh_does_not_require_a_new_consent():
    assert type(translate(google.auth.exceptions.RefreshError("<html>", retryable=False))) is ProviderUnreachable


def test_an_organization_that_requires_users_to_sign_in_again():
    assert type(translate(google.auth.exceptions.RefreshError("Reauthentication is needed. Please"))) is ConsentLost


def test_every_code_of_oauthlib_is_mapped_by_its_name():
    assert type(translate(oauth_errors.InvalidGrantError())) is ConsentLost
    assert type(translate(oauth_errors.InvalidClientError())) is ProviderMisconfigured
    assert type(translate(oauth_errors.ServerError())) is ProviderUnreachable


def test_translated_errors_stay_the_same():
    with pytest.raises(PermissionMissing) as raised, translated(CALENDAR):
        raise PermissionMissing("x")
    assert translate(raised.value) is raised.value


def test_interrupts_are_not_swallowed():
    with pytest.raises(KeyboardInterrupt), translated(CALENDAR):
        raise KeyboardInterrupt


def test_every_error_has_a_sentence_for_users():
    def below(kind):
        return {kind}.union(*(below(child) for child in kind.__subclasses__()))

    sentences = [kind.sentence for kind in below(ProviderError)]
    assert all(sentence[0].isupper() and sentence.endswith(".") for sentence in sentences)
    assert len(set(sentences)) == len(sentences)


def test_long_details_are_cut():
    assert len(translate(requests.ConnectionError("x" * 10_000)).detail) < 600
