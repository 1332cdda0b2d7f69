"""The broker of the settings, as each program wants to be told of it."""

from dataclasses import replace
from typing import TYPE_CHECKING

from kiosk_agent.broker import Broker, Tls
from ppm import settings as table
from ppm.setting_rules import BrokerUrl
from ppm.setting_values import Settings

if TYPE_CHECKING:
    from controller.link import BrokerAddress


def for_services(settings: Settings, url: BrokerUrl | None = None) -> "BrokerAddress":
    """For the controller and for tools. Raises SettingError."""
    from controller.link import BrokerAddress

    where = url or settings[table.BROKER_URL]
    files = (
        settings.get(one) for one in (table.BROKER_CA_FILE, table.BROKER_CERT_FILE, table.BROKER_KEY_FILE)
    )
    ca, certificate, key = (str(one) if one else None for one in files)
    password = where.password or settings.get(table.BROKER_PASSWORD)
    return BrokerAddress(where.host, where.port, where.username, password, where.tls, ca, certificate, key)


def for_poste(settings: Settings, poste: str, password: str | None = None) -> Broker:
    """For one poste. Its account is its slug, unless the URL names one and no `password` of its own is given.

    Raises SettingError.
    """
    where = settings[table.BROKER_URL]
    if password is not None:
        where = replace(where, username=poste, password=password)
    files = Tls(
        settings.get(table.BROKER_CA_FILE),
        settings.get(table.BROKER_CERT_FILE),
        settings.get(table.BROKER_KEY_FILE),
    )
    return Broker(
        where.host,
        where.port,
        where.username or poste,
        where.password or settings.get(table.BROKER_PASSWORD) or "",
        files if where.tls else None,
        client_id=poste,
        password_file=None if where.password else settings.file_of(table.BROKER_PASSWORD),
    )
