"""From a running Waldur: every page, its older shape, and the token for nobody else."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import func, select
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from portal.models import Offering
from portal.transfer import remote as remote_module
from portal.transfer.importer import import_offerings
from portal.transfer.remote import LONGEST_PAUSE, RETRIES, RemoteError, RemoteOfferings
from tests.support.samples import another, bare

TOKEN = "ab" * 20
Answer = Callable[[Request], Response]


@dataclass
class Server:
    """A server on loopback that answers with a function and remembers what it was asked."""

    answer: Answer = lambda _request: Response("nothing", 500)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    url: str = ""

    def __call__(self, environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        self.asked.append((request.full_path.rstrip("?"), request.headers.get("Authorization")))
        return self.answer(request)(environ, start_response)


@contextmanager
def serving() -> Iterator[Server]:
    server = Server()
    listening = make_server("127.0.0.1", 0, server, threaded=True)
    server.url = f"http://127.0.0.1:{listening.server_port}"
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()


@pytest.fixture
def waldur() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture
def elsewhere() -> Iterator[Server]:
    with serving() as server:
        yield server


def as_waldur_sends_it(record: dict[str, Any]) -> dict[str, Any]:
    """Hex UUIDs, googlecalendar null, keys that only an October 2024 server has, and none that it lacks."""
    text = json.dumps(record)
    for one in {record["uuid"], *(plan["uuid"] for plan in record["plans"])}:
        text = text.replace(one, one.replace("-", ""))
    found: dict[str, Any] = json.loads(text)
    for key in ("access_url", "software_catalogs", "partitions", "scope_name", "project_uuid", "total_cost"):
        found.pop(key, None)
    for plan in found["plans"]:
        del plan["components"]
    return found | {"googlecalendar": None, "rating": 5, "native_name": "", "terms_of_service": ""}


def paged(records: list[dict[str, Any]], server: Server) -> Answer:
    def answer(request: Request) -> Response:
        size, page = request.args.get("page_size", 10, type=int), request.args.get("page", 1, type=int)
        some = records[(page - 1) * size : page * size]
        response = Response(json.dumps(some), mimetype="application/json")
        response.headers["X-Result-Count"] = str(len(records))
        if page * size < len(records):
            response.headers["Link"] = (
                f'<{server.url}{request.path}?page_size={size}>; rel="first", '
                f'<{server.url}{request.path}?page={page + 1}&page_size={size}>; rel="next"'
            )
        return response

    return answer


def test_every_page_of_an_older_waldur_comes_over(db_session: Any, waldur: Server) -> None:
    records = [as_waldur_sends_it(another(number)) for number in range(7)]
    waldur.answer = paged(records, waldur)
    remote = RemoteOfferings(f"{waldur.url}/api/booking-offerings/?page_size=3", TOKEN)
    report = import_offerings(remote)
    assert (report.created, report.failed, remote.total) == (7, [], 7)
    assert len(waldur.asked) == 3
    assert {token for _, token in waldur.asked} == {f"Token {TOKEN}"}
    offering = db_session.scalars(select(Offering).where(Offering.name == "Krios 00003")).one()
    assert len(offering.plans[0].components) == 5
    assert import_offerings(RemoteOfferings(f"{waldur.url}/api/booking-offerings/", TOKEN)).unchanged == 7
    assert waldur.asked[-1][0].endswith("?page_size=100")


def test_one_offering_by_its_own_address(db_session: Any, waldur: Server) -> None:
    waldur.answer = lambda _request: Response(json.dumps(bare()), mimetype="application/json")
    assert import_offerings(RemoteOfferings(f"{waldur.url}/api/booking-offerings/1/")).created == 1
    assert waldur.asked[0][1] is None


@pytest.mark.parametrize("how", ["link", "redirect", "later redirect"])
def test_the_token_never_goes_elsewhere(db_session: Any, waldur: Server, elsewhere: Server, how: str) -> None:
    elsewhere.answer = paged([bare()], elsewhere)
    if how == "redirect":
        waldur.answer = lambda _request: Response("", 302, {"Location": f"{elsewhere.url}/api/booking-offerings/"})
    else:
        target = elsewhere.url if how == "link" else waldur.url

        def answer(request: Request) -> Response:
            if "page" in request.args:
                return Response("", 307, {"Location": f"{elsewhere.url}/"})
            link = {"Link": f'<{target}/api/booking-offerings/?page=2>; rel="next"'}
            return Response(json.dumps([bare()]), headers=link, mimetype="application/json")

        waldur.answer = answer
    report = import_offerings(RemoteOfferings(f"{waldur.url}/api/booking-offerings/", TOKEN))
    assert elsewhere.asked == []
    assert report.created == (0 if how == "redirect" else 1)
    assert [it.position for it in report.failed] == [report.created + 1]
    assert "not followed" in report.failed[0].reason


def test_a_redirect_inside_the_same_portal_is_followed(db_session: Any, waldur: Server) -> None:
    def answer(request: Request) -> Response:
        if not request.path.endswith("/"):
            return Response("", 301, {"Location": f"{request.path}/"})
        return Response(json.dumps([bare()]), mimetype="application/json")

    waldur.answer = answer
    assert import_offerings(RemoteOfferings(f"{waldur.url}/api/booking-offerings", TOKEN)).created == 1


def test_pages_that_go_round_end(db_session: Any, waldur: Server) -> None:
    link = {"Link": f'<{waldur.url}/api/booking-offerings/?page=2>; rel="next"'}
    waldur.answer = lambda _request: Response(json.dumps([bare()]), headers=link, mimetype="application/json")
    report = import_offerings(RemoteOfferings(f"{waldur.url}/api/booking-offerings/"))
    assert (report.created, len(waldur.asked)) == (2, 2)
    assert "circle" in report.failed[0].reason


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (401, '{"detail":"Invalid token."}', "application/json", "does not accept the token (401: Invalid token.)"),
        (404, "<p>", "text/html", "There is nothing at"),
        (200, "<p>Sign in</p>", "text/html", "web page"),
        (200, "<p>Sign in</p>", "application/json", "web page"),
        (200, "[{", "application/json", "not valid JSON"),
        (418, "", "text/plain", "answered with 418"),
    ],
)
def test_what_is_wrong_with_an_answer_is_said(
    db_session: Any, waldur: Server, status: int, body: str, kind: str, words: str
) -> None:
    waldur.answer = lambda _request: Response(body, status, content_type=kind)
    report = import_offerings(RemoteOfferings(f"{waldur.url}/api/booking-offerings/", TOKEN))
    assert words in report.failed[0].reason
    assert TOKEN not in report.failed[0].reason
    assert db_session.scalar(select(func.count()).select_from(Offering)) == 0


def test_without_a_token_it_is_a_token_that_is_wanted(db_session: Any, waldur: Server) -> None:
    waldur.answer = lambda _request: Response('{"detail":"x"}', 401, content_type="application/json")
    report = import_offerings(RemoteOfferings(f"{waldur.url}/api/booking-offerings/"))
    assert "wants a token" in report.failed[0].reason


def test_an_endless_refusal_is_not_read_to_its_end(db_session: Any, waldur: Server) -> None:
    sent = []

    def endless() -> Iterator[bytes]:
        for _ in range(10_000):
            sent.append(1)
            yield b"x" * 65_536

    waldur.answer = lambda _request: Response(endless(), 403, content_type="application/json")
    report = import_offerings(RemoteOfferings(f"{waldur.url}/api/booking-offerings/", TOKEN))
    assert "does not accept the token (403)" in report.failed[0].reason
    assert len(sent) < 1000


def test_busy_servers_are_asked_again(db_session: Any, waldur: Server) -> None:
    waldur.answer = lambda _request: (
        Response("busy", 503) if len(waldur.asked) < 3 else Response(json.dumps([bare()]), mimetype="application/json")
    )
    assert import_offerings(RemoteOfferings(f"{waldur.url}/api/booking-offerings/", backoff=0)).created == 1
    waldur.answer = lambda _request: Response("busy", 503)
    report = import_offerings(RemoteOfferings(f"{waldur.url}/api/booking-offerings/", backoff=0))
    assert "503" in report.failed[0].reason


@pytest.mark.parametrize("wanted", ["3600", "Sun, 01 Mar 2026 13:00:00 GMT"])
def test_a_long_wait_is_announced_and_capped_and_what_came_is_kept(
    db_session: Any, waldur: Server, monkeypatch: pytest.MonkeyPatch, wanted: str
) -> None:
    whole = paged([bare(name=f"{number}") for number in range(5)], waldur)
    waldur.answer = lambda request: (
        whole(request) if request.args.get("page", "1") == "1" else Response("busy", 429, {"Retry-After": wanted})
    )
    slept: list[tuple[float, int]] = []

    def sleep(seconds: float) -> None:
        # Every offering that came in is there while it waits.
        slept.append((seconds, db_session.scalar(select(func.count()).select_from(Offering))))

    monkeypatch.setattr(remote_module.time, "sleep", sleep)
    monkeypatch.setattr(remote_module.time, "time", lambda: 1772366400.0)
    remote = RemoteOfferings(f"{waldur.url}/api/booking-offerings/?page_size=3")
    said: list[str] = []
    remote.before_wait.append(said.append)
    report = import_offerings(remote)
    assert slept == [(LONGEST_PAUSE, 3)] * RETRIES
    assert (
        said
        == [f"{waldur.url[7:]} is busy (429) and asks to wait 3,600 seconds. Trying again in 60 seconds."] * RETRIES
    )
    assert report.created == 3
    assert "asks to wait 3,600 seconds: run the import again after that" in report.failed[0].reason


def test_an_interrupted_import_keeps_what_came(db_session: Any) -> None:
    def records() -> Iterator[dict[str, Any]]:
        yield bare()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_offerings(records())
    assert db_session.scalar(select(func.count()).select_from(Offering)) == 1


def test_fewer_than_the_server_counts_are_an_incomplete_import(db_session: Any, waldur: Server) -> None:
    records = [bare(name=f"{number}") for number in range(25)]
    counted = {"X-Result-Count": "60"}
    waldur.answer = lambda _request: Response(json.dumps(records), headers=counted, mimetype="application/json")
    remote = RemoteOfferings(f"{waldur.url}/api/booking-offerings/")
    report = import_offerings(remote)
    assert (report.created, report.failed) == (25, [])
    assert "counts 60 offerings and sent 25" in remote.missing
    # Whoever begins with a later page knows that others are before it.
    later = RemoteOfferings(f"{waldur.url}/api/booking-offerings/?page=2")
    assert import_offerings(later).unchanged == 25
    assert later.missing == ""
    waldur.answer = paged(records, waldur)
    complete = RemoteOfferings(f"{waldur.url}/api/booking-offerings/?page_size=10")
    assert import_offerings(complete).unchanged == 25
    assert complete.missing == ""


def test_an_incomplete_import_has_exit_status_1(db_session: Any, app: Any, waldur: Server) -> None:
    waldur.answer = lambda _request: Response(
        json.dumps([bare()]), headers={"X-Result-Count": "2"}, mimetype="application/json"
    )
    done = app.test_cli_runner().invoke(args=["offerings", "import", f"{waldur.url}/api/booking-offerings/"])
    assert done.exit_code == 1
    assert "created: 1, updated: 0, unchanged: 0, failed: 0" in done.stdout
    assert "counts 2 offerings and sent 1, without naming a next page: the import is incomplete." in done.stderr


def test_nobody_there(db_session: Any, waldur: Server) -> None:
    report = import_offerings(RemoteOfferings("http://127.0.0.1:1/api/booking-offerings/", backoff=0))
    assert "could not be reached" in report.failed[0].reason
    with pytest.raises(RemoteError):
        RemoteOfferings("ftp://127.0.0.1/")
