"""What postes should do and whether they were told; and what a commit tells to those who wait."""

from contextlib import suppress

import pytest
from sqlalchemy import func, insert, select, update

from fleet.database import bulk, news, outbox, tables
from fleet.database.engine import Database
from fleet.database.news import News
from fleet.database.outbox import Wanted
from fleet.domain.errors import NotFound
from fleet.usecases import sessions
from fleet.usecases.desired import message
from tests.support.rooms import Room, Undone, make_room


def _unsent(room: Room) -> dict[int, int]:
    with room.fleet.database.read() as tx:
        return {one.poste_id: one.rev for one in outbox.unsent(tx, room.site_id, 100)}


def _sent(room: Room) -> None:
    with room.tx() as tx:
        outbox.mark_sent(tx, [(one.poste_id, one.rev) for one in outbox.numbers(tx, room.site_id)])


def test_a_new_poste_is_to_be_told(room: Room) -> None:
    assert set(_unsent(room)) == set(room.postes)


def test_a_change_is_unsent_until_it_is_marked_and_many_changes_are_one(room: Room) -> None:
    running, poste = room.running(), room.postes[0]
    _sent(room)
    assert _unsent(room) == {}
    for seconds in (60, 60, -30):
        sessions.add_time(room.fleet, room.actor, running, seconds)
    rev = room.wanted(poste).rev
    assert _unsent(room) == {poste: rev}
    with room.tx() as tx:
        outbox.mark_sent(tx, [(poste, rev - 1)])
    assert _unsent(room) == {poste: rev}
    with room.tx() as tx:
        outbox.mark_sent(tx, [(poste, rev)])
    assert _unsent(room) == {}


def test_a_late_acknowledgement_never_unsends_what_is_newer(room: Room) -> None:
    poste = room.postes[0]
    with room.tx() as tx:
        outbox.mark_sent(tx, [(poste, 9)])
        outbox.mark_sent(tx, [(poste, 3)])
        outbox.mark_sent(tx, [(poste, 5), (room.postes[1], 4), (poste, 7)])
        assert [outbox.of_poste(tx, p).sent_rev for p in room.postes] == [9, 4, 0]


def test_the_number_of_a_poste_only_rises_from_one_session_to_the_next(room: Room) -> None:
    poste, seen = room.postes[0], []
    for _ in range(3):
        running = room.running(poste=poste)
        seen.append(room.wanted(poste).rev)
        sessions.terminate(room.fleet, room.actor, running)
        seen.append(room.wanted(poste).rev)
    assert seen == sorted(set(seen))


def test_a_change_that_is_undone_is_not_sent(room: Room) -> None:
    _sent(room)
    with suppress(Undone), room.tx() as tx:
        outbox.bump(tx, room.site_id, room.postes[0], "demarrage")
        raise Undone
    assert _unsent(room) == {}


def test_a_poste_that_does_not_exist_cannot_be_told(room: Room) -> None:
    with pytest.raises(NotFound), room.tx() as tx:
        outbox.bump(tx, room.site_id, 999_999, "demarrage")


def test_a_batch_raises_each_poste_once_and_tells_the_free_ones(room: Room) -> None:
    first, second, _ = room.postes
    room.running(poste=second)
    before = {poste: room.wanted(poste).rev for poste in room.postes}
    with room.tx() as tx:
        told = bulk.bump(tx, [(second, "redemarrage"), (first, "duree_ecoulee")])
    assert [(one.poste_id, one.rev, one.session) for one in told] == [(first, before[first] + 1, None)]
    assert {poste: room.wanted(poste).rev - before[poste] for poste in room.postes} == {
        first: 1,
        second: 1,
        room.postes[2]: 0,
    }
    with room.tx() as tx:
        assert bulk.bump(tx, []) == []


def test_the_message_is_made_when_it_is_sent_with_the_time_left_then(room: Room) -> None:
    running, poste = room.running(1800), room.postes[0]
    room.pass_time(running, minutes=10)
    with room.fleet.database.read() as tx:
        told = message(outbox.of_poste(tx, poste), 12, tx.now)
        free = message(outbox.of_poste(tx, room.postes[1]), 12, tx.now)
    assert (told.phase, told.term, told.session, told.grace_ms) == ("active", 12, str(running), 60_000)
    assert abs(told.remaining_ms - 1_200_000) < 3_000
    assert (free.phase, free.session) == ("locked", None)
    room.pass_time(running, minutes=20, seconds=10)
    with room.fleet.database.read() as tx:
        grace = message(outbox.of_poste(tx, poste), 12, tx.now)
    assert (grace.phase, grace.remaining_ms) == ("grace", 0)
    assert 45_000 < grace.grace_ms <= 50_000


def test_the_time_of_a_start_waits_until_its_poste_has_unlocked(room: Room) -> None:
    made, poste = room.new(1800), room.postes[0]
    waiting = room.type(made.code, poste)
    assert message(waiting.wanted, 12, waiting.now).waits
    (confirmed,) = room.done(poste, made.session_id, 1_800_000)
    assert not message(confirmed, 12, waiting.now).waits


def test_a_paused_session_and_a_poste_in_maintenance_say_so(room: Room) -> None:
    running, poste = room.running(), room.postes[0]
    sessions.suspend(room.fleet, room.actor, running)
    with room.tx() as tx:
        tx.execute(
            update(tables.poste).where(tables.poste.c.id == room.postes[1]).values(statut_voulu="maintenance")
        )
        assert message(outbox.of_poste(tx, poste), 1, tx.now).phase == "suspended"
        assert message(outbox.of_poste(tx, room.postes[1]), 1, tx.now).phase == "maintenance"


def test_commands_wait_until_they_are_sent_and_end_once(room: Room) -> None:
    with room.tx() as tx:
        for name in ("c1", "c2"):
            facts = {"id": name, "site_id": room.site_id, "poste_id": room.postes[0], "op": "reboot"}
            when = {"boot": "boot-1", "issued_at": tx.now, "updated_at": tx.now, "ttl_ms": 10_000}
            tx.execute(insert(tables.command).values(**facts, **when))
    with room.tx() as tx:
        assert [order.id for order in outbox.unsent_commands(tx, room.site_id, 10)] == ["c1", "c2"]
        assert outbox.mark_command(tx, "c1", "envoyee")
        assert [order.id for order in outbox.unsent_commands(tx, room.site_id, 10)] == ["c2"]
        assert outbox.mark_command(tx, "c1", "done")
        assert not outbox.mark_command(tx, "c1", "refused")
        assert not outbox.mark_command(tx, "unknown", "done")


class TestNews:
    def test_news_survive_their_payload(self) -> None:
        told = (News(1, news.DESIRED), News(0, news.LOG))
        assert news.from_payload(news.to_payload(told)) == told
        assert news.from_payload("x 1 :y 2:desired") == (News(1, ""), News(2, "desired"))

    def test_a_commit_tells_its_news_once_and_an_undone_one_tells_nothing(self, room: Room) -> None:
        heard: list[tuple[News, ...]] = []
        stop = room.fleet.database.listen(heard.append)
        with room.tx() as tx:
            tx.tell(room.site_id, news.DESIRED)
            tx.tell(room.site_id, news.DESIRED)
            assert heard == []
        with suppress(Undone), room.tx() as tx:
            tx.tell(room.site_id, news.CONFIG)
            raise Undone
        stop()
        with room.tx() as tx:
            tx.tell(room.site_id, news.CODES)
        expected = [] if room.fleet.database.is_postgresql else [(News(room.site_id, news.DESIRED),)]
        assert heard == expected

    def test_what_another_process_commits_is_missed_by_none_and_ones_own_commits_are_not_taken_for_it(
        self, room: Room
    ) -> None:
        database, heard = room.fleet.database, list[tuple[News, ...]]()
        if database.is_postgresql:
            return
        stop, other = database.listen(heard.append), Database(database.url)
        ours, unknown = (News(room.site_id, news.DESIRED),), ()

        def tell(where: Database) -> None:
            with where.transaction() as tx:
                tx.tell(room.site_id, news.DESIRED)

        def learnt() -> list[tuple[News, ...]]:
            database.look_around()
            said = heard[:]
            heard.clear()
            return said

        learnt()
        tell(database)
        assert learnt() == [ours]
        tell(other)
        assert learnt() == [unknown]
        assert learnt() == []
        tell(other)
        tell(database)
        assert learnt() == [unknown, ours]
        with suppress(Undone), database.transaction() as tx:
            tx.tell(room.site_id, news.DESIRED)
            tx.flush()
            raise Undone
        tell(other)
        assert learnt() == [unknown]
        stop()
        other.close()

    def test_postgresql_notifies_other_connections(self, room: Room) -> None:
        if not room.fleet.database.is_postgresql:
            return
        with room.fleet.database.engine.connect() as ears:
            ears.exec_driver_sql(f"LISTEN {news.CHANNEL}")
            ears.commit()
            with room.tx() as tx:
                tx.tell(room.site_id, news.DESIRED)
            ears.exec_driver_sql("SELECT 1")
            notified = ears.connection.driver_connection.notifies  # type: ignore[union-attr]
            assert news.from_payload(notified[0].payload) == (News(room.site_id, news.DESIRED),)

    @pytest.mark.parametrize("database", ["postgresql"], indirect=True)
    def test_a_notification_takes_along_what_a_poste_should_do(self, room: Room) -> None:
        running, (first, second, _) = room.running(person=room.person()), room.postes
        with room.fleet.database.engine.connect() as ears:
            ears.exec_driver_sql(f"LISTEN {news.CHANNEL}")
            ears.commit()

            def heard() -> list[Wanted | None]:
                ears.exec_driver_sql("SELECT 1")
                ears.commit()
                waiting = ears.connection.driver_connection.notifies  # type: ignore[union-attr]
                told = [news.from_payload(waiting.pop(0).payload) for _ in range(len(waiting))]
                return [outbox.carried(one) for each in told for one in each if one.topic == news.DESIRED]

            sessions.add_time(room.fleet, room.actor, running, 600)
            assert heard() == [room.wanted(first)]
            sessions.suspend(room.fleet, room.actor, running)
            assert heard() == [room.wanted(first)]
            sessions.terminate(room.fleet, room.actor, running)
            assert heard() == [room.wanted(first)]
            with room.tx() as tx:
                outbox.bump(tx, room.site_id, first, "reprise")
                outbox.bump(tx, room.site_id, second, "reprise")
            assert heard() == [None], "what more than one poste should do is asked for"
            with room.tx() as tx:
                outbox.bump(tx, room.site_id, first, "reprise")
                tx.tell(room.site_id, news.DESIRED)
            assert heard() == [None], "so is what else there may be"


def test_nothing_is_told_to_the_postes_of_another_site(room: Room) -> None:
    other = make_room(room.fleet.database)
    assert set(_unsent(room)).isdisjoint(other.postes)
    with room.fleet.database.read() as tx:
        assert tx.execute(select(func.count()).select_from(tables.desired)).scalar_one() == 6
