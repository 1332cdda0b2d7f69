"""The room plan of a site: where each poste stands."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from msgspec import Struct
from sqlalchemy import select, update

from fleet.database import places
from fleet.database.audit import Entry
from fleet.database.engine import Transaction
from fleet.database.news import POSTES
from fleet.database.tables import plan_image, poste
from fleet.domain.actor import ADMINISTRATEUR, Actor
from fleet.domain.errors import NotFound
from fleet.usecases.fleet import Fleet


@dataclass(frozen=True)
class Position:
    """The cell in which a poste stands; both None: nowhere yet.

    Without a picture cells are columns and rows from 0 on; a picture is sixteen cells wide, whatever its size.
    """

    x: float | None
    y: float | None


class PlacedPoste(Struct, frozen=True, kw_only=True):
    """A poste on the plan; null where nobody has placed it."""

    poste: str
    nom: str
    plan_x: float | None
    plan_y: float | None


class PlanImage(Struct, frozen=True):
    """The picture under the plan: its size in pixels, and the mark that another picture would change."""

    marque: str
    largeur: int
    hauteur: int


class Plan(Struct, frozen=True):
    """The postes of a site and where they stand, on the picture if there is one."""

    site: str
    image: PlanImage | None
    postes: list[PlacedPoste]


def look(fleet: Fleet, actor: Actor, site_id: int) -> Plan:
    """The plan of a site. Raises NotFound."""
    fleet.require_site(actor, site_id)
    wanted = select(poste).where(poste.c.site_id == site_id).order_by(poste.c.nom_tri, poste.c.id)
    with fleet.database.read() as tx:
        slug = places.site(tx, site_id).slug
        return Plan(slug, _image(tx, site_id), [_view(row) for row in tx.execute(wanted)])


def _image(tx: Transaction, site_id: int) -> PlanImage | None:
    columns = (plan_image.c.marque, plan_image.c.largeur, plan_image.c.hauteur)
    row = tx.execute(select(*columns).where(plan_image.c.site_id == site_id)).first()
    return None if row is None else PlanImage(*row)


def place(fleet: Fleet, actor: Actor, site_id: int, positions: Mapping[int, Position]) -> None:
    """Place these postes, all or none. Raises NotFound for one of another site."""
    fleet.require(actor, ADMINISTRATEUR, "modification_plan", site=site_id)
    fleet.require_site(actor, site_id, "modification_plan")
    with fleet.attempt(actor, "modification_plan") as (tx, about):
        about.site_id = site_id
        places.site(tx, site_id)
        moved = [number for number in sorted(positions) if _place(tx, site_id, number, positions[number])]
        if moved:
            personal = {"ip": actor.ip} if actor.ip else None
            who, facts = actor.operateur_id, {"postes": len(moved)}
            tx.record(
                Entry("modification_plan", site_id, operateur_id=who, metadata=facts, personal=personal)
            )
            tx.tell(site_id, POSTES)


def _place(tx: Transaction, site_id: int, poste_id: int, at: Position) -> bool:
    here = (poste.c.id == poste_id, poste.c.site_id == site_id)
    row = tx.execute(select(poste).where(*here).with_for_update(key_share=True)).first()
    if row is None:
        raise NotFound("poste")
    if (row.plan_x, row.plan_y) == (at.x, at.y):
        return False
    stamps = {"updated_at": tx.now, "version": poste.c.version + 1}
    tx.execute(update(poste).where(*here).values(plan_x=at.x, plan_y=at.y, **stamps))
    return True


def _view(row: Any) -> PlacedPoste:
    return PlacedPoste(poste=row.slug, nom=row.nom, plan_x=row.plan_x, plan_y=row.plan_y)
