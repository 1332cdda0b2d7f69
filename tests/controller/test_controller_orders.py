"""Orders to postes: those of now, those that wait for a poste that is away, and the packet that wakes one."""

import socket
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from controller import service
from controller.to_kiosks import MARK_S
from controller.waking import magic_packet
from fleet.database import places, tables
from fleet.usecases import commands
from fleet.usecases.commands import NewCommand
from protocol import messages, topics
from tests.controller.conftest import Driven, Poste
from tests.support.rooms import BOOT, Room
from tests.support.waiting import wait_until

MAC = "02:00:5e:10:00:01"


@pytest.fixture
def away(room: Room) -> Room:
    """The room, its first poste away."""
    room.presence(room.postes[0], online=False)
    return room


def _order(room: Room, op: str = "identify", **changes: Any) -> commands.Sent:
    return commands.send(room.fleet, room.actor, NewCommand(room.postes[0], op, **changes))


def _refusal(room: Room, op: str, **changes: Any) -> str:
    return room.refusal(_order, room, op, **changes)


def _statut(room: Room, command_id: str) -> tuple[str, str | None]:
    table = tables.command
    with room.fleet.database.read() as tx:
        wanted = select(table.c.statut, table.c.motif).where(table.c.id == command_id)
        row = tx.execute(wanted).one()
    return row.statut, row.motif


def _is_there(room: Room) -> bool:
    with room.fleet.database.read() as tx:
        return places.boot_online(tx, room.postes[0]) is not None


def _ack(poste: Poste, boot: str, command_id: str, status: Any = "done", reason: str | None = None) -> None:
    told = messages.Ack(id=command_id, boot=boot, status=status, reason=reason, term=0, rev=0)
    poste.say(topics.ACK, told)


def test_an_order_of_now_to_a_poste_that_is_away_fails_at_once(away: Room) -> None:
    assert _refusal(away, "reboot") == "poste_hors_ligne"
    assert [line.metadata["motif"] for line in away.log("refus")] == ["poste_hors_ligne"]


def test_an_order_for_a_poste_that_is_there_does_not_wait(room: Room) -> None:
    assert not _order(room, when="back").waits


def test_an_order_that_waits_is_sent_after_the_answer_that_gives_the_time_to_the_start_of_then(
    away: Room, driven: Driven
) -> None:
    sent = _order(away, when="back")
    assert sent.waits
    with driven.controller(), driven.poste() as poste:
        poste.appear(boot="boot-of-then")
        order = poste.hears(messages.Identify)
        assert (order.id, order.boot) == (sent.id, "boot-of-then")
        ways = [one.topic.rsplit("/", 1)[1] for one in poste.wire.messages]
        assert ways.index("reply") < ways.index("command")
        _ack(poste, "boot-of-then", sent.id)
        wait_until(lambda: _statut(away, sent.id) == ("done", None), 10, "done")
        poste.appear(boot="boot-after", connection=1)
        wait_until(lambda: len(poste.heard(messages.Accepted)) == 2, 10, "answered again")
    assert len(poste.heard(messages.Identify)) == 1


def test_an_order_that_waits_and_comes_too_early_is_sent_again(
    away: Room, driven: Driven, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "ORDER_AGAIN_S", 2 * MARK_S)
    sent = _order(away, when="back")
    with driven.controller(), driven.poste() as poste:
        poste.appear()
        poste.hears(messages.Identify)
        _ack(poste, BOOT, sent.id, "refused", "no_clock")
        wait_until(lambda: len(poste.heard(messages.Identify)) == 2, 10, "sent again")
        _ack(poste, BOOT, sent.id)
        wait_until(lambda: _statut(away, sent.id) == ("done", None), 10, "done")


def test_an_order_for_the_return_of_a_poste_that_is_there_is_sent_again_too(
    driven: Driven, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "ORDER_AGAIN_S", 2 * MARK_S)
    with driven.controller(), driven.poste() as poste:
        poste.appear()
        poste.hears(messages.Accepted)
        sent = _order(driven.room, when="back")
        assert not sent.waits
        poste.hears(messages.Identify)
        _ack(poste, BOOT, sent.id, "refused", "no_clock")
        wait_until(lambda: len(poste.heard(messages.Identify)) == 2, 10, "sent again")
        _ack(poste, BOOT, sent.id)
        wait_until(lambda: _statut(driven.room, sent.id) == ("done", None), 10, "done")


def test_an_order_of_now_that_a_poste_refuses_is_over(driven: Driven) -> None:
    with driven.controller(), driven.poste() as poste:
        poste.appear()
        poste.hears(messages.Accepted)
        sent = _order(driven.room)
        poste.hears(messages.Identify)
        _ack(poste, BOOT, sent.id, "refused", "no_clock")
        wait_until(lambda: _statut(driven.room, sent.id) == ("refused", "no_clock"), 10, "over")


def test_an_order_that_has_waited_too_long_is_never_sent(away: Room, driven: Driven) -> None:
    sent = _order(away, when="back")
    with away.tx() as tx:
        tx.execute(update(tables.command).values(expire_a=tx.now - timedelta(seconds=1)))
    with driven.controller(), driven.poste() as poste:
        poste.appear()
        wait_until(lambda: _statut(away, sent.id) == ("expired", "poste_hors_ligne"), 10, "expired")
        wait_until(lambda: _is_there(away), 10, "there")
        now = _order(away)
        poste.hears(messages.Identify)
    assert [one.id for one in poste.heard(messages.Identify)] == [now.id]


def test_only_so_many_orders_wait_for_a_poste(away: Room) -> None:
    for _ in range(commands.MOST_WAITING):
        _order(away, when="back")
    assert _refusal(away, "reboot", when="back") == "trop_de_commandes"
    assert commands.waiting(away.fleet, away.site_id) == {away.postes[0]}


def test_a_poste_in_use_is_neither_cleaned_nor_updated(room: Room) -> None:
    room.running()
    assert _refusal(room, "clean") == "poste_occupe"
    update = {"version": "2.0", "sha256": "0" * 64}
    assert _refusal(room, "update", args=update) == "poste_occupe"


def test_a_machine_that_is_off_gets_a_magic_packet_and_no_message(away: Room, driven: Driven) -> None:
    with away.tx() as tx:
        mine = update(tables.poste).where(tables.poste.c.id == away.postes[0])
        tx.execute(mine.values(mac_address=MAC))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as network, driven.poste() as poste:
        network.bind(("127.0.0.1", 0))
        network.settimeout(10)
        with driven.controller(wake_to=(network.getsockname(),)):
            sent = _order(away, "wake")
            assert network.recv(200) == magic_packet(MAC)
            wait_until(lambda: _statut(away, sent.id)[0] == "envoyee", 10, "marked")
    assert not poste.heard(messages.Identify)
    assert not any("/command" in topic for topic in poste.wire.topics)


def test_a_packet_that_the_network_does_not_take_is_told(away: Room, driven: Driven) -> None:
    with away.tx() as tx:
        tx.execute(update(tables.poste).where(tables.poste.c.id == away.postes[0]).values(mac_address=MAC))
    with driven.controller(wake_to=(("127.0.0.1", 0),)):
        sent = _order(away, "wake")
        wait_until(lambda: _statut(away, sent.id) == ("refused", "network"), 10, "told")


def test_waking_needs_an_address_and_a_machine_that_is_off(away: Room) -> None:
    assert _refusal(away, "wake") == "sans_adresse_mac"
    away.presence(away.postes[0], online=True)
    assert _refusal(away, "wake") == "poste_allume"


def test_the_magic_packet_is_the_address_sixteen_times_after_six_bytes_of_ones() -> None:
    packet = magic_packet(MAC)
    assert packet[:6] == b"\xff" * 6
    assert packet[6:] == bytes([2, 0, 0x5E, 0x10, 0, 1]) * 16
