"""What a judge or the police may ask for: who used which poste when. One administrateur asks, another approves.

Nobody takes such a file alone, and each step is in the audit trail. Nothing of it is stored but the request.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from sqlalchemy import Row, Select, case, insert, select, true, update

from fleet.database import listing
from fleet.database.audit import Entry
from fleet.database.engine import Transaction
from fleet.database.listing import Page
from fleet.database.sql import now_within
from fleet.database.tables import log, operateur, poste, requisition, site, utilisateur
from fleet.domain import requisition as rules
from fleet.domain.actor import ADMINISTRATEUR, Actor
from fleet.domain.errors import Invalid, NotFound
from fleet.usecases.fleet import Fleet

ACTION = "requisition"
LONGEST = timedelta(days=31)
GOOD_FOR = timedelta(hours=72)
LONGEST_REFERENCE = 200


@dataclass(frozen=True)
class NewRequisition:
    """What is asked for: a period, at one site or at all, of one poste or one person or of all."""

    reference: str
    since: datetime
    until: datetime
    site_id: int | None = None
    poste_id: int | None = None
    utilisateur_id: int | None = None


class RequisitionView(Struct, frozen=True, kw_only=True):
    """A request and what became of it. `remises`: how often the file was taken."""

    id: int
    reference: str
    site: str | None
    poste: str | None
    utilisateur: int | None
    depuis: datetime
    jusqu_a: datetime
    statut: str
    demandee_par: str
    decidee_par: str | None
    decidee_a: datetime | None
    valable_jusqu_a: datetime
    remises: int
    created_at: datetime


class RequisitionList(Struct, frozen=True):
    """A page of requests."""

    total: int
    limit: int
    offset: int
    resultats: list[RequisitionView]


_SORTS = {"id": requisition.c.id, "created_at": requisition.c.created_at}


def ask(fleet: Fleet, actor: Actor, new: NewRequisition) -> int:
    """Ask for a file, which another administrateur has to approve. Gives its id. Raises Invalid, NotFound."""
    fleet.require(actor, ADMINISTRATEUR, ACTION)
    reference = new.reference.strip()
    if not 1 <= len(reference) <= LONGEST_REFERENCE:
        raise Invalid("reference", "valeur_invalide", regle=f"de 1 à {LONGEST_REFERENCE} caractères")
    if not timedelta(0) < new.until - new.since <= LONGEST:
        raise Invalid("jusqu_a", "valeur_invalide", regle=f"après `depuis`, de {LONGEST.days} jours au plus")
    with fleet.attempt(actor, ACTION) as (tx, about):
        about.site_id = new.site_id
        if new.until > tx.now:
            raise Invalid("jusqu_a", "valeur_invalide", regle="un instant passé")
        for table, number in ((site, new.site_id), (utilisateur, new.utilisateur_id)):
            if (
                number is not None
                and tx.execute(select(table.c.id).where(table.c.id == number)).first() is None
            ):
                raise NotFound(table.name)
        if new.poste_id is not None:
            _check_poste(tx, new)
        values = {
            "reference": reference, "depuis": new.since, "jusqu_a": new.until, "site_id": new.site_id,
            "poste_id": new.poste_id, "utilisateur_id": new.utilisateur_id, "demandee_par": actor.operateur_id,
            "valable_jusqu_a": tx.now + GOOD_FOR, "created_at": tx.now,
        }  # fmt: skip
        made = int(tx.execute(insert(requisition).values(**values).returning(requisition.c.id)).scalar_one())
        _record(tx, actor, made, new.site_id, rules.DEMANDEE)
        return made


def _check_poste(tx: Transaction, new: NewRequisition) -> None:
    found = tx.execute(select(poste.c.site_id).where(poste.c.id == new.poste_id)).scalar_one_or_none()
    if found is None or new.site_id not in (None, found):
        raise NotFound("poste")


def approve(fleet: Fleet, actor: Actor, number: int) -> None:
    """Say yes to somebody else's request. Raises Refused."""
    fleet.require(actor, ADMINISTRATEUR, ACTION)
    with fleet.attempt(actor, ACTION) as (tx, about):
        row = _open(tx, number)
        about.site_id = row.site_id
        rules.check_approval(row.demandee_par, actor.operateur_id, _was_changed(tx, row, actor.operateur_id))
        _decide(tx, actor, row, rules.APPROUVEE)


def _was_changed(tx: Transaction, row: Row[Any], approver: int | None) -> bool:
    """Whether somebody made this account since the request, or gave it a role, a password or its life back."""
    wanted = select(log.c.operateur_id, log.c.metadata).where(
        log.c.action.in_(("creation_operateur", "modification_operateur")), log.c.created_at >= row.created_at
    )
    others = (one for one in tx.execute(wanted) if one.operateur_id != approver)
    return any(one.metadata.get("operateur") == approver for one in others)


def refuse(fleet: Fleet, actor: Actor, number: int) -> None:
    """Say no to a request, or withdraw one's own. Raises Refused."""
    fleet.require(actor, ADMINISTRATEUR, ACTION)
    with fleet.attempt(actor, ACTION) as (tx, about):
        row = _open(tx, number)
        about.site_id = row.site_id
        _decide(tx, actor, row, rules.REFUSEE)


def _open(tx: Transaction, number: int) -> Row[Any]:
    row = locked(tx, number)
    rules.check_open(row.statut, row.valable_jusqu_a, tx.now)
    return row


def locked(tx: Transaction, number: int) -> Row[Any]:
    """A request, held until the end of the transaction. Raises NotFound."""
    row = tx.execute(select(requisition).where(requisition.c.id == number).with_for_update()).first()
    if row is None:
        raise NotFound("requisition")
    return row


def _decide(tx: Transaction, actor: Actor, row: Row[Any], statut: str) -> None:
    decided = {"statut": statut, "decidee_par": actor.operateur_id, "decidee_a": tx.now}
    tx.execute(update(requisition).where(requisition.c.id == row.id).values(**decided))
    _record(tx, actor, row.id, row.site_id, statut)


def _record(
    tx: Transaction, actor: Actor, number: int, site_id: int | None, step: str, **more: int | str
) -> None:
    """What is asked for names people at times: the trail has its number only."""
    facts = {"requisition": number, "etape": step, **more}
    who = {"ip": actor.ip} if actor.ip else None
    tx.record(Entry(ACTION, site_id, actor.operateur_id, metadata=facts, personal=who))


def taken(tx: Transaction, actor: Actor, row: Row[Any], lines: int, sha256: str) -> None:
    """Note that the file of an approved request leaves, with so many sessions: by its digest it is known again."""
    tx.execute(update(requisition).where(requisition.c.id == row.id).values(remises=row.remises + 1))
    _record(tx, actor, row.id, row.site_id, "remise", lignes=lines, sha256=sha256)


def one(fleet: Fleet, actor: Actor, number: int) -> RequisitionView:
    """One request. Raises NotFound."""
    fleet.require(actor, ADMINISTRATEUR, ACTION)
    with fleet.database.read() as tx:
        row = tx.execute(_rows(now_within(tx)).where(requisition.c.id == number)).first()
    if row is None:
        raise NotFound("requisition")
    return _view(row)


def search(fleet: Fleet, actor: Actor, statut: str | None, page: Page) -> RequisitionList:
    """A page of requests, the newest first."""
    fleet.require(actor, ADMINISTRATEUR, ACTION)
    if statut is not None and statut not in rules.STATUTS:
        raise Invalid("statut", "valeur_invalide", regle=" | ".join(rules.STATUTS))
    with fleet.database.read() as tx:
        now = now_within(tx)
        mine = true() if statut is None else _statut(now) == statut
        found = listing.fetch(tx, _rows(now).where(mine), page, _SORTS, "-id")
    return RequisitionList(found.total, page.limit, page.offset, [_view(row) for row in found.rows])


def _statut(now: Any) -> Any:
    over = (requisition.c.valable_jusqu_a <= now) & (requisition.c.statut != rules.REFUSEE)
    return case((over, rules.EXPIREE), else_=requisition.c.statut)


def _rows(now: Any) -> Select[Any]:
    asker, decider = operateur.alias("asker"), operateur.alias("decider")
    return (
        select(
            *(one for one in requisition.c if one.name != "statut"),
            _statut(now).label("statut"),
            site.c.slug.label("site"),
            poste.c.slug.label("poste"),
            asker.c.login.label("asked_by"),
            decider.c.login.label("decided_by"),
        )
        .join(asker, asker.c.id == requisition.c.demandee_par)
        .outerjoin(decider, decider.c.id == requisition.c.decidee_par)
        .outerjoin(site, site.c.id == requisition.c.site_id)
        .outerjoin(poste, poste.c.id == requisition.c.poste_id)
    )


def _view(row: Any) -> RequisitionView:
    return RequisitionView(
        id=row.id, reference=row.reference, site=row.site, poste=row.poste, utilisateur=row.utilisateur_id,
        depuis=row.depuis, jusqu_a=row.jusqu_a, statut=row.statut, demandee_par=row.asked_by,
        decidee_par=row.decided_by, decidee_a=row.decidee_a, valable_jusqu_a=row.valable_jusqu_a,
        remises=row.remises, created_at=row.created_at,
    )  # fmt: skip
