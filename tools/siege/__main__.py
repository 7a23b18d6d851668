"""Attacks on the server as it is shipped, and what honest clients see meanwhile.

    .venv/bin/python -m tools.siege [slow answers guesses hoarding] [--seconds 20] [--scale 1.0]

Starts a portal of its own (SQLite in a temporary folder, two web processes) on a loopback port, plays each scenario for
so many seconds and prints a table: requests, failures and latencies of honest clients. Exits with 1 where a bound did
not hold: an honest client was refused, /healthz took too long (1 s in `slow`, 5 s in the others), or a limit of the
scenario itself was passed.
"""

from __future__ import annotations

import argparse
import sys

from tools.server import raise_file_limit
from tools.siege.honest import HEAD, Honest
from tools.siege.portal import besieged
from tools.siege.scenarios import SCENARIOS


def main() -> None:
    parser = argparse.ArgumentParser(description="Attack a portal of its own on this machine.")
    parser.add_argument("scenarios", nargs="*", help=f"of {', '.join(SCENARIOS)}; all without any")
    parser.add_argument("--seconds", type=float, default=20.0, help="for each scenario, at most 300")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the connections and requests, at most 2")
    arguments = parser.parse_args()
    unknown = set(arguments.scenarios) - set(SCENARIOS)
    if unknown or not 0 < arguments.seconds <= 300 or not 0 < arguments.scale <= 2:
        parser.error(f"scenarios are {', '.join(SCENARIOS)}; --seconds up to 300, --scale up to 2")
    raise_file_limit()
    broken: list[str] = []
    with besieged() as portal:
        for name in arguments.scenarios or SCENARIOS:
            scenario = SCENARIOS[name](portal)
            people = scenario.people()
            with Honest(portal, people) as honest:
                result = scenario.attack(arguments.seconds, arguments.scale)
            print(f"\n{name}: {result}\n{HEAD}", flush=True)
            for seen in honest.seen.values():
                print(seen.line(), flush=True)
            found = [f"{name}: {it}" for it in [*honest.broken(scenario.health_seconds), *scenario.broken()]]
            broken += found
            print("\n".join(found) if found else "Every bound held.", flush=True)
    if broken:
        sys.exit(1)


if __name__ == "__main__":
    main()
