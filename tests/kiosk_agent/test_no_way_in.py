"""A poste that nobody answers is locked, says why as far as it knows, and goes on trying."""

import asyncio
import ssl
from dataclasses import replace
from pathlib import Path

import pytest

from kiosk_agent.broker import Broker, Tls
from kiosk_agent.settings import Settings
from kiosk_agent.words import OF_FAULTS, Fault, say
from ppm.parts.broker import Binary, PrivateBroker
from ppm.parts.process import Child, accepts, free_port
from ppm.simulator.poste import SimulatedPoste
from tests.kiosk_agent.test_agent_on_a_broker import opened, settings
from tests.kiosk_agent.tiny_controller import TinyController
from tests.support.certificates import HOUR, own_certificate
from tests.support.proxy import Proxy


async def says(poste: SimulatedPoste, fault: Fault) -> None:
    """It is locked and says that of its link."""
    seen = await poste.until(
        lambda one: one.view is not None and not one.view.online and one.view.fault == fault
    )
    assert seen, poste.view
    assert poste.view is not None
    assert poste.view.sentence == say(OF_FAULTS[fault], "fr"), "the terminal shows nothing else"
    assert poste.phase == "locked"
    assert not poste.machine.unlocked


def test_a_poste_with_no_network_at_boot_is_locked_says_so_and_opens_once_it_is_back(
    broker: PrivateBroker, site: str, tmp_path: Path
) -> None:
    async def scene(proxy: Proxy) -> None:
        poste = SimulatedPoste(settings(broker, site, f"{site}-p1", tmp_path, port=proxy.port))
        await asyncio.to_thread(proxy.cut)
        poste.start()
        await says(poste, "")
        poste.type_code("ABC234")
        await asyncio.sleep(1)
        await says(poste, "")
        async with TinyController(broker, site):
            await asyncio.to_thread(proxy.heal)
            assert await poste.until(lambda one: one.phase == "active"), "the code was sent once it was back"
            await poste.stop()

    with Proxy(broker.postes_port) as proxy:
        asyncio.run(scene(proxy))


def test_a_poste_that_the_broker_does_not_know_says_so(
    broker: PrivateBroker, site: str, tmp_path: Path
) -> None:
    made = settings(broker, site, f"{site}-p1", tmp_path)
    stranger = replace(made, broker=replace(made.broker, password="another"))

    async def scene() -> None:
        poste = SimulatedPoste(stranger)
        poste.start()
        await says(poste, "denied")
        await poste.stop()
        known = SimulatedPoste(made)
        async with TinyController(broker, site) as controller:
            known.start()
            assert await known.until(lambda one: one.is_free)
            assert known.view is not None
            assert known.view.fault == ""
            await opened(controller, known)
            await known.stop()

    asyncio.run(scene())


@pytest.mark.parametrize("hours_left", [-1, 1], ids=["expired", "from a stranger"])
def test_a_server_whose_certificate_expired_is_not_believed_and_that_is_said(
    site: str, tmp_path: Path, hours_left: int
) -> None:
    certificate, key = own_certificate(tmp_path, hours_left * HOUR)
    trusted = tmp_path / "trusted"
    trusted.mkdir()
    ca = certificate if hours_left < 0 else own_certificate(trusted)[0]

    async def scene() -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context)
        port = server.sockets[0].getsockname()[1]
        address = Broker("127.0.0.1", port, "p1", "secret", tls=Tls(ca=ca))
        poste = SimulatedPoste(Settings(site, "p1", address, tmp_path / "p1"))
        poste.start()
        await says(poste, "expired" if hours_left < 0 else "certificate")
        await poste.stop()
        server.close()

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("server_h", "own_h", "fault"),
    [(-1, 1, "expired"), (3, 1, "expired"), (1, -1, "own_expired"), (1, 3, "own_expired"), (1, 1, "")],
    ids=["the server's", "the server's not yet", "the poste's", "the poste's not yet", "none"],
)
def test_a_certificate_that_expired_at_a_broker_is_told_from_a_missing_network(
    mosquitto_binary: Binary, site: str, tmp_path: Path, server_h: int, own_h: int, fault: Fault
) -> None:
    """Mosquitto itself, which asks postes for a certificate of their own."""
    server, server_key = own_certificate(tmp_path, server_h * HOUR, "server")
    own, own_key = own_certificate(tmp_path, own_h * HOUR, "poste")
    port = free_port()
    configuration = tmp_path / "mosquitto.conf"
    configuration.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nrequire_certificate true\nuser root\n"
        f"cafile {own}\ncertfile {server}\nkeyfile {server_key}\n"
    )
    broker = Child(
        [mosquitto_binary.broker, "-c", configuration],
        tmp_path / "log",
        environment=mosquitto_binary.environment,
    )
    broker.start()
    broker.wait_ready(lambda: accepts(port), 10)

    async def scene() -> None:
        tls = Tls(ca=server, certificate=own, key=own_key)
        poste = SimulatedPoste(
            Settings(site, "p1", Broker("127.0.0.1", port, "", "", tls=tls), tmp_path / "p1")
        )
        poste.start()
        if fault:
            await says(poste, fault)
        else:
            assert await poste.until(lambda one: one.view is not None and one.view.online), poste.view
        await poste.stop()

    try:
        asyncio.run(scene())
    finally:
        broker.stop()
