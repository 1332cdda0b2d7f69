"""The OpenAPI document is complete by itself: whatever endpoint is added comes with its examples and its errors."""

import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from api.app import create_app
from api.openapi import document
from fleet.database.engine import Database
from fleet.usecases.fleet import Fleet
from fleet.usecases.sealing import CodeKeys
from tests.api.conftest import SETTINGS, Desk
from tests.api.rights import RIGHTS


@pytest.fixture(scope="module")
def api() -> Any:
    """The document, made without any database."""
    database = Database("sqlite://")
    yield document.of(create_app(Fleet(database, CodeKeys.from_secret(b"0" * 32)), SETTINGS))
    database.close()


def operations(api: Any) -> Iterator[tuple[str, Any]]:
    for path, methods in api["paths"].items():
        for method, said in methods.items():
            yield f"{method.upper()} {path}", said


def _contents(api: Any) -> Iterator[tuple[str, Any]]:
    """All JSON that travels; files are no JSON."""
    for name, said in operations(api):
        parts = {"body": said.get("requestBody", {}), **said["responses"]}
        for what, part in parts.items():
            if "application/json" in part.get("content", {}):
                yield f"{name} {what}", part["content"]["application/json"]
    for status, answer in api["components"]["responses"].items():
        yield status, answer["content"]["application/problem+json"]


def test_every_body_and_every_answer_has_an_example_that_its_schema_allows(api: Any) -> None:
    found = list(_contents(api))
    assert len(found) > 100
    for name, content in found:
        schema = {**content["schema"], "components": api["components"]}
        errors = list(jsonschema.Draft202012Validator(schema).iter_errors(content["example"]))
        assert not errors, name


def test_every_operation_has_a_name_words_and_its_errors(api: Any) -> None:
    names = [said["operationId"] for _, said in operations(api)]
    assert len(set(names)) == len(names), sorted(name for name in names if names.count(name) > 1)
    for name, said in operations(api):
        assert said["summary"], name
        assert said["description"], name
        assert {"500", "503"} <= said["responses"].keys(), name
        if not name.startswith("GET /api/health"):
            assert "429" in said["responses"], name
        if said.get("security") != []:
            assert {"401", "403"} <= said["responses"].keys(), name


def test_every_post_of_an_operator_takes_a_key_but_those_whose_answers_are_secrets(api: Any) -> None:
    key = {"$ref": "#/components/parameters/Idempotency-Key"}
    without = [
        name
        for name, said in operations(api)
        if name.startswith("POST") and key not in said.get("parameters", [])
    ]
    assert all(
        re.match(r"POST /api/(auth|token)\b|.*/credential$|.*/enrolement\b", name) for name in without
    ), without


def test_every_record_that_can_be_put_can_be_put_on_a_condition(api: Any) -> None:
    match = {"$ref": "#/components/parameters/If-Match"}
    for path, methods in api["paths"].items():
        if "put" in methods and "version" in str(methods.get("get", {}).get("responses", {}).get("200")):
            assert match in methods["put"]["parameters"], path
            assert "412" in methods["put"]["responses"], path
            assert "304" in methods["get"]["responses"], path


def test_bodies_refuse_unknown_fields_by_name(api: Any) -> None:
    for name, said in operations(api):
        for content in said.get("requestBody", {}).get("content", {}).values():
            reference = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
            if reference:
                assert api["components"]["schemas"][reference]["additionalProperties"] is False, name


def test_what_a_creation_answers_leads_on(api: Any) -> None:
    links = api["paths"]["/api/sessions"]["post"]["responses"]["201"]["links"]
    assert {"sessions_read", "sessions_start", "sessions_cancel", "sessions_add_time"} <= links.keys()
    links = api["paths"]["/api/sessions/{session_id}/start"]["post"]["responses"]["200"]["links"]
    assert {"sessions_suspend", "sessions_terminate", "sessions_transfer"} <= links.keys()
    links = api["paths"]["/api/lots"]["get"]["responses"]["200"]["links"]
    assert links["lots_read"]["parameters"] == {"batch_id": "$response.body#/resultats/0/id"}


def test_the_form_of_a_photo_is_the_one_that_is_read(api: Any) -> None:
    form = api["paths"]["/api/utilisateurs/{utilisateur_id}/photo"]["put"]["requestBody"]["content"]
    said = form["multipart/form-data"]
    assert (list(said["schema"]["properties"]), said["schema"]["required"]) == (["data"], ["data"])
    assert said["encoding"]["data"]["contentType"] == "image/jpeg, image/png"


def test_the_pages_of_the_api_need_nothing_from_elsewhere(desk: Desk) -> None:
    page = desk.client.get("/api/docs/")
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert not re.search(r"https?://|//[a-z]+\.", page.text)
    files = re.findall(r'(?:src|href)="(/[^"]+)"', page.text)
    assert len(files) == 3
    for path in files:
        answer = desk.client.get(path)
        assert answer.status_code == 200, path
        assert answer.headers["content-security-policy"] == page.headers["content-security-policy"]
        assert not re.search(r"""(?:import\(|importScripts\(|@import|url\()["']?https?://""", answer.text), (
            path
        )
    assert "SwaggerUIBundle" in desk.client.get(files[1]).text
    assert desk.client.get("/api/docs/files/nothing.js").status_code == 404


def test_the_document_is_served_as_it_is_made(desk: Desk) -> None:
    served = desk.client.get("/api/docs/openapi.json")
    assert served.json() == document.of(desk.client.app)
    assert "https://" not in served.text


def test_the_index_names_every_address_that_needs_no_number(desk: Desk) -> None:
    index = desk.client.get("/api/").json()
    for path in (index["documentation"], index["openapi"]):
        assert desk.client.get(path).status_code == 200
    assert index["liens"]["sessions"] == "/api/sessions/"
    answers = {}
    for name, path in index["liens"].items():
        right = RIGHTS.get(f"GET {path.rstrip('/')}")
        query = right.query if right is not None and name == "events" else ""
        answers[name] = desk.call("GET", path.removeprefix("/api") + query).status_code
    # No controller drives a site here; a session must be named; the rest is for an administrateur.
    others = {
        "health/ready": 503,
        "logs/by_session": 422,
        "logs/verify": 403,
        "ancres": 403,
        "operateurs": 403,
        "purges": 403,
        "requisitions": 403,
    }
    assert {name: status for name, status in answers.items() if status != 200} == others
