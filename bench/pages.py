"""`.venv/bin/python -m bench.pages`: milliseconds of CPU that long pages and feeds take inside one process, on SQLite.

1,000 offerings with 12,000 bookings, of which 500 wait for an answer, and 50,000 people. Each is asked ten times; the
first and the fastest are printed, with the length of the answer.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from flask import session
from flask_login import login_user
from sqlalchemy import insert, select, update

from bench.__main__ import a_database
from bench.data import fill
from portal.app import create_app
from portal.config import load_settings
from portal.extensions import analyse, db, transaction
from portal.models import Booking, User
from portal.web.people import start_session

PEOPLE = 50_000


def main() -> None:
    with a_database("") as environ:
        app = create_app(load_settings(environ))
        with app.app_context():
            _, busiest = fill(1_000, 12_000, 9_000)
            with transaction() as writing:
                writing.execute(update(Booking).where(Booking.id > 11_500).values(state="requested"))
                people = [
                    {"email": f"p{it}@example.org", "full_name": f"P {it * 7919 % PEOPLE:05}", "session_key": f"k{it}"}
                    for it in range(PEOPLE)
                ]
                writing.execute(insert(User), people)
            analyse()
        client = app.test_client()
        with app.test_request_context():
            user = db.session.execute(select(User).where(User.email == "bench@example.org")).scalar_one()
            start_session(user, login_user)
            db.session.commit()
            signed_in = dict(session)
        with client.session_transaction() as kept:
            kept.update(signed_in)
        day = (datetime.now(UTC) + timedelta(days=3)).date().isoformat()
        for name, path in (
            ("feed of 5,000 slots", f"/offerings/{busiest}/calendar.ics"),
            ("day view", f"/timeline/?day={day}"),
            ("requests, 500 of them", "/manage/requests/"),
            ("people, page 1,000", "/manage/people/?page=1000"),
        ):
            spent = []
            for _ in range(10):
                begin = time.process_time()
                answer = client.get(path)
                spent.append((time.process_time() - begin) * 1000)
            print(
                f"{name:24}{spent[0]:8.1f} {min(spent):8.1f} {len(answer.data):10,}  {answer.status_code}", flush=True
            )


if __name__ == "__main__":
    main()
