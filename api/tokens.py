"""Access tokens: JWT, HS256 and nothing else, ten minutes at most. They say who, never what they may do."""

from datetime import UTC, datetime

import jwt
from msgspec import Struct

from api.settings import ApiSettings

_ALGORITHM = "HS256"


class TokenRefused(Exception):
    """The token is no token of ours, or is over."""


class Claims(Struct, frozen=True):
    """What a good access token says: the operator, and until when."""

    operateur_id: int
    expires_at: datetime


class Tokens:
    """Makes and reads the access tokens of a deployment."""

    def __init__(self, settings: ApiSettings) -> None:
        self._settings = settings

    def make(self, operateur_id: int, now: datetime) -> str:
        """An access token for an operator who has just proved to be one."""
        claims = {
            "iss": self._settings.issuer,
            "aud": self._settings.audience,
            "sub": str(operateur_id),
            "iat": now,
            "exp": now + self._settings.access_ttl,
        }
        return jwt.encode(claims, self._settings.jwt_secret, algorithm=_ALGORITHM)

    def read(self, token: str) -> Claims:
        """Whose token this is. Raises TokenRefused."""
        try:
            claims = jwt.decode(
                token,
                self._settings.jwt_secret,
                algorithms=[_ALGORITHM],
                audience=self._settings.audience,
                issuer=self._settings.issuer,
                options={"require": ["exp", "iat", "sub", "iss", "aud"]},
            )
            return Claims(int(claims["sub"]), datetime.fromtimestamp(claims["exp"], UTC))
        except (jwt.PyJWTError, ValueError) as error:
            raise TokenRefused(type(error).__name__) from None
