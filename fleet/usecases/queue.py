"""The queue for the next free poste, as the desk uses it: join, skip, give up, serve. `ticket_views` shows it."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError

from fleet.database import people, places
from fleet.database.engine import Transaction
from fleet.database.news import PROMISES
from fleet.database.tables import queue, site
from fleet.domain import queue as rules
from fleet.domain import session as session_rules
from fleet.domain import utilisateur as person
from fleet.domain.actor import OPERATEUR, Actor
from fleet.domain.errors import Invalid, NotFound, Refused
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


def join(fleet: Fleet, actor: Actor, new: NewTicket) -> int:
    """One more who waits, at the end. Gives the id of the ticket. Raises Refused for somebody who waits already."""
    fleet.require(actor, OPERATEUR, ACTION, site=new.site_id)
    fleet.require_site(actor, new.site_id, ACTION)
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
    fleet.require(actor, OPERATEUR, ACTION, ticket=ticket_id)
    with fleet.attempt(actor, ACTION) as (tx, about):
        row = _waiting(tx, about, actor, ticket_id)
        _set(tx, row.id, statut=rules.ABANDONNEE, prenom="", poste_id=None, expire_a=None)
        _tell(tx, about, actor, {"ticket": row.id, "fait": "abandon"})


def skip(fleet: Fleet, actor: Actor, ticket_id: int) -> None:
    """Let the next one go first; who was called waits again, behind that one. Raises Refused."""
    fleet.require(actor, OPERATEUR, ACTION, ticket=ticket_id)
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
    fleet.require(actor, OPERATEUR, "generation_code", ticket=ticket_id)
    with fleet.guarded(actor, "generation_code"), fleet.database.read() as tx:
        row = tx.execute(select(queue).where(queue.c.id == ticket_id)).first()
        if row is None:
            raise NotFound("ticket")
        actor.require_site(row.site_id, "ticket", ticket_id)
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
    actor.require_site(row.site_id, "ticket", row.id)
    about.site_id, about.poste_id, about.utilisateur_id = row.site_id, row.poste_id, row.utilisateur_id
    if row.statut not in rules.WAITING:
        raise Refused("attente_passee")
    return row


def _set(tx: Transaction, ticket_id: int, **values: Any) -> None:
    stamps = {"updated_at": tx.now, "version": queue.c.version + 1}
    tx.execute(update(queue).where(queue.c.id == ticket_id).values(**values, **stamps))


def _tell(tx: Transaction, about: About, actor: Actor, facts: dict[str, Any]) -> None:
    tx.record(desk.entry(ACTION, about, actor, metadata=facts))
    tx.tell(about.site_id or 0, PROMISES)
