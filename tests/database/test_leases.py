"""Who drives a site: one controller at a time, and none that lost its lease can commit anything."""

import threading
import time
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from fleet.database import engine, leases, tables
from fleet.database.engine import Database
from fleet.database.leases import Lease
from fleet.domain.errors import LeaseLost
from fleet.usecases import endings, kiosk, sending
from tests.support.rooms import Room, make_room
from tests.support.waiting import wait_until

table = tables.lease


def acquire(room: Room, holder: str, *, floor: int = 0) -> Lease | None:
    with room.tx() as tx:
        return leases.acquire(tx.connection, room.site_id, holder, tx.now, floor)


def expire(room: Room) -> None:
    with room.tx() as tx:
        tx.execute(update(table).values(expires_at=tx.now - timedelta(seconds=1)))


def test_a_lease_is_held_by_one_until_it_is_over(room: Room) -> None:
    assert acquire(room, "other") is None
    expire(room)
    taken = acquire(room, "other")
    assert taken is not None
    assert taken.term > room.lease.term
    assert acquire(room, "tests") is None


def test_the_next_lease_to_end_is_that_of_another_that_still_runs(room: Room) -> None:
    with room.tx() as tx:
        ends = tx.execute(select(table.c.expires_at)).scalar_one()
        assert leases.next_end(tx.connection, "other", tx.now) == ends
        assert leases.next_end(tx.connection, room.lease.holder, tx.now) is None
        assert leases.next_end(tx.connection, "other", ends) is None


def test_a_term_is_above_the_last_one_the_clock_and_what_postes_have_seen(room: Room) -> None:
    assert room.lease.term >= int(time.time()) - 60
    again = acquire(room, "tests")
    assert again is not None
    assert again.term > room.lease.term
    far = 2**40
    higher = acquire(room, "tests", floor=far)
    assert higher == Lease(room.site_id, "tests", far)
    after = acquire(room, "tests")
    assert after is not None
    assert after.term == far + 1


def test_who_lost_the_lease_can_commit_nothing(room: Room) -> None:
    running = room.running()
    room.pass_time(running, minutes=62)
    expire(room)
    acquire(room, "other")
    before, entries = room.row(running), len(room.log())
    with pytest.raises(LeaseLost):
        endings.end_due(room.fleet, room.lease, [running])
    with pytest.raises(LeaseLost):
        room.type("QQQQQQ", room.postes[1])
    with pytest.raises(LeaseLost):
        kiosk.offline(room.fleet, room.lease, room.postes[0], before.fin_prevue)
    assert room.row(running) == before
    assert len(room.log()) == entries


def test_a_lease_that_is_over_but_not_taken_still_fences(room: Room) -> None:
    expire(room)
    room.type(room.new().code, room.postes[0])


def test_renewing_prolongs_what_is_held_and_tells_what_is_not(room: Room) -> None:
    other = make_room(room.fleet.database)
    with room.tx() as tx:
        assert leases.renew(tx.connection, "tests", tx.now) == {room.lease, other.lease}
    with room.tx() as tx:
        tx.execute(update(table).where(table.c.site_id == room.site_id).values(expires_at=tx.now))
        leases.acquire(tx.connection, room.site_id, "thief", tx.now + timedelta(seconds=1))
    with room.tx() as tx:
        assert leases.renew(tx.connection, "tests", tx.now) == {other.lease}


def test_a_lease_given_back_is_free_at_once_and_stays_given(room: Room) -> None:
    with room.tx() as tx:
        assert leases.free_sites(tx.connection, tx.now) == []
        leases.release(tx.connection, room.lease, tx.now)
    with room.tx() as tx:
        assert leases.renew(tx.connection, "tests", tx.now) == set()
        assert [site for site, _ in leases.free_sites(tx.connection, tx.now)] == [room.site_id]
    with pytest.raises(LeaseLost):
        endings.expire_codes(room.fleet, room.lease)
    assert acquire(room, "other") is not None


def test_giving_back_what_another_holds_changes_nothing(room: Room) -> None:
    expire(room)
    taken = acquire(room, "other")
    assert taken is not None
    with room.tx() as tx:
        leases.release(tx.connection, room.lease, tx.now)
    with room.fleet.database.transaction(taken):
        pass


def test_of_many_that_want_a_free_site_one_gets_it(database: Database) -> None:
    room = make_room(database)
    with room.tx() as tx:
        tx.execute(table.delete())
    won: list[Lease | None] = []
    together = threading.Barrier(8)

    def want(holder: str) -> None:
        together.wait(10)
        won.append(acquire(room, holder))

    threads = [threading.Thread(target=want, args=(f"c{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len([lease for lease in won if lease is not None]) == 1
    assert len(won) == 8


def test_renewing_waits_for_no_transaction_that_holds_the_lease(room: Room) -> None:
    if not room.fleet.database.is_postgresql:
        return  # SQLite has one writer: nothing there holds a row
    with room.fleet.database.transaction(room.lease) as frozen, room.tx() as tx:
        assert frozen.now is not None
        tx.connection.exec_driver_sql("SET LOCAL lock_timeout = '200ms'")
        assert leases.renew(tx.connection, "tests", tx.now) == {room.lease}


def test_a_take_over_is_refused_while_a_transaction_of_the_holder_is_running(room: Room) -> None:
    expire(room)
    order: list[str] = []

    def take_over() -> None:
        while acquire(room, "other") is None:
            time.sleep(0.02)
        order.append("taken")

    thread = threading.Thread(target=take_over)
    with room.fleet.database.transaction(room.lease) as tx:
        assert tx.now is not None
        thread.start()
        time.sleep(0.3)
        order.append("committing")
    thread.join(20)
    assert order == ["committing", "taken"]


def test_a_take_over_does_not_wait_for_a_holder_that_froze(room: Room) -> None:
    if not room.fleet.database.is_postgresql:
        return  # SQLite has one writer: nothing there holds a row
    expire(room)
    with room.fleet.database.transaction(room.lease) as frozen, room.tx() as tx:
        assert frozen.now is not None
        tx.connection.exec_driver_sql("SET LOCAL lock_timeout = '50ms'")
        assert leases.acquire(tx.connection, room.site_id, "other", tx.now) is None


def test_what_froze_in_a_transaction_loses_its_hold_within_the_life_of_a_lease(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert leases.TTL.total_seconds() > engine.IDLE_TIMEOUT_S
    if not room.fleet.database.is_postgresql:
        return
    monkeypatch.setattr(engine, "IDLE_TIMEOUT_S", 0.2)
    frozen = Database(room.fleet.database.url, pool_size=1)
    expire(room)

    def thaw_after_a_take_over() -> None:
        with frozen.transaction(room.lease) as tx:
            assert tx.now is not None
            wait_until(lambda: acquire(room, "other"), 3)
            tx.execute(select(1))

    with pytest.raises(OperationalError):
        thaw_after_a_take_over()
    frozen.close()


def test_a_term_is_raised_without_waiting_for_one_s_own_transactions(room: Room) -> None:
    far = 2**40
    if room.fleet.database.is_postgresql:
        with room.fleet.database.transaction(room.lease) as running:
            assert running.now is not None
            raised = sending.raise_term(room.fleet, room.lease, far)
    else:
        raised = sending.raise_term(room.fleet, room.lease, far)
    assert raised == Lease(room.site_id, "tests", far)
    with pytest.raises(LeaseLost):
        sending.raise_term(room.fleet, room.lease, far)


def test_a_connection_notices_a_machine_that_is_gone(room: Room) -> None:
    if not room.fleet.database.is_postgresql:
        return
    with room.tx() as tx:
        connection = tx.connection.connection.driver_connection
        assert connection is not None
        said = connection.info.dsn_parameters
        limits = [tx.connection.exec_driver_sql(f"SHOW {name}").scalar_one() for name in _LIMITS]
    assert (said["tcp_user_timeout"], said["keepalives_idle"], said["keepalives_count"]) == ("5000", "5", "3")
    assert limits == ["5s", "4s"]


_LIMITS = ("lock_timeout", "idle_in_transaction_session_timeout")
