"""A request that is sent twice is done once: the same key gives the same answer, whatever happens in between."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import pytest
from litestar.testing import TestClient
from sqlalchemy import text, update

from api.app import create_app
from fleet.database.tables import answered
from fleet.domain.actor import SYSTEM
from fleet.usecases import once, sessions
from fleet.usecases.fleet import Fleet
from fleet.usecases.once import Key
from tests.api.conftest import SETTINGS, Desk, count

ASKED = {"duree_initiale": 3600, "poste": "poste-1"}
SESSIONS = "SELECT count(*) FROM session"


def _post(desk: Desk, path: str, key: str, who: str = "desk", **more: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {desk.token(who)}", "Idempotency-Key": key}
    return desk.client.post(f"/api{path}", headers=headers, **more)


def test_the_same_key_and_body_give_the_same_answer_and_one_session(desk: Desk) -> None:
    first = _post(desk, "/sessions/", "k-1", json=ASKED)
    again = _post(desk, "/sessions/", "k-1", json=ASKED)
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert first.headers["etag"] == again.headers["etag"]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert count(desk.fleet, SESSIONS) == 1
    assert count(desk.fleet, "SELECT count(*) FROM log WHERE action = 'generation_code'") == 1


def test_another_body_with_the_same_key_is_refused(desk: Desk) -> None:
    _post(desk, "/sessions/", "k-1", json=ASKED)
    for path, body in (("/sessions/", ASKED | {"duree_initiale": 60}), ("/sessions/1/terminate/", None)):
        answer = _post(desk, path, "k-1", json=body)
        assert (answer.status_code, answer.json()["reason"]) == (422, "cle_deja_utilisee")
        assert answer.json()["field"] == "Idempotency-Key"
    assert count(desk.fleet, SESSIONS) == 1


def test_keys_of_two_operators_have_nothing_to_do_with_each_other(desk: Desk) -> None:
    assert _post(desk, "/sessions/", "k-1", json=ASKED).status_code == 201
    assert _post(desk, "/sessions/", "k-1", who="admin", json=ASKED).status_code == 201
    assert count(desk.fleet, SESSIONS) == 2


def test_time_is_added_once(desk: Desk) -> None:
    path = f"/sessions/{desk.session()['id']}/add_time/"
    for _ in range(3):
        assert _post(desk, path, "k-1", json={"seconds": 900}).json()["duree_totale"] == 4500
    assert _post(desk, path, "k-2", json={"seconds": 900}).json()["duree_totale"] == 5400


def test_what_was_refused_may_be_tried_again_with_the_same_key(desk: Desk) -> None:
    number = desk.session()["id"]
    path = f"/sessions/{number}/start/"
    assert _post(desk, path, "k-1").json()["reason"] == "poste_hors_ligne"
    desk.come(desk.get("/postes/poste-1/")["id"])
    assert _post(desk, path, "k-1").json()["statut"] == "active"
    refused = "SELECT count(*) FROM log WHERE action = 'refus'"
    assert count(desk.fleet, refused) == 1


def test_wrong_codes_count_however_they_are_sent(desk: Desk) -> None:
    """The tries of a poste are kept, though the request that went too far is refused."""
    with desk.fleet.database.transaction() as tx:
        tx.execute(text("UPDATE poste SET ip_address = 'testclient' WHERE slug = 'poste-1'"))
    wrong = {"code": "ZZZZZZ", "poste": "poste-1"}
    answers = [_post(desk, "/sessions/validate_code/", f"k-{number}", json=wrong) for number in range(7)]
    assert [one.status_code for one in answers] == [200] * 5 + [429] * 2
    assert count(desk.fleet, "SELECT failures FROM essais") == 5


@pytest.mark.parametrize("key", ["", "x" * 256, "é", "a b"])
def test_a_key_that_is_none_is_refused(desk: Desk, key: str) -> None:
    headers = {"Authorization": f"Bearer {desk.token('desk')}", "Idempotency-Key": key.encode()}
    answer = desk.client.post("/api/sessions/", headers=headers, json=ASKED)  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["reason"]) == (422, "cle_invalide")


def test_fifty_at_once_with_one_key_make_one_session(desk: Desk) -> None:
    token = desk.token("desk")
    app = create_app(desk.fleet, SETTINGS)

    async def all_at_once() -> list[httpx.Response]:
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "k-1"}
        transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://desk", headers=headers) as client:
            return await asyncio.gather(*(client.post("/api/sessions/", json=ASKED) for _ in range(50)))

    answers = asyncio.run(all_at_once())
    assert {one.status_code for one in answers} == {201}
    assert len({one.content for one in answers}) == 1
    assert count(desk.fleet, SESSIONS) == 1


def test_processes_wait_for_each_other_at_the_key(desk: Desk) -> None:
    """What `turns` does within a process the database does between them."""
    key = Key("operateur:1", "k-1", b"the request")
    together = threading.Barrier(8)

    def one() -> str:
        together.wait(10)
        try:
            return once.on_terms(desk.fleet, key, None, work, lambda code: once.Answer(201, code))
        except once.Answered as before:
            return before.answer.body

    def work() -> str:
        return sessions.create(desk.fleet, SYSTEM, sessions.NewSession(desk.site_id, 600)).code

    with ThreadPoolExecutor(8) as threads:
        codes = {one.result() for one in [threads.submit(one) for _ in range(8)]}
    assert len(codes) == 1
    assert count(desk.fleet, SESSIONS) == 1


def test_an_answer_outlives_the_process_that_gave_it(desk: Desk) -> None:
    first = _post(desk, "/sessions/", "k-1", json=ASKED)
    with TestClient(create_app(desk.fleet, SETTINGS)) as another:
        headers = {"Authorization": f"Bearer {desk.token('desk')}", "Idempotency-Key": "k-1"}
        assert another.post("/api/sessions/", headers=headers, json=ASKED).content == first.content


def test_a_crash_after_the_work_leaves_neither_work_nor_key(desk: Desk) -> None:
    def told(_: object) -> once.Answer:
        raise MemoryError

    def work() -> int:
        return sessions.create(desk.fleet, SYSTEM, sessions.NewSession(desk.site_id, 600)).session_id

    key = Key("operateur:1", "k-1", b"the request")
    with pytest.raises(MemoryError):
        once.on_terms(desk.fleet, key, None, work, told)
    assert count(desk.fleet, SESSIONS) == 0
    assert count(desk.fleet, "SELECT count(*) FROM reponse") == 0


def test_no_code_is_readable_in_what_is_kept(desk: Desk) -> None:
    code = _post(desk, "/sessions/", "k-1", json=ASKED).json()["code_acces"]
    with desk.fleet.database.read() as tx:
        (row,) = tx.execute(text("SELECT * FROM reponse")).all()
    assert code.encode() not in b"".join(
        bytes(value) for value in row if isinstance(value, bytes | memoryview)
    )
    assert code not in str(row)


def test_an_answer_is_kept_for_a_day(desk: Desk) -> None:
    _post(desk, "/sessions/", "k-1", json=ASKED)
    _age(desk.fleet, timedelta(hours=23))
    assert once.sweep(desk.fleet) == 0
    assert "idempotency-replayed" in _post(desk, "/sessions/", "k-1", json=ASKED).headers
    _age(desk.fleet, timedelta(hours=2))
    assert _post(desk, "/sessions/", "k-1", json=ASKED).status_code == 201
    assert count(desk.fleet, SESSIONS) == 2
    _age(desk.fleet, timedelta(hours=25))
    assert once.sweep(desk.fleet) == 1


def _age(fleet: Fleet, by: timedelta) -> None:
    with fleet.database.transaction() as tx:
        old = tx.execute(answered.select()).one().created_at
        tx.execute(update(answered).values(created_at=old - by))
