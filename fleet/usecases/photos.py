"""Photos of members of the public: kept in the database, shown to who is logged in, forgotten with the person."""

import hashlib
from dataclasses import dataclass

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from fleet.database import people
from fleet.database.audit import Entry
from fleet.database.engine import Transaction
from fleet.database.tables import photo, utilisateur
from fleet.domain import optional_fields
from fleet.domain.actor import OPERATEUR, Actor
from fleet.domain.errors import NotFound, Refused
from fleet.usecases import pictures, utilisateurs
from fleet.usecases.fleet import Fleet


@dataclass(frozen=True)
class Photo:
    """A JPEG, and the mark by which one sees that it is still the same."""

    content: bytes
    mark: str


def put(fleet: Fleet, actor: Actor, utilisateur_id: int, content: bytes, site_id: int | None = None) -> str:
    """Keep this picture of somebody, in the place of an older one; gives its mark. Raises Invalid, Refused."""
    fleet.require(actor, OPERATEUR, "modification_utilisateur")
    image, thumbnail = pictures.cleaned(content)
    mark = hashlib.sha256(image).hexdigest()
    with fleet.attempt(actor, "modification_utilisateur") as (tx, about):
        about.utilisateur_id = utilisateur_id
        row = people.locked(tx, utilisateur_id)
        if not row.consentement_rgpd:
            raise Refused("consentement_absent")
        optional_fields.require(utilisateurs.used_fields(tx, actor, site_id), {"photo": True})
        values = {"image": image, "vignette": thumbnail, "created_at": tx.now}
        made = (pg_insert if tx.is_postgresql else sqlite_insert)(photo).values(
            utilisateur_id=utilisateur_id, **values
        )
        tx.execute(made.on_conflict_do_update(index_elements=["utilisateur_id"], set_=values))
        _mark(tx, actor, utilisateur_id, mark)
        return mark


def remove(fleet: Fleet, actor: Actor, utilisateur_id: int) -> None:
    """Forget somebody's picture. Raises NotFound."""
    fleet.require(actor, OPERATEUR, "modification_utilisateur")
    with fleet.attempt(actor, "modification_utilisateur") as (tx, about):
        about.utilisateur_id = utilisateur_id
        people.locked(tx, utilisateur_id)
        if not tx.execute(delete(photo).where(photo.c.utilisateur_id == utilisateur_id)).rowcount:
            raise NotFound("photo")
        _mark(tx, actor, utilisateur_id, None)


def one(fleet: Fleet, _actor: Actor, utilisateur_id: int, *, small: bool = False) -> Photo:
    """Somebody's picture, or its thumbnail. Raises NotFound."""
    column = photo.c.vignette if small else photo.c.image
    wanted = select(column.label("content"), utilisateur.c.photo).join_from(photo, utilisateur)
    with fleet.database.read() as tx:
        row = tx.execute(wanted.where(photo.c.utilisateur_id == utilisateur_id)).first()
    if row is None:
        raise NotFound("photo")
    return Photo(bytes(row.content), row.photo)


def _mark(tx: Transaction, actor: Actor, utilisateur_id: int, mark: str | None) -> None:
    mine = update(utilisateur).where(utilisateur.c.id == utilisateur_id)
    tx.execute(mine.values(photo=mark, updated_at=tx.now, version=utilisateur.c.version + 1))
    tx.record(
        Entry(
            "modification_utilisateur",
            operateur_id=actor.operateur_id,
            utilisateur_id=utilisateur_id,
            metadata={"champs": ["photo"]},
            personal={"ip": actor.ip} if actor.ip else None,
        )
    )
