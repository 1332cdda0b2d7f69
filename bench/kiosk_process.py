"""Real agents in a process of their own, on machines that tell when they unlock.

`python -m bench.kiosk_process FILE`. Reads `SLUG CODE` lines on the port that it tells first (`port N`), types the
code there, and answers `unlocked MS` with the time from the key to the unlocking.
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

from kiosk_agent.agent import Agent
from kiosk_agent.link import Broker
from kiosk_agent.platform.dry import DryPlatform
from kiosk_agent.settings import Settings


class Machine(DryPlatform):
    """A machine with a stopwatch."""

    def __init__(self) -> None:
        super().__init__(clean_s=0.0)
        self.opened = asyncio.Event()
        self.opened_at = 0.0

    def unlock(self, session: str) -> None:  # noqa: ARG002 (the platform's signature)
        self.opened_at = time.perf_counter()
        self.opened.set()


async def _run(told: dict[str, Any]) -> None:
    machines: dict[str, tuple[Machine, Agent]] = {}
    async with asyncio.TaskGroup() as group:
        for slug, password in told["postes"].items():
            broker = Broker("127.0.0.1", told["postes_port"], slug, password)
            machine = Machine()
            folder = Path(told["folder"]) / slug
            machines[slug] = (
                machine,
                Agent(Settings(told["site"], slug, broker, folder, told["root"]), machine),
            )
            group.create_task(machines[slug][1].run())

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            async for line in reader:
                slug, _, code = line.decode().strip().partition(" ")
                writer.write(f"{await _typed(*machines[slug], code):.4f}\n".encode())

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        print("port", server.sockets[0].getsockname()[1], flush=True)


async def _typed(machine: Machine, agent: Agent, code: str) -> float:
    """The milliseconds from the last key to the unlocking; -1 when it did not unlock."""
    machine.opened.clear()
    begun = time.perf_counter()
    agent.type_code(code)
    try:
        async with asyncio.timeout(5):
            await machine.opened.wait()
    except TimeoutError:
        return -1.0
    return (machine.opened_at - begun) * 1000


if __name__ == "__main__":
    asyncio.run(_run(json.loads(Path(sys.argv[1]).read_text())))
