"""The picture under a room plan: written anew like a photo, kept beside its site."""

import hashlib
from typing import Any, NamedTuple

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from fleet.database import places
from fleet.database.audit import Entry
from fleet.database.engine import Transaction
from fleet.database.news import POSTES
from fleet.database.tables import plan_image, site
from fleet.domain.actor import ADMINISTRATEUR, Actor
from fleet.domain.errors import NotFound
from fleet.usecases import pictures
from fleet.usecases.fleet import Fleet

SIDE = 2048
"""A plan is looked at closer than a face."""
ACTION = "modification_plan"


class Picture(NamedTuple):
    """A JPEG, and the mark by which one sees that it is still the same."""

    content: bytes
    mark: str


def put(fleet: Fleet, actor: Actor, site_id: int, content: bytes) -> None:
    """Keep this picture, in the place of an older one. Raises Invalid for what is no JPEG or PNG, and NotFound."""
    fleet.require(actor, ADMINISTRATEUR, ACTION, site=site_id)
    fleet.require_site(actor, site_id, ACTION)
    picture = pictures.decoded(content, "image", SIDE)
    image = pictures.written(picture)
    with fleet.attempt(actor, ACTION) as (tx, about):
        about.site_id = site_id
        _touch(tx, site_id)
        values = {
            "image": image,
            "marque": hashlib.sha256(image).hexdigest(),
            "largeur": picture.width,
            "hauteur": picture.height,
            "created_at": tx.now,
        }
        made = (pg_insert if tx.is_postgresql else sqlite_insert)(plan_image).values(
            site_id=site_id, **values
        )
        tx.execute(made.on_conflict_do_update(index_elements=["site_id"], set_=values))
        _tell(tx, actor, site_id, "deposee")


def remove(fleet: Fleet, actor: Actor, site_id: int) -> None:
    """Take it away. Raises NotFound."""
    fleet.require(actor, ADMINISTRATEUR, ACTION, site=site_id)
    fleet.require_site(actor, site_id, ACTION)
    with fleet.attempt(actor, ACTION) as (tx, about):
        about.site_id = site_id
        _touch(tx, site_id)
        if not tx.execute(delete(plan_image).where(plan_image.c.site_id == site_id)).rowcount:
            raise NotFound("image")
        _tell(tx, actor, site_id, "retiree")


def one(fleet: Fleet, actor: Actor, site_id: int) -> Picture:
    """The picture of a site. Raises NotFound."""
    fleet.require_site(actor, site_id)
    wanted = select(plan_image.c.image, plan_image.c.marque).where(plan_image.c.site_id == site_id)
    with fleet.database.glance() as tx:
        row = tx.execute(wanted).first()
    if row is None:
        raise NotFound("image")
    return Picture(bytes(row.image), row.marque)


def _touch(tx: Transaction, site_id: int) -> None:
    places.site(tx, site_id)
    mine = update(site).where(site.c.id == site_id)
    tx.execute(mine.values(version=site.c.version + 1, updated_at=tx.now))


def _tell(tx: Transaction, actor: Actor, site_id: int, what: str) -> None:
    personal: dict[str, Any] | None = {"ip": actor.ip} if actor.ip else None
    facts = {"image": what}
    tx.record(Entry(ACTION, site_id, operateur_id=actor.operateur_id, metadata=facts, personal=personal))
    tx.tell(site_id, POSTES)
