"""Access tokens: JWT, HS256 and nothing else, ten minutes at most. They say who, never what they may do."""

import contextlib
from datetime import UTC, datetime

import jwt
from msgspec import Struct

from api.settings import ApiSettings

_ALGORITHM = "HS256"
_MOST_KNOWN = 1_000


class TokenRefused(Exception):
    """The token is no token of ours, or is over."""


class Claims(Struct, frozen=True):
    """What a good access token says: the operator, of which generation, and until when."""

    operateur_id: int
    generation: int
    expires_at: datetime


class Tokens:
    """Makes and reads the access tokens of a deployment."""

    def __init__(self, settings: ApiSettings) -> None:
        self._settings = settings
        self._known: dict[str, Claims] = {}

    def make(self, operateur_id: int, generation: int, now: datetime) -> str:
        """An access token for an operator who has just proved to be one."""
        claims = {
            "iss": self._settings.issuer,
            "aud": self._settings.audience,
            "sub": str(operateur_id),
            "gen": generation,
            "iat": now,
            "exp": now + self._settings.access_ttl,
        }
        return jwt.encode(claims, self._settings.jwt_secret, algorithm=_ALGORITHM)

    def read(self, token: str) -> Claims:
        """Whose token this is, signed with the present secret or one before it. Raises TokenRefused.

        One that was found good is looked at no more until it is over: that takes as long as the rest of a request.
        """
        known = self._known.get(token)
        if known is None or known.expires_at <= datetime.now(UTC):
            self._known.pop(token, None)
            known = self._checked(token)
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[token] = known
        return known

    def _checked(self, token: str) -> Claims:
        try:
            return self._read(token, self._settings.jwt_secret)
        except TokenRefused as refused:
            for secret in self._settings.jwt_previous:
                with contextlib.suppress(TokenRefused):
                    return self._read(token, secret)
            raise refused from None

    def _read(self, token: str, secret: str) -> Claims:
        try:
            claims = jwt.decode(
                token,
                secret,
                algorithms=[_ALGORITHM],
                audience=self._settings.audience,
                issuer=self._settings.issuer,
                options={"require": ["exp", "iat", "sub", "iss", "aud", "gen"]},
            )
            expires_at = datetime.fromtimestamp(claims["exp"], UTC)
            return Claims(int(claims["sub"]), int(claims["gen"]), expires_at)
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise TokenRefused(type(error).__name__) from None
