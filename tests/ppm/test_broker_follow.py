"""The broker knows who the database knows: what changes there reaches a broker that runs, at once."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fleet.database.engine import Database
from fleet.domain.actor import SYSTEM
from fleet.usecases import enrolment, identities, postes, sites
from fleet.usecases.fleet import Fleet
from fleet.usecases.postes import NewPoste
from fleet.usecases.sealing import CodeKeys
from ppm import broker_files, broker_keeper
from ppm.broker_keeper import Keeper
from ppm.cli import CommandFailed
from ppm.parts.broker import Account, PrivateBroker
from protocol.enrolment import Machine
from tests.ppm.conftest import Ppm, clean_environment
from tests.support.mqtt import Wire
from tests.support.waiting import wait_until

SLUG = "le-port-01"
MACHINE = Machine(nom="pc-1", empreinte="0a" * 32)
CUT_S = 5.0


@pytest.fixture
def fleet(database_url: str) -> Iterator[Fleet]:
    made = Fleet(Database(database_url), CodeKeys.from_secret(b"0" * 32))
    site = sites.create(made, SYSTEM, "le-port", {"nom": "Le Port"})
    for slug in (SLUG, "le-port-02"):
        postes.create(made, SYSTEM, NewPoste(site, slug, slug))
    yield made
    made.database.close()


@contextmanager
def keeping(fleet: Fleet, broker: PrivateBroker) -> Iterator[Keeper]:
    """The files of this broker are kept meanwhile."""
    keeper = Keeper(fleet, broker.folder, broker.folder / "data", broker.root)
    loop = asyncio.new_event_loop()
    running: list[asyncio.Task[None]] = []

    async def run() -> None:
        running.append(asyncio.create_task(keeper.run()))
        await asyncio.wait(running)

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    try:
        wait_until(keeper.kept.is_set, 10, "kept")
        yield keeper
    finally:
        loop.call_soon_threadsafe(running[0].cancel)
        thread.join(10)
        loop.close()


def enrol(fleet: Fleet, password: str, poste_id: int = 1) -> Account:
    token = enrolment.open_(fleet, SYSTEM, poste_id).jeton
    made = enrolment.enrol(fleet, token, password, MACHINE, None)
    return Account(made.poste, password)


def let_in(broker: PrivateBroker, account: Account) -> bool:
    with Wire(broker.postes_port, account) as wire:
        return not wire.refused


def test_a_machine_that_was_enrolled_is_let_in_and_others_stay_connected(
    fleet: Fleet, own_broker: PrivateBroker
) -> None:
    with keeping(fleet, own_broker):
        first = enrol(fleet, "a" * 32)
        wait_until(lambda: let_in(own_broker, first), CUT_S, "let in")
        with Wire(own_broker.postes_port, first) as wire:
            second = enrol(fleet, "b" * 32, 2)
            wait_until(lambda: let_in(own_broker, second), CUT_S, "let in")
            assert not wire.closed.is_set()
            topic = f"ppm/v1/le-port/{SLUG}/up/status"
            with Wire(own_broker.services_port, own_broker.observer) as seen:
                seen.subscribe(topic)
                wire.publish(topic, b"{}")
                wait_until(lambda: bool(seen.messages), what="heard")


@pytest.mark.parametrize("how", ["revoked", "replaced", "renewed", "deleted"])
def test_the_live_connection_of_who_is_known_no_more_is_cut(
    fleet: Fleet, own_broker: PrivateBroker, how: str
) -> None:
    with keeping(fleet, own_broker):
        account = enrol(fleet, "a" * 32)
        wait_until(lambda: let_in(own_broker, account), CUT_S, "let in")
        with Wire(own_broker.postes_port, account) as wire:
            began = time.monotonic()
            match how:
                case "revoked":
                    identities.revoke(fleet, SYSTEM, 1)
                case "replaced":
                    enrol(fleet, "b" * 32)
                case "renewed":
                    identities.renew(fleet, SLUG, "a" * 32, "b" * 32, None)
                case _:
                    postes.remove(fleet, SYSTEM, 1)
            assert wire.closed.wait(CUT_S)
            print(f"{how}: cut after {time.monotonic() - began:.2f} s")
        assert not let_in(own_broker, account)
        if how in ("replaced", "renewed"):
            assert let_in(own_broker, Account(SLUG, "b" * 32))


def test_what_a_crash_left_unread_is_read_at_the_start(fleet: Fleet, own_broker: PrivateBroker) -> None:
    account = enrol(fleet, "a" * 32)
    broker_files.rewrite(own_broker.folder, identities.accounts(fleet), "ppm")
    assert not let_in(own_broker, account)
    with keeping(fleet, own_broker):
        wait_until(lambda: let_in(own_broker, account), CUT_S, "let in")


def test_who_had_an_account_before_the_database_knew_of_it_keeps_it(
    fleet: Fleet, own_broker: PrivateBroker
) -> None:
    old = own_broker.add_poste("le-port", SLUG)
    with Wire(own_broker.postes_port, old) as wire:
        with keeping(fleet, own_broker):
            new = enrol(fleet, "b" * 32, 2)
            wait_until(lambda: let_in(own_broker, new), CUT_S, "let in")
            assert not wire.closed.is_set()
            identities.revoke(fleet, SYSTEM, 1)
            assert wire.closed.wait(CUT_S)
        with keeping(fleet, own_broker):
            assert not let_in(own_broker, old)


def test_a_broker_that_starts_later_is_found(
    fleet: Fleet, own_broker: PrivateBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker_keeper, "DOWN_S", 0.2)
    own_broker.stop()
    with keeping(fleet, own_broker):
        account = enrol(fleet, "a" * 32)
        own_broker.start()  # with the files that it had before
        wait_until(lambda: let_in(own_broker, account), CUT_S, "let in")


def test_a_number_that_is_another_process_by_now_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as other:
        (tmp_path / "mosquitto.pid").write_text(f"{other.pid}\n")
        assert not broker_files.reload(tmp_path)
        time.sleep(0.2)
        assert other.poll() is None
        other.kill()
    (tmp_path / "mosquitto.pid").write_text(f"{other.pid}\n")
    assert not broker_files.reload(tmp_path)


def test_one_program_keeps_a_folder(tmp_path: Path) -> None:
    with (
        broker_keeper.alone(tmp_path),
        pytest.raises(CommandFailed, match="already"),
        broker_keeper.alone(tmp_path),
    ):
        pass
    with broker_keeper.alone(tmp_path):
        pass


def test_the_command_keeps_the_files_of_a_broker_until_it_is_stopped(
    ppm: Ppm, usual: dict[str, str], own_broker: PrivateBroker
) -> None:
    ppm("site", "create", "le-port", "--nom", "Le Port")
    ppm("poste", "create", SLUG, "--site", "le-port")
    settings = usual | {
        "PPM_BROKER_DIR": str(own_broker.folder),
        "PPM_BROKER_DATA_DIR": str(own_broker.folder / "data"),
    }
    command = [sys.executable, "-m", "ppm", "broker", "follow"]
    with subprocess.Popen(command, env=clean_environment(**settings)) as running:
        made = ppm("poste", "credential", SLUG, "--json").json[0]
        wait_until(lambda: let_in(own_broker, Account(SLUG, made["password"])), 20, "let in")
        os.kill(running.pid, signal.SIGTERM)
        assert running.wait(10) == 0


def test_a_broker_that_still_starts_is_not_ended_by_the_signal(own_broker: PrivateBroker) -> None:
    own_broker.stop()
    data = own_broker.folder / "data"
    command = [str(own_broker.binary.broker), "-c", str(own_broker.folder / "mosquitto.conf")]
    for _ in range(5):
        (data / "mosquitto.pid").unlink(missing_ok=True)
        with subprocess.Popen(
            command, env=own_broker.binary.environment, stderr=subprocess.DEVNULL
        ) as starting:
            deadline = time.monotonic() + 10
            while not broker_files.reload(data):  # asked at every moment of its start
                assert starting.poll() is None
                assert time.monotonic() < deadline
            time.sleep(0.2)
            assert starting.poll() is None
            starting.kill()
