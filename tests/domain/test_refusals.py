"""Obstacles on a timeline: of several at once the one to tell, and what they leave free."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from portal.domain.periods import Period
from portal.domain.refusals import ALL_TIME, Code, Obstacle, ObstacleTimeline


def at(hour: int) -> datetime:
    return datetime(2026, 3, 2, hour, tzinfo=UTC)


def obstacle(start: int, end: int, code: Code = Code.BOOKED) -> Obstacle:
    return Obstacle(Period(at(start), at(end)), code)


def hours(periods) -> list[tuple[int, int]]:
    return [(it.start.hour, it.end.hour) for it in periods]


@pytest.mark.parametrize(
    ("obstacles", "gaps"),
    [
        ([], [(8, 18)]),
        ([(10, 12)], [(8, 10), (12, 18)]),
        ([(10, 12), (12, 14)], [(8, 10), (14, 18)]),
        ([(10, 13), (11, 14)], [(8, 10), (14, 18)]),
        ([(8, 12)], [(12, 18)]),
        ([(12, 18)], [(8, 12)]),
        ([(7, 12), (14, 19)], [(12, 14)]),
        ([(7, 19)], []),
        ([(1, 8), (18, 20)], [(8, 18)]),
    ],
)
def test_what_obstacles_leave_free(obstacles, gaps):
    timeline = ObstacleTimeline(obstacle(*it) for it in obstacles)
    assert hours(timeline.gaps(Period(at(8), at(18)))) == gaps


def test_the_most_important_obstacle_is_reported():
    closed, booked = obstacle(10, 14, Code.DAY_CLOSED), obstacle(9, 12)
    timeline = ObstacleTimeline([booked, closed])
    assert timeline.first(Period(at(9), at(10))) is booked
    assert timeline.first(Period(at(9), at(11))) is closed
    assert timeline.first(Period(at(11), at(12))) is closed
    assert timeline.first(Period(at(14), at(15))) is None


def test_the_first_piece_that_ends_after_an_instant():
    timeline = ObstacleTimeline([obstacle(10, 12), obstacle(14, 15)])
    assert hours(it.period for it in map(timeline.after, (at(9), at(11), at(12), at(14))) if it) == [
        (10, 12),
        (10, 12),
        (14, 15),
        (14, 15),
    ]
    assert timeline.after(at(15)) is None


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Niue"])
def test_the_time_looked_at_begins_and_ends_where_every_zone_can_reckon_a_day_further(zone):
    # Both raise OverflowError at the ends of the calendar.
    for instant, day in ((ALL_TIME.start, -timedelta(days=1)), (ALL_TIME.end, timedelta(days=1))):
        assert instant.astimezone(ZoneInfo(zone)) + day
