"""The queue for the next free poste, as the desk uses it: join, look, skip, give up, serve."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import Select, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from fleet.database import people, places
from fleet.database.engine import Transaction
from fleet.database.news import PROMISES
from fleet.database.sessions import to_session
from fleet.database.tables import poste, queue, session, site, utilisateur
from fleet.domain import queue as rules
from fleet.domain import session as session_rules
from fleet.domain import utilisateur as person
from fleet.domain.actor import OPERATEUR, Actor
from fleet.domain.errors import Invalid, NotFound, Refused
from fleet.domain.poste import EN_SERVICE
from fleet.usecases import desk, sessions
from fleet.usecases.fleet import About, Fleet

ACTION = "file_attente"


@dataclass(frozen=True)
class NewTicket:
    """Who waits: an utilisateur, a first name, or nobody in particular: then the number is the name."""

    site_id: int
    duration_s: int
    utilisateur_id: int | None = None
    prenom: str = ""


class TicketView(Struct, frozen=True, kw_only=True):
    """One ticket. `position` from 1, null once called; `attente_estimee` in seconds, null: nobody can say."""

    id: int
    site: str
    numero: int
    prenom: str
    utilisateur: int | None
    duree: int
    statut: str
    position: int | None
    attente_estimee: int | None
    poste: str | None
    appelee_a: datetime | None
    expire_a: datetime | None
    session: int | None
    created_at: datetime


class Queue(Struct, frozen=True):
    """Who waits at a site, those who were called first; how many are called and how many are not."""

    site: str
    en_file: int
    appelees: int
    tickets: list[TicketView]


def join(fleet: Fleet, actor: Actor, new: NewTicket) -> int:
    """One more who waits, at the end. Gives the id of the ticket. Raises Refused for somebody who waits already."""
    fleet.require(actor, OPERATEUR, ACTION)
    actor.require_site(new.site_id)
    with fleet.attempt(actor, ACTION) as (tx, about):
        about.site_id, about.utilisateur_id = new.site_id, new.utilisateur_id
        place = _locked_site(tx, new.site_id)
        _check(tx, new, place)
        day = place.hours.local_date(tx.now)
        last = select(func.max(queue.c.numero)).where(queue.c.site_id == new.site_id, queue.c.jour == day)
        values = {
            "site_id": new.site_id,
            "jour": day,
            "numero": (tx.execute(last).scalar_one() or 0) + 1,
            "rang": (tx.execute(select(func.max(queue.c.rang))).scalar_one() or 0) + 1,
            "utilisateur_id": new.utilisateur_id,
            "prenom": person.visible(new.prenom),
            "duree_s": new.duration_s,
            "created_at": tx.now,
            "updated_at": tx.now,
        }
        try:
            made = int(tx.execute(insert(queue).values(**values).returning(queue.c.id)).scalar_one())
        except IntegrityError as error:
            if "utilisateur" not in str(error.orig):
                raise
            raise Refused("deja_en_file") from None
        _tell(tx, about, actor, {"ticket": made, "numero": values["numero"], "fait": "arrivee"})
        return made


def _locked_site(tx: Transaction, site_id: int) -> places.Site:
    """One at a time takes a number."""
    tx.execute(select(site.c.id).where(site.c.id == site_id).with_for_update(key_share=True))
    return places.site(tx, site_id)


def _check(tx: Transaction, new: NewTicket, place: places.Site) -> None:
    shortest, longest = session_rules.SHORTEST_MS // 1000, place.policy.longest_session_s
    if not shortest <= new.duration_s <= longest:
        raise Invalid("duree", "duree_invalide", minimum=shortest, maximum=longest)
    if len(new.prenom) > 100:
        raise Invalid("prenom", "valeur_invalide", regle="au plus 100 caractères")
    if new.utilisateur_id is not None and not people.locked(tx, new.utilisateur_id).consentement_rgpd:
        raise Refused("consentement_absent")


def give_up(fleet: Fleet, actor: Actor, ticket_id: int) -> None:
    """Who waited does not any more; a poste that was held for them is free. Raises Refused."""
    fleet.require(actor, OPERATEUR, ACTION)
    with fleet.attempt(actor, ACTION) as (tx, about):
        row = _waiting(tx, about, actor, ticket_id)
        _set(tx, row.id, statut=rules.ABANDONNEE, prenom="", poste_id=None, expire_a=None)
        _tell(tx, about, actor, {"ticket": row.id, "fait": "abandon"})


def skip(fleet: Fleet, actor: Actor, ticket_id: int) -> None:
    """Let the next one go first; who was called waits again, behind that one. Raises Refused."""
    fleet.require(actor, OPERATEUR, ACTION)
    with fleet.attempt(actor, ACTION) as (tx, about):
        row = _waiting(tx, about, actor, ticket_id)
        behind = (
            select(queue.c.id, queue.c.rang)
            .where(queue.c.site_id == row.site_id, queue.c.statut == rules.EN_FILE, queue.c.rang > row.rang)
            .order_by(queue.c.rang)
            .limit(1)
            .with_for_update()
        )
        after = tx.execute(behind).first()
        rang = row.rang if after is None else after.rang
        if after is not None:
            _set(tx, after.id, rang=row.rang)
        waits = {"statut": rules.EN_FILE, "poste_id": None, "expire_a": None, "appelee_a": None}
        _set(tx, row.id, rang=rang, **waits)
        _tell(tx, about, actor, {"ticket": row.id, "fait": "passe"})


def serve(fleet: Fleet, actor: Actor, ticket_id: int) -> sessions.Created:
    """Who was called is here: a session with its code, at the poste that was held. Raises Refused."""
    fleet.require(actor, OPERATEUR, "generation_code")
    with fleet.database.read() as tx:
        row = tx.execute(select(queue).where(queue.c.id == ticket_id)).first()
    if row is None or not actor.sees(row.site_id):
        raise NotFound("ticket")
    if row.statut != rules.APPELEE:
        raise Refused("attente_pas_appelee" if row.statut == rules.EN_FILE else "attente_passee")

    def served(tx: Transaction, made: int) -> None:
        mine = (queue.c.id == ticket_id, queue.c.statut == rules.APPELEE, queue.c.poste_id == row.poste_id)
        over = {"statut": rules.SERVIE, "session_id": made, "prenom": "", "updated_at": tx.now}
        done = tx.execute(update(queue).where(*mine).values(**over, version=queue.c.version + 1))
        if done.rowcount != 1:
            raise Refused("attente_passee")
        tx.tell(row.site_id, PROMISES)

    new = sessions.NewSession(row.site_id, row.duree_s, row.poste_id, row.utilisateur_id)
    return sessions.create(fleet, actor, new, served)


def _waiting(tx: Transaction, about: About, actor: Actor, ticket_id: int) -> Any:
    row = tx.execute(select(queue).where(queue.c.id == ticket_id).with_for_update()).first()
    if row is None:
        raise NotFound("ticket")
    actor.require_site(row.site_id, "ticket")
    about.site_id, about.poste_id, about.utilisateur_id = row.site_id, row.poste_id, row.utilisateur_id
    if row.statut not in rules.WAITING:
        raise Refused("attente_passee")
    return row


def _set(tx: Transaction, ticket_id: int, **values: Any) -> None:
    stamps = {"updated_at": tx.now, "version": queue.c.version + 1}
    tx.execute(update(queue).where(queue.c.id == ticket_id).values(**values, **stamps))


def look(fleet: Fleet, actor: Actor, site_id: int) -> Queue:
    """Who waits at a site, with how long it may take. Raises NotFound."""
    actor.require_site(site_id)
    with fleet.database.read() as tx:
        place = places.site(tx, site_id)
        waits = queue.c.statut.in_(rules.WAITING)
        rows = tx.execute(_seen().where(queue.c.site_id == site_id, waits).order_by(queue.c.rang)).all()
        estimates = _estimates(tx, site_id, rows)
    called = [_view(row, None, None) for row in rows if row.statut == rules.APPELEE]
    waiting = [row for row in rows if row.statut == rules.EN_FILE]
    views = [_view(row, n, estimates[row.id]) for n, row in enumerate(waiting, start=1)]
    return Queue(place.slug, len(waiting), len(called), called + views)


def one(fleet: Fleet, actor: Actor, ticket_id: int) -> TicketView:
    """One ticket. Raises NotFound."""
    with fleet.database.read() as tx:
        row = tx.execute(_seen().where(queue.c.id == ticket_id)).first()
    if row is None or not actor.sees(row.site_id):
        raise NotFound("ticket")
    if row.statut != rules.EN_FILE:
        return _view(row, None, None)
    return next(one for one in look(fleet, actor, row.site_id).tickets if one.id == ticket_id)


def _estimates(tx: Transaction, site_id: int, rows: Sequence[Any]) -> dict[int, int | None]:
    here = (session.c.poste_id == poste.c.id) & session.c.statut.in_(session_rules.ON_POSTE)
    wanted = (
        select(poste.c.id.label("of_poste"), session)
        .outerjoin(session, here)
        .where(poste.c.site_id == site_id, poste.c.statut_voulu == EN_SERVICE)
    )
    held = {row.poste_id: row.duree_s * 1000 for row in rows if row.statut == rules.APPELEE}
    frees = [_free_in(row, held, tx.now) for row in tx.execute(wanted)]
    waiting = [row for row in rows if row.statut == rules.EN_FILE]
    waits = rules.waits_ms(frees, [row.duree_s * 1000 for row in waiting])
    return {row.id: None if ms is None else ms // 1000 for row, ms in zip(waiting, waits, strict=True)}


def _free_in(row: Any, held: dict[int, int], now: datetime) -> int:
    if row.id is None:
        return held.get(row.of_poste, 0)
    return to_session(row).remaining_ms(now) + rules.TURNOVER_MS


def _seen() -> Select[Any]:
    return (
        select(
            queue,
            site.c.slug.label("site_slug"),
            poste.c.slug.label("poste_slug"),
            utilisateur.c.prenom.label("personne"),
        )
        .join_from(queue, site, queue.c.site_id == site.c.id)
        .outerjoin(poste, queue.c.poste_id == poste.c.id)
        .outerjoin(utilisateur, queue.c.utilisateur_id == utilisateur.c.id)
    )


def _view(row: Any, position: int | None, estimate: int | None) -> TicketView:
    return TicketView(
        id=row.id,
        site=row.site_slug,
        numero=row.numero,
        prenom=row.prenom or row.personne or "",
        utilisateur=row.utilisateur_id,
        duree=row.duree_s,
        statut=row.statut,
        position=position,
        attente_estimee=estimate,
        poste=row.poste_slug,
        appelee_a=row.appelee_a,
        expire_a=row.expire_a,
        session=row.session_id,
        created_at=row.created_at,
    )


def _tell(tx: Transaction, about: About, actor: Actor, facts: dict[str, Any]) -> None:
    tx.record(desk.entry(ACTION, about, actor, metadata=facts))
    tx.tell(about.site_id or 0, PROMISES)
