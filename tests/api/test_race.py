"""Many ask for one slot at once, of several server processes: nothing is booked twice, and losers are told why.

The same command runs whole as `python -m tools.race`.
"""

import os

from tools import race
from tools.run import free_port

REQUESTS = int(os.environ.get("RACE_REQUESTS", "24"))


def test_nothing_is_booked_twice(live_database):
    environ = {**os.environ, **live_database.environ, "PORT": str(free_port()), "LOG_LEVEL": "warning"}
    problems = race.run(environ, REQUESTS, 2 if REQUESTS < 100 else 4)
    assert problems == []
