"""Machines that become postes: a token is opened, proved once, and what the poste is known by is kept.

The machine makes its own password and proves the token with it. So the answer may be lost: the same machine asks again
with the same words and is answered again, while for anybody else the token is used.
"""

from datetime import datetime
from typing import Any

from msgspec import Struct, to_builtins
from sqlalchemy import Row, delete, insert, select, update

from fleet.database.engine import Transaction
from fleet.database.news import IDENTITIES
from fleet.database.tables import enrolment, identity, operateur, poste, poste_credential, site
from fleet.domain import enrolment as rules
from fleet.domain.actor import OPERATEUR, Actor
from fleet.domain.enrolment import OUVERT, RETIRE, UTILISE
from fleet.domain.errors import NotFound, Refused
from fleet.usecases.fleet import About, Fleet
from fleet.usecases.identities import ACTION, poste_of, put, record, seen
from fleet.usecases.passwords import digest
from mosquitto.passwords import hash_password, matches
from protocol.enrolment import Machine

_WHY = {UTILISE: "enrolement_utilise", RETIRE: "enrolement_retire", OUVERT: "enrolement_perime"}
"""Why a token that is there opens nothing; for the trail alone."""


class Opened(Struct, frozen=True, kw_only=True):
    """A token, told only now."""

    poste: str
    jeton: str
    expire_a: datetime


class EnrolmentView(Struct, frozen=True, kw_only=True):
    """That an enrolment is open; never its token."""

    poste: str
    ouvert_par: str | None
    created_at: datetime
    expire_a: datetime


class Place(Struct, frozen=True):
    """Which poste a machine is now."""

    site: str
    poste: str
    nom: str


def open_(fleet: Fleet, actor: Actor, poste_id: int) -> Opened:
    """A token for a poste; one that was open is over. Raises NotFound."""
    fleet.require(actor, OPERATEUR, ACTION, poste=poste_id)
    token = rules.generate()
    with fleet.attempt(actor, ACTION) as (tx, about):
        row = poste_of(tx, actor, poste_id, about)
        before = _withdraw(tx, poste_id)
        ends = tx.now + rules.TTL
        values = {"token_hash": digest(token), "operateur_id": actor.operateur_id, "created_at": tx.now}
        tx.execute(insert(enrolment).values(poste_id=poste_id, expire_a=ends, **values))
        record(tx, actor, row.site_id, poste_id, "ouverture", remplace=before)
    return Opened(poste=row.slug, jeton=rules.grouped(token), expire_a=ends)


def withdraw(fleet: Fleet, actor: Actor, poste_id: int) -> None:
    """The open token of a poste opens nothing any more. Raises NotFound where none is open."""
    fleet.require(actor, OPERATEUR, ACTION, poste=poste_id)
    with fleet.attempt(actor, ACTION) as (tx, about):
        row = poste_of(tx, actor, poste_id, about)
        if not _withdraw(tx, poste_id):
            raise NotFound("enrolement")
        record(tx, actor, row.site_id, poste_id, "retrait")


def current(fleet: Fleet, actor: Actor, poste_id: int) -> EnrolmentView:
    """The enrolment that is open for a poste. Raises NotFound where none is."""
    with fleet.guarded(actor), fleet.database.read() as tx:
        slug = seen(tx, actor, poste_id).slug
        is_open = (
            enrolment.c.poste_id == poste_id,
            enrolment.c.statut == OUVERT,
            enrolment.c.expire_a > tx.now,
        )
        wanted = select(enrolment, operateur.c.login).outerjoin(operateur).where(*is_open)
        row = tx.execute(wanted).first()
    if row is None:
        raise NotFound("enrolement")
    return EnrolmentView(poste=slug, ouvert_par=row.login, created_at=row.created_at, expire_a=row.expire_a)


def enrol(fleet: Fleet, token: str, password: str, machine: Machine, ip: str | None) -> Place:
    """The machine that proves this token is the poste from now on, known by this password; another one was before.

    Raises Refused, always with the same reason: which it is stays in the audit trail.
    """
    meant, actor = rules.normalise(token), Actor(ip=ip)
    hashed = hash_password(password)
    with fleet.database.transaction() as tx:
        row = _use(tx, meant) if meant is not None else None
        if row is not None:
            _keep(tx, actor, row, hashed, machine)
            return _place(tx, row.poste_id)
        known = _known(tx, meant) if meant is not None else None
        if known is not None and _is_asked_again(tx, known, password):
            return _place(tx, known.poste_id)
    _refuse(fleet, actor, known)
    raise Refused("enrolement_refuse")


def _withdraw(tx: Transaction, poste_id: int) -> bool:
    """Whether there was a token that could still be used."""
    mine = (enrolment.c.poste_id == poste_id, enrolment.c.statut == OUVERT)
    over = update(enrolment).where(*mine).values(statut=RETIRE, fini_a=tx.now)
    ends = tx.execute(over.returning(enrolment.c.expire_a)).scalar_one_or_none()
    return ends is not None and ends > tx.now


def _use(tx: Transaction, token: str) -> Row[Any] | None:
    """Use a token up; None where it opens nothing. Whatever the process, it works once."""
    good = (
        enrolment.c.token_hash == digest(token),
        enrolment.c.statut == OUVERT,
        enrolment.c.expire_a > tx.now,
    )
    used = update(enrolment).where(*good).values(statut=UTILISE, fini_a=tx.now)
    return tx.execute(used.returning(enrolment.c.id, enrolment.c.poste_id)).first()


def _known(tx: Transaction, token: str) -> Row[Any] | None:
    return tx.execute(select(enrolment).where(enrolment.c.token_hash == digest(token))).first()


def _is_asked_again(tx: Transaction, known: Row[Any], password: str) -> bool:
    """Whether this is the machine that used the token up, whose answer was lost: it knows what it chose."""
    if known.statut != UTILISE or known.expire_a <= tx.now:
        return False
    of_it = select(identity.c.mot_de_passe).where(identity.c.enrolement_id == known.id)
    kept = tx.execute(of_it).scalar_one_or_none()
    return kept is not None and matches(kept, password)


def _keep(tx: Transaction, actor: Actor, row: Row[Any], hashed: str, machine: Machine) -> None:
    site_id = tx.execute(select(poste.c.site_id).where(poste.c.id == row.poste_id)).scalar_one()
    mine = identity.c.poste_id == row.poste_id
    had = tx.execute(select(identity.c.mot_de_passe).where(mine)).scalar_one_or_none() is not None
    put(tx, row.poste_id, hashed, enrolement_id=row.id, machine=to_builtins(machine))
    tx.execute(delete(poste_credential).where(poste_credential.c.poste_id == row.poste_id))
    what = "remplacement" if had else "enrolement"
    record(tx, actor, site_id, row.poste_id, what, machine=machine.nom)
    tx.tell(site_id, IDENTITIES)


def _place(tx: Transaction, poste_id: int) -> Place:
    wanted = select(site.c.slug.label("site"), poste.c.slug, poste.c.nom).select_from(poste).join(site)
    row = tx.execute(wanted.where(poste.c.id == poste_id)).one()
    return Place(row.site, row.slug, row.nom)


def _refuse(fleet: Fleet, actor: Actor, known: Row[Any] | None) -> None:
    if known is None:
        about, reason = About(), "enrolement_inconnu"
    else:
        about, reason = fleet.about("poste", known.poste_id), _WHY[known.statut]
    fleet.keep_refusal(actor, ACTION, about, Refused(reason))
