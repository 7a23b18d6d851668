"""A process that works on the one calendar of a database in children of its own, and kills each with -9.

    python -m tests.support.killer < delays, one a line (seconds); answers "killed" or "ended" for each

The application is imported once, and a child is a fork: twenty workers cost no twenty starts.
"""

import os
import signal
import sys
import time

from portal.app import create_app
from portal.extensions import db
from portal.models import GoogleCalendar
from portal.worker.tasks import engine_of


def work() -> None:
    """One run, as a worker does it."""
    app = create_app()
    with app.app_context():
        [calendar_id] = db.session.query(GoogleCalendar.id).one()
        db.session.rollback()
        engine_of(app).run(calendar_id)


def main() -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                work()
            finally:
                os._exit(0)
        time.sleep(float(line))
        os.kill(child, signal.SIGKILL)
        _pid, status = os.waitpid(child, 0)
        print("killed" if os.WIFSIGNALED(status) else "ended", flush=True)  # noqa: T201 - its answer


if __name__ == "__main__":
    main()
