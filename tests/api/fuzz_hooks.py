"""What schemathesis is told of the world that it calls, in its own process: calls that go well, and who not to harm.

PPM_FUZZ_WORLD names a file with the acts of `fuzz_world` as JSON; `self` is the caller's own id.
"""

import base64
import json
import os
from functools import partial
from pathlib import Path
from typing import Any

import schemathesis
from requests import PreparedRequest
from schemathesis import Case, HookContext

_WORLD: dict[str, Any] = json.loads(Path(os.environ["PPM_FUZZ_WORLD"]).read_text())
_ACTS: dict[str, Any] = _WORLD["acts"]
_NOTHING: dict[str, Any] = {"path": {}, "query": {}, "body": None, "bearer": None}
_ENDS_ITSELF = "/api/auth/revoke_all"
_OPERATEUR = "operateur_id"
_ENDLESS = "GET /api/events"


@schemathesis.hook
def before_add_examples(context: HookContext, examples: list[Case[Any]]) -> None:
    """The call that goes well, then the document's own; none on made-up records, which may be there for another."""
    operation = context.operation
    assert operation is not None
    act = _ACTS.get(operation.label, _NOTHING)
    given: dict[str, Any] = {"path_parameters": act["path"], "query": act["query"]}
    if act["bearer"]:
        given["headers"] = {"Authorization": f"Bearer {act['bearer']}"}
    if "file" in act:
        given |= {"body": {"data": base64.b64decode(act["file"])}, "media_type": "multipart/form-data"}
    elif act["body"] is not None:
        given |= {"body": act["body"], "media_type": "application/json"}
    of_the_document = [] if act["path"] else examples[:1]
    examples[:] = [operation.Case(**given), *of_the_document]


@schemathesis.hook
def before_call(_context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    """An act of somebody else is called as that one; nobody ends the login with which all goes on, nor waits for
    the end of a stream.
    """
    if case.operation.label == _ENDLESS and not case.query.get("duree"):
        case.query = {**(case.query or {}), "duree": 0}
    other = _ACTS.get(case.operation.label, _NOTHING)["bearer"]
    is_act = other is not None and other in case.headers.get("Authorization", "")
    if other and (is_act or case.operation.path == _ENDS_ITSELF):
        kwargs["auth"] = partial(_as, other)
    if str((case.path_parameters or {}).get(_OPERATEUR)) == str(_WORLD["self"]):
        case.path_parameters[_OPERATEUR] = _WORLD["self"] + 10_000


@schemathesis.hook
def filter_headers(_context: HookContext, headers: dict[str, Any] | None) -> bool:
    """HTTP takes away the blanks around a value: what arrives is another one, and may be good."""
    return all(str(value) == str(value).strip(" \t") for value in (headers or {}).values())


def _as(bearer: str, request: PreparedRequest) -> PreparedRequest:
    request.headers["Authorization"] = f"Bearer {bearer}"
    return request
