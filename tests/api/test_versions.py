"""Who reads a record again is told that it has not changed; who changes an old one is told that it has."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from api.app import create_app
from tests.api.conftest import SETTINGS, Desk


def _call(desk: Desk, method: str, path: str, who: str = "admin", **headers: Any) -> httpx.Response:
    body = headers.pop("json", None)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    sent["Authorization"] = f"Bearer {desk.token(who)}"
    return desk.client.request(method, f"/api{path}", headers=sent, json=body)


@pytest.fixture
def person(desk: Desk) -> int:
    return int(desk.post("/utilisateurs/", {"nom": "Payet", "prenom": "Marie"})["id"])


def test_a_record_that_has_not_changed_is_304(desk: Desk, person: int) -> None:
    path = f"/utilisateurs/{person}/"
    tag = _call(desk, "GET", path).headers["etag"]
    answer = _call(desk, "GET", path, If_None_Match=f'"other", W/{tag}')
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
    edited = _call(desk, "PUT", path, json={"nom": "Grondin"})
    assert edited.headers["etag"] != tag
    assert _call(desk, "GET", path, If_None_Match=tag).json()["nom"] == "Grondin"
    assert _call(desk, "GET", path).headers["etag"] == edited.headers["etag"]


def test_a_poste_that_looks_otherwise_is_no_304_though_nobody_edited_it(desk: Desk) -> None:
    seen = _call(desk, "GET", "/postes/poste-1/")
    desk.come(seen.json()["id"])
    tag = seen.headers["etag"]
    answer = _call(desk, "GET", "/postes/poste-1/", If_None_Match=tag)
    assert (answer.status_code, answer.json()["statut"]) == (200, "disponible")
    assert _call(desk, "PUT", "/postes/poste-1/", If_Match=tag, json={"notes": "a"}).status_code == 200


def test_of_two_operators_who_edit_one_record_one_is_told(desk: Desk, person: int) -> None:
    path = f"/utilisateurs/{person}/"
    tag = _call(desk, "GET", path).headers["etag"]
    answers = [_call(desk, "PUT", path, If_Match=tag, json={"nom": name}) for name in ("Un", "Deux")]
    assert [one.status_code for one in answers] == [200, 412]
    assert answers[1].json()["reason"] == "version_ancienne"
    assert _call(desk, "GET", path).json()["nom"] == "Un"


def test_of_two_operators_who_edit_one_record_at_once_one_is_told(desk: Desk, person: int) -> None:
    path = f"/utilisateurs/{person}/"
    app, together = create_app(desk.fleet, SETTINGS), {"admin": "Un", "desk": "Deux"}
    tokens = {who: desk.token(who) for who in together}

    async def at_once(tag: str) -> list[httpx.Response]:
        transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://desk") as client:
            calls = [
                client.put(
                    f"/api{path}",
                    headers={"Authorization": f"Bearer {tokens[who]}", "If-Match": tag},
                    json={"nom": nom},
                )
                for who, nom in together.items()
            ]
            return await asyncio.gather(*calls)

    for _ in range(10):
        answers = asyncio.run(at_once(_call(desk, "GET", path).headers["etag"]))
        assert sorted(one.status_code for one in answers) == [200, 412]
        (kept,) = [one.json()["nom"] for one in answers if one.status_code == 200]
        assert _call(desk, "GET", path).json()["nom"] == kept
        together = {"admin": f"{kept} un", "desk": f"{kept} deux"}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/sites/st-denis/", {"nom": "Ailleurs"}),
        ("PUT", "/postes/poste-1/", {"nom": "Ailleurs"}),
        ("PUT", "/postes/poste-1/status/", {"statut": "maintenance"}),
        ("DELETE", "/postes/poste-1/", None),
        ("PUT", "/sessions/1/", {"notes": "x"}),
        ("POST", "/sessions/1/add_time/", {"seconds": 900}),
        ("DELETE", "/sessions/1/", None),
    ],
)
def test_a_change_of_an_old_version_changes_nothing(desk: Desk, method: str, path: str, body: Any) -> None:
    desk.session(poste=None, site="st-denis")
    record = "/".join(path.split("/")[:3])
    before = _call(desk, "GET", record).headers["etag"]
    answer = _call(desk, method, path, If_Match='"999-x"', json=body)
    assert (answer.status_code, answer.json()["reason"]) == (412, "version_ancienne")
    if not record.startswith("/sessions"):
        assert _call(desk, "GET", record).headers["etag"] == before
    assert _call(desk, method, path, If_Match=f'"999-x", {before}', json=body).status_code in (200, 204)


def test_a_booking_and_a_ticket_are_changed_on_a_condition_too(desk: Desk) -> None:
    start = datetime.now(UTC) + timedelta(hours=1)
    times = {"debut": start.isoformat(), "fin": (start + timedelta(hours=1)).isoformat()}
    booked = desk.post("/reservations/", {"poste": "poste-1", "nom": "Léa", **times})["id"]
    waits = desk.post("/attente/", {"site": "st-denis", "duree": 600})["id"]
    for path, act in ((f"/reservations/{booked}/", "cancel"), (f"/attente/{waits}/", "give_up")):
        tag = _call(desk, "GET", path).headers["etag"]
        assert _call(desk, "GET", path, If_None_Match=tag).status_code == 304
        answer = _call(desk, "POST", f"{path}{act}/", If_Match='"999-x"')
        assert (answer.status_code, answer.json()["reason"]) == (412, "version_ancienne")
        assert _call(desk, "GET", path).headers["etag"] == tag
        assert _call(desk, "POST", f"{path}{act}/", If_Match=tag).status_code == 200


def test_a_record_that_is_not_there_is_404_whatever_its_version(desk: Desk) -> None:
    assert _call(desk, "PUT", "/sessions/99/", If_Match='"0-x"', json={"notes": "x"}).status_code == 404


def test_any_version_will_do_with_a_star(desk: Desk) -> None:
    assert _call(desk, "PUT", "/sites/st-denis/", If_Match="*", json={"nom": "Ici"}).status_code == 200


def test_who_may_not_change_a_record_is_told_that_first(desk: Desk) -> None:
    answer = _call(desk, "PUT", "/sites/st-denis/", who="reader", If_Match='"999-x"', json={"nom": "Ici"})
    assert answer.status_code == 403
