"""A power or network cut of a whole room: its paused sessions get time back and run again, in one act."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec import Struct
from sqlalchemy import select

from fleet.database import outbox, places, sessions
from fleet.database.engine import Transaction
from fleet.database.sessions import Found
from fleet.database.sql import any_of
from fleet.database.tables import poste, session
from fleet.domain import session as rules
from fleet.domain.actor import OPERATEUR, Actor
from fleet.domain.errors import Invalid, NotFound, Refused
from fleet.usecases import desk
from fleet.usecases.fleet import About, Fleet
from fleet.usecases.sessions import capped

ACTION = "credit_panne"
OF_AN_OUTAGE = ("redemarrage", "coupure_reseau")
LONGEST_S = 86_400


@dataclass(frozen=True)
class Outage:
    """What was cut: a site or some of its postes, from an instant to another, or for so many seconds."""

    site_id: int
    poste_ids: Sequence[int] = ()
    seconds: int | None = None
    since: datetime | None = None
    until: datetime | None = None


class Credited(Struct, frozen=True, kw_only=True):
    """One session after the cut: what it got back, and whether it runs again, or why not."""

    session: int
    poste: str | None
    credit: int
    reprise: bool
    motif: str | None = None
    motif_texte: str | None = None


class OutageCredited(Struct, frozen=True):
    """What became of each session that the cut had paused."""

    total: int
    reprises: int
    resultats: list[Credited]


def credit(fleet: Fleet, actor: Actor, outage: Outage) -> OutageCredited:
    """Give time back to every session that a cut has paused, and resume those whose poste is there.

    Nobody gets back more than was counted as used, and each pause gets it once. Raises Invalid.
    """
    fleet.require(actor, OPERATEUR, ACTION, site=outage.site_id)
    fleet.require_site(actor, outage.site_id, ACTION)
    _check(outage)
    with fleet.guarded(actor, ACTION), fleet.database.read() as tx:
        places.site(tx, outage.site_id)
        strange = set(outage.poste_ids) - set(places.postes(tx, outage.site_id).values())
        for number in sorted(strange):
            actor.require_site(places.poste(tx, number).site_id, "poste", number)
        if strange:
            raise NotFound("poste")
    results = [_alone(fleet, actor, outage, number, slug) for number, slug in _paused(fleet, outage)]
    return OutageCredited(len(results), sum(one.reprise for one in results), results)


def _check(outage: Outage) -> None:
    if outage.seconds is not None:
        if not 0 <= outage.seconds <= LONGEST_S:
            raise Invalid("secondes", "valeur_invalide", regle=f"un entier de 0 à {LONGEST_S}")
        return
    if outage.since is None or outage.until is None:
        raise Invalid("secondes", "champ_obligatoire", champ="secondes")
    if not 0 < (outage.until - outage.since).total_seconds() <= LONGEST_S:
        raise Invalid("jusqu_a", "valeur_invalide", regle="après le début, d’un jour au plus")


def _paused(fleet: Fleet, outage: Outage) -> list[tuple[int, str | None]]:
    with fleet.database.read() as tx:
        wanted = (
            select(session.c.id, poste.c.slug)
            .outerjoin(poste, session.c.poste_id == poste.c.id)
            .where(
                session.c.site_id == outage.site_id,
                session.c.statut == rules.SUSPENDUE,
                session.c.motif_fin.in_(OF_AN_OUTAGE),
            )
            .order_by(session.c.id)
        )
        if outage.poste_ids:
            wanted = wanted.where(any_of(tx, session.c.poste_id, outage.poste_ids))
        return [(row.id, row.slug) for row in tx.execute(wanted)]


def _alone(fleet: Fleet, actor: Actor, outage: Outage, session_id: int, slug: str | None) -> Credited:
    try:
        given_ms, refusal = _credit_one(fleet, actor, outage, session_id)
    except Refused as refused:
        given_ms, refusal = 0, refused
    return Credited(
        session=session_id,
        poste=slug,
        credit=given_ms // 1000,
        reprise=refusal is None,
        motif=None if refusal is None else refusal.reason,
        motif_texte=None if refusal is None else refusal.said,
    )


def _credit_one(fleet: Fleet, actor: Actor, outage: Outage, session_id: int) -> tuple[int, Refused | None]:
    """Credit and resume one session: a credit stands though its poste is not back yet."""
    with fleet.attempt(actor, ACTION) as (tx, about):
        found = desk.locked(tx, about, actor, session_id)
        before = found.session
        if before.statut != rules.SUSPENDUE or before.reason not in OF_AN_OUTAGE:
            raise Refused("transition_interdite", statut=before.statut)
        given_ms = _given(tx, actor, outage, before)
        credited = rules.credit(before, given_ms, tx.now)
        try:
            after, refusal = _resumed(tx, found, credited), None
        except Refused as refused:
            after, refusal = credited, refused
        sessions.save(tx, before, after)
        _keep(tx, about, actor, after, given_ms)
        return given_ms, refusal


def _given(tx: Transaction, actor: Actor, outage: Outage, paused: rules.Session) -> int:
    cle = f"panne:{paused.suspended_at.isoformat() if paused.suspended_at else ''}"
    if sessions.was_given(tx, paused.id, cle):
        return 0
    given_ms = min(_lost_ms(outage, paused), paused.granted_ms - paused.remaining_ms(tx.now))
    if given_ms > 0:
        who = actor.operateur_id
        sessions.give(tx, paused.id, "credit_panne", given_ms, motif=paused.reason, cle=cle, operateur_id=who)
    return max(0, given_ms)


def _lost_ms(outage: Outage, paused: rules.Session) -> int:
    if outage.seconds is not None:
        return outage.seconds * 1000
    since, until = outage.since, outage.until
    if since is None or until is None or paused.started_at is None:
        return 0
    return max(0, round((until - max(since, paused.started_at)).total_seconds() * 1000))


def _resumed(tx: Transaction, found: Found, credited: rules.Session) -> rules.Session:
    boot = desk.present(tx, credited.poste_id)
    return capped(tx, found, rules.resume(credited, tx.now, boot))


def _keep(tx: Transaction, about: About, actor: Actor, after: rules.Session, given_ms: int) -> None:
    facts = {"motif": "panne_creditee", "secondes": given_ms // 1000}
    tx.record(desk.entry(ACTION, about, actor, metadata=facts))
    resumed = after.statut == rules.ACTIVE
    if resumed:
        tx.record(desk.entry("reprise_session", about, actor, metadata={"motif": "panne_creditee"}))
    outbox.bump(tx, after.site_id, after.poste_id or 0, "panne_creditee")
