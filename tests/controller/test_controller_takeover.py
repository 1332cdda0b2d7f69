"""A site whose controller is dead, and what its postes say to the next one."""

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from controller import app
from fleet.database import tables
from fleet.usecases import acks
from protocol import topics
from protocol.messages import Accepted, Ack
from tests.controller.conftest import Driven
from tests.support.rooms import BOOT
from tests.support.waiting import wait_until


def test_a_site_is_taken_at_the_moment_at_which_its_dead_controllers_lease_ends(
    driven: Driven, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "RENEW_S", 60.0)  # nobody comes by in time
    with driven.room.tx() as tx:
        tx.execute(update(tables.lease).values(holder="dead", expires_at=tx.now + timedelta(seconds=3)))
    began = time.monotonic()
    with driven.controller():
        assert 2.5 < time.monotonic() - began < 6


def test_what_a_poste_is_known_to_do_is_not_looked_up_each_time_that_it_says_so(
    driven: Driven, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[int] = []
    really = acks.applied

    def applied(fleet: Any, by: Any, told: Sequence[acks.Told], heard_at: Sequence[float] = ()) -> Any:
        found = really(fleet, by, told, heard_at)
        kept.extend(ack.rev for _, ack in told)
        return found

    monkeypatch.setattr(acks, "applied", applied)
    with driven.controller(), driven.poste() as poste:
        told = poste.appear().hears(Accepted).desired
        does = Ack(id="desired", boot=BOOT, status="done", term=told.term, rev=told.rev)
        poste.say(topics.ACK, does)
        wait_until(lambda: _applied(driven) == told.rev, 10, "kept")
        poste.appear()  # asked anew, it is known to have it
        wait_until(lambda: len(poste.heard(Accepted)) == 2, 10, "answered")
        before = len(kept)
        for _ in range(5):
            poste.say(topics.ACK, does)
        late = Ack(id="desired", boot=BOOT, status="done", term=told.term, rev=told.rev + 1)
        poste.say(topics.ACK, late)
        wait_until(lambda: kept[-1] == late.rev, 10, "kept")
        assert kept[before:] == [late.rev]


def _applied(driven: Driven) -> int:
    with driven.room.fleet.database.read() as tx:
        wanted = select(tables.desired.c.applied_rev).where(
            tables.desired.c.poste_id == driven.room.postes[0]
        )
        return int(tx.execute(wanted).scalar_one())
