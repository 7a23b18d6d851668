"""Every exception of the libraries and every documented answer of Google is one of the portal's own errors."""

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

from portal.domain.google import (
    AccessLost,
    CalendarMissing,
    Changed,
    EventExists,
    EventMissing,
    OperatorNeeded,
    ProviderError,
    QuotaExhausted,
    RateLimited,
    ReconnectNeeded,
    Refused,
    Retryable,
    ScopeMissing,
    TokenExpired,
    Unreachable,
)
from portal.google.errors import Subject, from_answer, translate, translated

CALENDAR, EVENT, INCREMENT = Subject.CALENDAR, Subject.EVENT, Subject.INCREMENT

ANSWERS = [
    (400, "invalid", CALENDAR, Refused),
    (400, "required", EVENT, Refused),
    (400, "timeRangeEmpty", CALENDAR, Refused),
    (400, "badRequest", EVENT, Refused),
    (400, "invalid", INCREMENT, TokenExpired),
    (401, "authError", CALENDAR, Retryable),
    (403, "rateLimitExceeded", CALENDAR, RateLimited),
    (403, "userRateLimitExceeded", EVENT, RateLimited),
    (403, "quotaExceeded", CALENDAR, QuotaExhausted),
    (403, "calendarUsageLimits", CALENDAR, QuotaExhausted),
    (403, "dailyLimitExceeded", CALENDAR, QuotaExhausted),
    (403, "insufficientPermissions", CALENDAR, ScopeMissing),
    (403, "ACCESS_TOKEN_SCOPE_INSUFFICIENT", CALENDAR, ScopeMissing),
    (403, "forbidden", CALENDAR, AccessLost),
    (403, "requiredAccessLevel", CALENDAR, AccessLost),
    (403, "forbiddenForNonOrganizer", EVENT, AccessLost),
    (403, "cannotChangeOwnAcl", CALENDAR, AccessLost),
    (403, "accessNotConfigured", CALENDAR, OperatorNeeded),
    (403, "somethingNew", CALENDAR, AccessLost),
    (404, "notFound", CALENDAR, CalendarMissing),
    (404, "notFound", INCREMENT, CalendarMissing),
    (404, "notFound", EVENT, EventMissing),
    (408, "timeout", CALENDAR, Unreachable),
    (409, "duplicate", CALENDAR, EventExists),
    (409, "conflict", EVENT, Retryable),
    (410, "fullSyncRequired", INCREMENT, TokenExpired),
    (410, "updatedMinTooLongAgo", INCREMENT, TokenExpired),
    (410, "deleted", EVENT, EventMissing),
    (412, "conditionNotMet", EVENT, Changed),
    (413, "uploadTooLarge", EVENT, Refused),
    (429, "rateLimitExceeded", CALENDAR, RateLimited),
    (500, "backendError", CALENDAR, Unreachable),
    (502, "badGateway", CALENDAR, Unreachable),
    (503, "backendError", EVENT, Unreachable),
    (302, "moved", CALENDAR, Unreachable),
]


def body(status, reason):
    return json.dumps({"error": {"code": status, "message": "m", "errors": [{"reason": reason}]}}).encode()


@pytest.mark.parametrize(("status", "reason", "subject", "kind"), ANSWERS)
def test_answers(status, reason, subject, kind):
    found = from_answer(status, body(status, reason), {}, subject)
    assert type(found) is kind
    assert str(status) in found.detail
    assert reason in found.detail


@pytest.mark.parametrize(
    "content", [b"", b"<html>error</html>", b"[]", b'{"error": []}', b'{"error": {"errors": [1]}}', b"\xff\xfe"]
)
@pytest.mark.parametrize("status", [*range(300, 320), *range(400, 432), 451, *range(500, 512)])
def test_bodies_that_are_no_errors_of_google_still_make_sense(status, content):
    assert isinstance(from_answer(status, content, {}, CALENDAR), ProviderError)
    if status == 403:
        assert isinstance(from_answer(status, content, {}, CALENDAR), Retryable), "a proxy's page is not our fault"


def test_details_name_the_reason_too():
    details = {"error": {"code": 403, "status": "PERMISSION_DENIED", "details": [{"reason": "SERVICE_DISABLED"}]}}
    assert isinstance(from_answer(403, json.dumps(details).encode(), {}, CALENDAR), OperatorNeeded)


@pytest.mark.parametrize(("header", "seconds"), [("7", 7.0), ("0", 0.0), ("soon", None), ("-3", 0.0)])
def test_google_may_say_how_long_to_wait(header, seconds):
    found = from_answer(429, body(429, "rateLimitExceeded"), {"retry-after": header}, CALENDAR)
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
        assert isinstance(found, Unreachable)


REFRESHES = [
    ("invalid_grant", False, ReconnectNeeded),
    ("invalid_client", False, OperatorNeeded),
    ("unauthorized_client", False, OperatorNeeded),
    ("deleted_client", False, OperatorNeeded),
    ("invalid_scope", False, OperatorNeeded),
    ("admin_policy_enforced", False, ReconnectNeeded),
    ("internal_failure", True, Unreachable),
    ("something_else", False, Unreachable),
]


@pytest.mark.parametrize(("code", "retryable", "kind"), REFRESHES)
def test_refreshes(code, retryable, kind):
    error = google.auth.exceptions.RefreshError(f"{code}: x", {"error": code}, retryable=retryable)
    assert type(translate(error)) is kind


def test_a_refresh_that_answers_html_is_not_a_reason_to_reconnect():
    assert type(translate(google.auth.exceptions.RefreshError("<html>", retryable=False))) is Unreachable


def test_an_organization_that_wants_people_to_sign_in_anew():
    assert type(translate(google.auth.exceptions.RefreshError("Reauthentication is needed. Please"))) is ReconnectNeeded


def test_every_code_of_oauthlib_is_mapped_by_its_name():
    assert type(translate(oauth_errors.InvalidGrantError())) is ReconnectNeeded
    assert type(translate(oauth_errors.InvalidClientError())) is OperatorNeeded
    assert type(translate(oauth_errors.ServerError())) is Unreachable


def test_what_is_translated_already_stays_as_it_is():
    with pytest.raises(ScopeMissing) as raised, translated(CALENDAR):
        raise ScopeMissing("x")
    assert translate(raised.value) is raised.value


def test_interrupts_are_not_swallowed():
    with pytest.raises(KeyboardInterrupt), translated(CALENDAR):
        raise KeyboardInterrupt


def test_every_error_has_a_sentence_for_people():
    def below(kind):
        return {kind}.union(*(below(child) for child in kind.__subclasses__()))

    sentences = [kind.sentence for kind in below(ProviderError)]
    assert all(sentence[0].isupper() and sentence.endswith(".") for sentence in sentences)
    assert len(set(sentences)) == len(sentences)


def test_long_details_are_cut():
    assert len(translate(requests.ConnectionError("x" * 10_000)).detail) < 600
