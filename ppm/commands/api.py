"""`ppm api`."""

import asyncio

import click
import uvloop

from api.app import create_app, serve, settle
from api.settings import ApiSettings
from fleet.database import schema
from fleet.database.engine import Database
from fleet.usecases.fleet import Fleet
from ppm import addresses, compose, logs, systemd
from ppm import settings as table
from ppm.authority import for_machines
from ppm.cli import CommandFailed
from ppm.commands import opening
from ppm.commands.numbers import WAIT_S
from ppm.setting import SettingError
from ppm.setting_values import Settings


@click.command()
@click.option(
    "--wait", "wait_s", type=WAIT_S, default=60.0, show_default=True, help="Seconds to wait for the database."
)
@click.option("--with-controller", is_flag=True, help="Be the controller too: one process, as SQLite needs.")
def api(wait_s: float, with_controller: bool) -> None:
    """Serve the REST API, until stopped."""
    settings = Settings.load()
    if not with_controller:
        opening.refuse_sqlite(settings)
    logs.set_up(settings[table.LOG_FORMAT], settings[table.LOG_LEVEL])
    address = addresses.for_services(settings) if with_controller else None
    listening = api_settings(settings)
    database = Database(settings[table.DATABASE_URL], register=compose.register(settings))
    try:
        schema.wait_for(database, wait_s)
        fleet = Fleet(database, opening.code_keys(settings))
        serving = asyncio.Event()
        works = [_served(fleet, listening, settings[table.HTTP_HOST], settings[table.HTTP_PORT], serving)]
        if address is None:
            works.append(systemd.told(serving))
        else:
            made = compose.new_controller(fleet, settings, address)
            works += [made.run(), systemd.told(serving, made.working, healthy=made.is_healthy)]
        # The quicker loop; a controller's deadlines are due to the millisecond, which its clock does not tell apart.
        quick = uvloop.new_event_loop if address is None else None
        with asyncio.Runner(loop_factory=quick) as runner:
            runner.run(compose.until_stopped(*works))
    finally:
        database.close()


def api_settings(settings: Settings) -> ApiSettings:
    """What the API is told. Raises SettingError."""
    machines = for_machines(settings)
    public, previous = settings.get(table.PUBLIC_URL), settings.get(table.JWT_PREVIOUS_SECRET)
    try:
        return ApiSettings(
            settings[table.JWT_SECRET],
            public_origin=public,
            jwt_previous=(previous,) if previous else (),
            secure_cookies=public is None or not public.startswith("http:"),
            cors_origins=settings[table.CORS_ORIGINS],
            requests_per_minute=settings[table.REQUESTS_PER_MINUTE],
            trusted_proxies=settings[table.TRUSTED_PROXIES],
            zone=settings[table.ZONE],
            metrics_token=settings.get(table.METRICS_TOKEN),
            releases=settings.get(table.RELEASES_DIR),
            machines=machines,
        )
    except ValueError as error:
        raise SettingError(table.JWT_SECRET.name, str(error)) from None


async def _served(fleet: Fleet, settings: ApiSettings, host: str, port: int, serving: asyncio.Event) -> None:
    app = create_app(fleet, settings)
    settle()
    try:
        await serve(app, host, port, serving)
    except OSError as error:
        raise CommandFailed(f"PPM_HTTP_PORT: {host}:{port} cannot be used ({error.strerror})") from None
