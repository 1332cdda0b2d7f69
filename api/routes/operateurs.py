"""Members of staff with an account. Only administrateurs come here; one's own account is under /auth/."""

from litestar import Router, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import UNSET

from api.calls import Call
from api.names import Names
from api.parameters import PathId
from api.schemas import NewOperateurBody, OperateurEditBody, Ref
from fleet.database.listing import Page
from fleet.domain.actor import Actor
from fleet.domain.errors import Invalid, NotFound
from fleet.usecases import logins, operateurs, second_factor
from fleet.usecases.fleet import Fleet
from fleet.usecases.operateurs import NewOperateur, OperateurEdit, OperateurList, OperateurView


@get("/", summary="Lister les opérateurs")
async def search(request: Call, page: NamedDependency[Page]) -> OperateurList:
    """A page of the members of staff, by login."""
    return await request.run(lambda fleet, actor: operateurs.search(fleet, actor, page))


@post("/", summary="Créer un opérateur")
async def create(request: Call, data: JSONBody[NewOperateurBody]) -> OperateurView:
    """An account with a first password. Its login never changes."""
    names = request.shared.names

    def made(fleet: Fleet, actor: Actor) -> OperateurView:
        new = NewOperateur(data.login, data.mot_de_passe, data.role, _sites(names, data.sites))
        return operateurs.one(fleet, actor, operateurs.create(fleet, actor, new))

    return await request.run_hashing(made)


@get("/{operateur_id:int}", summary="Lire un opérateur")
async def read(request: Call, operateur_id: PathId) -> OperateurView:
    """One member of staff."""
    return await request.run(lambda fleet, actor: operateurs.one(fleet, actor, operateur_id))


@put("/{operateur_id:int}", summary="Modifier un opérateur")
async def edit(request: Call, operateur_id: PathId, data: JSONBody[OperateurEditBody]) -> OperateurView:
    """Role, sites, password, activity. A new password, or not being active any more, ends every login of theirs."""
    names = request.shared.names

    def changed(fleet: Fleet, actor: Actor) -> OperateurView:
        changes = OperateurEdit(
            password=None if data.mot_de_passe is UNSET else data.mot_de_passe,
            role=None if data.role is UNSET else data.role,
            sites=None if data.sites is UNSET else _sites(names, data.sites),
            active=None if data.actif is UNSET else data.actif,
        )
        operateurs.edit(fleet, actor, operateur_id, changes)
        return operateurs.one(fleet, actor, operateur_id)

    return await request.run_hashing(changed)


@delete("/{operateur_id:int}", summary="Désactiver un opérateur")
async def deactivate(request: Call, operateur_id: PathId) -> None:
    """Keep an operator out from now on. The account stays, for the journal names it; `actif` lets it in again."""
    out = OperateurEdit(active=False)
    await request.run(lambda fleet, actor: operateurs.edit(fleet, actor, operateur_id, out))


@post("/{operateur_id:int}/revoke_all", status_code=204, summary="Déconnecter un opérateur partout")
async def revoke_all(request: Call, operateur_id: PathId) -> None:
    """Every token of this account is over."""
    await request.run(lambda fleet, actor: logins.revoke_all(fleet, actor, operateur_id))


@delete("/{operateur_id:int}/totp", summary="Retirer la double authentification d'un opérateur")
async def remove_totp(request: Call, operateur_id: PathId) -> None:
    """For who has lost the authenticator."""
    await request.run(lambda fleet, actor: second_factor.remove(fleet, actor, operateur_id))


def _sites(names: Names, words: list[Ref]) -> list[int]:
    try:
        return [names.site(word) for word in words]
    except NotFound:
        raise Invalid("sites", "valeur_invalide", regle="des sites qui existent") from None


router = Router(
    "/operateurs",
    route_handlers=[search, create, read, edit, deactivate, revoke_all, remove_totp],
    tags=["operateurs"],
)
