"""The other ways of calling that the documentation shows: HTTPie, and JavaScript with its own Authorization header."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.shared import unavailable

ACTIONS = ("google_calendar_sync", "share_google_calendar", "unshare_google_calendar")


@pytest.fixture
def httpie(tmp_path):
    """`httpie("GET", url, "Authorization:...")`: the answer's head and body."""
    program = Path(sys.executable).with_name("http")
    if not program.is_file():
        unavailable("no HTTPie: it is in requirements/dev.txt")

    def call(*arguments):
        done = subprocess.run(
            [str(program), "--ignore-stdin", "--print=hb", "--pretty=none", *arguments],
            env={**os.environ, "HTTPIE_CONFIG_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert not done.returncode, done.stderr
        head, _, body = done.stdout.replace("\r\n", "\n").partition("\n\n")
        return head.splitlines(), body.strip()

    return call


def test_httpie(world, httpie):
    authorization = f"Authorization:Token {world.owner}"
    head, body = httpie("GET", f"{world.url}/api/booking-offerings/", authorization)
    assert head[0].endswith(" 200 OK")
    assert f"X-Result-Count: {len(world.names)}" in head
    assert [one["name"] for one in json.loads(body)] == world.names[:10]
    head, body = httpie("GET", f"{world.url}/api/booking-offerings/{world.empty}/", authorization)
    assert json.loads(body)["uuid"] == world.empty
    for action, uuid in zip(ACTIONS, world.acts.values(), strict=False):
        head, body = httpie("POST", f"{world.url}/api/booking-offerings/{uuid}/{action}/", authorization)
        assert head[0].endswith(" 200 OK")
        assert body == ""


# What the published JavaScript client sends for `auth: "Token X"`, as its documentation writes it, is
# `Authorization: Bearer Token X`; on POST it has neither a body nor a Content-Type.
SCRIPT = """
const { url, token, uuid, acts } = JSON.parse(require("fs").readFileSync(0));
const headers = { Authorization: `Bearer Token ${token}` };
const base = `${url}/api/booking-offerings/`;
(async () => {
  const list = await fetch(`${base}?field=name&field=uuid&page_size=3`, { headers });
  const one = await fetch(`${base}${uuid}/`, { headers });
  const wrong = await fetch(base, { headers: { Authorization: "Bearer Token nonsense" } });
  const acted = [];
  for (const [action, which] of acts) {
    const answer = await fetch(`${base}${which}/${action}/`, { method: "POST", headers });
    acted.push([answer.status, answer.ok, await answer.text()]);
  }
  console.log(JSON.stringify({
    list: await list.json(),
    count: list.headers.get("X-Result-Count"),
    one: (await one.json()).uuid,
    wrong: [wrong.status, await wrong.json()],
    acted,
  }));
})();
"""


def test_javascript(world):
    node = shutil.which("node")
    if node is None:
        unavailable("no Node.js on PATH")
    acts = list(zip(ACTIONS, world.acts.values(), strict=False))
    wanted = {"url": world.url, "token": world.owner, "uuid": world.empty, "acts": acts}
    done = subprocess.run(
        [str(node), "-e", SCRIPT], input=json.dumps(wanted), capture_output=True, text=True, check=False
    )
    assert not done.returncode, done.stderr
    told = json.loads(done.stdout)
    assert [one["name"] for one in told["list"]] == world.names[:3]
    assert {key for one in told["list"] for key in one} == {"uuid", "name"}
    assert told["count"] == str(len(world.names))
    assert told["one"] == world.empty
    assert told["wrong"] == [401, {"detail": "Invalid token."}]
    assert told["acted"] == [[200, True, ""]] * 3
