"""When postes are taken, hour by hour of a week."""

from datetime import UTC, datetime

from litestar import Router, get

from api.calls import Call
from api.parameters import When, Word, instant
from fleet.domain.actor import Actor
from fleet.usecases import occupancy, statistics
from fleet.usecases.fleet import Fleet
from fleet.usecases.occupancy import Occupation


@get("/", summary="Mesurer l'occupation des postes")
async def read(request: Call, site: Word = None, depuis: When = None, jusqu_a: When = None) -> Occupation:
    """Of a period (today by default): by hour and day of the week, and how long sessions took and waited."""
    names, zone = request.shared.names, request.shared.settings.zone

    def counted(fleet: Fleet, actor: Actor) -> Occupation:
        site_id = names.asked_site(actor, site)
        asked = statistics.period(datetime.now(UTC), zone, instant(depuis), instant(jusqu_a), site_id)
        return occupancy.occupation(fleet, actor, asked)

    return await request.run(counted)


router = Router("/sessions/occupation", route_handlers=[read], tags=["sessions"])
