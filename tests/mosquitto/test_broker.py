"""What the configuration promises, on a real broker."""

import statistics
import time
from pathlib import Path
from typing import Literal

import pytest

from ppm.parts.broker import PrivateBroker
from protocol import topics
from tests.support.mqtt import Message, Wire
from tests.support.waiting import wait_until

_LISTENS = "0A"


def listening_addresses(pid: int) -> set[str]:
    """The local addresses that a process listens on, as the kernel writes them."""
    inodes = {str(link.readlink())[8:-1] for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()}
    rows = [
        row.split()
        for table in ("tcp", "tcp6")
        for row in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
    ]
    return {row[1] for row in rows if row[3] == _LISTENS and row[9] in inodes}


def test_a_private_broker_listens_on_the_loopback_only(broker: PrivateBroker) -> None:
    ports = (broker.postes_port, broker.services_port)
    assert listening_addresses(broker.pid) == {f"0100007F:{port:04X}" for port in ports}


@pytest.mark.parametrize("qos", [0, 1])
def test_a_round_trip_does_not_wait_for_delayed_acknowledgements(
    broker: PrivateBroker, site: str, qos: Literal[0, 1]
) -> None:
    topic = topics.SESSION.path(site, f"{site}-p1")
    took = []
    with Wire(broker.services_port, broker.controller) as wire:
        # The echo and the PUBACK are two small packets of the broker; a client that hears the echo with QoS 0
        # answers nothing that could carry the acknowledgement of the first back.
        wire.subscribe(topic, qos=qos)
        for _ in range(100):
            wire.arrived.clear()
            started = time.perf_counter()
            wire.publish(topic)
            assert wire.arrived.wait(5)
            took.append(time.perf_counter() - started)
    assert statistics.median(took) < 0.005


def test_retained_messages_survive_an_orderly_restart(own_broker: PrivateBroker) -> None:
    poste = own_broker.add_poste("st-denis", "accueil-1")
    session = topics.SESSION.path("st-denis", "accueil-1")
    with Wire(own_broker.services_port, own_broker.controller) as controller:
        controller.publish(session, b"desired", retain=True)
    own_broker.restart()
    with Wire(own_broker.postes_port, poste) as reader:
        reader.subscribe(session)
        wait_until(lambda: reader.messages)
        assert reader.messages == [Message(session, b"desired", retained=True)]


def test_a_poste_is_let_in_and_put_out_while_others_stay_connected(own_broker: PrivateBroker) -> None:
    first = own_broker.add_poste("st-denis", "accueil-1")
    with Wire(own_broker.postes_port, first) as old:
        second = own_broker.add_poste("st-denis", "accueil-2")
        with Wire(own_broker.postes_port, second) as new:
            assert new.connected.is_set()
            own_broker.remove_postes(["accueil-2"])
            assert new.closed.wait(5)
        with Wire(own_broker.postes_port, second) as again:
            assert again.refused
        old.publish(topics.STATUS.path("st-denis", "accueil-1"))
        assert not old.closed.is_set()


def test_more_retained_messages_than_the_default_queue_reach_a_subscriber(own_broker: PrivateBroker) -> None:
    with Wire(own_broker.services_port, own_broker.controller) as writer:
        for number in range(3_000):
            writer.send(topics.STATE.path("st-denis", f"p-{number}"), retain=True)
        writer.publish("ppm/fence")
    with Wire(own_broker.services_port, own_broker.observer) as reader:
        reader.subscribe("ppm/v1/+/+/up/state")
        wait_until(lambda: len(reader.messages) == 3_000, what="delivered in full")


def test_a_frozen_broker_goes_on_where_it_was(own_broker: PrivateBroker) -> None:
    with Wire(own_broker.services_port, own_broker.controller) as wire:
        wire.subscribe("ppm/#")
        own_broker.pause()
        wire.send("ppm/held")
        time.sleep(0.2)
        assert wire.messages == []
        own_broker.resume()
        wait_until(lambda: wire.messages)


def test_a_killed_broker_comes_back_on_its_ports(own_broker: PrivateBroker) -> None:
    ports = (own_broker.postes_port, own_broker.services_port)
    own_broker.kill9()
    assert not own_broker.running
    own_broker.start()
    assert (own_broker.postes_port, own_broker.services_port) == ports
