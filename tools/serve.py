"""`make serve`: the web server alone, with production settings. Refuses in one line what would fail later.

WEB_WORKERS is the number of processes (default: one for each core).
"""

import os
import sys

from portal.config import load_settings
from portal.errors import ConfigError
from tools.database import database_problem
from tools.server import port_problem, server_command, server_environ
from tools.tree import CannotStart, Stopped, Tree


def main() -> None:
    try:
        settings = load_settings(os.environ)
        workers = web_workers(os.environ.get("WEB_WORKERS", "").strip())
        settings.instance_path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except ConfigError as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"The folder {error.filename} is not writable ({error.strerror}).")
    problem = port_problem(settings.host, settings.port) or database_problem(settings)
    if problem:
        sys.exit(problem)
    try:
        environ = {**os.environ, **server_environ(settings.instance_path.absolute())}
    except CannotStart as failure:
        sys.exit(str(failure))
    print(f"Serving on {settings.host} port {settings.port} with {workers} processes.", flush=True)
    tree = Tree(environ)
    try:
        tree.start("the web server", *server_command(settings.host, settings.port, workers))
        tree.wait()
    except CannotStart as failure:
        sys.exit(str(failure))
    except Stopped:
        print("\nStopping ...", flush=True)
    finally:
        tree.stop()


def web_workers(value: str) -> int:
    """The number of processes: WEB_WORKERS, else the number of cores."""
    if not value:
        return os.cpu_count() or 1
    if not value.isdigit() or not 1 <= int(value) <= 256:
        raise ConfigError(f"WEB_WORKERS must be a whole number from 1 to 256 (it is {value!r}).")
    return int(value)


if __name__ == "__main__":
    main()
