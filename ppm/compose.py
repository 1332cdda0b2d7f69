"""The programs of the server put together: which settings each one gets, and how two share a process."""

import asyncio
import signal
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from kiosk_agent.version import software
from ppm import settings as table
from ppm.setting import SettingError
from ppm.setting_values import Settings

if TYPE_CHECKING:
    from controller.app import Controller
    from controller.link import BrokerAddress
    from fleet.database.register import Register
    from fleet.jobs.settings import Backups, JobSettings
    from fleet.outgoing.settings import MailServer, Outgoing
    from fleet.usecases.fleet import Fleet

_STOPS = ("SIGINT", "SIGTERM", "SIGHUP")


def new_controller(fleet: "Fleet", settings: Settings, broker: "BrokerAddress") -> "Controller":
    """A controller of this deployment. Raises SettingError."""
    from controller.app import Controller, ControllerSettings
    from controller.waking import PORT

    return Controller(
        fleet,
        ControllerSettings(
            broker,
            settings[table.MQTT_ROOT],
            job_settings(settings),
            outgoing(settings),
            software(),
            tuple((address, PORT) for address in settings[table.WAKE_ADDRESSES]),
        ),
    )


def job_settings(settings: Settings) -> "JobSettings":
    """What the jobs of this deployment are told. Raises SettingError."""
    from fleet.jobs.settings import JobSettings, Keep

    check_kept(settings)
    keep = Keep(
        sessions=timedelta(days=settings[table.KEEP_SESSIONS_DAYS]),
        terminal=timedelta(days=settings[table.KEEP_TERMINAL_DAYS]),
        people=timedelta(days=settings[table.KEEP_PEOPLE_DAYS]),
        logs=timedelta(days=settings[table.KEEP_LOGS_DAYS]),
    )
    archives = settings.get(table.ARCHIVE_DIR)
    return JobSettings(settings[table.ZONE], keep, archives, backups(settings), software())


def check_kept(settings: Settings) -> None:
    """Raise SettingError where people would be known for longer than what tells of their last visit."""
    if settings[table.KEEP_PEOPLE_DAYS] > (sessions := settings[table.KEEP_SESSIONS_DAYS]):
        rule = f"is at most PPM_KEEP_SESSIONS_DAYS ({sessions}): the last visit is known by its session"
        raise SettingError(table.KEEP_PEOPLE_DAYS.name, rule)


def outgoing(settings: Settings) -> "Outgoing":
    """Who is told by e-mail and webhook. Raises SettingError, too for an address without what reaches it."""
    from fleet.outgoing.settings import Outgoing

    told, reported = settings[table.ALERT_EMAILS], settings[table.REPORT_EMAILS]
    if told or reported:
        settings[table.SMTP_URL]
    hooks = settings[table.ALERT_WEBHOOKS]
    secret = settings[table.ALERT_WEBHOOK_SECRET] if hooks else ""
    return Outgoing(mail_server(settings), told, reported, hooks, secret, settings.get(table.ALERT_CA_FILE))


def mail_server(settings: Settings) -> "MailServer | None":
    """Through what e-mail leaves; None where none is named. Raises SettingError."""
    from fleet.outgoing.settings import MailServer

    where = settings.get(table.SMTP_URL)
    if where is None:
        return None
    password = settings[table.SMTP_PASSWORD] if where.user else None
    ca_file = settings.get(table.ALERT_CA_FILE)
    return MailServer(
        where.host, where.port, where.tls, settings[table.SMTP_FROM], where.user, password, ca_file
    )


def backups(settings: Settings) -> "Backups | None":
    """Where backups go; None without a folder. Raises SettingError."""
    from fleet.jobs.settings import Backups

    folder = settings.get(table.BACKUP_DIR)
    if folder is None:
        return None
    keep, secret = settings[table.BACKUP_KEEP], settings.get(table.BACKUP_SECRET)
    return Backups(folder, keep, secret, fingerprints(settings))


def register(settings: Settings) -> "Register | None":
    """Where it is written who was forgotten; None without a folder of backups, which it is for."""
    from fleet.database.register import NAME, Register

    folder = settings.get(table.BACKUP_DIR)
    return None if folder is None else Register(folder / NAME)


def fingerprints(settings: Settings) -> dict[str, str]:
    """By which one sees later that the secrets beside a backup are the right ones. Raises SettingError."""
    from fleet.jobs.sealed import fingerprint

    secrets = {setting.name: settings.get(setting) for setting in (table.CODE_SECRET, table.JWT_SECRET)}
    return {name: fingerprint(secret) for name, secret in secrets.items() if secret is not None}


@contextmanager
def stopping() -> Iterator[asyncio.Event]:
    """An event that Ctrl-C, a service's stop and a closed terminal set; they do nothing else meanwhile."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    numbers = [getattr(signal, name) for name in _STOPS if hasattr(signal, name)]
    for number in numbers:
        with suppress(NotImplementedError):  # Windows has no handlers in a loop: Ctrl-C raises there
            loop.add_signal_handler(number, stop.set)
    try:
        yield stop
    finally:
        for number in numbers:
            with suppress(NotImplementedError):
                loop.remove_signal_handler(number)


async def until_stopped(*works: Awaitable[None]) -> None:
    """Run all of these until one ends or a signal comes, then cancel them. Raises what one of them raised."""
    with stopping() as stop:
        tasks = [asyncio.ensure_future(one) for one in works]
        waiting = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait([*tasks, waiting], return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            await end(tasks)


async def end(tasks: Sequence["asyncio.Future[None]"]) -> None:
    """Cancel what still runs, wait for all, and raise the first error among them."""
    for task in tasks:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    errors = (one for one in results if isinstance(one, Exception))
    for error in errors:
        raise error
