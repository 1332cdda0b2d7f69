"""Who calls: the bearer token is read before anything else of a request."""

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from api.errors import Unauthenticated
from api.state import Shared
from api.tokens import Claims, TokenRefused
from fleet.domain.actor import Actor
from fleet.domain.errors import Forbidden
from fleet.usecases import poste_credentials, tickets
from fleet.usecases.fleet import About

PUBLIC = "public"
"""The option of handlers that anybody may call."""
POSTE = "poste"
"""The option of handlers that a poste may call with its own credential."""
_SCHEME = b"bearer "


class Authentication(ASGIMiddleware):
    """Puts the actor into each request, or refuses it. A handler is closed unless it says that it is PUBLIC."""

    scopes = (ScopeType.HTTP,)
    exclude_opt_key = PUBLIC

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Let the call through with its actor. Raises Unauthenticated, or Forbidden for a poste elsewhere."""
        shared: Shared = scope["litestar_app"].state.shared
        token, ip = bearer(scope), address(scope)
        if token is not None and token.startswith(poste_credentials.PREFIX):
            scope["user"], scope["auth"] = await poste_of(shared, token, ip), None
            if not scope["route_handler"].opt.get(POSTE):
                await _refuse_poste(shared, scope["user"])
        else:
            scope["user"], scope["auth"] = await authenticated(shared, token, ip)
        await next_app(scope, receive, send)


async def _refuse_poste(shared: Shared, actor: Actor) -> None:
    refusal = Forbidden("reserve_aux_operateurs")
    about = About(next(iter(actor.sites or ()), None), poste_id=actor.poste_id)
    await shared.work.run(lambda: shared.fleet.keep_refusal(actor, "acces_poste", about, refusal))
    raise refusal


async def poste_of(shared: Shared, credential: str, ip: str | None) -> Actor:
    """The poste that a credential is of. Raises Unauthenticated."""
    actor = await shared.work.run(lambda: poste_credentials.holder(shared.fleet, credential, ip))
    if actor is None:
        raise Unauthenticated
    return actor


async def authenticated(shared: Shared, token: str | None, ip: str | None) -> tuple[Actor, Claims]:
    """The operator behind an access token, with the rights of now. Raises Unauthenticated."""
    if not token:
        raise Unauthenticated
    try:
        claims = shared.tokens.read(token)
    except TokenRefused:
        raise Unauthenticated from None
    return await _with_rights(shared, claims, ip)


async def by_ticket(shared: Shared, ticket: str, ip: str | None) -> tuple[Actor, Claims]:
    """The operator who got this ticket, which is used with that. Raises Unauthenticated."""
    redeemed = await shared.work.run(lambda: tickets.redeem(shared.fleet, ticket))
    if redeemed is None:
        raise Unauthenticated
    claims = Claims(redeemed.operateur_id, redeemed.generation, redeemed.good_until)
    return await _with_rights(shared, claims, ip)


async def _with_rights(shared: Shared, claims: Claims, ip: str | None) -> tuple[Actor, Claims]:
    actor = await shared.rights.of(claims.operateur_id, ip)
    if actor is None or actor.generation != claims.generation:
        raise Unauthenticated
    return actor, claims


def address(scope: Scope) -> str | None:
    """The caller's address. Behind a trusted proxy the server has put the visitor's own there."""
    client = scope.get("client")
    return client[0] if client else None


def bearer(scope: Scope) -> str | None:
    """The token in the headers of a call."""
    for name, value in scope["headers"]:
        if name == b"authorization" and value[:7].lower() == _SCHEME:
            return value[7:].decode("latin-1").strip()
    return None
