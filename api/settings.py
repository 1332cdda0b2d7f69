"""What the API is told when it starts."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

_PLACEHOLDERS = ("change", "placeholder", "secret", "xxxx", "example", "exemple")
_SHORTEST_SECRET = 32


@dataclass(frozen=True)
class ForMachines:
    """What a machine that becomes a poste is told: where its broker is (mqtts://host:port), the root of the topics, and
    the authorities of broker and API in PEM (None: the system's)."""

    broker: str
    root: str
    authority: str | None = None


@dataclass(frozen=True)
class ApiSettings:
    """The settings of one API process. Raises ValueError for a secret that is short or a placeholder.

    `public_origin` is what browsers call it (https://postes.example.re); by default, the Host that they name.
    `jwt_previous` are secrets that signed tokens until lately: accepted, never used. `secure_cookies` is off only
    where browsers come by plain http. `trusted_proxies` are the addresses whose X-Forwarded-For is believed; none by
    default.
    `cors_origins` are the other web pages that may call it; none by default. `requests_per_minute` of one operator
    are answered by one process, 0 for all. `releases` is the folder of signed versions of the agent.
    `machines` None: no machine is enrolled here.
    """

    jwt_secret: str
    public_origin: str | None = None
    jwt_previous: tuple[str, ...] = ()
    secure_cookies: bool = True
    trusted_proxies: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    requests_per_minute: int = 6000
    issuer: str = "poste-public-manager"
    audience: str = "ppm-api"
    access_ttl: timedelta = timedelta(minutes=10)
    refresh_ttl: timedelta = timedelta(hours=12)
    rights_ttl_s: float = 5.0
    threads: int = 16
    max_body: int = 1_000_000
    queue: int = 256
    zone: str = "Indian/Reunion"
    metrics_token: str | None = None
    releases: Path | None = None
    machines: ForMachines | None = None

    def __post_init__(self) -> None:
        for secret in (self.jwt_secret, *self.jwt_previous):
            if len(secret.encode()) < _SHORTEST_SECRET:
                raise ValueError(f"the secret of the tokens needs at least {_SHORTEST_SECRET} bytes")
            if any(word in secret.lower() for word in _PLACEHOLDERS):
                raise ValueError("the secret of the tokens is a placeholder")
        if self.access_ttl > timedelta(minutes=10):
            raise ValueError("an access token lives at most 10 minutes")
