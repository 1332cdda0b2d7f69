"""Whether this process lives, and whether the whole can serve."""

from litestar import Response, Router, get
from litestar.openapi import ResponseSpec
from msgspec import Struct
from sqlalchemy import exists, select

from api.auth import PUBLIC
from api.calls import Call
from api.limits import UNLIMITED
from fleet.database import schema
from fleet.database.tables import lease, poste, site
from fleet.usecases.fleet import Fleet


class Alive(Struct, frozen=True):
    """This process answers."""

    statut: str


class Ready(Struct, frozen=True):
    """Whether the database is at this version's schema, and which sites have a controller that drives them."""

    statut: str
    schema: bool
    sites: dict[str, bool]


@get("/live", summary="Ce processus répond")
async def live() -> Alive:
    """Yes."""
    return Alive("ok")


@get(
    "/ready",
    summary="Tout est prêt",
    responses={503: ResponseSpec(Ready, description="Pas encore prêt", generate_examples=False)},
)
async def ready(request: Call) -> Response[Ready]:
    """200 when the database, its schema and a controller for each site with postes are there; else 503."""
    shared = request.shared
    seen = await shared.work.run(lambda: _seen(shared.fleet))
    return Response(seen, status_code=200 if seen.statut == "ok" else 503)


def _seen(fleet: Fleet) -> Ready:
    current = schema.current(fleet.database) == schema.head()
    if not current:
        return Ready("schema", False, {})
    with fleet.database.read() as tx:
        alive = (lease.c.site_id == site.c.id) & (lease.c.expires_at > tx.now)
        wanted = (
            select(site.c.slug, lease.c.term)
            .outerjoin(lease, alive)
            .where(exists().where(poste.c.site_id == site.c.id))
        )
        driven = {row.slug: row.term is not None for row in tx.execute(wanted)}
    return Ready("ok" if all(driven.values()) else "controller", True, driven)


router = Router("/health", route_handlers=[live, ready], opt={PUBLIC: True, UNLIMITED: True}, tags=["health"])
