"""Whatever is wrong with what comes in is refused by the name of its field, and nothing of it is kept or done."""

import gc
import gzip
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from api.app import create_app
from fleet.domain.actor import OPERATEUR, SYSTEM
from fleet.usecases import operateurs, postes, sessions, sites
from fleet.usecases.fleet import Fleet
from fleet.usecases.operateurs import NewOperateur
from fleet.usecases.postes import NewPoste
from fleet.usecases.sessions import NewSession
from tests.api.conftest import PASSWORD, SETTINGS, Desk, count
from tests.api.rights import booking

SQL = "'); DROP TABLE session; --"
SCRIPT = "<script>alert(1)</script>"
_PLACES = {"site": "st-denis", "poste": "poste-1", "genre": "sessions", "jour": "2026-01-01"}


def _writes(desk: Desk) -> Iterator[tuple[str, str, dict[str, Any], dict[str, Any]]]:
    """Every operation that takes JSON: its method, its path, the example of its body, and what its schema allows."""
    document = desk.client.get("/api/docs/openapi.json").json()
    for path, methods in document["paths"].items():
        where = re.sub(r"\{(\w+)\}", lambda found: _PLACES.get(found[1], "1"), path).removeprefix("/api")
        for method, said in methods.items():
            content = said.get("requestBody", {}).get("content", {}).get("application/json")
            if content is not None:
                yield method.upper(), where, content["example"], _resolved(content["schema"], document)


def _resolved(schema: dict[str, Any], document: Any) -> dict[str, Any]:
    schema = next((one for one in schema.get("anyOf", ()) if "$ref" in one), schema)
    name = schema["$ref"].rpartition("/")[2]
    found: dict[str, Any] = document["components"]["schemas"][name]
    return found


def _written(desk: Desk) -> int:
    return count(desk.fleet, "SELECT count(*) FROM log WHERE action != 'connexion_operateur'")


def test_a_field_that_no_body_has_is_named_by_every_operation_that_writes(desk: Desk) -> None:
    desk.token("admin")
    before, seen = _written(desk), 0
    for method, path, body, _ in _writes(desk):
        answer = desk.call(method, path, who="admin", json=body | {"inventé": 1})
        said = answer.json()
        assert (answer.status_code, said["reason"]) == (422, "champ_inconnu"), (method, path, said)
        assert said["field"] == "inventé", (method, path)
        seen += 1
    assert seen > 30
    assert _written(desk) == before


def test_a_field_of_the_wrong_type_is_named_by_every_operation_that_writes(desk: Desk) -> None:
    desk.token("admin")
    before, seen = _written(desk), 0
    for method, path, body, schema in _writes(desk):
        for field in schema["properties"]:
            answer = desk.call(method, path, who="admin", json=body | {field: [{"x": [True]}]})
            assert answer.status_code == 422, (method, path, field, answer.text)
            assert answer.json()["field"].startswith(field), (method, path, answer.text)
            seen += 1
    assert seen > 100
    assert _written(desk) == before


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/sessions/", {"duree_initiale": -3600, "site": "st-denis"}, "duree_initiale"),
        ("/sessions/", {"duree_initiale": 1e18, "site": "st-denis"}, "duree_initiale"),
        ("/attente/", {"site": "st-denis", "duree": -600}, "duree"),
        ("/lots/", {"site": "st-denis", "nombre": -2, "duree_initiale": 600}, "nombre"),
        ("/lots/", {"site": "st-denis", "nombre": 2, "duree_initiale": -600}, "duree_initiale"),
        ("/lots/", {"site": "st-denis", "nombre": 2, "duree_initiale": 600, "validite": -1}, "validite"),
        ("/sites/st-denis/credit_panne/", {"secondes": -60}, "secondes"),
        ("/utilisateurs/", {"nom": "A", "prenom": "B", "date_naissance": "2999-12-31"}, "date_naissance"),
        ("/utilisateurs/", {"nom": "A", "prenom": "B", "date_naissance": "1990-02-31"}, "date_naissance"),
        ("/utilisateurs/", {"nom": "A", "prenom": "B", "date_naissance": "0001-01-01"}, "date_naissance"),
    ],
)
def test_no_duration_is_negative_and_nobody_is_born_tomorrow(
    desk: Desk, path: str, body: Any, field: str
) -> None:
    answer = desk.call("POST", path, json=body)
    assert (answer.status_code, answer.json()["field"]) == (422, field)


def test_fragments_of_sql_and_of_scripts_are_words_like_others(desk: Desk) -> None:
    for word in (SQL, SCRIPT):
        made = desk.session(poste=None, site="st-denis", notes=word)
        assert desk.get(f"/sessions/{made['id']}/")["notes"] == word
        person = desk.post("/utilisateurs/", {"nom": word, "prenom": "B"})
        found = desk.get("/utilisateurs/", params={"recherche": word})["resultats"]
        assert [(one["id"], one["nom"]) for one in found] == [(person["id"], word)]
    for word in ("' OR 1=1 --", "%", "_", "\\"):
        assert desk.get("/utilisateurs/", params={"recherche": word})["total"] == 0
        assert desk.get("/sessions/", params={"recherche": word})["total"] == 0
    assert count(desk.fleet, "SELECT count(*) FROM session") == 2


@pytest.mark.parametrize("path", ["/sessions/", "/postes/", "/utilisateurs/", "/sites/", "/reservations/"])
def test_a_list_is_sorted_by_its_own_fields_alone(desk: Desk, path: str) -> None:
    for word in ("id;DROP TABLE session", "id desc, (select 1)", "mot_de_passe", "-", "--id"):
        answer = desk.call("GET", path, params={"tri": word})
        assert (answer.status_code, answer.json()["field"]) == (422, "tri"), word


def test_no_page_to_read_runs_the_script_that_is_the_name_of_a_site(desk: Desk) -> None:
    edited = desk.call("PUT", "/sites/st-denis/", who="admin", json={"nom": SCRIPT, "notice": SCRIPT})
    assert edited.json()["nom"] == SCRIPT
    for path in ("/api/sites/st-denis/", "/api/sites/st-denis/textes/notice/1/"):
        answer = desk.call("GET", path.removeprefix("/api"))
        assert answer.headers["content-type"].startswith("application/json")


@pytest.mark.parametrize("word", [b"\\ud800", b"\\udfff\\ud83d", b"\\ud83d\\ud83d"])
def test_half_a_character_is_refused(desk: Desk, word: bytes) -> None:
    body = b'{"nom": "A", "prenom": "B' + word + b'"}'
    answer = desk.call("POST", "/utilisateurs/", content=body)
    assert (answer.status_code, answer.json()["reason"]) == (400, "corps_illisible")
    assert count(desk.fleet, "SELECT count(*) FROM utilisateur") == 0


def test_what_is_no_utf_8_is_refused_in_bodies_and_finds_nothing_in_addresses(desk: Desk) -> None:
    body = b'{"nom": "A", "prenom": "\xed\xa0\x80"}'
    assert desk.call("POST", "/utilisateurs/", content=body).status_code == 400
    for broken in ("%ff", "%ed%a0%80", "%c0%af"):
        assert desk.call("GET", f"/postes/{broken}/").status_code == 404
        assert desk.get(f"/utilisateurs/?recherche={broken}")["total"] == 0


@pytest.mark.parametrize(
    "login",
    [
        "аdmin",
        "ａdmin",
        "admin\u200b",
        "\u202enimda",
        "admin\u00ad",
        "ADMİN",
        "adm in",
        "admin\n\n",
        "admin\u2028x",
    ],
)
def test_a_login_that_only_looks_like_another_is_refused(desk: Desk, login: str) -> None:
    body = {"login": login, "mot_de_passe": "une phrase longue", "role": "administrateur"}
    answer = desk.call("POST", "/operateurs/", who="admin", json=body)
    assert (answer.status_code, answer.json()["field"]) == (422, "login")


@pytest.mark.parametrize(
    "slug", ["роste-1", "poste\u200b1", "poste-1\n", "POSTE-1", "../poste", "poste/1", "12"]
)
def test_a_slug_that_only_looks_like_another_is_refused(desk: Desk, slug: str) -> None:
    body = {"slug": slug, "nom": "Neuf", "site": "st-denis"}
    answer = desk.call("POST", "/postes/", who="admin", json=body)
    assert (answer.status_code, answer.json()["field"]) == (422, "slug")


def test_names_lose_what_cannot_be_seen_and_turns_the_text_around(desk: Desk) -> None:
    tricks = "\u202eA\u200bn\u2066na\ufeff\u0007"
    desk.come(desk.get("/postes/poste-1/")["id"])
    assert desk.post("/utilisateurs/", {"nom": tricks, "prenom": tricks})["nom"] == "Anna"
    poste = desk.call("PUT", "/postes/poste-1/", who="admin", json={"nom": tricks}).json()
    site = desk.call("PUT", "/sites/st-denis/", who="admin", json={"nom": tricks}).json()
    ticket = desk.post("/attente/", {"site": "st-denis", "duree": 600, "prenom": tricks})
    booked = desk.post("/reservations/", booking(3) | {"nom": tricks})
    assert (poste["nom"], site["nom"], ticket["prenom"], booked["nom"]) == ("Anna",) * 4
    nothing = desk.call("POST", "/utilisateurs/", json={"nom": "\u200b\u202e\ufeff", "prenom": "B"})
    assert (nothing.status_code, nothing.json()["field"]) == (422, "nom")


def test_a_body_that_would_unpack_to_much_is_never_unpacked(desk: Desk) -> None:
    notes = json.dumps({"duree_initiale": 600, "site": "st-denis", "notes": "x" * 50_000_000}).encode()
    packed = gzip.compress(notes)
    assert len(packed) < 100_000
    headers = {"Authorization": f"Bearer {desk.token('desk')}", "Content-Encoding": "gzip"}
    answer = desk.client.post("/api/sessions/", content=packed, headers=headers)
    assert (answer.status_code, answer.json()["reason"]) == (400, "corps_illisible")


def test_a_body_without_a_said_length_is_cut_off_too(desk: Desk) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(40):
            yield b" " * 65_536

    answer = desk.call("POST", "/sessions/", content=endless())
    assert (answer.status_code, answer.json()["reason"]) == (413, "trop_grand")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("en_ligne=true&en_ligne=false", "en_ligne"),
        ("recherche=a&recherche=b", "recherche"),
        ("en_ligne=null", "en_ligne"),
    ],
)
def test_a_parameter_has_one_value_and_null_is_none(desk: Desk, query: str, field: str) -> None:
    answer = desk.call("GET", f"/postes/?{query}")
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert desk.get("/postes/?recherche=null")["total"] == 0


def test_a_parameter_that_an_address_does_not_have_is_named_by_every_operation(desk: Desk) -> None:
    document, before = desk.client.get("/api/docs/openapi.json").json(), _written(desk)
    for path, methods in document["paths"].items():
        where = re.sub(r"\{(\w+)\}", lambda found: _PLACES.get(found[1], "1"), path)
        where = where.replace("/1/1", "/notice/1") if "textes" in path else where
        for method, said in methods.items():
            answer = desk.client.request(method, where, params={"statu": "active"})
            problem = answer.json()
            assert answer.status_code == 422, (method, path, answer.text)
            assert (problem["reason"], problem["field"]) == ("parametre_inconnu", "statu"), (method, path)
            known = sorted(one["name"] for one in said.get("parameters", ()) if one.get("in") == "query")
            assert problem["detail"].endswith(f"\u202f: {', '.join(known) or 'aucun'}."), (path, problem)
    assert _written(desk) == before


def test_a_parameter_more_is_no_matter_to_pages_files_and_questions_about_an_address(desk: Desk) -> None:
    for path in ("/", "/api/docs/", "/api/docs/openapi.json", "/api/docs/files/swagger.css"):
        assert desk.client.get(path, params={"v": "2"}).status_code == 200, path
    assert desk.call("OPTIONS", "/sessions/", params={"statu": "active"}).status_code == 204
    page = desk.get("/sessions/", params={"limit": 2, "offset": 0, "tri": "-id", "statut": "active"})
    assert page["limit"] == 2


@pytest.mark.parametrize(
    "when", ["0.5", "1764198000", "-1", "1e9", "nan", "", "demain", "2026-13-01T00:00:00Z", "2026-11-26"]
)
@pytest.mark.parametrize("where", ["logs/?jusqu_a", "sessions/?depuis", "sessions/stats?depuis"])
def test_an_instant_in_an_address_is_written_as_one(desk: Desk, where: str, when: str) -> None:
    answer = desk.call("GET", f"/{where}={when}")
    assert (answer.status_code, answer.json()["field"]) == (422, where.partition("?")[2])
    assert desk.call("GET", f"/{where}=2026-11-26T10:00:00%2B01:00").status_code == 200


def _instants(desk: Desk) -> Iterator[tuple[str, str, str, dict[str, Any] | None]]:
    """Every instant that an operation takes: its method, its path, its name, and the example of a body that has it."""
    for path, methods in desk.client.get("/api/docs/openapi.json").json()["paths"].items():
        for one in methods.get("get", {}).get("parameters", ()):
            if "date-time" in str(one.get("schema")):
                yield "GET", path.removeprefix("/api").replace("{quoi}", "sessions"), one["name"], None
    for method, path, body, schema in _writes(desk):
        for name, said in schema["properties"].items():
            if "date-time" in str(said):
                yield method, path, name, body


@pytest.mark.parametrize("when", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"])
def test_an_instant_of_which_utc_has_no_name_is_the_nearest_that_has_one(desk: Desk, when: str) -> None:
    seen = 0
    for method, path, name, body in _instants(desk):
        more: Any = {"params": {name: when}} if body is None else {"json": body | {name: when}}
        answer = desk.call(method, path, who="admin", **more)
        assert answer.status_code < 500, (method, path, name, answer.text)
        seen += 1
    assert seen > 20
    ages = {"depuis": "0001-01-01T00:00:00+14:00", "jusqu_a": "9999-12-31T23:59:59-14:00"}
    assert desk.call("GET", "/logs/", params=ages).json()["resultats"]


@pytest.mark.parametrize("tag", ["x" * 1001, "é"])
def test_a_condition_that_is_none_is_refused(desk: Desk, tag: str) -> None:
    headers = {"Authorization": f"Bearer {desk.token('admin')}", "If-Match": tag.encode()}
    answer = desk.client.put("/api/postes/poste-1/", headers=headers, json={"notes": "x"})  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["field"]) == (422, "If-Match")


def test_every_address_names_all_that_can_be_done_there(desk: Desk) -> None:
    document = desk.client.get("/api/docs/openapi.json").json()
    for path, methods in document["paths"].items():
        where = re.sub(r"\{(\w+)\}", lambda found: _PLACES.get(found[1], "1"), path).removeprefix("/api")
        where = where.replace("/1/1", "/notice/1") if "textes" in path else where
        answer = desk.call("OPTIONS", where)
        if answer.status_code == 204:
            named = {one.strip().lower() for one in answer.headers["allow"].split(",")}
            assert named == {*methods, "options"}, path


def test_what_belongs_to_another_site_is_not_found_wherever_it_is_named(desk: Desk) -> None:
    """Where it is a filter, nothing may be found instead."""
    fleet = desk.fleet
    other = sites.create(fleet, SYSTEM, "le-tampon", {"nom": "Le Tampon"})
    there = postes.create(fleet, SYSTEM, NewPoste(other, "tampon-1", "T1"))
    theirs = sessions.create(fleet, SYSTEM, NewSession(other, 3600, there)).session_id
    operateurs.create(fleet, SYSTEM, NewOperateur("far", PASSWORD, OPERATEUR, [other]))
    ours = desk.session()["id"]
    before = desk.get("/sites/st-denis/")["version"], count(fleet, "SELECT sum(version) FROM session")
    named: list[tuple[str, str, Any]] = [
        ("POST", "/sessions/", {"duree_initiale": 600, "site": "le-tampon"}),
        ("POST", "/sessions/", {"duree_initiale": 600, "poste": "tampon-1"}),
        ("POST", "/sessions/", {"duree_initiale": 600, "poste": there}),
        ("PUT", f"/sessions/{ours}/", {"poste": "tampon-1"}),
        ("POST", f"/sessions/{ours}/transfer/", {"poste": "tampon-1"}),
        ("POST", f"/sessions/{ours}/swap/", {"session": theirs}),
        ("POST", "/sessions/validate_code/", {"code": "ABC234", "poste": "tampon-1"}),
        ("POST", "/attente/", {"site": "le-tampon", "duree": 600}),
        ("POST", "/lots/", {"site": other, "nombre": 2, "duree_initiale": 600}),
        ("POST", "/reservations/", booking(3) | {"poste": "tampon-1"}),
        ("POST", "/sites/st-denis/credit_panne/", {"secondes": 60, "postes": ["tampon-1"]}),
        ("POST", "/logs/search/", {"site": "le-tampon"}),
        ("GET", "/sessions/?site=le-tampon", None),
        ("GET", "/sessions/?poste=tampon-1", None),
        ("GET", "/postes/disponibles/?site=le-tampon", None),
        ("GET", "/postes/stats/?site=le-tampon", None),
        ("GET", "/sessions/stats/?site=le-tampon", None),
        ("GET", "/logs/?site=le-tampon", None),
        ("GET", "/attente/?site=le-tampon", None),
        ("GET", "/lots/?site=le-tampon", None),
        ("GET", "/reservations/?poste=tampon-1", None),
        ("GET", "/demandes/?site=le-tampon", None),
        ("GET", f"/sessions/{theirs}/timeline/", None),
    ]
    for method, path, body in named:
        answer = desk.call(method, path, json=body)
        assert answer.status_code == 404, (method, path, body, answer.text)
    assert before == (
        desk.get("/sites/st-denis/")["version"],
        count(fleet, "SELECT sum(version) FROM session"),
    )


def test_what_is_known_of_parameters_goes_with_its_app(fleet: Fleet, site_id: int) -> None:
    def living() -> int:
        gc.collect()
        return sum(isinstance(one, Litestar) for one in gc.get_objects())

    def ask() -> None:
        with TestClient(create_app(fleet, SETTINGS)) as client:
            desk = Desk(fleet, client, site_id)
            assert desk.call("GET", "/utilisateurs/?limit=null").status_code == 422

    ask()  # the page of the documentation keeps the last app
    before = living()
    ask()
    ask()
    assert living() == before
