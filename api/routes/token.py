"""Logging in, staying in, logging out."""

from datetime import UTC, datetime

from litestar import Router, post
from litestar.params import JSONBody
from msgspec import UNSET

from api.auth import PUBLIC, address, authenticated
from api.calls import Call
from api.schemas import Login, Refresh, TokenPair, Verified, Verify
from fleet.domain.errors import Invalid
from fleet.usecases import operateurs
from fleet.usecases.operateurs import Known


@post("/token", status_code=200, summary="Se connecter")
async def obtain(request: Call, data: JSONBody[Login]) -> TokenPair:
    """A pair of tokens for a login and its password. Wrong ones are slowed down, by login and source."""
    shared = request.shared
    login = data.login if data.login is not UNSET else data.username
    if login is UNSET:
        raise Invalid("login", "champ_obligatoire", champ="login")
    source = address(request.scope) or ""
    known = await shared.work.hash(
        lambda: operateurs.authenticate(
            shared.fleet, shared.logins, login, data.password, source, shared.settings.refresh_ttl
        )
    )
    return _pair(request, known)


@post("/token/refresh", status_code=200, summary="Rester connecté")
async def refresh(request: Call, data: JSONBody[Refresh]) -> TokenPair:
    """The next pair. A refresh token that comes twice ends all that descend from its login."""
    shared = request.shared
    ttl = shared.settings.refresh_ttl
    known = await shared.work.run(lambda: operateurs.rotate(shared.fleet, data.refresh, ttl))
    return _pair(request, known)


@post("/token/verify", status_code=200, summary="Vérifier un jeton d'accès")
async def verify(request: Call, data: JSONBody[Verify]) -> Verified:
    """Whether an access token is good now, and whose it is."""
    actor, claims = await authenticated(request.shared, data.token, address(request.scope))
    return Verified(True, claims.operateur_id, actor.role, claims.expires_at)


@post("/auth/logout", status_code=204, summary="Se déconnecter")
async def logout(request: Call, data: JSONBody[Refresh]) -> None:
    """End what descends from this login. The access token dies by itself within ten minutes."""
    shared = request.shared
    await shared.work.run(lambda: operateurs.logout(shared.fleet, data.refresh))


def _pair(request: Call, known: Known) -> TokenPair:
    settings = request.shared.settings
    return TokenPair(
        access=request.shared.tokens.make(known.operateur_id, datetime.now(UTC)),
        refresh=known.refresh_token,
        expires_in=int(settings.access_ttl.total_seconds()),
        refresh_expires_at=known.refresh_expires_at,
        operateur=known.operateur_id,
        login=known.login,
        role=known.role,
    )


router = Router("/", route_handlers=[obtain, refresh, verify, logout], opt={PUBLIC: True}, tags=["auth"])
