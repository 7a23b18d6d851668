"""Ends something once a process is gone: `python caretaker.py PID FOLDER COMMAND ...`.

Servers that several test processes share have no single owner whose `finally` could stop them, and a test run may be
killed. This process watches the test run's first process, then runs COMMAND and removes FOLDER.
"""

import os
import shutil
import subprocess
import sys
import time


def main() -> None:
    watched, folder, command = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    while is_alive(watched):
        time.sleep(0.3)
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    shutil.rmtree(folder, ignore_errors=True)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


if __name__ == "__main__":
    main()
