"""Two machines with one identity: a disk that was copied, a password that is known. Somebody is told."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from controller import twins
from controller.twins import QUIET_S, WITHIN_S, Twins
from fleet.database.tables import alert
from kiosk_agent.agent import Agent
from kiosk_agent.broker import Broker
from kiosk_agent.platform.dry import DryPlatform
from kiosk_agent.settings import Settings
from protocol import topics
from protocol.messages import Status
from tests.controller.conftest import Driven
from tests.support.waiting import eventually, wait_until

NOTICED_S = 30.0


def on(boot: str, connection: int = 1) -> Status:
    return Status(online=True, boot=boot, connection=connection)


def seen(*told: tuple[float, Status]) -> list[bool]:
    made = Twins()
    return [made.status("p", status, at) for at, status in told]


def test_a_start_that_another_has_followed_and_that_is_back_is_a_second_machine() -> None:
    assert seen((0, on("a")), (1, on("b")), (2, on("a", 2)), (3, on("b", 2))) == [False, False, True, True]


def test_a_machine_that_starts_again_or_connects_again_is_one() -> None:
    starts = [(float(n), on(f"boot-{n}")) for n in range(20)]
    assert not any(seen(*starts))
    assert not any(seen(*((float(n), on("a", n)) for n in range(20))))


def test_a_late_will_or_a_word_said_twice_is_no_second_machine() -> None:
    late = Status(online=False, boot="a", connection=1, reason="lost")
    assert not any(seen((0, on("a")), (1, on("b")), (2, late), (3, on("b")), (4, on("b"))))


def test_copies_of_one_start_are_told_by_their_numbers_and_a_lost_disk_is_not() -> None:
    assert seen((0, on("a", 5)), (1, on("a", 1)), (2, on("a", 6)), (3, on("a", 2)))[-1]
    assert not any(seen((0, on("a", 5)), (1, on("a", 1)), (2, on("a", 2))))


def test_it_is_over_once_there_is_one_for_a_while() -> None:
    made = Twins()
    for at, status in ((0.0, on("a")), (1.0, on("b")), (2.0, on("a", 2))):
        made.status("p", status, at)
    assert made.over(1.0 + QUIET_S) == []
    assert made.over(2.0 + QUIET_S) == ["p"]
    assert made.over(9.0 + QUIET_S) == []
    assert not made.status("p", on("b", 9), 3.0 + WITHIN_S)


def alarms(driven: Driven) -> list[Any]:
    with driven.room.fleet.database.read() as tx:
        wanted = select(alert).where(alert.c.genre == "alerte_identite")
        return list(tx.execute(wanted.order_by(alert.c.id)))


class Copied(DryPlatform):
    """Another machine: it was started another time."""

    def __init__(self, boot: str) -> None:
        super().__init__()
        self._boot = boot


def test_a_copied_disk_is_noticed_within_half_a_minute_and_forgotten_when_one_is_gone(
    driven: Driven, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(twins, "QUIET_S", 6.0)
    account = driven.accounts[0]

    def agent(boot: str) -> Agent:
        broker = Broker("127.0.0.1", driven.broker.postes_port, account.name, account.password)
        return Agent(Settings(driven.site, account.name, broker, tmp_path / boot), Copied(boot))

    async def scene() -> None:
        both = [agent("first"), agent("second")]
        tasks = [asyncio.create_task(one.run()) for one in both]
        began = time.monotonic()
        await eventually(lambda: alarms(driven), NOTICED_S, "noticed")
        print(f"noticed after {time.monotonic() - began:.1f} s")
        both[1].stop()
        await tasks[1]
        await eventually(lambda: alarms(driven)[0].resolue_a, 30, "over")
        both[0].stop()
        await tasks[0]

    with driven.controller():
        asyncio.run(scene())
    (one,) = alarms(driven)
    assert (one.poste_id, one.site_id) == (driven.room.postes[0], driven.room.site_id)
    assert one.details["machines"]


def test_an_alarm_of_an_earlier_controller_is_ended_by_the_next(
    driven: Driven, monkeypatch: pytest.MonkeyPatch
) -> None:
    with driven.controller(), driven.poste() as poste:
        for boot in ("a", "b", "a"):
            poste.say(topics.STATUS, on(boot))
        wait_until(lambda: alarms(driven), 10, "noticed")
    monkeypatch.setattr(twins, "QUIET_S", 1.0)
    assert alarms(driven)[0].resolue_a is None
    with driven.controller():
        wait_until(lambda: alarms(driven)[0].resolue_a, 15, "over")
