"""What the demo's database begins with: a site, its postes, and an operator."""

import secrets
from dataclasses import dataclass

from sqlalchemy import select

from fleet.database.tables import operateur, poste, site
from fleet.domain.actor import ADMINISTRATEUR, SYSTEM
from fleet.usecases import operateurs, postes, sessions, sites
from fleet.usecases.fleet import Fleet
from fleet.usecases.operateurs import NewOperateur, OperateurEdit
from fleet.usecases.postes import NewPoste
from fleet.usecases.sessions import NewSession

SITE = "demo"
LOGIN = "demo"
_NAME = "Médiathèque de démonstration"
_RULES = {"grace_s": 15, "code_lifetime_s": 600, "longest_suspension_s": 120}
_COLUMNS = 4


@dataclass(frozen=True)
class Furnished:
    """Who may log in, and the slugs of the postes."""

    login: str
    password: str
    postes: list[str]


def furnish(fleet: Fleet, count: int, zone: str) -> Furnished:
    """Put a site with `count` postes and an operator into a database; what is there from before stays."""
    password = secrets.token_urlsafe(9)
    _operator(fleet, password)
    site_id = _site(fleet, zone)
    width = max(2, len(str(count)))
    slugs = [f"{SITE}-{number:0{width}}" for number in range(1, count + 1)]
    with fleet.database.read() as tx:
        known = set(tx.execute(select(poste.c.slug)).scalars())
    for number, slug in enumerate(slugs):
        if slug not in known:
            row, column = divmod(number, _COLUMNS)
            new = NewPoste(site_id, slug, f"Poste {number + 1}", plan_x=column, plan_y=row)
            postes.create(fleet, SYSTEM, new)
    return Furnished(LOGIN, password, slugs)


def code_for(fleet: Fleet, slug: str, duration_s: int) -> str:
    """A session at one poste; its code."""
    with fleet.database.read() as tx:
        row = tx.execute(select(poste.c.id, poste.c.site_id).where(poste.c.slug == slug)).one()
    return sessions.create(fleet, SYSTEM, NewSession(row.site_id, duration_s, row.id)).code


def _operator(fleet: Fleet, password: str) -> None:
    with fleet.database.read() as tx:
        known = tx.execute(select(operateur.c.id).where(operateur.c.login == LOGIN)).scalar()
    if known is None:
        operateurs.create(fleet, SYSTEM, NewOperateur(LOGIN, password, ADMINISTRATEUR))
    else:
        operateurs.edit(
            fleet, SYSTEM, known, OperateurEdit(password=password, role=ADMINISTRATEUR, active=True)
        )


def _site(fleet: Fleet, zone: str) -> int:
    with fleet.database.read() as tx:
        known = tx.execute(select(site.c.id).where(site.c.slug == SITE)).scalar()
    if known is not None:
        return int(known)
    return sites.create(fleet, SYSTEM, SITE, {"nom": _NAME, "zone": zone, "politique": _RULES})
