"""`ppm demo`."""

import asyncio
import time
from pathlib import Path

import click
from rich.console import Console

from ppm import demo as room
from ppm import demo_facts, demo_view, logs
from ppm import settings as table
from ppm.compose import stopping
from ppm.demo import Wanted
from ppm.demo_folder import alone_in
from ppm.setting_values import Settings
from ppm.words import say


@click.command()
@click.option("--postes", type=click.IntRange(1, 200), default=12, show_default=True, help="How many postes.")
@click.option("--visitors/--no-visitors", default=True, help="With people who use them, or idle.")
@click.option("--calm", is_flag=True, help="With people, but no machine ever fails.")
@click.option("--seat", is_flag=True, help="Keep the last poste for you, in a terminal, with a code.")
def demo(postes: int, visitors: bool, calm: bool, seat: bool) -> None:
    """A whole room on this machine: broker, database, controller, API, postes with life in them.

    Everything is in one folder and ends with Ctrl-C. demo.json in that folder says where everything is.
    """
    settings = Settings.load()
    folder = demo_facts.folder(settings)
    with alone_in(folder) as inner, logs.in_file(inner / room.LOG, settings[table.LOG_LEVEL]):
        asyncio.run(_live(settings, folder, Wanted(postes, visitors, calm, seat)))


async def _live(settings: Settings, folder: Path, wanted: Wanted) -> None:
    console = Console()
    began = time.monotonic()
    with stopping() as stop:
        opening = asyncio.create_task(_open(console, settings, folder, wanted, began))
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait([opening, stopped], return_when=asyncio.FIRST_COMPLETED)
        opening.cancel()
        stopped.cancel()
        results = await asyncio.gather(opening, stopped, return_exceptions=True)
    if isinstance(results[0], Exception):
        raise results[0]
    console.print(say("stopped"))


async def _open(console: Console, settings: Settings, folder: Path, wanted: Wanted, began: float) -> None:
    async with room.running(settings, folder, wanted) as ready:
        demo_view.greet(console, ready, given_database=settings.is_set(table.DATABASE_URL))
        console.print(say("ready_after", s=f"{time.monotonic() - began:.1f}"), highlight=False)
        shown = asyncio.ensure_future(demo_view.show(console, ready))
        try:
            done, _ = await asyncio.wait([*ready.tasks, shown], return_when=asyncio.FIRST_COMPLETED)
            for program in done:
                program.result()
        finally:
            shown.cancel()
