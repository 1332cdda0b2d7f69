"""Each list of the API is one question to the database, whatever is asked of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, event

from tests.api.conftest import Desk
from tests.api.rights import RIGHTS

FREE = {"GET /api/motifs", "GET /api/politiques", "GET /api/agent/releases"}
"""What no database knows: rules and reasons are in the code, versions of the agent in a folder."""
ASKED = {"GET /api/postes": "?recherche=poste&statut=disponible", "GET /api/utilisateurs": "?recherche=marie"}
"""How a list is asked where its filters are questions of their own."""


def _lists(document: dict[str, Any]) -> list[str]:
    """The operations that answer `resultats`."""
    return [
        f"GET {path}"
        for path, item in document["paths"].items()
        if "get" in item and "resultats" in _answer(document, item["get"]).get("properties", {})
    ]


def _answer(document: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any]:
    content = operation["responses"].get("200", {}).get("content", {})
    schema: dict[str, Any] = content.get("application/json", {}).get("schema", {})
    name = schema.get("$ref", "").removeprefix("#/components/schemas/")
    return dict(document["components"]["schemas"].get(name, schema))


@contextmanager
def counted(engine: Engine) -> Iterator[list[str]]:
    """The statements that the database is told in a block."""
    said: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        # An SQLite file is looked at every half second for what others have committed.
        if not statement.startswith(("BEGIN", "PRAGMA user_version")):
            said.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield said
    finally:
        event.remove(engine, "before_cursor_execute", note)


@pytest.mark.parametrize("query", ["", "more"])
def test_every_list_is_one_question(desk: Desk, query: str) -> None:
    person = desk.post("/utilisateurs/", {"nom": "Payet", "prenom": "Marie", "consentement_rgpd": True})
    desk.session(poste="poste-2", utilisateur=person["id"])
    places = {"{utilisateur_id}": str(person["id"]), "{site}": "st-denis"}
    operations = _lists(desk.get("/docs/openapi.json"))
    assert len(operations) > 12
    questions = {}
    for operation in operations:
        path = operation.removeprefix("GET /api") + "/" + (ASKED.get(operation, "") if query else "")
        for name, value in places.items():
            path = path.replace(name, value)
        path += "" if "?" in path else RIGHTS[operation].query
        desk.get(path, who="admin")
        with counted(desk.fleet.database.engine) as said:
            desk.get(path, who="admin")
        questions[operation] = len(said)
    assert questions == {operation: 0 if operation in FREE else 1 for operation in operations}
