"""Whether the audit trail holds, gone through bit by bit so that no request takes long.

What was archived and purged is not here any more: `ppm audit verify` looks at the files too.
"""

import re

from msgspec import Struct
from sqlalchemy import select

from fleet.database import audit
from fleet.database.tables import site
from fleet.domain.actor import ADMINISTRATEUR, Actor
from fleet.domain.errors import Invalid
from fleet.usecases.fleet import Fleet

MOST = 20_000
"""How many lines are gone through at most in one go: some seconds on a small machine."""
_PLACE = re.compile(r"([0-9]{1,18}):([0-9]{1,18})", re.ASCII)
_NATURES = {
    "missing": ("manquante", "Une ligne manque à cet endroit."),
    "altered": ("alteree", "Cette ligne n’est plus celle qui a été écrite."),
    "does not follow its predecessor": ("mal_chainee", "Cette ligne ne suit pas celle qui la précède."),
    "personal data altered": (
        "donnees_alterees",
        "Les données personnelles de cette ligne ont été changées.",
    ),
    "end cut off": ("fin_coupee", "La fin du journal n’est pas celle qui a été écrite."),
}


class Rupture(Struct, frozen=True, kw_only=True):
    """The first line of a chain that does not hold. `site` null: the deployment itself."""

    site: str | None
    numero: int
    nature: str
    texte: str


class TrailCheck(Struct, frozen=True, kw_only=True):
    """How far the trail holds. `suite`, given as `apres`, goes on; null: it was gone through to its end.

    `lignes` were gone through now, of `total` in all; after a rupture the rest of its chain is not looked at.
    """

    lignes: int
    total: int
    ruptures: list[Rupture]
    suite: str | None


def part(fleet: Fleet, actor: Actor, after: str | None, most: int = MOST) -> TrailCheck:
    """Go on from where an earlier part ended. Raises Invalid for what is no such place."""
    fleet.require(actor, ADMINISTRATEUR, "verification_journal")
    with fleet.database.read() as tx:
        try:
            checked = audit.verify_part(tx.connection, _place(after), most)
        except LookupError:
            raise _refused() from None
        slugs = {row.id: row.slug for row in tx.execute(select(site.c.id, site.c.slug))}
        total = audit.length(tx.connection)
    broken = [_rupture(one, slugs.get(one.chain)) for one in checked.broken]
    rest = None if checked.after is None else "{}:{}".format(*checked.after)
    return TrailCheck(lignes=checked.rows, total=total, ruptures=broken, suite=rest)


def _place(after: str | None) -> tuple[int, int]:
    if after is None:
        return 0, 0
    if (found := _PLACE.fullmatch(after)) is None:
        raise _refused()
    return int(found[1]), int(found[2])


def _refused() -> Invalid:
    return Invalid("apres", "valeur_invalide", regle="la `suite` d’une réponse précédente")


def _rupture(one: audit.Broken, slug: str | None) -> Rupture:
    nature, text = _NATURES[one.what]
    return Rupture(site=slug, numero=one.numero, nature=nature, texte=text)
