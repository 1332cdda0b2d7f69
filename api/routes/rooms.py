"""What is done to a whole site at once: a message, the credit of an outage."""

from typing import Annotated

from litestar import Router, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from api.calls import Call
from api.parameters import instant
from api.schemas import DAY_S, Body, Instant, Ref
from fleet.domain.actor import Actor
from fleet.usecases import commands, many, outages
from fleet.usecases.commands import NewCommand
from fleet.usecases.fleet import Fleet
from fleet.usecases.many import Outcomes
from fleet.usecases.outages import Outage, OutageCredited


class SiteMessage(Body, frozen=True, kw_only=True):
    """What every poste of the site shows."""

    texte: Annotated[str, Meta(min_length=1, max_length=500)]


class OutageBody(Body, frozen=True, kw_only=True):
    """From `depuis` to `jusqu_a`, or `secondes` for everybody. No `postes`: the whole site."""

    postes: Annotated[tuple[Ref, ...], Meta(max_length=1000)] = ()
    secondes: Annotated[int, Meta(ge=0, le=DAY_S, examples=[600])] | None = None
    depuis: Instant | None = None
    jusqu_a: Instant | None = None


@post("/{site:str}/message", status_code=200, summary="Envoyer un message à tout un site")
async def message(request: Call, site: FromPath[str], data: JSONBody[SiteMessage]) -> Outcomes:
    """Every poste of the site that is there shows it; the outcome names those that are not."""
    names = request.shared.names

    def sent(fleet: Fleet, actor: Actor) -> Outcomes:
        known = commands.postes_of(fleet, actor, names.site(site))
        args = {"text": data.texte}
        return many.each(
            list(known),
            lambda slug: commands.send(fleet, actor, NewCommand(known[slug], "message", args)),
            most=len(known),
        )

    return await request.run(sent)


@post("/{site:str}/credit_panne", status_code=200, summary="Rendre le temps d'une panne")
async def credit_outage(request: Call, site: FromPath[str], data: JSONBody[OutageBody]) -> OutageCredited:
    """Every session that a power or network cut has paused gets time back and runs again if its poste is there."""
    names = request.shared.names

    def credited(fleet: Fleet, actor: Actor) -> OutageCredited:
        outage = Outage(
            names.site(site),
            [names.poste(one) for one in data.postes],
            data.secondes,
            instant(data.depuis),
            instant(data.jusqu_a),
        )
        return outages.credit(fleet, actor, outage)

    return await request.run(credited)


router = Router("/sites", route_handlers=[message, credit_outage], tags=["sites"])
