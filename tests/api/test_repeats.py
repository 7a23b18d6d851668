"""Many requests at once with one Idempotency-Key: one booking is made, and every request is answered with it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

from sqlalchemy import func, select

from portal.extensions import db
from portal.models import Booking, StoredIdempotencyKey
from portal.services import accounts
from tests.support import builders as make

AT_ONCE = 24


def test_parallel_requests_with_one_key_get_one_booking(live_database):
    begin = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=2)
    with live_database.app.app_context():
        offering = make.offering(attributes={"schedules": make.schedule(begin - timedelta(days=1))})
        user = make.user()
        token = accounts.create_token(make.actor(user), user.id, "test").key
        slots = [{"start": begin.isoformat(), "end": (begin + timedelta(hours=1)).isoformat()}]
        body = {"offering": str(offering.uuid), "slots": slots}
    headers = {"Authorization": f"Token {token}", "Idempotency-Key": "once"}
    together = Barrier(AT_ONCE)

    def ask(_number: int):
        client = live_database.app.test_client()
        together.wait()
        return client.post("/api/booking-resources/", json=body, headers=headers)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(ask, range(AT_ONCE)))
    assert {answer.status_code for answer in answers} == {201}, [answer.text for answer in answers]
    assert len({answer.data for answer in answers}) == 1
    assert len({answer.headers["Location"] for answer in answers}) == 1
    with live_database.app.app_context():
        for model in (Booking, StoredIdempotencyKey):
            assert db.session.execute(select(func.count()).select_from(model)).scalar_one() == 1
