"""Every error as a problem (RFC 9457): a stable type, French words, the field where there is one.

What the rules refuse keeps its reason code; the type is `/problemes/{reason}`.
"""

import logging
import re
from typing import Any

import msgspec
from litestar import MediaType, Request, Response
from litestar.enums import ParamType
from litestar.exceptions import HTTPException, ValidationException
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from api import correlation, rules
from api.answers import tag_of
from fleet.database.engine import DatabaseDown
from fleet.database.failures import described, traced
from fleet.domain import reasons
from fleet.domain.blanks import SPOKEN
from fleet.domain.errors import FleetError, Forbidden, Invalid, NotFound, Refused
from fleet.usecases.once import Answered

log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 2
CHALLENGE = 'Bearer realm="ppm"'


class FieldError(msgspec.Struct, frozen=True):
    """What is wrong with one field."""

    field: str
    detail: str


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """What every error answers. `reason` is the code behind `type`; `errors` lists fields where several are wrong."""

    type: str
    title: str
    status: int
    detail: str
    reason: str
    field: str | None = None
    errors: list[FieldError] | None = None
    retry_after: int | None = None
    request_id: str | None = None


class _Versioned(msgspec.Struct):
    """What is looked at in an answer that is told again."""

    version: int | None = None


class Unauthenticated(FleetError):
    """Nobody, or nobody that we know: 401."""

    def __init__(self, reason: str = "jeton_refuse") -> None:
        self.reason = reason
        super().__init__(reason)


class BadBody(FleetError):
    """The body cannot be what the endpoint takes. `field` is empty where it is no JSON at all."""

    def __init__(self, status: int, reason: str, detail: str, field: str | None = None) -> None:
        self.status, self.reason, self.detail, self.field = status, reason, detail, field
        super().__init__(detail)


TITLES = {
    400: "Demande illisible",
    401: "Authentification nécessaire",
    403: "Accès refusé",
    404: "Introuvable",
    405: "Méthode refusée",
    409: "Demande refusée",
    412: "Modifié entre-temps",
    413: "Demande trop grande",
    415: "Format refusé",
    422: "Donnée refusée",
    429: "Trop de demandes",
    500: "Erreur interne",
    503: "Service indisponible",
}
_HTTP_REASONS = {
    400: "demande_invalide",
    404: "introuvable",
    405: "methode_refusee",
    413: "trop_grand",
    415: "corps_illisible",
}
_UNAUTHENTICATED = ("identifiants_refuses", "jeton_refuse", "totp_demande", "totp_refuse")
_STATUSES = {
    "trop_d_essais": 429,
    "trop_d_essais_operateur": 429,
    "trop_de_demandes": 429,
    "trop_de_pages": 429,
    "version_ancienne": 412,
    "effacement_non_inscrit": 503,
    "enrolement_refuse": 403,
    "identite_refusee": 403,
    "enrolement_non_prevu": 503,
}
"""Of refusals that are no conflict."""
_UNKNOWN = re.compile(r"unknown field `([^`]+)`")
_MISSING = re.compile(r"missing required field `([^`]+)`")
_NOT_GIVEN = re.compile(r"Missing required \w+ parameter '([^']+)'")
_AT = re.compile(r" - at `\$\.?([^`]*)`")


def bad_body(error: msgspec.ValidationError) -> BadBody:
    """Which field of the body is wrong, and how."""
    said = str(error)
    at = _AT.search(said)
    inside = at[1] if at else ""
    for pattern, reason in ((_UNKNOWN, "champ_inconnu"), (_MISSING, "champ_obligatoire")):
        if (found := pattern.search(said)) is not None:
            field = f"{inside}.{found[1]}" if inside else found[1]
            return BadBody(422, reason, reasons.sentence(reason, details={"champ": field}), field)
    detail = reasons.sentence("valeur_invalide", details={"regle": rules.in_words(said, SPOKEN.get())})
    return BadBody(422, "valeur_invalide", detail, inside or None)


def answer(problem: Problem, **headers: str) -> Response[Problem]:
    """A problem on its way out."""
    if problem.retry_after is not None:
        headers["Retry-After"] = str(problem.retry_after)
    return Response(problem, status_code=problem.status, media_type=MEDIA_TYPE, headers=headers)


def problem_of(status: int, reason: str, detail: str | None = None, **more: Any) -> Problem:
    """The problem with this reason."""
    said = reasons.sentence(reason) if detail is None else detail
    more["request_id"] = correlation.current()
    return Problem(f"/problemes/{reason}", TITLES.get(status, TITLES[400]), status, said, reason, **more)


def _answered(_request: Request[Any, Any, Any], before: Answered) -> Response[bytes]:
    """What the same request was answered the first time."""
    said = before.answer.body.encode()
    version = msgspec.json.decode(said, type=_Versioned).version if said.startswith(b"{") else None
    tag = tag_of(said, version)
    headers = {"Idempotency-Replayed": "true"} | ({"ETag": tag} if tag else {})
    return Response(said, status_code=before.answer.status, media_type=MediaType.JSON, headers=headers)


def _refused(request: Request[Any, Any, Any], refusal: Refused) -> Response[Problem]:
    if refusal.reason in _UNAUTHENTICATED and not isinstance(refusal, Invalid):
        return _unauthenticated(request, Unauthenticated(refusal.reason))
    status = _status(refusal)
    field = refusal.field if isinstance(refusal, Invalid) else None
    detail = reasons.sentence(
        refusal.reason, details={"retry_after_s": refusal.retry_after_s, **refusal.details}
    )
    more: dict[str, Any] = {"field": field, "retry_after": refusal.retry_after_s}
    return answer(problem_of(status, refusal.reason, detail, **more))


def _status(refusal: Refused) -> int:
    for kind, status in ((Invalid, 422), (NotFound, 404), (Forbidden, 403)):
        if isinstance(refusal, kind):
            return status
    return _STATUSES.get(refusal.reason, 409)


def _unauthenticated(request: Request[Any, Any, Any], error: Unauthenticated) -> Response[Problem]:
    """Whoever is not known counts by address, however many tokens are tried."""
    try:
        request.app.state.shared.limits.stranger(request.client.host if request.client else None)
    except Refused as refusal:
        return _refused(request, refusal)
    return answer(problem_of(401, error.reason), **{"WWW-Authenticate": CHALLENGE})


def _bad_body(_request: Request[Any, Any, Any], error: BadBody) -> Response[Problem]:
    return answer(problem_of(error.status, error.reason, error.detail, field=error.field))


def _bad_parameter(_request: Request[Any, Any, Any], error: ValidationException) -> Response[Problem]:
    listed: Any = error.extra if isinstance(error.extra, list) else []
    if any(one.get("key") == "data" for one in listed):
        return answer(problem_of(400, "corps_illisible"))
    if any(one.get("source") == ParamType.PATH for one in listed):
        return answer(
            problem_of(404, "introuvable", reasons.sentence("introuvable", details={"thing": "adresse"}))
        )
    if (absent := _NOT_GIVEN.match(error.detail)) is not None:
        detail = reasons.sentence("champ_obligatoire", details={"champ": absent[1]})
        return answer(problem_of(422, "champ_obligatoire", detail, field=absent[1]))
    errors = [
        FieldError(str(one.get("key", "")), rules.of_parameter(str(one.get("message", "")))) for one in listed
    ]
    rule = errors[0].detail if errors else rules.UNKNOWN[0]
    detail = reasons.sentence("valeur_invalide", details={"regle": rule})
    field = errors[0].field if errors else None
    return answer(problem_of(422, "valeur_invalide", detail, field=field, errors=errors or None))


def _http(_request: Request[Any, Any, Any], error: HTTPException) -> Response[Problem]:
    status = error.status_code
    if status >= 500:
        return _unexpected(_request, error)
    reason = _HTTP_REASONS.get(status, "demande_invalide")
    words = {"thing": "adresse", "regle": "une demande lisible, du genre que prend cette adresse"}
    kept = {name: value for name, value in (error.headers or {}).items() if name.lower() == "allow"}
    return answer(problem_of(status, reason, reasons.sentence(reason, details=words)), **kept)


def _database(_request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    if isinstance(error, DBAPIError) and not (
        isinstance(error, OperationalError) or error.connection_invalidated
    ):
        return _unexpected(_request, error)
    log.warning("database_down", extra=described(error))
    return answer(problem_of(503, "service_indisponible", retry_after=RETRY_AFTER_S))


def _unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """Logged with its kind and its place, told without detail. What errors say of themselves may hold names,
    and bodies and headers hold passwords and tokens."""
    extra = {"method": request.scope["method"], "path": request.scope["path"], **traced(error)}
    log.error("request_failed", extra=extra)
    return answer(problem_of(500, "erreur_interne"))


HANDLERS: dict[int | type[Exception], Any] = {
    Refused: _refused,
    Answered: _answered,
    Unauthenticated: _unauthenticated,
    BadBody: _bad_body,
    ValidationException: _bad_parameter,
    HTTPException: _http,
    DatabaseDown: _database,
    DBAPIError: _database,
    PoolTimeout: _database,
    Exception: _unexpected,
}
