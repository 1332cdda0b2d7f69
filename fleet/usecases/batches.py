"""Codes for people without a name, made many at once: for a workshop, a school class, a busy day."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from sqlalchemy import Select, func, insert, select, update

from fleet.database import listing, places, sessions
from fleet.database.audit import Entry
from fleet.database.engine import Transaction
from fleet.database.listing import Page
from fleet.database.news import CODES
from fleet.database.tables import batch, operateur, session, site
from fleet.domain import access_code
from fleet.domain import session as rules
from fleet.domain.actor import OPERATEUR, Actor
from fleet.domain.errors import Invalid, NotFound
from fleet.usecases.fleet import Fleet

MOST = 200
LONGEST_LIFE_S = 366 * 86_400
ACTION = "generation_lot"


@dataclass(frozen=True)
class NewBatch:
    """So many codes of one duration. `lifetime_s` None: as long as any code of the site."""

    site_id: int
    count: int
    duration_s: int
    lifetime_s: int | None = None
    notes: str = ""


class BatchCode(Struct, frozen=True):
    """A code of a batch and its session."""

    session: int
    code_acces: str


class BatchView(Struct, frozen=True, kw_only=True):
    """Codes that were made together, and what became of their sessions."""

    id: int
    site: str
    operateur: str | None
    nombre: int
    duree: int
    code_expire_a: datetime
    notes: str
    en_attente: int
    utilisees: int
    created_at: datetime


class BatchList(Struct, frozen=True):
    """A page of batches."""

    total: int
    limit: int
    offset: int
    resultats: list[BatchView]


_SORTS = {"id": batch.c.id, "created_at": batch.c.created_at}


def create(fleet: Fleet, actor: Actor, new: NewBatch) -> tuple[int, list[BatchCode]]:
    """A batch of anonymous sessions that wait for their codes; no quota counts them. Raises Invalid."""
    fleet.require(actor, OPERATEUR, ACTION, site=new.site_id)
    fleet.require_site(actor, new.site_id, ACTION)
    _check(new)
    codes: set[str] = set()
    while len(codes) < new.count:
        codes.add(access_code.generate())
    with fleet.attempt(actor, ACTION) as (tx, about):
        about.site_id = new.site_id
        place = places.site(tx, new.site_id)
        longest = place.policy.longest_session_s
        if not rules.SHORTEST_MS // 1000 <= new.duration_s <= longest:
            shortest = rules.SHORTEST_MS // 1000
            raise Invalid("duree_initiale", "duree_invalide", minimum=shortest, maximum=longest)
        life = timedelta(seconds=new.lifetime_s or place.policy.code_lifetime_s)
        made = _batch(tx, actor, new, tx.now + life)
        given = _sessions(fleet, tx, actor, new, made, sorted(codes), tx.now + life)
        facts = {"lot": made, "nombre": new.count, "duree_s": new.duration_s}
        tx.record(_entry(actor, ACTION, new.site_id, facts))
        tx.tell(new.site_id, CODES)
        return made, given


def _check(new: NewBatch) -> None:
    if not 1 <= new.count <= MOST:
        raise Invalid("nombre", "valeur_invalide", regle=f"un entier de 1 à {MOST}")
    if new.lifetime_s is not None and not 60 <= new.lifetime_s <= LONGEST_LIFE_S:
        raise Invalid("validite", "valeur_invalide", regle=f"un entier de 60 à {LONGEST_LIFE_S}")


def _batch(tx: Transaction, actor: Actor, new: NewBatch, expires_at: datetime) -> int:
    values = {
        "site_id": new.site_id,
        "operateur_id": actor.operateur_id,
        "nombre": new.count,
        "duree_s": new.duration_s,
        "code_expire_a": expires_at,
        "notes": new.notes,
        "created_at": tx.now,
    }
    return int(tx.execute(insert(batch).values(**values).returning(batch.c.id)).scalar_one())


def _sessions(
    fleet: Fleet, tx: Transaction, actor: Actor, new: NewBatch, made: int, codes: list[str], until: datetime
) -> list[BatchCode]:
    rows = [
        {
            "site_id": new.site_id,
            "lot_id": made,
            "operateur_id": actor.operateur_id,
            "statut": rules.EN_ATTENTE,
            "duree_initiale_ms": new.duration_s * 1000,
            "code_index": fleet.keys.index(code),
            "code_scelle": fleet.keys.seal(code),
            "code_expire_a": until,
        }
        for code in codes
    ]
    numbers = sessions.add_many(tx, rows)
    for number in numbers:
        facts = {"lot": made, "duree_s": new.duration_s}
        tx.record(_entry(actor, "generation_code", new.site_id, facts, number))
    return [BatchCode(number, code) for number, code in zip(numbers, codes, strict=True)]


def codes(fleet: Fleet, actor: Actor, batch_id: int) -> list[BatchCode]:
    """The codes of a batch that were not used yet, to be printed again; audited. Raises NotFound."""
    fleet.require(actor, OPERATEUR, "reimpression_code", lot=batch_id)
    with fleet.attempt(actor, "reimpression_code") as (tx, _about):
        site_id = _site_of(tx, actor, batch_id)
        waiting = (session.c.lot_id == batch_id, session.c.statut == rules.EN_ATTENTE)
        wanted = select(session.c.id, session.c.code_scelle).where(*waiting).order_by(session.c.id)
        found = [
            BatchCode(row.id, code)
            for row in tx.execute(wanted)
            if row.code_scelle and (code := fleet.keys.unseal(bytes(row.code_scelle)))
        ]
        facts = {"lot": batch_id, "nombre": len(found)}
        tx.record(_entry(actor, "reimpression_code", site_id, facts))
        return found


def cancel(fleet: Fleet, actor: Actor, batch_id: int) -> int:
    """Cancel the sessions of a batch that nobody began. Gives how many. Raises NotFound."""
    fleet.require(actor, OPERATEUR, "annulation_lot", lot=batch_id)
    with fleet.attempt(actor, "annulation_lot") as (tx, about):
        about.site_id = site_id = _site_of(tx, actor, batch_id)
        over = (
            update(session)
            .where(session.c.lot_id == batch_id, session.c.statut == rules.EN_ATTENTE)
            .values(
                statut=rules.TERMINEE,
                motif_fin="annulation",
                restant_ms=session.c.duree_initiale_ms + session.c.temps_ajoute_ms,
                fin_session=tx.now,
                code_scelle=None,
                version=session.c.version + 1,
                updated_at=tx.now,
            )
            .returning(session.c.id)
        )
        ended = list(tx.execute(over).scalars())
        for number in sorted(ended):
            tx.record(_entry(actor, "fermeture", site_id, {"motif": "annulation", "lot": batch_id}, number))
        tx.tell(site_id, CODES)
        return len(ended)


def _site_of(tx: Transaction, actor: Actor, batch_id: int) -> int:
    found = tx.execute(select(batch.c.site_id).where(batch.c.id == batch_id)).scalar_one_or_none()
    if found is None:
        raise NotFound("lot")
    actor.require_site(found, "lot", batch_id)
    return int(found)


def _seen() -> Select[Any]:
    theirs = select(func.count()).where(session.c.lot_id == batch.c.id)
    waiting = theirs.where(session.c.statut == rules.EN_ATTENTE).scalar_subquery()
    used = theirs.where(session.c.debut_session.is_not(None)).scalar_subquery()
    return (
        select(
            batch,
            site.c.slug.label("site_slug"),
            operateur.c.login,
            waiting.label("en_attente"),
            used.label("utilisees"),
        )
        .join_from(batch, site, batch.c.site_id == site.c.id)
        .outerjoin(operateur, batch.c.operateur_id == operateur.c.id)
    )


def search(fleet: Fleet, actor: Actor, site_id: int | None, page: Page) -> BatchList:
    """A page of the batches that the actor sees, the newest first."""
    with fleet.database.read() as tx:
        wanted = _seen().where(listing.seen_by(tx, actor, batch.c.site_id))
        if site_id is not None:
            wanted = wanted.where(batch.c.site_id == site_id)
        found = listing.fetch(tx, wanted, page, _SORTS, "-id")
    return BatchList(found.total, page.limit, page.offset, [_view(row) for row in found.rows])


def one(fleet: Fleet, actor: Actor, batch_id: int) -> BatchView:
    """One batch. Raises NotFound."""
    with fleet.guarded(actor), fleet.database.read() as tx:
        row = tx.execute(_seen().where(batch.c.id == batch_id)).first()
        if row is None:
            raise NotFound("lot")
        actor.require_site(row.site_id, "lot", batch_id)
    return _view(row)


def _view(row: Any) -> BatchView:
    return BatchView(
        id=row.id,
        site=row.site_slug,
        operateur=row.login,
        nombre=row.nombre,
        duree=row.duree_s,
        code_expire_a=row.code_expire_a,
        notes=row.notes,
        en_attente=row.en_attente,
        utilisees=row.utilisees,
        created_at=row.created_at,
    )


def _entry(
    actor: Actor, action: str, site_id: int, facts: dict[str, Any], session_id: int | None = None
) -> Entry:
    return Entry(
        action,
        site_id,
        operateur_id=actor.operateur_id,
        session_id=session_id,
        metadata=facts,
        personal={"ip": actor.ip} if actor.ip else None,
    )
