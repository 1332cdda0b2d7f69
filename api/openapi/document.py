"""The OpenAPI document, completed: exact schemas, examples, every error, the headers that conventions add, links.

Litestar knows paths and parameters; what a body or an answer may be is told by msgspec, which also decodes it.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

import msgspec
from litestar import Litestar, Response
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute
from litestar.serialization import encode_json
from msgspec import Struct

from api import errors, terms
from api.answers import CLASHES, KINDS, TAGGED
from api.auth import PUBLIC
from api.limits import UNLIMITED
from api.openapi.examples import example
from fleet.domain import reasons

_REF = "#/components/{kind}/{name}"
_METHODS = ("get", "post", "put", "patch", "delete")
PROBLEMS: dict[int, str] = {
    400: "demande_invalide",
    401: "jeton_refuse",
    403: "role_insuffisant",
    404: "introuvable",
    409: "transition_interdite",
    412: "version_ancienne",
    413: "trop_grand",
    422: "champ_inconnu",
    429: "trop_de_demandes",
    500: "erreur_interne",
    503: "service_indisponible",
}
"""What each status of an error looks like: one of its reasons."""
_FORM = "multipart/form-data"
_PHOTO = {
    "schema": {
        "type": "object",
        "properties": {"data": {"type": "string", "format": "binary", "description": "5 Mo au plus"}},
        "required": ["data"],
        "additionalProperties": False,
    },
    "encoding": {"data": {"contentType": "image/jpeg, image/png"}},
}
"""The one form of this API."""
_HEADERS = {
    "ETag": "La version de la fiche et son contenu ; pour If-None-Match et If-Match.",
    "X-Request-ID": "Le numéro de la demande, aussi dans les journaux du serveur.",
    "Idempotency-Replayed": "true : la réponse d’une demande déjà faite avec cette clé.",
    "Retry-After": "Dans combien de secondes réessayer.",
    "WWW-Authenticate": "Comment s’authentifier.",
}
_PARAMETERS = {
    "Idempotency-Key": (
        "Une clé de votre choix, unique par demande : la même demande répétée reçoit la même réponse, pendant 24 h.",
        {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    ),
    "If-Match": (
        "L’ETag que vous avez lu : si la fiche a changé depuis, rien n’est fait (412).",
        {"type": "string", "maxLength": 1000, "pattern": "^([!-~]([ -~]*[!-~])?)?$"},
    ),
    "If-None-Match": (
        "L’ETag que vous avez : si rien n’a changé, 304. Ce qui n’est pas le nôtre ne change rien.",
        {"type": "string"},
    ),
}


class Operation(NamedTuple):
    """One method of one path, its handler, and its part of the document."""

    path: str
    method: str
    handler: HTTPRouteHandler
    said: dict[str, Any]

    @property
    def is_open(self) -> bool:
        """Whether anybody may call it; some that look at tokens themselves say so."""
        return bool(self.handler.opt.get(PUBLIC)) and {"bearer": []} not in (self.handler.security or ())

    @property
    def records(self) -> bool:
        """Whether the path is about one record that has a version."""
        return any(f"{{{name}}}" in self.path for name in terms.RECORDS)


def of(app: Litestar) -> dict[str, Any]:
    """The whole document of an application."""
    document = deepcopy(app.openapi_schema.to_schema())
    operations = list(_operations(app, document))
    schemas = _Schemas(operations)
    document["components"]["schemas"] = schemas.components
    document["components"] |= _shared_parts()
    for name, one in zip(_names(operations), operations, strict=True):
        one.said["operationId"] = name
        _complete(one, schemas)
    for one in operations:
        _link(one, operations)
    plain: dict[str, Any] = msgspec.json.decode(encode_json(document))
    return plain


def _operations(app: Litestar, document: Mapping[str, Any]) -> Iterator[Operation]:
    for route in app.routes:
        if not isinstance(route, HTTPRoute) or route.path_format not in document["paths"]:
            continue
        for method in _METHODS:
            said = document["paths"][route.path_format].get(method)
            if said is not None:
                handler, _ = route.route_handler_map[method.upper()]  # type: ignore[index]
                yield Operation(route.path_format, method, handler, said)


def _names(operations: list[Operation]) -> list[str]:
    """The noun and the verb of each, and what is under the noun where that is not enough."""
    found: list[str] = []
    for one in operations:
        noun, verb = one.said["tags"][0], one.handler.fn.__name__
        name = f"{noun}_{verb}"
        found.append(f"{noun}_{one.path.rpartition('/')[2]}_{verb}" if name in found else name)
    return found


class _Schemas:
    """The schemas of all bodies and answers, as msgspec reads and writes them."""

    def __init__(self, operations: list[Operation]) -> None:
        bodies = [body for one in operations if (body := body_of(one.handler)) is not None]
        answers = [answer for one in operations if (answer := answer_of(one.handler)) is not None]
        others = [
            spec.data_container for one in operations for spec in (one.handler.responses or {}).values()
        ]
        types = list(dict.fromkeys([*bodies, *answers, *others, errors.Problem]))
        template = _REF.format(kind="schemas", name="{name}")
        made, self.components = msgspec.json.schema_components(types, ref_template=template)
        self._of = dict(zip(types, made, strict=True))

    def of(self, wanted: Any) -> dict[str, Any]:
        """The schema of a type."""
        return dict(self._of[wanted])


def body_of(handler: HTTPRouteHandler) -> Any:
    """What the body of a request is decoded as; None without one, or where it is no JSON."""
    field = handler.parsed_data_field
    return field.annotation if field is not None and _is_ours(field.annotation) else None


def answer_of(handler: HTTPRouteHandler) -> Any:
    """What the answer is made of; None where there is none, or where it is no JSON."""
    said = handler.parsed_return_field.annotation
    if get_origin(said) is Response:
        (said,) = get_args(said)
    return said if _is_ours(said) else None


def _is_ours(said: Any) -> bool:
    if get_args(said):
        return any(_is_ours(one) for one in get_args(said))
    return isinstance(said, type) and issubclass(said, Struct)


def _shared_parts() -> dict[str, Any]:
    return {
        "responses": {str(status): _problem(status, reason) for status, reason in PROBLEMS.items()},
        "headers": {
            name: {"description": said, "schema": {"type": "string"}} for name, said in _HEADERS.items()
        },
        "parameters": {
            name: {"name": name, "in": "header", "required": False, "description": said, "schema": schema}
            for name, (said, schema) in _PARAMETERS.items()
        },
    }


def _problem(status: int, reason: str) -> dict[str, Any]:
    problem = errors.problem_of(
        status, reason, reasons.sentence(reason, "fr", {"thing": "session", "champ": "durée"})
    )
    said = msgspec.to_builtins(problem) | {"request_id": "0f3a9c55d1e2b7a4"}
    if status in (422, 429, 503):
        said |= {"field": "durée"} if status == 422 else {"retry_after": 2}
    also = {401: ["WWW-Authenticate"], 409: ["Retry-After"], 429: ["Retry-After"], 503: ["Retry-After"]}
    return {
        "description": errors.TITLES[status],
        "headers": _headers("X-Request-ID", *also.get(status, ())),
        "content": {errors.MEDIA_TYPE: {"schema": _ref("schemas", "Problem"), "example": said}},
    }


def _complete(one: Operation, schemas: _Schemas) -> None:
    parameters = [_plainly(parameter) for parameter in one.said.get("parameters", [])]
    parameters += [_ref("parameters", name) for name in _conditions(one)]
    if parameters:
        one.said["parameters"] = parameters
    if one.is_open:
        one.said["security"] = []
    body = body_of(one.handler)
    if body is not None:
        schema = schemas.of(body)
        said = example(schema, schemas.components, whole=False)
        one.said["requestBody"] = {
            "required": type(None) not in get_args(body),
            "content": {"application/json": {"schema": schema, "example": said}},
        }
    elif one.handler.parsed_data_field is not None:
        one.said["requestBody"] = {"required": True, "content": {_FORM: _PHOTO}}
    success = str(one.handler.status_code)
    one.said["responses"] = {
        success: _success(one, one.said["responses"][success], schemas),
        **({"304": {"description": "Rien n’a changé", "headers": _headers("ETag")}} if _has_tag(one) else {}),
        **{
            str(status): _ref("responses", str(status)) for status in problems_of(one, bool(parameters), body)
        },
        **_declared(one, schemas),
    }


def _declared(one: Operation, schemas: _Schemas) -> dict[str, Any]:
    """Answers that a handler declares itself, beside its success."""
    found = {}
    for status, spec in (one.handler.responses or {}).items():
        schema = schemas.of(spec.data_container)
        content = {"schema": schema, "example": example(schema, schemas.components)}
        found[str(status)] = {"description": spec.description, "content": {"application/json": content}}
    return found


def problems_of(one: Operation, has_parameters: bool, body: Any) -> list[int]:
    """The statuses of the problems that an operation may answer."""
    found = {400, 422, 500, 503}
    limited = not (one.is_open and one.handler.opt.get(UNLIMITED))
    if limited:
        found.add(429)
    if limited and (not one.is_open or one.method == "post"):
        found |= {401, 403}
    if has_parameters or body is not None:
        found.add(404)
    if one.method != "get" or one.handler.opt.get(CLASHES):
        found.add(409)
    if one.method != "get" and one.records:
        found.add(412)
    if one.handler.parsed_data_field is not None:
        found.add(413)
    return sorted(found)


def _conditions(one: Operation) -> list[str]:
    found = ["If-None-Match"] if _has_tag(one) else []
    if one.method == "post" and terms.is_atomic(one.handler) and not one.handler.opt.get(PUBLIC):
        found.append("Idempotency-Key")
    if one.method != "get" and one.records:
        found.append("If-Match")
    return found


def _has_tag(one: Operation) -> bool:
    if one.handler.opt.get(TAGGED):
        return True
    return one.method == "get" and "version" in getattr(answer_of(one.handler), "__struct_fields__", ())


def _success(one: Operation, said: dict[str, Any], schemas: _Schemas) -> dict[str, Any]:
    names = ["X-Request-ID", *(["Idempotency-Replayed"] if "Idempotency-Key" in _conditions(one) else [])]
    answer = answer_of(one.handler)
    if one.handler.opt.get(TAGGED):
        names.insert(0, "ETag")
    if answer is None:
        kinds = [*said.get("content", {}), *one.handler.opt.get(KINDS, ())]
        files = {media: {"schema": {"type": "string", "format": "binary"}} for media in kinds}
        content = {} if one.handler.status_code == 204 else {"content": files}
        return {"description": "Fait", "headers": _headers(*names), **content}
    if "version" in getattr(answer, "__struct_fields__", ()):
        names.insert(0, "ETag")
    schema = schemas.of(answer)
    content = {"schema": schema, "example": example(schema, schemas.components)}
    media = next(iter(said.get("content", {"application/json": None})))
    return {"description": "Voici", "headers": _headers(*names), "content": {media: content}}


def _plainly(parameter: dict[str, Any]) -> dict[str, Any]:
    """A query has no null: what may be left out is said by `required`."""
    schema = dict(parameter["schema"])
    choices = [one for one in schema.pop("oneOf", ()) if one != {"type": "null"}]
    schema = (
        {**choices[0], **schema}
        if len(choices) == 1
        else {**schema, **({"oneOf": choices} if choices else {})}
    )
    kept = {
        key: value for key, value in parameter.items() if key in ("name", "in", "required", "description")
    }
    return {**kept, "schema": schema}


def _link(one: Operation, operations: list[Operation]) -> None:
    """What an answer leads to: from a creation all that can be done with it, from an act what may come next,
    from a list the first of it."""
    noun = one.path.partition("/{")[0]
    under = [
        other for other in operations if other.path.startswith(noun + "/{") and other.path.count("{") == 1
    ]
    links = {}
    for pointer, other in _next(one, [other for other in under if other is not one]):
        name = other.path.removeprefix(noun + "/{").partition("}")[0]
        target = {
            "operationId": other.said["operationId"],
            "parameters": {name: f"$response.body#/{pointer}"},
        }
        links[other.said["operationId"]] = target
    if links:
        one.said["responses"][str(one.handler.status_code)]["links"] = links


def _next(one: Operation, under: list[Operation]) -> Iterator[tuple[str, Operation]]:
    answer = answer_of(one.handler)
    fields = getattr(answer, "__struct_fields__", ())
    is_created = one.method == "post" and one.handler.status_code == 201 and "{" not in one.path
    for other in under:
        is_record = other.method == "get" and other.path.endswith("}")
        if (is_created and "id" in fields) or (
            one.method == "post"
            and other.method == "post"
            and answer == answer_of(other.handler)
            and "id" in fields
        ):
            yield "id", other
        elif one.method == "get" and is_record and "{" not in one.path and _lists(answer):
            yield "resultats/0/id", other


def _lists(answer: Any) -> bool:
    """Whether an answer is a list of what has a number."""
    held = get_args(get_type_hints(answer).get("resultats")) if answer is not None else ()
    return any("id" in getattr(one, "__struct_fields__", ()) for one in held)


def _headers(*names: str) -> dict[str, Any]:
    return {name: _ref("headers", name) for name in names}


def _ref(kind: str, name: str) -> dict[str, str]:
    return {"$ref": _REF.format(kind=kind, name=name)}
