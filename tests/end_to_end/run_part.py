"""Runs one real part in this process, for a test: `python -m tests.end_to_end.run_part KIND CONFIGURATION`.

It says and hears on its line (see line.py), and plants what the test wants planted. No hooks in the product.
"""

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from tests.end_to_end.line import Speaker, Words
from tests.end_to_end.planting import Planter, Step

TICK_S = 0.02


class Part:
    """What all parts do: hear steps, plant faults, tell that they are ready."""

    def __init__(self, configuration: Words) -> None:
        self.configuration = configuration
        self.speaker = Speaker(configuration["line"])
        self._planter = Planter(lambda step: self.speaker.say(kind="reached", step=str(step)))
        for fault in configuration.get("faults", ()):
            from tests.end_to_end import faults

            getattr(faults, fault)()
        for step in configuration.get("steps", ()):
            self._planter.plant(Step(**step))

    def begin(self) -> None:
        """Listen to the test from now on."""
        self.speaker.listen(self._heard)

    def _heard(self, words: Words) -> None:
        match words.pop("order"):
            case "plant":
                self._planter.plant(Step(**words))
                self.speaker.say(kind="planted")
            case "release":
                self._planter.release()
            case other:
                self.told(other, words)

    def told(self, what: str, words: Words) -> None:
        """Something that is of this kind of part alone."""

    def run(self) -> None:
        """Be the part until the process is told to end."""
        asyncio.run(self.main())

    async def main(self) -> None:
        """The same, in a loop."""
        work = asyncio.create_task(self.work(), name="work")
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, work.cancel)
        self.begin()
        with contextlib.suppress(asyncio.CancelledError):
            await work

    async def work(self) -> None:
        raise NotImplementedError


class Server(Part):
    """A part that works on the database: `clock` steps the database's clock as this process sees it."""

    def __init__(self, configuration: Words) -> None:
        super().__init__(configuration)
        from datetime import timedelta

        from fleet.database import engine

        self._step = timedelta(seconds=configuration.get("clock_step_s", 0))
        true_clock = engine.clock
        engine.clock = lambda connection, told=None: true_clock(connection, told) + self._step

    def told(self, what: str, words: Words) -> None:
        from datetime import timedelta

        if what == "clock":
            self._step = timedelta(seconds=words["step_s"])
            self.speaker.say(kind="stepped")


class ApiPart(Server):
    """The API as a deployment runs it: the command `ppm api`, told by its environment."""

    def run(self) -> None:
        from ppm.commands.api import api

        os.environ |= self.configuration["settings"]
        self.begin()
        api.main([], standalone_mode=False)


class ControllerPart(Server):
    """A controller; with an `http_port` it serves the API too, as a deployment on SQLite does."""

    def __init__(self, configuration: Words) -> None:
        super().__init__(configuration)
        from controller.app import Controller, ControllerSettings
        from controller.link import BrokerAddress
        from fleet.database.engine import Database
        from fleet.usecases.fleet import Fleet
        from fleet.usecases.sealing import CodeKeys

        if (mine := configuration.get("site_ids")) is not None:
            _only(mine)
        broker = BrokerAddress("127.0.0.1", *configuration["broker"])
        name = {"name": configuration["name"]} if "name" in configuration else {}
        secret = configuration["secret"].encode()
        self.fleet = Fleet(Database(configuration["database"]), CodeKeys.from_secret(secret))
        self.controller = Controller(self.fleet, ControllerSettings(broker, **name))

    async def work(self) -> None:
        beside = [asyncio.create_task(self._tell(), name="telling")]
        if (port := self.configuration.get("http_port")) is not None:
            beside.append(asyncio.create_task(self._serve(port), name="serving"))
        try:
            await self.controller.run()
        finally:
            for one in beside:
                one.cancel()

    async def _serve(self, port: int) -> None:
        from api.app import create_app, serve
        from api.settings import ApiSettings

        releases = self.configuration.get("releases")
        settings = ApiSettings(
            self.configuration["jwt_secret"], releases=Path(releases) if releases is not None else None
        )
        await serve(create_app(self.fleet, settings), "127.0.0.1", port)

    async def _tell(self) -> None:
        """Tell which sites are driven, with which term, whenever that changes."""
        before: dict[str, int] | None = None
        while True:
            drivers = [one for one in list(self.controller.drivers.values()) if one.driving.is_set()]
            now = {str(one.tenure.lease.site_id): one.tenure.lease.term for one in drivers}
            if now != before:
                self.speaker.say(kind="driving", sites=now)
                before = now
            await asyncio.sleep(TICK_S)


def _only(mine: list[int]) -> None:
    """Leave the other sites of the database to other controllers."""
    from fleet.database import leases

    free_sites = leases.free_sites
    leases.free_sites = lambda *asked: [one for one in free_sites(*asked) if one[0] in mine]


class AgentPart(Part):
    """The agent of one poste, on a machine that tells the test when it is locked and unlocked."""

    def __init__(self, configuration: Words) -> None:
        super().__init__(configuration)
        from tests.end_to_end.told_machine import agent_on

        self.agent = agent_on(configuration, self.speaker)

    async def work(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self.agent.run()

    async def main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.add_signal_handler(signal.SIGTERM, self.agent.stop)
        self.begin()
        self.speaker.say(kind="ready")
        await self.work()

    def told(self, what: str, words: Words) -> None:
        hands: dict[str, Callable[[], object]] = {
            "type_code": lambda: self.agent.type_code(words["code"]),
            "ask_time": lambda: self.agent.ask_time(words["seconds"]),
            "end_session": self.agent.end_session,
            "open_by_hand": lambda: self.agent.open_by_hand(words["reason"], words["seconds"]),
        }
        self._loop.call_soon_threadsafe(hands[what])


KINDS: dict[str, Callable[[Words], Part]] = {
    "controller": ControllerPart,
    "api": ApiPart,
    "agent": AgentPart,
}


_PLAIN = set(vars(logging.makeLogRecord({})))


class _Formatter(logging.Formatter):
    """One line, with the extras that our logs carry."""

    def format(self, record: logging.LogRecord) -> str:
        extras = {key: value for key, value in vars(record).items() if key not in _PLAIN}
        return f"{super().format(record)} {extras or ''}"


def _log() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(_Formatter("%(asctime)s.%(msecs)03d %(name)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("apscheduler").setLevel(logging.WARNING)


def main() -> None:
    _log()
    kind, path = sys.argv[1:]
    part: Part = KINDS[kind](json.loads(Path(path).read_text()))
    part.run()


if __name__ == "__main__":
    main()
