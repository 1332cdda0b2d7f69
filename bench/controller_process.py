"""A controller in a process of its own, which tells when it drives and when what it did was done.

`python -m bench.controller_process FILE`. On SIGUSR1 it arms anew what the database says; on SIGTERM it stops.
With `record` in the settings it writes `{kind} {id} {unix time}` lines at its end: sessions when their end was
committed, postes when the broker had acknowledged what they should do.
"""

import asyncio
import json
import logging
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from controller.app import Controller, ControllerSettings
from controller.link import BrokerAddress
from controller.to_kiosks import Sender
from fleet.database.engine import Database
from fleet.database.leases import Lease
from fleet.database.outbox import Wanted
from fleet.usecases import endings
from fleet.usecases.endings import Ended
from fleet.usecases.fleet import Fleet
from fleet.usecases.sealing import CodeKeys


def main() -> None:
    told = json.loads(Path(sys.argv[1]).read_text())
    logging.basicConfig(level=logging.WARNING, format="%(name)s %(levelname)s %(message)s")
    record = Record() if told.get("record") else None
    if record is not None:
        record.listen()
    asyncio.run(_run(told))
    if record is not None:
        record.write(Path(told["record"]))


async def _run(told: dict[str, Any]) -> None:
    database = Database(told["database"])
    fleet = Fleet(database, CodeKeys.from_secret(bytes.fromhex(told["secret"])))
    name, password = told["controller"]
    broker = BrokerAddress("127.0.0.1", told["services_port"], name, password)
    controller = Controller(fleet, ControllerSettings(broker, root=told["root"]))
    task = asyncio.create_task(controller.run())
    loop = asyncio.get_running_loop()
    sweeps: set[asyncio.Task[None]] = set()
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    loop.add_signal_handler(signal.SIGUSR1, lambda: sweeps.add(asyncio.create_task(_sweep(controller))))
    await controller.ready.wait()
    for driver in controller.drivers.values():
        await driver.driving.wait()
    print("driving", time.time(), flush=True)
    await asyncio.wait([task])
    database.close()


async def _sweep(controller: Controller) -> None:
    for driver in controller.drivers.values():
        await driver.sweep()
    print("swept", time.time(), flush=True)


class Record:
    """When each end was committed, and when the broker had what follows from it."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, int, float]] = []

    def listen(self) -> None:
        """Put ourselves behind what commits and what publishes."""
        committed = endings.end_due

        def end_due(fleet: Fleet, lease: Lease, due: Sequence[int], *, confirmations: bool = True) -> Ended:
            ended = committed(fleet, lease, due, confirmations=confirmations)
            now, later = time.time(), {one.session_id for one in ended.later}
            self.lines += [("committed", one, now) for one in due if one not in later]
            return ended

        published = Sender._state
        lines = self.lines

        def state(sender: Sender, wanted: Wanted) -> asyncio.Future[None]:
            done = published(sender, wanted)
            done.add_done_callback(lambda _: lines.append(("published", wanted.poste_id, time.time())))
            return done

        endings.end_due = end_due
        setattr(Sender, "_state", state)  # noqa: B010 (mypy refuses the plain word)

    def write(self, path: Path) -> None:
        path.write_text("".join(f"{kind} {one} {instant:.6f}\n" for kind, one, instant in self.lines))


if __name__ == "__main__":
    main()
