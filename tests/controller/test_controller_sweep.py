"""What each controller looks after every few minutes, asked for by hand."""

import time
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select

from controller.app import Controller
from controller.desk import DatabaseTrouble
from fleet.database.tables import answered
from fleet.jobs.table import SWEEP
from fleet.usecases import once
from tests.controller.conftest import Driven
from tests.support.rooms import Room
from tests.support.waiting import wait_until


def _keep_an_answer(room: Room, key: str, age: timedelta) -> None:
    with room.tx() as tx:
        row = {"demandeur": "desk", "cle": key, "empreinte": b"0" * 32, "created_at": tx.now - age}
        tx.execute(insert(answered).values(row))


def _kept(room: Room) -> list[str]:
    with room.fleet.database.read() as tx:
        return list(tx.execute(select(answered.c.cle)).scalars())


def test_the_sweep_forgets_the_answers_that_are_too_old(room: Room, driven: Driven) -> None:
    _keep_an_answer(room, "old", once.KEPT + timedelta(minutes=1))
    _keep_an_answer(room, "new", once.KEPT - timedelta(hours=1))
    with driven.controller():
        with room.tx() as tx:
            tx.tell(0, SWEEP)
        wait_until(lambda: _kept(room) == ["new"], 10, "the old answer forgotten")


def test_an_end_comes_in_time_where_the_first_looks_at_the_clock_failed(
    room: Room, driven: Driven, monkeypatch: pytest.MonkeyPatch
) -> None:
    renew, until = Controller._renew_all, time.monotonic() + 2

    def trouble_first(controller: Controller) -> Any:
        if time.monotonic() < until:
            raise DatabaseTrouble("no connection is left")
        return renew(controller)

    monkeypatch.setattr(Controller, "_renew_all", trouble_first)
    room.rules(grace_s=0)
    session = room.running(60)
    room.pass_time(session, seconds=55)
    with driven.controller():
        wait_until(lambda: room.row(session).statut == "expiree", 10, "the end")
