"""Requests of visitors for more time: asked at the poste, answered by the desk, dead when nobody answers.

Time that the desk adds grants the request. A refusal waits until the controller has told it to the poste.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import bindparam, exists, insert, or_, select, text, update

from fleet.database import sessions
from fleet.database.audit import Entry
from fleet.database.engine import Transaction
from fleet.database.leases import Lease
from fleet.database.news import EXTENSIONS
from fleet.database.prepared import PREPARED
from fleet.database.sessions import Found
from fleet.database.sql import any_of
from fleet.database.tables import extension, poste, session
from fleet.database.types import Instant
from fleet.domain.actor import OPERATEUR, Actor
from fleet.domain.errors import Refused
from fleet.usecases.fleet import Fleet
from protocol import messages

LIFETIME = timedelta(minutes=5)
REFUSED = "temps_refuse"
"""The reason that the poste is told."""
_open = text("demande.statut = 'ouverte'")


@dataclass(frozen=True)
class Answer:
    """A refusal that its poste does not know of yet, with the request that it answers."""

    id: int
    slug: str
    request_id: str
    nonce: str


def ask(tx: Transaction, found: Found, asked: messages.Extend) -> None:
    """Keep a request for the desk, unless one is open or this one was kept before."""
    mine = extension.c.session_id == found.session.id
    dead = update(extension).where(mine, _open, extension.c.expire_a <= tx.now)
    tx.execute(dead.values(statut="perimee"))
    asked_before = exists().where(mine, or_(_open, extension.c.request_id == asked.id))
    if tx.execute(select(asked_before)).scalar_one():
        return
    values = {
        "site_id": found.session.site_id,
        "session_id": found.session.id,
        "secondes": asked.seconds,
        "request_id": asked.id,
        "nonce": asked.nonce,
        "expire_a": tx.now + LIFETIME,
        "created_at": tx.now,
    }
    tx.execute(insert(extension).values(**values))
    tx.record(
        Entry(
            "demande_temps",
            found.session.site_id,
            session_id=found.session.id,
            poste_id=found.session.poste_id,
            utilisateur_id=found.session.utilisateur_id,
            metadata={"secondes": asked.seconds},
        )
    )
    tx.tell(found.session.site_id, EXTENSIONS)


def require_open(tx: Transaction, extension_id: int) -> None:
    """Refuse to answer a request that was answered or that has died. Its session is locked."""
    alive = (extension.c.id == extension_id, _open, extension.c.expire_a > tx.now)
    if tx.execute(select(extension.c.id).where(*alive)).first() is None:
        raise Refused("deja_repondu")


def grant(tx: Transaction, found: Found, operateur_id: int | None) -> None:
    """The desk has added time: that answers an open request."""
    if not found.asks:
        return
    what = {"of_session": found.session.id, "by": operateur_id, "at": tx.now}
    if tx.execute(_GRANT, what).rowcount:
        tx.tell(found.session.site_id, EXTENSIONS)


_GRANT = (
    update(extension)
    .where(
        extension.c.session_id == bindparam("of_session"),
        _open,
        extension.c.expire_a > bindparam("at", type_=Instant),
    )
    .values(statut="accordee", operateur_id=bindparam("by"))
    .execution_options(**PREPARED)
)


def refuse(fleet: Fleet, actor: Actor, session_id: int) -> None:
    """The desk says no. Raises Refused when there is no open request."""
    fleet.require(actor, OPERATEUR, "refus_temps", session=session_id)
    with fleet.attempt(actor, "refus_temps") as (tx, about):
        before = sessions.locked(tx, session_id).session
        actor.require_site(before.site_id, "session", before.id)
        about.site_id, about.session_id, about.poste_id = before.site_id, before.id, before.poste_id
        waiting = (extension.c.session_id == session_id, _open, extension.c.expire_a > tx.now)
        values = {"statut": "refusee", "operateur_id": actor.operateur_id, "reponse_a_envoyer": True}
        if tx.execute(update(extension).where(*waiting).values(**values)).rowcount != 1:
            raise Refused("deja_repondu")
        tx.record(
            Entry(
                "refus_temps",
                before.site_id,
                operateur_id=actor.operateur_id,
                session_id=before.id,
                poste_id=before.poste_id,
                utilisateur_id=before.utilisateur_id,
                personal={"ip": actor.ip} if actor.ip else None,
            )
        )
        tx.tell(before.site_id, EXTENSIONS)


def untold(fleet: Fleet, site_id: int) -> list[Answer]:
    """The refusals of a site that its postes were not told of, oldest first."""
    wanted = (
        select(extension.c.id, poste.c.slug, extension.c.request_id, extension.c.nonce)
        .join_from(extension, session, extension.c.session_id == session.c.id)
        .join(poste, session.c.poste_id == poste.c.id)
        .where(extension.c.site_id == site_id, extension.c.reponse_a_envoyer)
        .order_by(extension.c.id)
    )
    with fleet.database.read() as tx:
        return [Answer(*row) for row in tx.execute(wanted)]


def told(fleet: Fleet, lease: Lease, ids: Sequence[int]) -> None:
    """The broker has these refusals."""
    with fleet.database.transaction(lease) as tx:
        tx.execute(update(extension).where(any_of(tx, extension.c.id, ids)).values(reponse_a_envoyer=False))
