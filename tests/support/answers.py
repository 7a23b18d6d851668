"""What two answers may be compared by."""

from werkzeug.test import TestResponse


def told(answer: TestResponse) -> dict[str, str]:
    """The headers of an answer, but for the id that each request has of its own."""
    headers = dict(answer.headers)
    assert headers.pop("X-Request-ID")
    return headers
