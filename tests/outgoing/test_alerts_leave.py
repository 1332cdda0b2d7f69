"""Alerts and reports reach people by e-mail and programs by webhook, at least once; nothing waits for a dead one."""

import asyncio
import hmac
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from controller.outgoing import Teller
from fleet.database import alerts, deliveries, tables
from fleet.database.engine import Database
from fleet.domain.delivery import GENRES, LIFE, pause
from fleet.jobs import ledger, running
from fleet.jobs.settings import JobSettings
from fleet.outgoing import mail
from fleet.outgoing.settings import MailServer, NotDelivered, Outgoing
from fleet.outgoing.targets import targets, tell
from ppm.parts.process import free_port
from tests.support.certificates import own_certificate
from tests.support.outside import Listener, Mailbox, listener, mail_server
from tests.support.rooms import Room, make_room
from tests.support.waiting import wait_until

ZONE, DESK, BOSS, SECRET = "Indian/Reunion", "accueil@example.re", "direction@example.re", "w" * 40
delivery = tables.delivery


@pytest.fixture
def room(database: Database) -> Room:
    return make_room(database)


@pytest.fixture
def post() -> Iterator[tuple[MailServer, Mailbox]]:
    with mail_server(free_port()) as made:
        yield made


@pytest.fixture
def hook() -> Iterator[Listener]:
    with listener() as made:
        yield made


def silent(room: Room, number: int = 0) -> None:
    with room.tx() as tx:
        slug = tx.execute(
            select(tables.poste.c.slug).where(tables.poste.c.id == room.postes[number])
        ).scalar_one()
        facts = {"depuis": tx.now.isoformat()}
        alerts.begin(
            tx, alerts.SILENT, slug, site_id=room.site_id, poste_id=room.postes[number], details=facts
        )


def over(room: Room, kind: str, key: str) -> None:
    with room.tx() as tx:
        assert alerts.end(tx, kind, key)


def round_of(database: Database, settings: Outgoing, holder: str = "one") -> None:
    """What a controller does when it looks, one target after the other."""
    known = targets(settings, ZONE)
    with database.transaction() as tx:
        kinds = {kind: [one.name for one in known.values() if kind in one.kinds] for kind in GENRES}
        deliveries.address(tx, kinds)
        waiting = deliveries.due(tx)
    for name in sorted(waiting & known.keys()):
        while tell(database, known[name], holder):
            pass


def rows(database: Database) -> list[Any]:
    with database.read() as tx:
        return list(tx.execute(select(delivery).order_by(delivery.c.id)).all())


def let_pass(database: Database, much: timedelta) -> None:
    with database.transaction() as tx:
        for row in tx.execute(select(delivery)).all():
            moved = {"apres": row.apres - much, "created_at": row.created_at - much}
            tx.execute(update(delivery).where(delivery.c.id == row.id).values(**moved))


@contextmanager
def telling(database: Database, settings: Outgoing) -> Iterator[Callable[[], object]]:
    """A controller's loop, in a thread of its own; gives the way to wake it."""
    loop = asyncio.new_event_loop()
    teller = loop.run_until_complete(_made(database, settings))
    task = loop.create_task(teller.run())

    def work() -> None:
        with suppress(asyncio.CancelledError):
            loop.run_until_complete(task)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield lambda: loop.call_soon_threadsafe(teller.wake)
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(20)
        loop.close()
        assert not thread.is_alive()


async def _made(database: Database, settings: Outgoing) -> Teller:
    return Teller(database, settings, ZONE, "this one")


def test_a_room_that_goes_silent_is_one_message_and_one_post(
    room: Room, post: tuple[MailServer, Mailbox], hook: Listener
) -> None:
    server, box = post
    settings = Outgoing(server, alert_mails=(DESK,), webhooks=(hook.url,), webhook_secret=SECRET)
    for number in range(3):
        silent(room, number)
    with telling(room.fleet.database, settings):
        database = room.fleet.database
        wait_until(lambda: {row.statut for row in rows(database)} == {"envoye"}, 10, "both told")
    assert len(hook.events) == 3
    (message,) = box.messages
    assert box.recipients == [DESK]
    assert message["Subject"].startswith("Postes publics : 3 alerte(s)")
    text = message.get_content()
    assert text.count("ne donne plus signe de vie") == 3
    assert text.index("signe de vie") < text.index("English") < text.index("gives no sign of life")
    assert {one["genre"] for one in hook.events} == {alerts.SILENT}


def test_who_is_told_of_an_alert_is_told_of_its_end(room: Room, hook: Listener) -> None:
    settings = Outgoing(webhooks=(hook.url,), webhook_secret=SECRET)
    with room.tx() as tx:
        alerts.begin(tx, alerts.DISK, "archives", details={"dossier": "archives", "libre": 3})
    round_of(room.fleet.database, settings)
    over(room, alerts.DISK, "archives")
    round_of(room.fleet.database, settings)
    began, ended = hook.events
    assert (began["evenement"], began["fin"]) == ("alerte", None)
    assert (ended["evenement"], ended["alerte"]) == ("fin_alerte", began["alerte"])
    assert ended["fin"] is not None
    assert began["id"] != ended["id"]


def test_a_webhook_proves_who_sent_it_and_when(room: Room, hook: Listener) -> None:
    silent(room)
    round_of(room.fleet.database, Outgoing(webhooks=(hook.url,), webhook_secret=SECRET))
    (body,), (headers,) = hook.bodies, hook.headers
    stamp = headers["X-PPM-Timestamp"]
    expected = hmac.new(SECRET.encode(), stamp.encode() + b"." + body, sha256).hexdigest()
    assert headers["X-PPM-Signature"] == f"sha256={expected}"
    assert abs(time.time() - int(stamp)) < 60


def test_nothing_of_a_visitor_leaves(room: Room, hook: Listener, post: tuple[MailServer, Mailbox]) -> None:
    server, box = post
    person = room.person(nom="Hoareau", prenom="Zélie", email="zelie@example.re")
    room.running(person=person)
    silent(room)
    settings = Outgoing(server, alert_mails=(DESK,), webhooks=(hook.url,), webhook_secret=SECRET)
    round_of(room.fleet.database, settings)
    said = hook.bodies[0].decode() + box.messages[0].get_content()
    assert not {word for word in ("Hoareau", "Zélie", "zelie") if word in said}


def test_a_daily_report_comes_as_a_page_to_who_wants_reports_only(
    room: Room, post: tuple[MailServer, Mailbox]
) -> None:
    server, box = post
    database = room.fleet.database
    settings = Outgoing(server, alert_mails=(DESK,), report_mails=(BOSS,))
    with room.tx() as tx:
        slots = {job: ledger.ask(tx, job, None) for job in ("sessions_report", "logs_report")}
    for job, slot in slots.items():
        assert running.run_one(database, JobSettings(), job, slot, "tests")
    round_of(database, settings)
    assert box.recipients == [BOSS, BOSS]
    for message in box.messages:
        page = message.get_body(("html",))
        assert page is not None
        assert "<h1>Rapport" in page.get_content()


@pytest.mark.parametrize("tls", ["smtp", "smtps"])
def test_e_mail_goes_over_tls_that_is_checked(tls: str, tmp_path: Path, room: Room) -> None:
    silent(room)
    with mail_server(free_port(), certificate=own_certificate(tmp_path), tls=tls) as (server, box):
        stranger = MailServer(server.host, server.port, tls, server.sender, server.user, server.password)
        with pytest.raises(NotDelivered, match=r"(?i)certificate"), mail.connected(stranger):
            pass
        round_of(room.fleet.database, Outgoing(server, alert_mails=(DESK,)))
    assert (len(box.messages), box.encrypted) == (1, [True])


def test_e_mail_does_not_go_in_the_clear_where_tls_is_wanted(post: tuple[MailServer, Mailbox]) -> None:
    server, box = post
    wanted = MailServer(server.host, server.port, "smtp", server.sender)
    with pytest.raises(NotDelivered, match="STARTTLS"), mail.connected(wanted):
        pass
    assert box.messages == []


def test_what_a_dead_server_did_not_take_goes_when_it_is_back(room: Room) -> None:
    database, port = room.fleet.database, free_port()
    settings = Outgoing(webhooks=(f"http://127.0.0.1:{port}/hook",), webhook_secret=SECRET)
    silent(room)
    for tries in (1, 2):
        round_of(database, settings)
        (row,) = rows(database)
        assert (row.statut, row.essais) == ("a_envoyer", tries)
        round_of(database, settings)
        assert rows(database)[0].essais == tries, "it was tried again at once"
        let_pass(database, pause(tries) + timedelta(seconds=1))
    with listener(port) as hook:
        round_of(database, settings)
    assert [one["genre"] for one in hook.events] == [alerts.SILENT]
    assert rows(database)[0].statut == "envoye"


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_webhook_that_does_not_say_yes_has_not_taken_it(status: int, room: Room, hook: Listener) -> None:
    hook.status = status
    silent(room)
    round_of(room.fleet.database, Outgoing(webhooks=(hook.url,), webhook_secret=SECRET))
    assert [row.statut for row in rows(room.fleet.database)] == ["a_envoyer"]


def test_pauses_double_up_to_an_hour_and_after_a_day_it_is_given_up(room: Room) -> None:
    minutes = [pause(tries).total_seconds() / 60 for tries in range(1, 10)]
    assert minutes == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    database = room.fleet.database
    settings = Outgoing(webhooks=(f"http://127.0.0.1:{free_port()}/hook",), webhook_secret=SECRET)
    silent(room)
    round_of(database, settings)
    let_pass(database, LIFE)
    round_of(database, settings)
    assert [row.statut for row in rows(database)] == ["abandonne"]


def test_a_target_that_does_not_answer_is_an_alert_until_it_does(
    room: Room, post: tuple[MailServer, Mailbox]
) -> None:
    (server, box), database = post, room.fleet.database
    settings = Outgoing(server, alert_mails=(DESK,))
    box.refuses = "451 not now"
    silent(room)
    for _ in range(3):
        with database.read() as tx:
            assert alerts.open_keys(tx, alerts.OUTGOING) == set()
        round_of(database, settings)
        let_pass(database, timedelta(hours=1))
    with database.read() as tx:
        (found,) = tx.execute(select(tables.alert).where(tables.alert.c.genre == alerts.OUTGOING)).all()
    assert found.details == {"cible": server.host, "erreur": "le serveur de courriel refuse (451)"}
    box.refuses = None
    round_of(database, settings)
    with database.read() as tx:
        assert alerts.open_keys(tx, alerts.OUTGOING) == set()
    assert "refuse (451)" in box.messages[0].get_content()


def test_a_dead_target_keeps_nobody_else_waiting(room: Room, hook: Listener) -> None:
    database = room.fleet.database
    with socket.socket() as deaf:  # takes connections and never says a word
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        dead = MailServer("127.0.0.1", deaf.getsockname()[1], "plain", "postes@example.re")
        settings = Outgoing(dead, alert_mails=(DESK, BOSS), webhooks=(hook.url,), webhook_secret=SECRET)
        with telling(database, settings) as wake:
            silent(room)
            wake()
            wait_until(lambda: hook.events, 5, "the webhook told while the mail server is waited for")
            deaf.close()
            wait_until(
                lambda: all(row.updated_at > row.created_at for row in rows(database)), 15, "all tried"
            )
    assert sorted(row.statut for row in rows(database)) == ["a_envoyer", "a_envoyer", "envoye"]


def test_two_controllers_send_it_once(room: Room, hook: Listener) -> None:
    settings = Outgoing(webhooks=(hook.url,), webhook_secret=SECRET)
    for number in range(3):
        silent(room, number)
    start = threading.Barrier(4)

    def race(holder: str) -> None:
        start.wait()
        round_of(room.fleet.database, settings, holder)

    racers = [threading.Thread(target=race, args=[f"c{number}"]) for number in range(4)]
    for one in racers:
        one.start()
    for one in racers:
        one.join()
    assert sorted(one["alerte"] for one in hook.events) == sorted({one["alerte"] for one in hook.events})
    assert len(hook.events) == 3


def test_what_a_controller_had_in_its_hands_when_it_died_is_sent_by_the_next(
    room: Room, hook: Listener
) -> None:
    database = room.fleet.database
    settings = Outgoing(webhooks=(hook.url,), webhook_secret=SECRET)
    silent(room)
    (target,) = targets(settings, ZONE).values()
    with database.transaction() as tx:
        deliveries.address(tx, {kind: [target.name] for kind in target.kinds})
    with database.transaction() as tx:
        frozen = deliveries.take(tx, target.name, "frozen")
    round_of(database, settings, "next")
    assert hook.events == []
    let_pass(database, deliveries.TAKEN)
    round_of(database, settings, "next")
    assert len(hook.events) == 1
    with database.transaction() as tx:  # the frozen one thaws: it changes nothing more
        deliveries.failed(tx, frozen, "frozen")
    assert [row.statut for row in rows(database)] == ["envoye"]


def test_where_nobody_is_to_be_told_nothing_piles_up(room: Room) -> None:
    silent(room)
    round_of(room.fleet.database, Outgoing())
    assert rows(room.fleet.database) == []


def test_an_address_is_not_kept_in_the_database(room: Room, hook: Listener) -> None:
    hook.status = 503
    silent(room)
    round_of(room.fleet.database, Outgoing(webhooks=(hook.url,), webhook_secret=SECRET))
    assert "s3cret" not in str(rows(room.fleet.database))


def test_what_waits_for_who_is_no_longer_told_is_given_up(room: Room, hook: Listener) -> None:
    hook.status = 503
    silent(room)
    round_of(room.fleet.database, Outgoing(webhooks=(hook.url,), webhook_secret=SECRET))
    round_of(room.fleet.database, Outgoing())
    assert [row.statut for row in rows(room.fleet.database)] == ["a_envoyer"]
    let_pass(room.fleet.database, LIFE + timedelta(seconds=1))
    round_of(room.fleet.database, Outgoing())
    assert [row.statut for row in rows(room.fleet.database)] == ["abandonne"]
