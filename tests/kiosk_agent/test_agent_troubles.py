"""Broken disks, platforms and faces under a real agent on a real broker; and visitors in front of many."""

import asyncio
import io
import logging
import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from kiosk_agent.agent import Agent
from kiosk_agent.platform.base import Attestation, PlatformError
from kiosk_agent.platform.dry import DryPlatform
from kiosk_agent.store import Store, StoreError
from kiosk_agent.ui.face import View
from kiosk_agent.ui.terminal import ScreenFace, keys
from ppm.parts.broker import PrivateBroker
from ppm.simulator.machine import SimulatedMachine
from ppm.simulator.poste import SimulatedPoste
from ppm.simulator.room import Room
from ppm.simulator.visitors import DeskError, Habits, Visitors
from protocol.messages import Ack, Cleaned, Reboot, Trouble
from tests.kiosk_agent.test_agent_on_a_broker import opened, play, settings
from tests.kiosk_agent.tiny_controller import TinyController
from tests.support.waiting import eventually

Body = Callable[[TinyController, SimulatedPoste], Awaitable[None]]


def failing(name: str, error: Exception) -> Callable[..., object]:
    def fail(*_: object) -> object:
        raise error

    fail.__name__ = name
    return fail


async def troubles(controller: TinyController, poste: SimulatedPoste) -> set[str]:
    return {event.what for event in controller.of(poste.slug, Trouble)}


def test_a_disk_that_fails_keeps_the_machine_locked_and_says_so(
    broker: PrivateBroker, site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body(controller: TinyController, poste: SimulatedPoste) -> None:
        await eventually(lambda: controller.of(poste.slug, Ack))
        with monkeypatch.context() as disk:
            for write in ("_replace", "_overwrite"):
                disk.setattr(Store, write, failing(write, StoreError("No space left on device")))
            poste.type_code("ABC234")
            refused = await eventually(
                lambda: [ack for ack in controller.of(poste.slug, Ack) if ack.status == "refused"]
            )
            assert refused[0].reason == "storage"
            assert not poste.machine.times("unlock")
            await eventually(
                lambda: "state_unwritable" in {e.what for e in controller.of(poste.slug, Trouble)}
            )
            assert "accueil" in poste.said[0]
        poste.type_code("ABC235")
        assert await poste.until(lambda one: one.phase == "active")

    play(broker, site, tmp_path, body)


def test_a_corrupt_state_is_a_locked_machine_that_says_so(
    broker: PrivateBroker, site: str, tmp_path: Path
) -> None:
    async def body(controller: TinyController, poste: SimulatedPoste) -> None:
        await opened(controller, poste)
        await poste.crash()
        (poste.settings.folder / "state.json").write_bytes(b"{")
        (poste.settings.folder / "events.jsonl").write_bytes(b"\xff")
        controller.decide(poste.slug, "locked")
        poste.restart()
        await eventually(lambda: controller.of(poste.slug, Cleaned))
        assert {"state_lost"} == await troubles(controller, poste)
        assert await poste.until(lambda one: one.is_free)

    play(broker, site, tmp_path, body)


def test_a_machine_that_does_not_unlock_is_refused_and_told(
    broker: PrivateBroker, site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SimulatedMachine, "unlock", failing("unlock", PlatformError("no session")))

    async def body(controller: TinyController, poste: SimulatedPoste) -> None:
        poste.type_code("ABC234")
        await eventually(lambda: [a for a in controller.of(poste.slug, Ack) if a.reason == "unlock_failed"])
        await eventually(lambda: "unlock_failed" in {e.what for e in controller.of(poste.slug, Trouble)})
        assert poste.phase == "locked"
        assert not [a for a in controller.of(poste.slug, Ack) if a.status == "done" and a.session]

    play(broker, site, tmp_path, body)


def test_a_machine_that_does_not_lock_is_told_again(
    broker: PrivateBroker, site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body(controller: TinyController, poste: SimulatedPoste) -> None:
        await opened(controller, poste)
        with monkeypatch.context() as machine:
            machine.setattr(SimulatedMachine, "lock", failing("lock", PlatformError("no")))
            # The agent took the method when it started.
            assert poste.agent is not None
            machine.setattr(poste.agent._platform, "lock", failing("lock", PlatformError("no")))
            await controller.order(poste.slug, "locked")
            await eventually(lambda: "lock_failed" in {e.what for e in controller.of(poste.slug, Trouble)})
            assert poste.machine.unlocked
        assert await eventually(lambda: not poste.machine.unlocked, 3)

    play(broker, site, tmp_path, body)


def test_a_clean_up_that_fails_is_attested_as_leftovers(
    broker: PrivateBroker, site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def clean(_: SimulatedMachine) -> Attestation:
        raise PlatformError("busy")

    monkeypatch.setattr(SimulatedMachine, "clean", clean)

    async def body(controller: TinyController, poste: SimulatedPoste) -> None:
        await opened(controller, poste)
        poste.end_session()
        cleaned = await eventually(lambda: controller.of(poste.slug, Cleaned))
        assert cleaned[0].leftovers == ("clean_failed",)

    play(broker, site, tmp_path, body)


def test_a_clean_up_that_breaks_in_any_way_does_not_last_for_ever(
    broker: PrivateBroker, site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def clean(machine: SimulatedMachine) -> Attestation:
        if len(machine.times("lock")) % 2:
            raise ValueError("a bug")
        await asyncio.sleep(3_600)
        return Attestation(ms=0)

    monkeypatch.setattr(SimulatedMachine, "clean", clean)
    monkeypatch.setattr("kiosk_agent.agent.LONGEST_CLEAN_S", 0.2)

    async def body(controller: TinyController, poste: SimulatedPoste) -> None:
        for code in ("ABC234", "ABC235"):
            poste.type_code(code)
            assert await poste.until(lambda one: one.phase == "active")
            poste.end_session()
            assert await poste.until(lambda one: one.is_free)
        both = {("clean_failed",), ("clean_too_long",)}
        await eventually(lambda: {one.leftovers for one in controller.of(poste.slug, Cleaned)} == both)

    play(broker, site, tmp_path, body)


def test_a_session_that_ended_on_a_full_disk_is_not_taken_up_again(
    broker: PrivateBroker, site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body(controller: TinyController, poste: SimulatedPoste) -> None:
        await opened(controller, poste)
        with monkeypatch.context() as disk:
            for write in ("_replace", "_overwrite"):
                disk.setattr(Store, write, failing(write, StoreError("No space left on device")))
            controller.deaf = True
            poste.end_session()
            assert await poste.until(lambda one: not one.machine.unlocked)
            await poste.crash()
        unlocks = len(poste.machine.times("unlock"))
        poste.restart()
        assert await poste.until(lambda one: one.is_free)
        assert len(poste.machine.times("unlock")) == unlocks

    play(broker, site, tmp_path, body)


def test_what_could_not_be_written_is_written_once_the_disk_is_well(
    broker: PrivateBroker, site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kiosk_agent.machine.WRITE_AGAIN_MS", 100)

    async def body(controller: TinyController, poste: SimulatedPoste) -> None:
        await opened(controller, poste)
        state = poste.settings.folder / "state.json"
        with monkeypatch.context() as disk:
            for write in ("_replace", "_overwrite"):
                disk.setattr(Store, write, failing(write, StoreError("No space left on device")))
            poste.end_session()
            await eventually(lambda: not state.exists())
        await eventually(state.exists)

    play(broker, site, tmp_path, body)


def test_a_broken_window_unlocks_nothing_and_is_told(
    broker: PrivateBroker,
    site: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.CRITICAL)
    changed = SimulatedPoste.changed

    def broken(poste: SimulatedPoste, view: View) -> None:
        changed(poste, view)
        if view.phase == "active":
            raise RuntimeError("no display")

    monkeypatch.setattr(SimulatedPoste, "changed", broken)

    async def body(controller: TinyController, poste: SimulatedPoste) -> None:
        await opened(controller, poste)
        await eventually(lambda: "ui_crashed" in {e.what for e in controller.of(poste.slug, Trouble)})
        assert poste.phase == "active"

    play(broker, site, tmp_path, body)


def test_a_machine_restarts_when_it_is_told(broker: PrivateBroker, site: str, tmp_path: Path) -> None:
    async def body(controller: TinyController, poste: SimulatedPoste) -> None:
        boot = poste.machine.boot
        await eventually(lambda: controller.of(poste.slug, Ack))
        await controller.command(poste.slug, Reboot, boot)
        await eventually(lambda: poste.machine.boot != boot)
        assert await poste.until(lambda one: one.is_free)
        assert [ack.status for ack in controller.of(poste.slug, Ack) if ack.id == "c1"] == ["done"]

    play(broker, site, tmp_path, body)


def test_the_dry_machine_does_nothing_and_attests_it() -> None:
    machine = DryPlatform(clean_s=0)
    machine.lock()
    machine.unlock("s1")
    machine.warn(60, "Encore 1 min.")
    machine.show("Bonjour")
    machine.power("reboot")
    assert asyncio.run(machine.clean()) == Attestation(ms=0)
    assert machine.boot_id() == DryPlatform().boot_id()
    assert machine.info().protocol == 1
    assert machine.load() >= 0
    assert machine.idle_s() == 0


def test_a_code_typed_in_a_terminal_opens_the_poste(broker: PrivateBroker, site: str, tmp_path: Path) -> None:
    made = settings(broker, site, f"{site}-p1", tmp_path)
    master, slave = os.openpty()

    async def scene() -> None:
        screen = io.StringIO()
        face = ScreenFace(made.poste, "fr", screen)
        face.visitor = agent = Agent(made, DryPlatform(clean_s=0), face=face)
        async with TinyController(broker, site) as controller:
            await controller.appear("r1")
            with os.fdopen(slave) as typed, face.shown(), keys(face.typed, typed):
                running = asyncio.create_task(agent.run())
                await eventually(lambda: "Tapez votre code" in screen.getvalue())
                os.write(master, b"abc234\n")
                await eventually(lambda: "30:00" in screen.getvalue() or "29:59" in screen.getvalue())
                os.write(master, b"ff")
                await eventually(lambda: controller.of(made.poste, Cleaned))
                agent.stop()
                await running

    asyncio.run(scene())
    os.close(master)


@pytest.mark.parametrize("seed", range(3))
def test_crashes_at_any_moment_cost_the_visitor_nothing(
    broker: PrivateBroker, site: str, tmp_path: Path, seed: int
) -> None:
    async def body(controller: TinyController, poste: SimulatedPoste) -> None:
        rng = Random(seed)
        await opened(controller, poste)
        for _ in range(8):
            await asyncio.sleep(rng.uniform(0, 0.4))
            await poste.crash()
            await asyncio.sleep(rng.uniform(0, 0.3))
            poste.restart()
            assert await poste.until(lambda one: one.phase == "active")
        agent = poste.agent
        assert agent is not None
        remaining = agent.machine.lending.remaining(agent.now())
        assert remaining is not None
        used = poste.machine.used_s("s-abc234")
        assert abs(used + remaining / 1000 - 1800) < 1, (used, remaining)

    play(broker, site, tmp_path, body)


class PaperDesk:
    """Gives codes that the tiny controller believes; now and then it has none left."""

    def __init__(self) -> None:
        self.given = 0

    async def create_session(self, site: str, minutes: float) -> str:
        self.given += 1
        if self.given % 7 == 0:
            raise DeskError("no paper")
        return f"ABC{self.given:03d}"


def test_visitors_come_and_go(broker: PrivateBroker, site: str, tmp_path: Path) -> None:
    made = [
        replace(settings(broker, site, f"{site}-p{number}", tmp_path), folder=tmp_path) for number in range(6)
    ]
    habits = Habits(
        arrivals_per_minute=1_500,
        minutes=(0.5 / 60, 1 / 60),
        types_for_s=(0, 0.05),
        mistypes=0.0,
        careless=0.5,
    )

    async def scene() -> None:
        async with (
            TinyController(broker, site, minutes=0.5 / 60, grace_ms=100) as controller,
            Room(made) as room,
        ):
            assert await room.all_online()
            visitors = Visitors(site, room.postes, PaperDesk(), habits, seed=3)
            coming = asyncio.create_task(visitors.run())
            await eventually(lambda: visitors.counts["opened"] >= 20, 15)
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)
            assert visitors.counts["came"] >= visitors.counts["opened"]
            assert visitors.counts["no_code"] > 0
            assert all(await asyncio.gather(*(one.until(lambda p: p.is_free, 5) for one in room)))
            assert controller.heard

    asyncio.run(scene())
