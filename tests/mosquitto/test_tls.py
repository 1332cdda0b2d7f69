"""Both listeners with certificates, on a real broker."""

import datetime
import ipaddress
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from mosquitto.files import Tls
from ppm.parts.broker import Binary, PrivateBroker
from tests.support.mqtt import Wire


@pytest.fixture
def certificates(tmp_path: Path) -> Tls:
    """A certificate of 127.0.0.1 that is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "broker")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = tmp_path / "broker.crt", tmp_path / "broker.key"
    public.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
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
