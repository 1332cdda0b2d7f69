"""Many postes in one process, each a bare connection that says what an agent says.

`python -m bench.swarm_process FILE`. Each keeps to the protocol as far as the controller can see: will, birth,
resync, heartbeats every 20 s +-20 %, an acknowledgement for each desired session, and a resync within a second when
another controller says that it drives. It tells `connected` once, and for each run of a controller `first RUN TIME`
and `all RUN TIME`: when the first and when the last poste had an answer of it.
"""

import asyncio
import json
import random
import sys
import time
from pathlib import Path
from typing import Any

from bench.mqtt import Wire
from bench.seed import BOOT, path, slug
from protocol import codec, messages, topics

CONNECTS = 64
PERIOD_S = 20.0
SPREAD_S = 1.0
REPEAT_S, LONGEST_REPEAT_S = 2.0, 30.0
KEEPALIVE_S = 60


class Swarm:
    """The postes, and who drives them."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.root, self.site, self.port = told["root"], told["site"], told["postes_port"]
        self.status = topics.controller_status(self.site, self.root)
        self.run_id = ""
        self.answered: set[int] = set()
        self.postes = [Poste(self, n, told["passwords"][slug(n)]) for n in range(1, told["count"] + 1)]

    async def run(self) -> None:
        gate = asyncio.Semaphore(CONNECTS)
        await asyncio.gather(*(poste.connect(gate) for poste in self.postes))
        print("connected", time.time(), flush=True)
        await asyncio.Event().wait()

    def drives(self, run_id: str) -> bool:
        """A controller says that it drives. False when that is no news."""
        if run_id != self.run_id:
            self.run_id = run_id
            self.answered.clear()
        return True

    def answer(self, number: int) -> None:
        """A poste was answered by whoever drives now."""
        self.answered.add(number)
        if len(self.answered) == 1:
            print("first", self.run_id, time.time(), flush=True)
        if len(self.answered) == len(self.postes):
            print("all", self.run_id, time.time(), flush=True)


class Poste:
    """One of them."""

    def __init__(self, swarm: Swarm, number: int, password: str) -> None:
        self._swarm, self._number, self._password = swarm, number, password
        self._wire = Wire(self._receive)
        self._loop = asyncio.get_running_loop()
        self._term = self._rev = 0
        self._asks = 0
        self._patience_s = REPEAT_S
        self._run_id: str | None = None
        self._unanswered: str | None = None

    async def connect(self, gate: asyncio.Semaphore) -> None:
        """The order of a connection: will, subscriptions, status, info, state, resync."""
        async with gate:
            will = messages.Status(online=False, boot=BOOT, connection=1, reason="lost")
            name = slug(self._number)
            await self._wire.open(
                self._swarm.port,
                name,
                self._password,
                name,
                will=(self._path(topics.STATUS), codec.encode(will)),
                keepalive_s=KEEPALIVE_S,
            )
            downs = [topic for topic in topics.TOPICS if topic.publisher == "controller"]
            everyone = topics.all_postes_command(self._swarm.site, self._swarm.root)
            await self._wire.subscribe(*(self._path(topic) for topic in downs), everyone, self._swarm.status)
        self._say(topics.STATUS, messages.Status(online=True, boot=BOOT, connection=1))
        self._say(topics.INFO, messages.Info(protocol=1, software="bench"))
        self._say(topics.STATE, self._state())
        self._resync()
        self._loop.call_later(random.uniform(0, PERIOD_S), self._beat)

    def _path(self, topic: topics.Topic) -> str:
        return path(self._number, topic.name, self._swarm.root)

    def _say(self, topic: topics.Topic, message: messages.Message) -> None:
        self._wire.publish(self._path(topic), codec.encode(message), qos=topic.qos, retain=topic.retained)

    def _state(self) -> messages.State:
        return messages.State(
            boot=BOOT, seq=1, term=self._term, rev=self._rev, phase="active", session=str(self._number)
        )

    def _beat(self) -> None:
        beat = messages.Heartbeat(
            boot=BOOT, term=self._term, rev=self._rev, phase="active", remaining_ms=3_600_000
        )
        self._say(topics.HEARTBEAT, beat)
        self._wire.ping()
        self._loop.call_later(PERIOD_S * random.uniform(0.8, 1.2), self._beat)

    def _resync(self) -> None:
        self._asks += 1
        self._patience_s = REPEAT_S
        self._unanswered = f"{self._number}-{self._asks}"
        self._ask()

    def _ask(self) -> None:
        if self._unanswered is None:
            return
        asked = messages.Resync(
            id=self._unanswered,
            nonce=self._unanswered,
            boot=BOOT,
            term=self._term,
            rev=self._rev,
            phase="active",
            session=str(self._number),
            remaining_ms=3_600_000,
            connection=1,
        )
        self._say(topics.REQUEST, asked)
        self._loop.call_later(self._patience_s, self._again, self._unanswered)

    def _again(self, asked: str) -> None:
        if self._unanswered == asked:
            self._patience_s = min(2 * self._patience_s, LONGEST_REPEAT_S)
            self._ask()

    def _receive(self, topic: str, payload: bytes) -> None:
        if topic == self._swarm.status:
            self._controller(codec.decode_controller_status(payload))
        elif topic.endswith("/down/session") and payload:
            self._follow(codec.decode(topics.SESSION, payload))
        elif topic.endswith("/down/reply"):
            self._answered(codec.decode(topics.REPLY, payload))

    def _controller(self, status: messages.ControllerStatus) -> None:
        if status.online and status.run != self._run_id:
            known, self._run_id = self._run_id, status.run
            self._swarm.drives(status.run)
            if known is not None:
                self._loop.call_later(random.uniform(0, SPREAD_S), self._resync)

    def _follow(self, wanted: messages.Desired) -> None:
        self._term, self._rev = wanted.term, wanted.rev
        ack = messages.Ack(
            id="desired",
            boot=BOOT,
            status="done",
            term=self._term,
            rev=self._rev,
            session=wanted.session,
            remaining_ms=wanted.remaining_ms,
        )
        self._say(topics.ACK, ack)

    def _answered(self, reply: messages.Reply) -> None:
        if isinstance(reply, messages.Accepted) and reply.id == self._unanswered:
            self._unanswered = None
            self._swarm.answer(self._number)
            self._follow(reply.desired)


async def _main(told: dict[str, Any]) -> None:
    await Swarm(told).run()


if __name__ == "__main__":
    asyncio.run(_main(json.loads(Path(sys.argv[1]).read_text())))
