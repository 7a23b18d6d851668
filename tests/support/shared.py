"""Things made once for a whole test run, though several processes (xdist workers) want them."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

Once = Callable[[str, Callable[[], str]], str]


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder that all processes of this test run share."""
    base = tmp_path_factory.getbasetemp()
    return base if worker_id == "master" else base.parent


@pytest.fixture(scope="session")
def once(run_folder: Path) -> Once:
    """`once(name, make)`: what `make()` answered to the first process that asked; the others wait for it."""

    def answer(name: str, make: Callable[[], str]) -> str:
        kept = run_folder / f"once-{name}"
        with locked(run_folder / f"once-{name}.lock"):
            if not kept.exists():
                made = make()
                kept.write_text(made, encoding="utf-8")
            return kept.read_text(encoding="utf-8")

    return answer


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file; other processes wait."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def end_with_test_run(folder: Path, command: list[str]) -> None:
    """Run `command` and remove `folder` when the test run is over, however it ends."""
    # A worker's parent is the process that leads the run.
    leader = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
    caretaker = Path(__file__).with_name("caretaker.py")
    process = subprocess.Popen(
        [sys.executable, "-I", str(caretaker), str(leader), str(folder), *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    process.returncode = 0  # it outlives this process on purpose: nobody waits for it


def unavailable(what: str) -> None:
    """Skip loudly what this machine cannot test; where CI=true, that is a failure."""
    if os.environ.get("CI", "").lower() in ("1", "true", "yes"):
        pytest.fail(f"{what} (CI must run these tests)", pytrace=False)
    pytest.skip(f"NOT TESTED HERE: {what}")
