"""One's own account: who one is, the password, the second factor, and the ticket of a WebSocket."""

from litestar import Response, Router, get, post
from litestar.params import JSONBody

from api.calls import Call
from api.schemas import OwnPassword, PasswordChange, Ticket, TotpCode
from api.terms import ATOMIC
from fleet.domain.actor import Actor
from fleet.domain.errors import NotFound
from fleet.usecases import logins, operateurs, own_account, second_factor, tickets
from fleet.usecases.operateurs import OperateurView
from fleet.usecases.second_factor import Enrolment


@get("/me", summary="Mon compte")
async def me(request: Call) -> OperateurView:
    """Who is logged in, with role and sites."""
    return await request.run(lambda fleet, actor: operateurs.one(fleet, actor, _own(actor)))


@post("/password", status_code=204, summary="Changer mon mot de passe")
async def change_password(request: Call, data: JSONBody[PasswordChange]) -> None:
    """Ends every login of this account: log in again with the new password."""
    await request.run_hashing(
        lambda fleet, actor: own_account.change_password(fleet, actor, data.actuel, data.nouveau)
    )


@post("/revoke_all", status_code=204, summary="Me déconnecter partout")
async def revoke_all(request: Call) -> None:
    """Every token of this account is over, this one too."""
    await request.run(lambda fleet, actor: logins.revoke_all(fleet, actor, _own(actor)))


@post("/ws_ticket", status_code=200, summary="Obtenir un billet pour le WebSocket")
async def ws_ticket(request: Call) -> Response[Ticket]:
    """Good once, within 30 seconds: `/ws/sessions/?ticket=...`, or `/api/events/?ticket=...`."""
    until = request.auth.expires_at
    made = await request.run(lambda fleet, actor: tickets.issue(fleet, actor, until))
    ticket = Ticket(made, int(tickets.TTL.total_seconds()))
    return Response(ticket, headers={"Cache-Control": "no-store"})


@post("/totp", status_code=200, summary="Préparer la double authentification")
async def enrol_totp(request: Call, data: JSONBody[OwnPassword]) -> Response[Enrolment]:
    """The address behind the QR code of an authenticator, told once. It counts after `/auth/totp/confirm/`."""
    made = await request.run_hashing(lambda fleet, actor: own_account.enrol(fleet, actor, data.mot_de_passe))
    return Response(made, headers={"Cache-Control": "no-store"})


@post("/totp/confirm", status_code=204, summary="Activer la double authentification")
async def confirm_totp(request: Call, data: JSONBody[TotpCode]) -> None:
    """By a first code: from now on each login asks for one."""
    await request.run(lambda fleet, actor: second_factor.confirm(fleet, actor, data.code))


@post("/totp/disable", status_code=204, summary="Désactiver la double authentification")
async def disable_totp(request: Call, data: JSONBody[TotpCode]) -> None:
    """By a last code. Who has lost the authenticator asks an administrateur."""
    await request.run(lambda fleet, actor: second_factor.disable(fleet, actor, data.code))


def _own(actor: Actor) -> int:
    if actor.operateur_id is None:
        raise NotFound("operateur")
    return actor.operateur_id


router = Router(
    "/auth",
    route_handlers=[me, change_password, revoke_all, ws_ticket, enrol_totp, confirm_totp, disable_totp],
    # Its answers are secrets, which are not stored.
    opt={ATOMIC: False},
    tags=["auth"],
)
