"""Sends many requests at the same instant: one process of several. Started by tools/race.py.

Reads a line of JSON ({"port", "requests": [{"path", "headers", "body"}]}) from standard input, connects, writes
"ready", waits for another line, then sends them all at once and writes [[status, body], ...] in the order of the
requests; the status is 0 where no answer came.
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
from typing import Any

TIMEOUT = 120.0


def main() -> None:
    wanted = json.loads(sys.stdin.readline())
    requests = wanted["requests"]
    answers: list[Any] = [[0, "no answer"]] * len(requests)
    gate = threading.Event()
    connected = threading.Barrier(len(requests) + 1)

    def send(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", wanted["port"], timeout=TIMEOUT)
        try:
            connection.connect()
        except OSError as error:
            answers[number] = [0, repr(error)]
        connected.wait()
        gate.wait()
        try:
            asked = requests[number]
            connection.request("POST", asked["path"], json.dumps(asked["body"]), asked["headers"])
            answer = connection.getresponse()
            answers[number] = [answer.status, json.loads(answer.read())]
        except (OSError, http.client.HTTPException, ValueError) as error:
            answers[number] = [0, repr(error)]
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=(number,)) for number in range(len(requests))]
    for thread in threads:
        thread.start()
    connected.wait()
    print("ready", flush=True)
    sys.stdin.readline()
    gate.set()
    for thread in threads:
        thread.join()
    print(json.dumps(answers), flush=True)


if __name__ == "__main__":
    main()
