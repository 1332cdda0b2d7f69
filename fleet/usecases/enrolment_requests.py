"""Machines that ask to become postes. They get nothing by it: somebody sees them and opens an enrolment, or not."""

from datetime import datetime, timedelta

from msgspec import Struct, convert, to_builtins
from sqlalchemy import Interval, delete, literal, select
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from fleet.database import listing
from fleet.database.engine import Transaction
from fleet.database.listing import Page
from fleet.database.sql import now_within
from fleet.database.tables import enrolment_request as table
from fleet.domain.actor import OPERATEUR, Actor
from fleet.domain.enrolment import MOST_REQUESTS, REQUEST_TTL
from fleet.usecases.fleet import Fleet
from protocol.enrolment import Machine

_SORTS = {"vue_a": table.c.vue_a}
HOURS = REQUEST_TTL // timedelta(hours=1)


class MachineSeen(Struct, frozen=True, kw_only=True):
    """A machine that asked: `fois` times, last at `vue_a`, from `ip_address`."""

    id: int
    machine: Machine
    ip_address: str | None
    fois: int
    created_at: datetime
    vue_a: datetime


class MachinesSeen(Struct, frozen=True):
    """A page of machines that asked lately."""

    total: int
    limit: int
    offset: int
    resultats: list[MachineSeen]


def ask(fleet: Fleet, machine: Machine, ip: str | None) -> None:
    """Remember for a while that this machine asked. Of too many, those that asked longest ago are forgotten."""
    with fleet.database.transaction() as tx:
        tx.execute(delete(table).where(table.c.vue_a <= tx.now - REQUEST_TTL))
        values = {"machine": to_builtins(machine), "ip_address": ip, "vue_a": tx.now}
        made = (pg_insert if tx.is_postgresql else sqlite_insert)(table).values(
            empreinte=machine.empreinte, created_at=tx.now, **values
        )
        again = made.on_conflict_do_update(
            index_elements=["empreinte"], set_={**values, "fois": table.c.fois + 1}
        )
        tx.execute(again)
        _forget_the_oldest(tx)


def search(fleet: Fleet, actor: Actor, page: Page) -> MachinesSeen:
    """A page of machines that asked lately, the last one first."""
    fleet.require(actor, OPERATEUR, "enrolement_poste")
    with fleet.database.glance() as tx:
        ago = literal(REQUEST_TTL, Interval) if tx.is_postgresql else REQUEST_TTL
        lately = table.c.vue_a > now_within(tx) - ago
        fetched = listing.fetch(tx, select(table).where(lately), page, _SORTS, "-vue_a")
    found = [
        MachineSeen(
            id=row.id,
            machine=convert(row.machine, Machine),
            ip_address=row.ip_address,
            fois=row.fois,
            created_at=row.created_at,
            vue_a=row.vue_a,
        )
        for row in fetched.rows
    ]
    return MachinesSeen(fetched.total, page.limit, page.offset, found)


def _forget_the_oldest(tx: Transaction) -> None:
    newest = select(table.c.id).order_by(table.c.vue_a.desc(), table.c.id.desc()).limit(MOST_REQUESTS)
    tx.execute(delete(table).where(table.c.id.not_in(newest)))
