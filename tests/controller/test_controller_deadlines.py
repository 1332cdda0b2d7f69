"""Exact wake-ups, without polling."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

from controller.clock import STEP_S, DatabaseClock, boottime
from controller.deadlines import Deadlines


def clock() -> DatabaseClock:
    made = DatabaseClock()
    now = boottime()
    made.sample(now, datetime.now(UTC), now)
    return made


def soon(clock: DatabaseClock, seconds: float) -> datetime:
    return clock.now() + timedelta(seconds=seconds)


async def lateness(deadlines: Deadlines, due: float) -> float:
    async with asyncio.timeout(2):
        await deadlines.wait()
    return time.monotonic() - due


def test_it_wakes_when_the_earliest_deadline_comes() -> None:
    async def scene() -> None:
        ours = clock()
        deadlines = Deadlines(ours)
        due = time.monotonic() + 0.1
        deadlines.fill([(1, soon(ours, 5)), (2, soon(ours, 0.1))])
        assert 0 <= await lateness(deadlines, due) < 0.05
        assert deadlines.take(10) == [2]
        assert len(deadlines) == 1

    asyncio.run(scene())


def test_an_earlier_deadline_wakes_a_sleeper() -> None:
    async def scene() -> None:
        ours = clock()
        deadlines = Deadlines(ours)
        deadlines.arm(1, soon(ours, 60))
        asyncio.get_running_loop().call_later(0.05, deadlines.arm, 2, soon(ours, 0.1))
        assert 0 <= await lateness(deadlines, time.monotonic() + 0.1) < 0.05
        assert deadlines.take(10) == [2]

    asyncio.run(scene())


def test_a_deadline_that_moved_does_not_come_at_its_old_time() -> None:
    async def scene() -> None:
        ours = clock()
        deadlines = Deadlines(ours)
        deadlines.arm(1, soon(ours, 0.05))
        deadlines.arm(1, soon(ours, 0.2))
        assert 0 <= await lateness(deadlines, time.monotonic() + 0.2) < 0.05
        assert deadlines.take(10) == [1]

    asyncio.run(scene())


def test_what_is_disarmed_does_not_come() -> None:
    ours = clock()
    deadlines = Deadlines(ours)
    deadlines.arm(1, soon(ours, -1))
    deadlines.arm(1, None)
    assert deadlines.take(10) == []


def test_no_more_is_taken_than_asked_for() -> None:
    ours = clock()
    deadlines = Deadlines(ours)
    deadlines.fill((session, soon(ours, -1)) for session in range(10))
    assert len(deadlines.take(4)) == 4
    assert len(deadlines.take(100)) == 6


def test_a_step_of_the_database_clock_shows() -> None:
    ours = clock()
    now = boottime()
    assert ours.sample(now, datetime.now(UTC) + timedelta(seconds=1), now) == 0.0
    step = ours.sample(now, datetime.now(UTC) + timedelta(hours=1), now)
    assert abs(step - 3600) < STEP_S
    assert ours.sample(now, datetime.now(UTC) + timedelta(hours=1), now) == 0.0


def test_an_answer_that_came_late_spoils_nothing() -> None:
    ours = clock()
    now = boottime()
    told = datetime.now(UTC)
    assert ours.sample(now, told, now + 1.0) == 0.0  # read at once, heard of a second later
    assert abs((ours.now() - datetime.now(UTC)).total_seconds()) < 0.02


def test_of_what_is_read_the_narrowest_bounds_count() -> None:
    ours = DatabaseClock()
    now, told = boottime(), datetime.now(UTC)
    ours.sample(now - 0.001, told, now + 0.3)
    ours.sample(now - 0.2, told, now + 0.001)
    assert abs((ours.now() - datetime.now(UTC)).total_seconds()) < 0.005


def test_a_clock_that_was_set_by_a_little_is_followed_at_once() -> None:
    ours = clock()
    now = boottime()
    assert ours.sample(now, datetime.now(UTC) + timedelta(seconds=0.5), now + 0.001) == 0.0
    assert abs(ours.until(datetime.now(UTC) + timedelta(seconds=0.5))) < 0.02


def test_what_a_slow_reading_leaves_open_is_no_step() -> None:
    ours = DatabaseClock()
    now, told = boottime(), datetime.now(UTC)
    ours.sample(now - 6, told, now)  # the connection took six seconds
    assert ours.sample(now + 1, told + timedelta(seconds=0.95), now + 1.001) == 0.0
    assert abs(ours.until(told)) < 0.1


def test_by_how_much_the_clock_was_set_is_told_by_a_quick_reading() -> None:
    ours = clock()
    now, told = boottime(), datetime.now(UTC) + timedelta(hours=1)
    assert ours.sample(now - 4, told, now) == 0.0
    assert abs((ours.now() - datetime.now(UTC)).total_seconds()) < 0.02
    step = ours.sample(now + 1, told + timedelta(seconds=1), now + 1.001)
    assert abs(step - 3600) < 0.01
    assert abs(ours.until(told)) < 0.1
