"""What belongs to a site beside its record: the versions of its texts, its room plan, what its rules may be."""

from typing import Annotated, Any, Literal

from litestar import Router, get, put
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from api.calls import Call
from api.parameters import PathId
from api.schemas import Body, Place, Ref
from fleet.domain import policy
from fleet.domain.actor import Actor
from fleet.usecases import plans, site_texts
from fleet.usecases.fleet import Fleet
from fleet.usecases.plans import Plan, Position
from fleet.usecases.site_texts import TextVersion, TextVersions


class At(Body, frozen=True, kw_only=True):
    """Where a poste stands; null: nowhere yet."""

    poste: Ref
    plan_x: Place | None
    plan_y: Place | None


class PlanBody(Body, frozen=True, kw_only=True):
    """The postes that are placed; the others stay where they are."""

    postes: Annotated[list[At], Meta(min_length=1, max_length=1000)]


class RuleView(Struct, frozen=True, kw_only=True):
    """One rule: what it means, its value where nobody set another, and what it may be."""

    nom: str
    sens: str
    defaut: Any
    facultatif: bool
    minimum: int | None
    maximum: int | None
    choix: list[str]


class Rules(Struct, frozen=True):
    """All rules that a site has."""

    resultats: list[RuleView]


@get("/politiques", summary="Lister les règles possibles", tags=["sites"], sync_to_thread=False)
def rules() -> Rules:
    """Every rule of a site's `politique`, with its default, its bounds and its meaning."""
    return Rules([_rule(one) for one in policy.rules()])


def _rule(one: policy.Rule) -> RuleView:
    return RuleView(
        nom=one.name,
        sens=one.meaning,
        defaut=one.default,
        facultatif=one.optional,
        minimum=one.low,
        maximum=one.high,
        choix=list(one.choices),
    )


@get("/sites/{site:str}/textes", summary="Lister les versions des textes", tags=["sites"])
async def texts(request: Call, site: FromPath[str]) -> TextVersions:
    """Every version of the notice and of the charter, the newest of each first."""
    names = request.shared.names
    return await request.run(lambda fleet, actor: site_texts.of_site(fleet, actor, names.site(site)))


@get(
    "/sites/{site:str}/textes/{genre:str}/{number:int}", summary="Lire une version d'un texte", tags=["sites"]
)
async def text(
    request: Call, site: FromPath[str], genre: FromPath[Literal["notice", "charte"]], number: PathId
) -> TextVersion:
    """The notice or the charter that a person was shown."""
    names = request.shared.names
    return await request.run(
        lambda fleet, actor: site_texts.one(fleet, actor, names.site(site), genre, number)
    )


@get("/sites/{site:str}/plan", summary="Voir le plan de la salle", tags=["sites"])
async def plan(request: Call, site: FromPath[str]) -> Plan:
    """Where each poste stands."""
    names = request.shared.names
    return await request.run(lambda fleet, actor: plans.look(fleet, actor, names.site(site)))


@put("/sites/{site:str}/plan", summary="Placer les postes sur le plan", tags=["sites"])
async def place(request: Call, site: FromPath[str], data: JSONBody[PlanBody]) -> Plan:
    """All of these or none; a poste of another site is not found."""
    names = request.shared.names

    def placed(fleet: Fleet, actor: Actor) -> Plan:
        site_id = names.site(site)
        positions = {names.poste(one.poste): Position(one.plan_x, one.plan_y) for one in data.postes}
        plans.place(fleet, actor, site_id, positions)
        return plans.look(fleet, actor, site_id)

    return await request.run(placed)


router = Router("/", route_handlers=[rules, texts, text, plan, place])
