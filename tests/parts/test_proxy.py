"""The link that tests cut is itself tested."""

import socket
import time
from collections.abc import Iterator

import pytest

from ppm.parts.broker import PrivateBroker
from tests.support.mqtt import Wire
from tests.support.proxy import Proxy
from tests.support.waiting import wait_until


@pytest.fixture
def proxy(broker: PrivateBroker) -> Iterator[Proxy]:
    with Proxy(broker.services_port) as link:
        yield link


def test_a_cut_link_closes_and_refuses_until_it_is_healed(proxy: Proxy, broker: PrivateBroker) -> None:
    with Wire(proxy.port, broker.controller) as wire:
        assert proxy.links == 1
        proxy.cut()
        assert wire.closed.wait(5)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((proxy.host, proxy.port), 1)
    proxy.heal()
    with Wire(proxy.port, broker.controller) as again:
        assert again.connected.is_set()


def test_a_dropped_link_may_be_made_again(proxy: Proxy, broker: PrivateBroker) -> None:
    with Wire(proxy.port, broker.controller) as wire:
        proxy.drop()
        assert wire.closed.wait(5)
    with Wire(proxy.port, broker.controller) as again:
        assert again.connected.is_set()


def test_a_frozen_link_stays_open_and_loses_nothing(proxy: Proxy, broker: PrivateBroker, site: str) -> None:
    with Wire(proxy.port, broker.controller) as wire:
        wire.subscribe(f"ppm/{site}")
        proxy.freeze()
        wire.send(f"ppm/{site}")
        time.sleep(0.2)
        assert wire.messages == []
        proxy.thaw()
        wait_until(lambda: wire.messages)
        assert not wire.closed.is_set()


def test_a_slow_link_delays_both_ways(proxy: Proxy, broker: PrivateBroker, site: str) -> None:
    with Wire(proxy.port, broker.controller) as wire:
        wire.subscribe(f"ppm/{site}")
        proxy.delay(0.1)
        started = time.monotonic()
        wire.publish(f"ppm/{site}")
        assert 0.2 <= time.monotonic() - started < 1


def test_a_server_that_goes_away_closes_the_link(own_broker: PrivateBroker) -> None:
    with Proxy(own_broker.services_port) as link, Wire(link.port, own_broker.controller) as wire:
        own_broker.kill9()
        assert wire.closed.wait(5)
        wait_until(lambda: link.links == 0)
