"""Both listeners with certificates, on a real broker."""

import ssl
from pathlib import Path

import pytest

from mosquitto.files import Tls
from ppm.parts.broker import Binary, PrivateBroker
from tests.support.certificates import own_certificate
from tests.support.mqtt import Wire


@pytest.fixture
def certificates(tmp_path: Path) -> Tls:
    """A certificate of 127.0.0.1 that is its own authority."""
    public, private = own_certificate(tmp_path)
    return Tls(ca=public, certificate=public, key=private)


def test_with_certificates_both_listeners_speak_tls_and_nothing_else(
    mosquitto_binary: Binary, tmp_path: Path, certificates: Tls
) -> None:
    trust = ssl.create_default_context(cafile=str(certificates.ca))
    with PrivateBroker(mosquitto_binary, tmp_path / "broker", tls=certificates) as broker:
        poste = broker.add_poste("st-denis", "accueil-1")
        for port, account in ((broker.postes_port, poste), (broker.services_port, broker.controller)):
            with Wire(port, account, tls=trust) as wire:
                assert wire.connected.is_set()
            with Wire(port, account) as plain:
                assert not plain.connected.is_set()
