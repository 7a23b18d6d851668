"""`make run`: the whole portal with demo data, as one tree of processes that ends as a whole.

    .venv/bin/python -m tools.run

Prepares the instance folder and the database, then runs the Google Calendar emulator, the web server and the worker
until Ctrl-C, SIGTERM, the end of make, or the death of one of them; then everything stops. Each runs in a process
group of its own, and tools/guardian.py stops these groups should this process be killed without a chance to.
"""

import os
import secrets
import socket
import sys
import tempfile
from dataclasses import fields
from pathlib import Path
from urllib.parse import urlsplit

from portal.config import DEMO_ENV, Settings, load_settings, read_demo_env
from portal.dev.demo import accounts
from portal.dev.google_emulator.settings import CLIENT_ID, DEFAULT_PORT, google_settings
from portal.errors import ConfigError
from tools.database import database_problem, has_user
from tools.prepare import ROOT
from tools.server import port_problem, server_command, server_environ
from tools.tree import CannotStart, Stopped, Tree

WEB_WORKERS = 2
# The instance folder is where the file is; all else is a setting by its name in the environment.
SETTING_NAMES = {field.name.upper() for field in fields(Settings)} - {"INSTANCE_PATH"}


def main() -> None:
    tree = None
    try:
        environ = dict(os.environ)
        settings = settle(environ)
        tree = Tree(environ)
        if not settings.google_client_id:
            start_emulator(tree, settings)
        write_demo_env(settings.instance_path, environ)
        prepare_database(tree, settings)
        start_portal(tree, settings)
        tree.wait()
    except (CannotStart, ConfigError) as failure:
        sys.exit(str(failure))
    except Stopped:
        print("\nStopping ...", flush=True)
    finally:
        if tree:
            tree.stop()


def prepare_database(tree: Tree, settings: Settings) -> None:
    """Load the demo where it is absent; where it is there, only say how to get in, which needs no application."""
    kept = accounts.read_sign_ins(settings.instance_path)
    # The staff account is the first of the list and the last that is made.
    if kept and not database_problem(settings) and has_user(settings, kept[0].email):
        print(accounts.sign_in_help(settings.instance_path, kept), flush=True)
    else:
        tree.run_once("The database cannot be prepared", "-m", "tools.demo_database")


def settle(environ: dict[str, str]) -> Settings:
    """Prepare the instance folder and the secret key, and read the settings (CannotStart, ConfigError)."""
    instance = Path(environ.get("INSTANCE_PATH", "").strip() or "instance").expanduser()
    instance = instance if instance.is_absolute() else ROOT / instance
    try:
        instance.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=instance):
            pass
        if not environ.get("SECRET_KEY", "").strip():
            environ["SECRET_KEY"] = read_demo_env(instance).get("SECRET_KEY") or secrets.token_hex(32)
    except OSError as error:
        raise CannotStart(f"The folder {instance} is not writable ({error.strerror}).") from None
    settings = load_settings(environ)
    accounts.refuse_public_host(settings)
    problem = port_problem(settings.host, settings.port)
    if problem:
        raise CannotStart(f"{problem} Name another port: PORT=8080 make run")
    return settings


def write_demo_env(instance: Path, environ: dict[str, str]) -> None:
    """Write the settings of this start for commands to use; only their owner may read them."""
    names = sorted(SETTING_NAMES & environ.keys())
    lines = ["# The settings of the last `make run`. Commands read them where SECRET_KEY is not set."]
    lines += [f"{name}={environ[name].strip()}" for name in names if environ[name].strip()]
    fresh = instance / f"{DEMO_ENV}.new"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    fresh.replace(instance / DEMO_ENV)


def start_emulator(tree: "Tree", settings: Settings) -> None:
    """Start the emulator and point the portal to it, on the port of the last start: calendar links contain it."""
    kept = read_demo_env(settings.instance_path)
    port = urlsplit(kept["GOOGLE_API_ROOT"]).port or 0 if kept.get("GOOGLE_CLIENT_ID") == CLIENT_ID else 0
    if port and port_problem("127.0.0.1", port):
        print(f"Port {port} of the Google Calendar emulator is in use: links to shared calendars change.", flush=True)
        port = 0
    if not port:
        port = DEFAULT_PORT if not port_problem("127.0.0.1", DEFAULT_PORT) else free_port()
    root = f"http://127.0.0.1:{port}"
    data = str(settings.instance_path / "emulator.db")
    listen = ("--host", "127.0.0.1", "--port", str(port))
    tree.start("the emulator", "-m", "portal.dev.google_emulator", *listen, "--data", data)
    tree.environ.update(google_settings(root))
    tree.expect("127.0.0.1", port)


def start_portal(tree: "Tree", settings: Settings) -> None:
    tree.environ.update(server_environ(settings.instance_path.absolute()))
    tree.start("the web server", *server_command(settings.host, settings.port, WEB_WORKERS))
    tree.start("the worker", "-m", "flask", "--app", "wsgi", "worker")
    tree.expect(settings.host, settings.port)
    tree.wait_until_up()
    print(f"\nThe portal is at {settings.public_url} (Ctrl-C stops it).", flush=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    main()
