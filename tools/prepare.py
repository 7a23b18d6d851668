"""Set up .venv from the hashed lock, then the front-end assets.

Runs on the system's Python with nothing installed:

    python3 -m tools.prepare run|lint|test [--retry-assets]

`run` installs requirements/base.txt, `lint` and `test` requirements/dev.txt (which holds all of base.txt);
`run` and `test` fetch the front-end assets, `test` also the published API clients. Each step leaves a
stamp, so that a second call does nothing, and one whose input changed is done again.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - this very file meets the old ones, to say so in one line
    sys.exit(
        "Python 3.11 or newer is needed; this is %d.%d (%s). "  # noqa: UP031 - must parse on old ones
        "Name another one: make PYTHON=/path/to/python3.11" % (sys.version_info[0], sys.version_info[1], sys.executable)
    )

import argparse
import contextlib
import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
UNFINISHED = VENV / ".unfinished"
CLIENT_VERSIONS = ("7.8.5", "7.9.1", "8.1.3")
# These send pip's files elsewhere than into the environment it runs in. Everything else of the user's pip
# configuration (mirrors, certificates, proxies, caches) is respected.
PIP_ELSEWHERE = ("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_PYTHON", "PIP_DRY_RUN")


class SetUpFailed(Exception):
    """The set-up cannot go on; the text is one line for a person."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Set up .venv and the front-end assets.")
    parser.add_argument("purpose", choices=("run", "lint", "test"))
    parser.add_argument("--retry-assets", action="store_true", help="try the assets again after a failure")
    arguments = parser.parse_args()
    try:
        with only_one_at_a_time():
            prepare(arguments.purpose, retry_assets=arguments.retry_assets or arguments.purpose == "test")
    except SetUpFailed as failure:
        sys.exit(str(failure))
    except KeyboardInterrupt:
        sys.exit("Set-up interrupted; the next start goes on from here.")


def prepare(purpose: str, *, retry_assets: bool) -> None:
    """Bring .venv (and, but for `lint`, what the browser and the tests load) up to date for one purpose."""
    make_venv()
    install_requirements("base.txt" if purpose == "run" else "dev.txt")
    if purpose == "test":
        for version in CLIENT_VERSIONS:
            install_client(version)
    compile_command = [str(VENV_PYTHON), "-m", "tools.translations", "compile"]
    run_or_fail(compile_command, clean_environ(), "The translations cannot be compiled")
    if purpose != "lint":
        command = [str(VENV_PYTHON), "-m", "tools.assets"]
        subprocess.run(command + (["--retry"] if retry_assets else []), cwd=ROOT, env=clean_environ(), check=False)


@contextlib.contextmanager
def only_one_at_a_time() -> Iterator[None]:
    """Two set-ups of one checkout at once (make run beside make test) wait for each other."""
    descriptor = os.open(ROOT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Waiting for another set-up of this folder to finish ...")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def make_venv() -> None:
    """Create .venv; one that was left half-made, or whose Python is gone, is made anew."""
    if is_usable():
        return
    for module in ("venv", "ensurepip"):
        if importlib.util.find_spec(module) is None:
            raise SetUpFailed(
                f"This Python ({sys.executable}) has no {module} module: install it "
                "(Debian, Ubuntu: apt-get install python3-venv) or name another Python with make PYTHON=..."
            )
    if not os.access(ROOT, os.W_OK):
        raise SetUpFailed(f"The folder {ROOT} is not writable: the portal keeps its environment there, in .venv.")
    say("Making .venv ..." if not VENV.exists() else "Making .venv anew: the one that is there is not whole ...")
    environ = clean_environ()
    VENV.mkdir(exist_ok=True)
    run_or_fail(
        [sys.executable, "-m", "venv", "--clear", str(VENV)],
        environ,
        "The virtual environment cannot be made",
    )
    UNFINISHED.touch()


def is_usable() -> bool:
    """Whether .venv is whole: nothing broke off in it, its Python starts, is new enough and has pip."""
    if not VENV_PYTHON.exists() or (UNFINISHED.exists() and installed()):
        return False
    if any(read(stamp).endswith(str(VENV)) for stamp in VENV.glob(".installed-*")):
        return True
    probe = [str(VENV_PYTHON), "-I", "-c", "import sys, pip; sys.exit(sys.version_info < (3, 11))"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


def installed() -> bool:
    """Whether more than pip lies in .venv, so that a broken-off installation may have left half a package."""
    return any(VENV.glob("lib/python3*/site-packages/flask*"))


def install_requirements(name: str) -> None:
    """Install one locked file of requirements into .venv, unless its stamp says that this was done."""
    lock = ROOT / "requirements" / name
    stamp = VENV / f".installed-{name}"
    fingerprint = f"{digest(lock)} {VENV}"
    if read(stamp) == fingerprint:
        return
    if name == "base.txt" and read(VENV / ".installed-dev.txt").startswith(digest(ROOT / "requirements" / "dev.txt")):
        return
    say(f"Installing the Python packages of requirements/{name} (once; under a minute as a rule) ...")
    UNFINISHED.touch()
    pip_install(["-r", str(lock)], "The Python packages cannot be installed")
    UNFINISHED.unlink(missing_ok=True)
    # The other file's stamp says nothing any more: this one may have brought other versions.
    for other in VENV.glob(".installed-*"):
        other.unlink()
    stamp.write_text(fingerprint, encoding="utf-8")


def install_client(version: str) -> None:
    """Install one version of the published client into a folder of its own, for the tests."""
    lock = ROOT / "requirements" / f"client-{version}.txt"
    folder = VENV / "clients" / version
    stamp = folder / ".installed"
    if read(stamp) == digest(lock):
        return
    say(f"Installing waldur-api-client {version} for the tests ...")
    shutil.rmtree(folder, ignore_errors=True)
    # Thousands of modules of which a test imports a few: compiled when imported.
    options = ["--no-compile", "--target", str(folder), "-r", str(lock)]
    pip_install(options, f"waldur-api-client {version} cannot be installed")
    stamp.write_text(digest(lock), encoding="utf-8")


def pip_install(options: list[str], complaint: str) -> None:
    command = [
        str(VENV_PYTHON),
        "-m",
        "pip",
        "install",
        "-qq",
        "--disable-pip-version-check",
        "--no-input",
    ]
    if "--target" not in options:
        command.append("--no-user")
    run_or_fail([*command, "--require-hashes", *options], clean_environ(), complaint)


def run_or_fail(command: list[str], environ: dict[str, str], complaint: str) -> None:
    status = subprocess.run(command, env=environ, stdin=subprocess.DEVNULL, check=False).returncode
    if status:
        raise SetUpFailed(f"{complaint} (see above; exit status {status}).")


def clean_environ() -> dict[str, str]:
    """The user's environment without what would send an installation or an import elsewhere."""
    unwanted = {*PIP_ELSEWHERE, "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__"}
    return {name: value for name, value in os.environ.items() if name not in unwanted}


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
