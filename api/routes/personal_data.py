"""A person's own data: the photo, all of it to take away, and to be forgotten."""

from litestar import Response, Router, delete, get, post, put

from api import uploads
from api.calls import Call
from api.parameters import PathId, Whether, Word
from fleet.domain.actor import Actor
from fleet.usecases import personal_data, photos, utilisateurs
from fleet.usecases.fleet import Fleet
from fleet.usecases.personal_data import PurgeView
from fleet.usecases.utilisateurs import UtilisateurView

_PRIVATE = {"Cache-Control": "no-store, private", **uploads.HARMLESS}


@put(
    "/{utilisateur_id:int}/photo",
    request_max_body_size=uploads.LARGEST,
    before_request=uploads.needs_a_file,
    summary="Déposer une photo",
)
async def put_photo(
    request: Call,
    utilisateur_id: PathId,
    data: uploads.File,
    site: Word = None,
) -> UtilisateurView:
    """JPEG or PNG, 5 MB at most. It is written anew: metadata is not kept."""
    content, names = await data.read(), request.shared.names

    def changed(fleet: Fleet, actor: Actor) -> UtilisateurView:
        site_id = names.asked_site(actor, site)
        photos.put(fleet, actor, utilisateur_id, content, site_id)
        return utilisateurs.one(fleet, actor, utilisateur_id, site_id)

    return await request.run(changed)


@get("/{utilisateur_id:int}/photo", media_type="image/jpeg", summary="Voir la photo")
async def read_photo(request: Call, utilisateur_id: PathId, vignette: Whether = None) -> Response[bytes]:
    """The photo, or its thumbnail. Never cached."""
    found = await request.run(
        lambda fleet, actor: photos.one(fleet, actor, utilisateur_id, small=bool(vignette))
    )
    return Response(found.content, media_type="image/jpeg", headers=_PRIVATE)


@delete("/{utilisateur_id:int}/photo", summary="Retirer la photo")
async def remove_photo(request: Call, utilisateur_id: PathId) -> None:
    """Forget it."""
    await request.run(lambda fleet, actor: photos.remove(fleet, actor, utilisateur_id))


@get(
    "/{utilisateur_id:int}/export",
    media_type="application/zip",
    summary="Remettre ses données à une personne",
)
async def export(request: Call, utilisateur_id: PathId) -> Response[bytes]:
    """What is known of somebody: JSON, a page to read, and the photo.

    Whoever is limited to sites gives what is of these sites, which `perimetre` and the page say.
    """
    zone = request.shared.settings.zone
    content = await request.run(
        lambda fleet, actor: personal_data.exported(fleet, actor, utilisateur_id, zone)
    )
    named = {"Content-Disposition": f'attachment; filename="donnees-{utilisateur_id}.zip"'}
    return Response(content, media_type="application/zip", headers=_PRIVATE | named)


@post("/{utilisateur_id:int}/erase", status_code=200, summary="Oublier une personne")
async def erase(request: Call, utilisateur_id: PathId) -> PurgeView:
    """Sessions stay in the statistics without the person; codes that wait, bookings and tickets are withdrawn.

    Refused while the person is at a poste. The answer is the certificate."""
    return await request.run(lambda fleet, actor: personal_data.erase(fleet, actor, utilisateur_id))


router = Router(
    "/utilisateurs",
    route_handlers=[put_photo, read_photo, remove_photo, export, erase],
    tags=["utilisateurs"],
)
