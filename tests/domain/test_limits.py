"""What one person may hold of the whole portal, and in which words more is refused."""

from datetime import timedelta

import pytest

from portal.domain.limits import Limits, Usage, limit_message

NONE = Usage()


def held(requests=0, hours=0.0):
    return Usage(requests, timedelta(hours=hours))


@pytest.mark.parametrize(
    ("limits", "others", "before", "after", "refused"),
    [
        (Limits(3, 10), held(2, 8), NONE, held(1, 2), None),
        (Limits(3, 10), held(3, 0), NONE, held(1, 1), "3 open requests"),
        (Limits(1, 0), held(1, 0), NONE, held(1, 1), "1 open request,"),
        # Confirmed at once: no open request.
        (Limits(3, 10), held(3, 0), NONE, held(0, 1), None),
        (Limits(3, 10), held(0, 8), NONE, held(1, 2.5), "adds 2 hours and 30 minutes"),
        (Limits(0, 10), held(99, 8), NONE, held(1, 1), None),
        (Limits(3, 0), held(0, 999), NONE, held(1, 99), None),
        # Somebody who is over a limit that was lowered may still move, as long as that takes no more.
        (Limits(3, 10), held(7, 50), held(1, 5), held(1, 5), None),
        (Limits(3, 10), held(7, 50), held(1, 5), held(1, 6), "One person may hold 10 hours ahead"),
        (Limits(3, 10), held(3, 5), held(0, 5), held(1, 5), "Wait until one is answered, or cancel one."),
    ],
)
def test_what_is_refused(limits, others, before, after, refused):
    found = limit_message(limits, others, before, after)
    assert found is None if refused is None else refused in (found or "")


def test_no_limit_at_all():
    assert not Limits(0, 0)
    assert Limits(1, 0)
    assert Limits(0, 1)
