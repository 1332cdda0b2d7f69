"""The credential of a poste over HTTP: for a program that stands in for its agent. Shown once, stored hashed.

It is nothing to the broker: what uses it never counts as the poste's presence.
"""

import secrets
from datetime import datetime, timedelta

from msgspec import Struct
from sqlalchemy import delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from fleet.database import places
from fleet.database.audit import Entry
from fleet.database.engine import Transaction
from fleet.database.tables import operateur, poste
from fleet.database.tables import poste_credential as table
from fleet.domain.actor import LECTEUR, OPERATEUR, Actor
from fleet.domain.errors import NotFound
from fleet.usecases.fleet import Fleet
from fleet.usecases.passwords import digest

PREFIX = "ppmposte_"
"""By which a credential is told from an access token, and found in what was published by mistake."""
_NOTED_EVERY = timedelta(seconds=30)


class CredentialView(Struct, frozen=True, kw_only=True):
    """That a poste has a credential; never the credential itself."""

    poste: str
    creee_par: str | None
    created_at: datetime
    derniere_utilisation: datetime | None


def issue(fleet: Fleet, actor: Actor, poste_id: int) -> str:
    """A credential for a poste, told only now; the one that it had is over. Raises NotFound."""
    fleet.require(actor, OPERATEUR, "cle_poste", poste=poste_id)
    credential = PREFIX + secrets.token_urlsafe(32)
    with fleet.attempt(actor, "cle_poste") as (tx, about):
        about.poste_id, about.site_id = poste_id, _site(tx, actor, poste_id)
        add = pg_insert(table) if tx.is_postgresql else sqlite_insert(table)
        values = {
            "token_hash": digest(credential),
            "operateur_id": actor.operateur_id,
            "created_at": tx.now,
            "derniere_utilisation": None,
        }
        had = tx.execute(select(table.c.poste_id).where(table.c.poste_id == poste_id)).first() is not None
        stored = add.values(poste_id=poste_id, **values)
        tx.execute(stored.on_conflict_do_update(index_elements=["poste_id"], set_=values))
        _record(tx, actor, about.site_id, poste_id, "remplacement" if had else "creation")
    return credential


def revoke(fleet: Fleet, actor: Actor, poste_id: int) -> None:
    """The credential of a poste is over. Raises NotFound where there is none."""
    fleet.require(actor, OPERATEUR, "cle_poste", poste=poste_id)
    with fleet.attempt(actor, "cle_poste") as (tx, about):
        about.poste_id, about.site_id = poste_id, _site(tx, actor, poste_id)
        if tx.execute(delete(table).where(table.c.poste_id == poste_id)).rowcount != 1:
            raise NotFound("cle")
        _record(tx, actor, about.site_id, poste_id, "revocation")


def one(fleet: Fleet, actor: Actor, poste_id: int) -> CredentialView:
    """What is known of a poste's credential. Raises NotFound where there is none."""
    with fleet.guarded(actor), fleet.database.read() as tx:
        _site(tx, actor, poste_id)
        wanted = (
            select(table, poste.c.slug, operateur.c.login)
            .join_from(table, poste, table.c.poste_id == poste.c.id)
            .outerjoin(operateur, table.c.operateur_id == operateur.c.id)
            .where(table.c.poste_id == poste_id)
        )
        row = tx.execute(wanted).first()
    if row is None:
        raise NotFound("cle")
    return CredentialView(
        poste=row.slug,
        creee_par=row.login,
        created_at=row.created_at,
        derniere_utilisation=row.derniere_utilisation,
    )


def holder(fleet: Fleet, credential: str, ip: str | None) -> Actor | None:
    """The poste that this credential is of; None for one that is unknown or over."""
    wanted = (
        select(poste.c.id, poste.c.site_id)
        .join_from(table, poste, table.c.poste_id == poste.c.id)
        .where(table.c.token_hash == digest(credential))
    )
    with fleet.database.glance() as tx:
        row = tx.execute(wanted).first()
    if row is None:
        return None
    return Actor(role=LECTEUR, sites=frozenset({row.site_id}), ip=ip, poste_id=row.id)


def note_use(tx: Transaction, poste_id: int) -> None:
    """The credential was used; kept now and then."""
    long_ago = or_(
        table.c.derniere_utilisation.is_(None), table.c.derniere_utilisation < tx.now - _NOTED_EVERY
    )
    noted = update(table).where(table.c.poste_id == poste_id, long_ago)
    tx.execute(noted.values(derniere_utilisation=tx.now))


def _site(tx: Transaction, actor: Actor, poste_id: int) -> int:
    site_id = places.poste(tx, poste_id).site_id
    actor.require_site(site_id, "poste", poste_id)
    return int(site_id)


def _record(tx: Transaction, actor: Actor, site_id: int, poste_id: int, what: str) -> None:
    tx.record(
        Entry(
            "cle_poste",
            site_id,
            operateur_id=actor.operateur_id,
            poste_id=poste_id,
            metadata={"geste": what},
            personal={"ip": actor.ip} if actor.ip else None,
        )
    )
