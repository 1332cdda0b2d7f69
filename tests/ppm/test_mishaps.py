"""Machines that crash, freeze and lose their network and power: as often as said, as the seed says."""

import asyncio
import itertools
from collections import Counter
from pathlib import Path

import pytest

from kiosk_agent.broker import Broker
from kiosk_agent.settings import Settings
from ppm.parts.broker import PrivateBroker
from ppm.simulator.machine import REMEMBERED, SimulatedMachine
from ppm.simulator.mishaps import Mishap, Mishaps, Rates
from ppm.simulator.poste import SimulatedPoste
from ppm.simulator.room import Room
from ppm.simulator.visitors import Habits, Visitors
from tests.kiosk_agent.tiny_controller import TinyController
from tests.support.waiting import eventually


def postes(count: int, folder: Path) -> list[SimulatedPoste]:
    nowhere = Broker("127.0.0.1", 1, "p", "")
    return [SimulatedPoste(Settings("site", f"p{n}", nowhere, folder)) for n in range(count)]


def planned(folder: Path, rates: Rates, count: int, seed: int = 0) -> list[Mishap]:
    return list(itertools.islice(Mishaps(postes(10, folder), rates, seed).plan(), count))


def test_the_same_seed_plans_the_same(tmp_path: Path) -> None:
    assert planned(tmp_path, Rates(), 50, 1) == planned(tmp_path, Rates(), 50, 1)
    assert planned(tmp_path, Rates(), 50, 1) != planned(tmp_path, Rates(), 50, 2)


def test_each_happens_as_often_as_its_rate_says(tmp_path: Path) -> None:
    rates = Rates(crash=1, freeze=2, network=4, power=0)
    plan = planned(tmp_path, rates, 7000)
    kinds = Counter[str](one.kind for one in plan)
    assert kinds["power"] == 0
    for kind, share in (("crash", 1000), ("freeze", 2000), ("network", 4000)):
        assert abs(kinds[kind] - share) < 0.1 * share
    hours = sum(one.after_s for one in plan) / 3600
    assert abs(hours - 7000 / (7 * 10)) < 0.05 * 100
    assert {one.poste for one in plan} == set(range(10))
    assert all(2.0 <= one.lasts_s <= 20.0 for one in plan)


def test_nothing_happens_in_a_calm_room(tmp_path: Path) -> None:
    assert planned(tmp_path, Rates().times(0), 5) == []
    assert list(Mishaps([], Rates()).plan()) == []


@pytest.mark.parametrize("kind", ["crash", "freeze", "network", "power"])
def test_a_poste_comes_back_by_itself(broker: PrivateBroker, site: str, tmp_path: Path, kind: str) -> None:
    account = broker.add_poste(site, f"{site}-p1")
    address = Broker(broker.host, broker.postes_port, account.name, account.password)
    made = Settings(site, account.name, address, tmp_path)
    only = Rates(0, 0, 0, 0, (0.2, 0.4))
    rates = Rates(**{**vars(only), kind: 3600 * 2.0})

    async def scene() -> None:
        async with TinyController(broker, site), Room([made]) as room:
            poste = room[account.name]
            assert await room.all_online()
            boot = poste.machine.boot
            mishaps = Mishaps(list(room), rates, seed=3)
            happening = asyncio.create_task(mishaps.run())
            await eventually(lambda: sum(mishaps.counts.values()) >= 2, 15)
            happening.cancel()
            await asyncio.wait([happening])
            assert set(mishaps.counts) == {kind}
            if poste.view is None:
                poste.start()
            assert await poste.until(lambda one: one.is_free, 20)
            assert (poste.machine.boot == boot) == (kind != "power")

    asyncio.run(scene())


def test_a_visitor_whose_machine_lost_its_power_types_the_code_again(
    broker: PrivateBroker, site: str, tmp_path: Path
) -> None:
    account = broker.add_poste(site, f"{site}-p1")
    address = Broker(broker.host, broker.postes_port, account.name, account.password)
    made = Settings(site, account.name, address, tmp_path)
    habits = Habits(mistypes=0, careless=0, asks_for_time=0, leaves_early=0, types_for_s=(0.0, 0.1))

    class Desk:
        async def create_session(self, site: str, minutes: float) -> str:
            return "ABC234"

    async def scene() -> None:
        async with TinyController(broker, site) as controller, Room([made]) as room:
            poste = room[account.name]
            assert await poste.until(lambda one: one.is_free, 20)
            visitors = Visitors(site, [poste], Desk(), habits)
            visit = asyncio.create_task(visitors.one_visit())
            assert await poste.until(lambda one: one.phase == "active", 20)
            controller.decide(poste.slug, "locked")
            await poste.power_cycle()
            await eventually(lambda: visitors.counts["typed_again"] == 1, 20)
            visit.cancel()
            await asyncio.wait([visit])

    asyncio.run(scene())


def test_a_machine_remembers_the_last_moments_only() -> None:
    machine = SimulatedMachine("p1")
    for n in range(3 * REMEMBERED):
        machine.show(str(n))
    assert len(machine.history) == REMEMBERED
    assert machine.history[-1].detail == str(3 * REMEMBERED - 1)
