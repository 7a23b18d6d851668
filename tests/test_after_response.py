"""What an answer need not wait for is done once it is out, and cannot spoil it."""

import logging
from functools import partial

import pytest
from flask import Flask, current_app

from portal.after_response import after_response


@pytest.fixture
def portal():
    app = Flask("portal")
    app.done = []

    @app.get("/<kind>/")
    def view(kind: str) -> str:
        after_response(partial(app.work, kind), f"The use of {kind}")
        after_response(lambda: app.done.append("second"), "The second")
        if kind == "refused":
            raise PermissionError(kind)
        return "answer"

    app.register_error_handler(PermissionError, lambda _error: ("refused", 403))
    app.work = lambda kind: app.done.append((kind, current_app.name))
    return app


@pytest.mark.parametrize(("kind", "status"), [("plain", 200), ("refused", 403)])
def test_it_is_done_after_the_answer_in_a_context_of_its_own(portal, kind, status):
    answer = portal.test_client().get(f"/{kind}/")
    assert (answer.status_code, portal.done) == (status, [])
    answer.close()
    assert portal.done == [(kind, "portal"), "second"]


def test_what_fails_is_logged_and_the_answer_and_the_rest_stand(portal, caplog):
    def fail(_kind):
        raise RuntimeError("read-only database")

    portal.work = fail
    with caplog.at_level(logging.WARNING):
        answer = portal.test_client().get("/plain/")
        answer.close()
    assert (answer.status_code, answer.data, portal.done) == (200, b"answer", ["second"])
    assert "The use of plain could not be recorded" in caplog.text
    assert "read-only database" in caplog.text
