"""What belongs to a site beside its record: the versions of its texts, its room plan, what its rules may be."""

from typing import Annotated, Any, Literal

from litestar import Response, Router, delete, get, put
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from api import answers, uploads
from api.calls import Call
from api.parameters import PathId
from api.schemas import Body, Place, Ref
from fleet.domain import policy
from fleet.domain.actor import Actor
from fleet.usecases import plan_images, plans, site_texts
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
    sens_en: str
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
        sens_en=one.meaning_en,
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


@put(
    "/sites/{site:str}/plan/image",
    request_max_body_size=uploads.LARGEST,
    before_request=uploads.needs_a_file,
    summary="Déposer l'image du plan",
    tags=["sites"],
)
async def put_image(request: Call, site: FromPath[str], data: uploads.File) -> Plan:
    """JPEG or PNG, 5 MB at most, in the place of an older one. It is written anew, 2048 pixels wide or high at most."""
    content = await data.read()
    names = request.shared.names

    def kept(fleet: Fleet, actor: Actor) -> Plan:
        site_id = names.site(site)
        plan_images.put(fleet, actor, site_id, content)
        return plans.look(fleet, actor, site_id)

    return await request.run(kept)


@get(
    "/sites/{site:str}/plan/image",
    media_type="image/jpeg",
    opt={answers.TAGGED: True},
    summary="Voir l'image du plan",
    tags=["sites"],
)
async def image(request: Call, site: FromPath[str]) -> Response[bytes]:
    """The picture under the plan. Its ETag is the `marque` of the plan's `image`."""
    names = request.shared.names
    found = await request.run(lambda fleet, actor: plan_images.one(fleet, actor, names.site(site)))
    answer = answers.marked(request, found.content, "image/jpeg", found.mark)
    answer.headers.update(uploads.HARMLESS)
    return answer


@delete("/sites/{site:str}/plan/image", summary="Retirer l'image du plan", tags=["sites"])
async def remove_image(request: Call, site: FromPath[str]) -> None:
    """The plan without a picture."""
    names = request.shared.names
    await request.run(lambda fleet, actor: plan_images.remove(fleet, actor, names.site(site)))


router = Router("/", route_handlers=[rules, texts, text, plan, place, put_image, image, remove_image])
