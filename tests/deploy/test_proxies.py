"""The examples of reverse proxies under deploy/: accepted by the proxies themselves, and they do what they say."""

import contextlib
import http.client
import re
import shutil
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tools.run import free_port
from tools.tree import answers

pytestmark = pytest.mark.sqlite_only
DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
NGINX = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
CADDY = shutil.which("caddy")


class Behind(BaseHTTPRequestHandler):
    """What stands in for the portal: it answers with the headers that it got."""

    def do_GET(self):
        body = str(self.headers).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        length = int(self.headers["Content-Length"])
        if len(self.rfile.read(length)) == length:
            self.do_GET()

    def log_message(self, *_):
        """Nothing is printed."""


@pytest.fixture
def behind():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Behind)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


@contextlib.contextmanager
def running(command, port):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            if answers("127.0.0.1", port):
                break
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(10)


def ask(port, path, method="GET", body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        headers = {"Host": "booking.example.org", "X-Forwarded-For": "203.0.113.9", "X-Forwarded-Host": "evil.example"}
        headers["X-Request-ID"] = "chosen-by-the-client"
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode().lower()
    finally:
        connection.close()


def check(port):
    status, headers = ask(port, "/")
    assert status == 200
    assert "x-forwarded-for: 127.0.0.1" in headers
    assert "203.0.113.9" not in headers
    assert "evil.example" not in headers
    assert re.search(r"^x-request-id: [0-9a-f-]{32,36}$", headers, re.MULTILINE)
    assert ask(port, "/metrics")[0] == 404
    # nginx refuses by the length, Caddy by what it has read: the portal never gets the whole.
    assert ask(port, "/login", "POST", b"x" * 2_000_000)[0] in (413, 502)
    assert ask(port, "/login", "POST", b"x" * 2_000)[0] == 200


@pytest.mark.skipif(NGINX is None, reason="NOT TESTED HERE: no nginx on this machine")
def test_nginx(tmp_path, behind):
    port = free_port()
    text = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=booking.example.org"),
            *("-days", "2", "-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    text = text.replace("/etc/ssl/booking.example.org.pem", str(certificate))
    text = text.replace("/etc/ssl/booking.example.org.key", str(key)).replace("127.0.0.1:8000", f"127.0.0.1:{behind}")
    folders = "".join(
        f"{name}_temp_path {tmp_path}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )

    def configuration(name, site):
        file = tmp_path / name
        file.write_text(
            f"pid {tmp_path}/pid; error_log {tmp_path}/error.log; daemon off;\nevents {{}}\n"
            f"http {{\naccess_log off;\n{folders}{site}\n}}\n",
            encoding="utf-8",
        )
        return [NGINX, "-p", str(tmp_path), "-e", f"{tmp_path}/error.log", "-c", str(file)]

    tested = subprocess.run([*configuration("whole.conf", text), "-t"], capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stderr
    assert "warn" not in tested.stderr
    # Without TLS and on a free port it needs no rights.
    plain = text.replace("listen 443 ssl http2;", f"listen 127.0.0.1:{port};").replace("listen [::]:443 ssl http2;", "")
    plain = plain.replace("listen 80;", f"listen 127.0.0.1:{free_port()};").replace("listen [::]:80;", "")
    plain = "\n".join(line for line in plain.splitlines() if "ssl_" not in line)
    with running(configuration("plain.conf", plain), port):
        check(port)


@pytest.mark.skipif(CADDY is None, reason="NOT TESTED HERE: no caddy on this machine")
def test_caddy(tmp_path, behind, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    port, file = free_port(), tmp_path / "Caddyfile"
    text = (DEPLOY / "Caddyfile").read_text(encoding="utf-8").replace("127.0.0.1:8000", f"127.0.0.1:{behind}")
    file.write_text(text, encoding="utf-8")
    command = [CADDY, "validate", "--adapter", "caddyfile", "--config", str(file)]
    tested = subprocess.run(command, capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stderr
    plain = text.replace("booking.example.org {", f"http://booking.example.org:{port} {{")
    plain = plain.replace("{\n\tservers {", "{\n\tadmin off\n\tauto_https off\n\tservers {", 1)
    file.write_text(plain, encoding="utf-8")
    with running([CADDY, "run", "--adapter", "caddyfile", "--config", str(file)], port):
        check(port)
