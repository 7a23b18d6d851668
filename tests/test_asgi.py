"""Requests on their way to the application: bodies are complete before a thread starts, slow clients are given up."""

import asyncio

import pytest

from portal import asgi
from portal.asgi import PIECE, REFUSED, AsgiApplication, environ_of

SCOPE = {
    "type": "http",
    "method": "POST",
    "scheme": "http",
    "path": "/",
    "raw_path": b"/",
    "query_string": b"",
    "http_version": "1.1",
    "headers": [],
    "server": ("127.0.0.1", 8000),
    "client": ("192.0.2.1", 1234),
}


def echo(environ, start_response):
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain"), ("X-Length", environ.get("CONTENT_LENGTH", "none"))])
    return [body[:3], body[3:]]


def refuse(environ, start_response):
    start_response(f"{environ[REFUSED].value} Refused", [("X-Path", environ["PATH_INFO"])])
    return [b"refused"]


def part(body, more=True):
    return {"type": "http.request", "body": body, "more_body": more}


def ask(messages, *headers, app=echo, most=100, scope=SCOPE):
    """The status, the headers and the body that come of these messages; after the last one the client is silent."""
    sent, rest = [], iter(messages)

    async def receive():
        message = next(rest, None)
        if message is None:
            await asyncio.sleep(3600)
        return message

    async def send(message):
        sent.append(message)

    application = AsgiApplication(app, refuse, threads=1, most_bytes=most)
    asyncio.run(application({**scope, "headers": list(headers)}, receive, send))
    if not sent:
        return None
    assert [it["type"] for it in sent] == ["http.response.start", *["http.response.body"] * (len(sent) - 1)]
    assert [it["more_body"] for it in sent[1:]] == [True] * (len(sent) - 2) + [False]
    return sent[0]["status"], dict(sent[0]["headers"]), b"".join(it["body"] for it in sent[1:])


LENGTH = (b"content-length", b"6")


def test_a_body_is_handed_over_whole():
    status, headers, body = ask([part(b"abc"), part(b"def", more=False)], LENGTH)
    assert (status, body, headers[b"x-length"]) == (200, b"abcdef", b"6")


def test_a_body_in_chunks_gets_its_length():
    parts = [part(b"ab"), part(b""), part(b"c", more=False)]
    status, headers, body = ask(parts, (b"transfer-encoding", b"chunked"))
    assert (status, body, headers[b"x-length"]) == (200, b"abc", b"3")


def test_nothing_is_read_where_there_is_no_body():
    assert ask([])[0] == 200
    assert ask([], (b"content-length", b"0"))[0] == 200


def test_a_larger_body_is_read_no_further_than_is_allowed_and_keeps_its_length():
    status, headers, body = ask([part(b"x" * 60)] * 50, (b"content-length", b"3000"))
    assert (status, headers[b"x-length"], len(body)) == (200, b"3000", 120)
    status, headers, body = ask([part(b"x" * 60)] * 50, (b"transfer-encoding", b"chunked"))
    assert (headers[b"x-length"], len(body)) == (b"120", 120)


def test_a_silent_client_is_given_up(monkeypatch):
    monkeypatch.setattr(asgi, "IDLE_SECONDS", 0.01)
    called = []
    status, headers, _body = ask([part(b"ab")], LENGTH, app=lambda *_: called.append(1))
    assert (status, headers, called) == (408, {b"x-path": b"/"}, [])


def test_one_that_drips_is_given_up_by_its_rate(monkeypatch):
    monkeypatch.setattr(asgi, "GRACE_SECONDS", 0.0)
    monkeypatch.setattr(asgi, "SLOWEST_BYTES_PER_SECOND", 1000)
    called = []
    # Each byte pays for a millisecond, and the client is silent after three of them.
    parts = [part(b"abc")]
    assert ask(parts, LENGTH, app=lambda *_: called.append(1))[0] == 408
    assert called == []


def test_a_client_that_goes_away_gets_no_answer():
    assert ask([part(b"ab"), {"type": "http.disconnect"}], LENGTH) is None


def test_more_than_can_wait_are_told_to_come_again(monkeypatch):
    monkeypatch.setattr(asgi, "MAX_WAITING", 0)
    status, headers, _body = ask([])
    assert (status, headers) == (503, {b"x-path": b"/"})


@pytest.mark.parametrize("size", [0, 1, PIECE, PIECE + 1, 3 * PIECE])
def test_an_answer_is_sent_in_pieces(size):
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)

    def app(_environ, start_response):
        start_response("200 OK", [])
        return [body]

    assert ask([], app=app)[2] == body


class Reader:
    """A client that takes `pieces` of its answer and then no more."""

    def __init__(self, pieces):
        self.pieces, self.taken, self.stopped = pieces, 0, asyncio.Event()

    async def send(self, message):
        if message["type"] == "http.response.start":
            return
        if self.taken == self.pieces:
            self.stopped.set()
            await asyncio.sleep(3600)
        self.taken += 1


def big(_environ, start_response):
    start_response("200 OK", [])
    return [b"x" * 4 * PIECE]


def test_a_client_that_does_not_read_is_given_up(monkeypatch):
    monkeypatch.setattr(asgi, "UNREAD_SECONDS", 0.01)
    reader = Reader(1)
    application = AsgiApplication(big, refuse, threads=1, most_bytes=0)
    asyncio.run(application({**SCOPE, "method": "GET"}, None, reader.send))
    assert reader.taken == 1
    assert application._unread._bytes == 0


def test_so_much_waits_for_clients_and_the_one_that_stopped_first_is_given_up(monkeypatch):
    """Three answers of four pieces wait, with eight pieces of room."""
    monkeypatch.setattr(asgi, "MAX_UNREAD", 8 * PIECE)
    application = AsgiApplication(big, refuse, threads=1, most_bytes=0)
    # The second and the third have taken one, and all but one; the last one reads everything.
    readers = [Reader(0), Reader(1), Reader(3), Reader(9)]

    async def play():
        tasks = []
        for reader in readers:
            tasks.append(asyncio.create_task(application({**SCOPE, "method": "GET"}, None, reader.send)))
            await asyncio.wait([tasks[-1], asyncio.create_task(reader.stopped.wait())], return_when="FIRST_COMPLETED")
        await asyncio.wait([tasks[0]])
        done = [task.done() for task in tasks]
        for task in tasks:
            task.cancel()
        return done

    assert asyncio.run(play()) == [True, False, False, True]
    assert [reader.taken for reader in readers] == [0, 1, 3, 4]


def test_the_environment():
    headers = [
        (b"host", b"booking.example.org"),
        (b"content-type", b"text/plain"),
        (b"x-forwarded-for", b"192.0.2.9"),
        (b"x_forwarded_for", b"203.0.113.1"),
        (b"accept", b"a"),
        (b"accept", b"b"),
        (b"cookie", b"a=1"),
        (b"cookie", b"b=2"),
        (b"x-text", "ä".encode()),
    ]
    scope = {**SCOPE, "raw_path": b"/a%20%C3%B5%FF%3Fb", "path": "/a", "query_string": b"q=%20", "headers": headers}
    environ = environ_of(scope)
    assert environ["PATH_INFO"] == "/a \xc3\xb5\xff?b"
    assert environ["QUERY_STRING"] == "q=%20"
    assert environ["CONTENT_TYPE"] == "text/plain"
    assert environ["HTTP_HOST"] == "booking.example.org"
    assert environ["HTTP_X_FORWARDED_FOR"] == "192.0.2.9"
    assert environ["HTTP_ACCEPT"] == "a,b"
    assert environ["HTTP_COOKIE"] == "a=1;b=2"
    assert environ["HTTP_X_TEXT"] == "\xc3\xa4"
    assert (environ["REMOTE_ADDR"], environ["SERVER_PORT"]) == ("192.0.2.1", "8000")


@pytest.mark.parametrize("kind", ["returns", "fails"])
def test_what_an_answer_holds_open_is_closed(kind):
    closed = []

    class Parts:
        def __iter__(self):
            if kind == "fails":
                raise RuntimeError("broken")
            return iter([b"x"])

        def close(self):
            closed.append(1)

    def app(_environ, start_response):
        start_response("200 OK", [])
        return Parts()

    if kind == "fails":
        with pytest.raises(RuntimeError, match="broken"):
            ask([], app=app)
    else:
        assert ask([], app=app)[2] == b"x"
    assert closed == [1]


def test_what_is_being_answered_is_answered_before_the_end():
    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
    sent = []

    async def receive():
        return next(messages)

    async def send(message):
        sent.append(message["type"])

    asyncio.run(AsgiApplication(echo, refuse, threads=1, most_bytes=1)({"type": "lifespan"}, receive, send))
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
