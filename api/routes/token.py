"""Logging in, staying in, logging out: by tokens for programs, by a cookie for the browser.

The cookie holds the refresh token, out of reach of scripts, and goes to these addresses only. A browser sends it by
itself, so what it does is done only for a page of ours.
"""

from datetime import UTC, datetime

from litestar import Response, Router, post
from litestar.datastructures import Cookie
from litestar.params import JSONBody
from msgspec import UNSET

from api import origin
from api.auth import PUBLIC, address, authenticated
from api.calls import Call
from api.schemas import Login, Refresh, TokenPair, Verified, Verify
from fleet.domain.errors import Invalid, Refused
from fleet.usecases import logins
from fleet.usecases.logins import Credentials, Known

COOKIE = "ppm_refresh"
COOKIE_PATHS = ("/api/auth", "/api/token")
_NOT_KEPT = {"Cache-Control": "no-store"}


@post("/token", status_code=200, summary="Se connecter")
async def obtain(request: Call, data: JSONBody[Login]) -> Response[TokenPair]:
    """A pair of tokens for a login and its password. Wrong ones are slowed down, by login and source."""
    return _pair(request, await _known(request, data), by_cookie=False)


@post("/auth/login", status_code=200, summary="Se connecter, pour un navigateur")
async def login(request: Call, data: JSONBody[Login]) -> Response[TokenPair]:
    """An access token, and a cookie that no script can read to stay logged in."""
    origin.refuse_foreign(request, request.shared.settings)
    return _pair(request, await _known(request, data), by_cookie=True)


async def _known(request: Call, data: Login) -> Known:
    shared = request.shared
    name = data.login if data.login is not UNSET else data.username
    if name is UNSET:
        raise Invalid("login", "champ_obligatoire", champ="login")
    shown = Credentials(name, data.password, address(request.scope) or "", data.totp)
    return await shared.work.hash(
        lambda: logins.authenticate(shared.fleet, shown, shared.settings.refresh_ttl)
    )


@post("/token/refresh", status_code=200, summary="Rester connecté")
async def refresh(request: Call, data: JSONBody[Refresh | None] = None) -> Response[TokenPair]:
    """The next pair, by a refresh token or by the cookie. One that comes twice ends all that descend from its login."""
    shared = request.shared
    token, ttl = _shown(request, data), shared.settings.refresh_ttl
    if token is None:
        raise Refused("jeton_refuse")
    known = await shared.work.run(lambda: logins.rotate(shared.fleet, token, ttl))
    return _pair(request, known, by_cookie=data is None)


@post("/token/verify", status_code=200, summary="Vérifier un jeton d'accès")
async def verify(request: Call, data: JSONBody[Verify]) -> Verified:
    """Whether an access token is good now, and whose it is."""
    actor, claims = await authenticated(request.shared, data.token, address(request.scope))
    return Verified(True, claims.operateur_id, actor.role, claims.expires_at)


@post("/auth/logout", status_code=204, summary="Se déconnecter")
async def logout(request: Call, data: JSONBody[Refresh | None] = None) -> Response[None]:
    """End what descends from this login. The access token dies by itself within ten minutes."""
    shared = request.shared
    token = _shown(request, data)
    if token is not None:
        await shared.work.run(lambda: logins.logout(shared.fleet, token))
    return Response(None, status_code=204, cookies=_cookies(request, "", 0))


def _shown(request: Call, data: Refresh | None) -> str | None:
    """The refresh token of the body, or of the cookie when a page of ours asks. Raises Forbidden."""
    if data is not None:
        return data.refresh
    token = request.cookies.get(COOKIE)
    if token is not None:
        origin.require(request, request.shared.settings)
    return token


def _pair(request: Call, known: Known, *, by_cookie: bool) -> Response[TokenPair]:
    settings = request.shared.settings
    pair = TokenPair(
        access=request.shared.tokens.make(known.operateur_id, known.generation, datetime.now(UTC)),
        refresh=UNSET if by_cookie else known.refresh_token,
        expires_in=int(settings.access_ttl.total_seconds()),
        refresh_expires_at=known.refresh_expires_at,
        operateur=known.operateur_id,
        login=known.login,
        role=known.role,
    )
    kept_s = int(settings.refresh_ttl.total_seconds())
    cookies = _cookies(request, known.refresh_token, kept_s) if by_cookie else []
    return Response(pair, headers=_NOT_KEPT, cookies=cookies)


def _cookies(request: Call, token: str, kept_s: int) -> list[Cookie]:
    secure = request.shared.settings.secure_cookies
    return [
        Cookie(COOKIE, path, token, kept_s, secure=secure, httponly=True, samesite="strict")
        for path in COOKIE_PATHS
    ]


router = Router(
    "/", route_handlers=[obtain, login, refresh, verify, logout], opt={PUBLIC: True}, tags=["auth"]
)
