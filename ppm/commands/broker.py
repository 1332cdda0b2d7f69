"""`ppm broker`."""

import asyncio
import getpass
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from fleet.database import schema
from fleet.domain.actor import SYSTEM
from fleet.usecases import identities
from mosquitto.files import CONFIGURATION, Broker, Listener, Tls
from mosquitto.passwords import hash_password, new_password
from ppm import broker_files, broker_keeper, compose, logs, secret_files, systemd
from ppm import settings as table
from ppm.broker_keeper import Keeper
from ppm.cli import CommandFailed
from ppm.commands import output
from ppm.commands.numbers import WAIT_S
from ppm.commands.opening import opened, places
from ppm.setting_values import Settings

_LOOPBACK = ("127.0.0.1", "::1")


@click.group()
def broker() -> None:
    """The broker's own files."""


@broker.command("write")
@click.option(
    "--into", "secrets", type=click.Path(file_okay=False, path_type=Path),
    help="Put new passwords there, each in a file of its own (0600), and print none.",
)  # fmt: skip
@click.option(
    "--renew", multiple=True, metavar="NAME", help="A new password for this account; may be repeated."
)
@output.json_option
def write_(secrets: Path | None, renew: tuple[str, ...], as_json: bool) -> None:
    """Write Mosquitto's configuration, accounts and access rules into PPM_BROKER_DIR.

    Accounts: controller, observer, and every poste of the database whose machine was not revoked. Who has one keeps
    it; a new password is printed this once, or put into a file, and only its hash is kept. Mosquitto is started with
    the file mosquitto.conf there. While it runs, `ppm broker follow` keeps its accounts.
    """
    settings = Settings.load()
    configuration = broker_of(settings)
    group = _group(settings.get(table.BROKER_USER))
    with opened() as fleet:
        identities.adopt(fleet, broker_files.hashes(configuration.folder))
        sites = places(fleet)
        wanted = _wanted(sites, renew)
        known = {one.poste for one in identities.accounts(fleet)} | identities.revoked(fleet)
        known |= broker_files.hashes(configuration.folder, broker_files.SERVICES).keys()
        made = {name: new_password() for name in wanted if name not in known or name in renew}
        files = (
            {name: str(path) for name, path in secret_files.write(secrets, made).items()} if secrets else {}
        )
        hashed = {name: hash_password(password) for name, password in made.items()}
        identities.keep(fleet, SYSTEM, {name: one for name, one in hashed.items() if name in sites})
        broker_files.write_all(configuration, identities.accounts(fleet), hashed, group)
    path = configuration.folder / CONFIGURATION
    if as_json:
        new = [
            {"username": n, "password": None if files else p, "file": files.get(n)} for n, p in made.items()
        ]
        output.as_json({"configuration": str(path), "accounts": len(wanted), "new": new})
        return
    click.echo(f"{path}: {len(wanted)} accounts, {len(made)} of them new")
    for name, password in made.items():
        click.echo(f"{name}  {files.get(name, password)}")
    _warn(configuration)


@broker.command()
@click.option(
    "--wait", "wait_s", type=WAIT_S, default=60.0, show_default=True, help="Seconds to wait for the database."
)
def follow(wait_s: float) -> None:
    """Keep the accounts of postes in PPM_BROKER_DIR as the database has them, until stopped.

    Whenever a machine is enrolled, renewed or revoked the files are replaced and the broker reads them, which closes
    the connection of who is not let in any more. One such program keeps a folder. It must be allowed to write there
    and to signal the broker: run it as PPM_BROKER_USER.
    """
    settings = Settings.load()
    configuration = broker_of(settings)
    logs.set_up(settings[table.LOG_FORMAT], settings[table.LOG_LEVEL])
    with opened(check=False) as fleet, broker_keeper.alone(configuration.folder):
        schema.wait_for(fleet.database, wait_s)
        keeper = Keeper(fleet, configuration.folder, configuration.data, configuration.root)
        asyncio.run(compose.until_stopped(keeper.run(), systemd.told(keeper.kept)))


def _wanted(sites: Mapping[str, str], renew: Sequence[str]) -> list[str]:
    """Who has an account; no poste is called as a service is. Raises CommandFailed for a name to renew that is none."""
    wanted = [*broker_files.ROLES, *sites]
    for name in renew:
        if name not in wanted:
            raise CommandFailed(f"there is no account {name}")
    for name in broker_files.ROLES:
        if name in sites:
            raise CommandFailed(
                f"a poste is called {name}, as a service of the broker is: give it another slug"
            )
    return wanted


def _group(user: str | None) -> str | None:
    if user is None:
        return None
    try:
        return broker_files.group_of(user)
    except LookupError:
        raise CommandFailed(f"PPM_BROKER_USER: there is no user {user}") from None


def broker_of(settings: Settings) -> Broker:
    """The broker that the settings describe. Raises SettingError, CommandFailed."""
    folder = settings[table.BROKER_DIR].resolve()
    data = settings.get(table.BROKER_DATA_DIR) or folder / "data"
    tls = _tls(settings)
    return Broker(
        folder,
        data.resolve(),
        Listener(settings[table.BROKER_POSTES_PORT], settings[table.BROKER_POSTES_ADDRESS], tls),
        Listener(settings[table.BROKER_SERVICES_PORT], settings[table.BROKER_SERVICES_ADDRESS], tls),
        settings[table.MQTT_ROOT],
        settings.get(table.BROKER_USER) or getpass.getuser(),
    )


def _tls(settings: Settings) -> Tls | None:
    wanted = (table.BROKER_SERVER_CA_FILE, table.BROKER_SERVER_CERT_FILE, table.BROKER_SERVER_KEY_FILE)
    ca, certificate, key = (settings.get(one) for one in wanted)
    if ca and certificate and key:
        return Tls(ca.resolve(), certificate.resolve(), key.resolve())
    if ca or certificate or key:
        raise CommandFailed(f"TLS needs all three: {', '.join(one.name for one in wanted)}")
    return None


def _warn(configuration: Broker) -> None:
    far = any(one.address not in _LOOPBACK for one in (configuration.postes, configuration.services))
    if far and configuration.postes.tls is None:
        click.echo("without TLS, codes and passwords travel in clear: set PPM_BROKER_SERVER_*_FILE", err=True)
