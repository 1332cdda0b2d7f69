"""Programs that stand in for a poste: known by its own credential, held to the rules of a typed code."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import httpx
import pytest
from litestar.testing import TestClient
from sqlalchemy import select, update

from api.app import create_app
from fleet.database import leases
from fleet.database.tables import poste_credential, presence
from fleet.domain.actor import SYSTEM
from fleet.usecases import endings, poste_credentials, postes, sessions, sites
from fleet.usecases.fleet import Fleet
from fleet.usecases.postes import NewPoste
from fleet.usecases.sessions import NewSession
from tests.api.conftest import SETTINGS, Desk, count
from tests.api.test_live import closed, hear, served


def _key(desk: Desk, poste: str = "poste-1") -> str:
    return str(desk.post(f"/postes/{poste}/credential/")["cle"])


def _as_poste(desk: Desk, key: str, method: str, path: str, body: Any = None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {key}"}
    return desk.client.request(method, f"/api{path}", headers=headers, json=body)


def test_a_credential_is_shown_once_and_stored_hashed(desk: Desk) -> None:
    assert desk.call("GET", "/postes/poste-1/credential/").status_code == 404
    key = _key(desk)
    seen = desk.get("/postes/poste-1/credential/")
    assert (seen["poste"], seen["creee_par"], seen["derniere_utilisation"]) == ("poste-1", "desk", None)
    with desk.fleet.database.read() as tx:
        stored = bytes(tx.execute(select(poste_credential.c.token_hash)).scalar_one())
    assert key.encode() not in stored
    assert key not in json.dumps(seen)


def test_a_replaced_or_revoked_credential_is_over(desk: Desk) -> None:
    first, second = _key(desk), _key(desk)
    assert _as_poste(desk, first, "POST", "/postes/poste-1/heartbeat/").status_code == 401
    assert _as_poste(desk, second, "POST", "/postes/poste-1/heartbeat/").status_code == 200
    assert desk.call("DELETE", "/postes/poste-1/credential/").status_code == 204
    assert _as_poste(desk, second, "POST", "/postes/poste-1/heartbeat/").status_code == 401
    assert desk.call("DELETE", "/postes/poste-1/credential/").status_code == 404
    told = [one["metadata"]["geste"] for one in desk.get("/logs/?action=cle_poste")["resultats"]]
    assert sorted(told) == ["creation", "remplacement", "revocation"]


def test_a_heartbeat_says_what_to_do_and_is_no_presence(desk: Desk) -> None:
    answer = _as_poste(desk, _key(desk), "POST", "/postes/poste-1/heartbeat/")
    assert (answer.status_code, answer.json()["phase"], answer.json()["session"]) == (200, "locked", None)
    seen = desk.get("/postes/poste-1/")
    assert (seen["est_en_ligne"], seen["derniere_connexion"], seen["statut"]) == (False, None, "hors_ligne")
    assert desk.get("/postes/poste-1/credential/")["derniere_utilisation"] is not None


def test_a_poste_speaks_for_itself_alone_and_may_nothing_else(desk: Desk) -> None:
    key = _key(desk)
    other = _as_poste(desk, key, "POST", "/postes/poste-2/heartbeat/")
    assert (other.status_code, other.json()["reason"]) == (404, "introuvable")
    asked = {"code": "ABC234", "poste": "poste-2"}
    assert _as_poste(desk, key, "POST", "/sessions/validate_code/", asked).status_code == 404
    for method, path in (("GET", "/sessions/"), ("GET", "/postes/poste-1/"), ("POST", "/auth/ws_ticket/")):
        answer = _as_poste(desk, key, method, path)
        assert (answer.status_code, answer.json()["reason"]) == (403, "reserve_aux_operateurs"), path
    for who in ("reader", "desk", "admin"):
        answer = desk.call("POST", "/postes/poste-1/heartbeat/", who=who)
        assert (answer.status_code, answer.json()["reason"]) == (403, "reserve_au_poste")
    refused = count(desk.fleet, "SELECT count(*) FROM log WHERE action = 'refus'")
    assert refused == 6, "one each, and the poste's own three that are for operators are a flood of the same"


def test_the_credential_stands_for_the_address(desk: Desk) -> None:
    """The poste is registered at 10.0.0.1, and the call comes from elsewhere."""
    made, key = desk.session(), _key(desk)
    asked = {"code": made["code_acces"], "poste": "poste-1"}
    answer = _as_poste(desk, key, "POST", "/sessions/validate_code/", asked)
    assert (answer.status_code, answer.json()["valide"], answer.json()["session"]) == (200, True, made["id"])


def test_a_lecteur_gives_no_credential_and_strangers_see_none(desk: Desk) -> None:
    assert desk.call("POST", "/postes/poste-1/credential/", who="reader").status_code == 403
    assert desk.call("DELETE", "/postes/poste-1/credential/", who="reader").status_code == 403
    other = sites.create(desk.fleet, SYSTEM, "le-tampon", {"nom": "Le Tampon"})
    postes.create(desk.fleet, SYSTEM, NewPoste(other, "tampon-1", "T1"))
    for method in ("GET", "POST", "DELETE"):
        assert desk.call(method, "/postes/tampon-1/credential/").status_code == 404, method


async def _ask(page: Any, kind: str, answer: str | None = None, **fields: Any) -> dict[str, Any]:
    await page.send(json.dumps({"type": kind, **fields}))
    return await hear(page, answer or kind)


def _furnished(fleet: Fleet, site_id: int) -> tuple[str, sessions.Created]:
    made = sessions.create(fleet, SYSTEM, NewSession(site_id, 3600))
    return poste_credentials.issue(fleet, SYSTEM, 1), made


def _statut(fleet: Fleet, session_id: int) -> Any:
    with fleet.database.read() as tx:
        return tx.connection.exec_driver_sql(
            f"SELECT statut FROM session WHERE id = {session_id}"
        ).scalar_one()


def test_a_session_is_started_over_the_websocket_and_confirmed_by_a_heartbeat(
    fleet: Fleet, site_id: int
) -> None:
    key, made = _furnished(fleet, site_id)

    async def story() -> None:
        async with served(fleet) as api, api.page(f"/ws/sessions/?token={key}", login=None) as page:
            assert (await hear(page, "connection_established"))["poste"] == 1
            asked = await _ask(page, "validate_code", code=made.code)
            assert (asked["reponse"]["valide"], _statut(fleet, made.session_id)) == (True, "en_attente")
            fields = {"code": made.code, "id": "request-1"}
            started = (await _ask(page, "start_session", "session_started", **fields))["etat"]
            assert (started["phase"], started["session"]) == ("active", made.session_id)
            assert started["temps_restant"] == 3600
            again = (await _ask(page, "start_session", "session_started", **fields))["etat"]
            assert (again["rev"], again["session"]) == (started["rev"], made.session_id)
            other = await _ask(page, "start_session", "error", code=made.code)
            assert other["reason"] == "code_deja_utilise"
            assert _is_confirmed(fleet) is False
            told = {"rev": started["rev"], "session": made.session_id, "temps_restant": 3600}
            assert (await _ask(page, "heartbeat", **told))["etat"]["phase"] == "active"
            assert _is_confirmed(fleet) is True
            await asyncio.to_thread(sessions.add_time, fleet, SYSTEM, made.session_id, 900)
            assert (await _ask(page, "heartbeat"))["etat"]["temps_restant"] > 3600
            await asyncio.to_thread(sessions.terminate, fleet, SYSTEM, made.session_id)
            assert (await _ask(page, "heartbeat"))["etat"]["phase"] == "locked"

    asyncio.run(story())


def _is_confirmed(fleet: Fleet) -> bool:
    return (
        count(fleet, "SELECT count(*) FROM session WHERE statut = 'active' AND confirmer_avant IS NULL") == 1
    )


def test_a_start_that_no_heartbeat_confirms_gives_its_time_back(fleet: Fleet, site_id: int) -> None:
    key, made = _furnished(fleet, site_id)

    async def story() -> None:
        async with served(fleet) as api, api.page(f"/ws/sessions/?token={key}", login=None) as page:
            await _ask(page, "start_session", "session_started", code=made.code)

    asyncio.run(story())
    with fleet.database.transaction() as tx:
        tx.connection.exec_driver_sql("UPDATE session SET confirmer_avant = created_at")
        lease = leases.acquire(tx.connection, site_id, "controller", tx.now)
    assert lease is not None
    endings.end_due(fleet, lease, [made.session_id])
    assert _statut(fleet, made.session_id) == "suspendue"


def test_where_the_agent_is_there_it_is_the_one_that_opens(fleet: Fleet, site_id: int) -> None:
    key, made = _furnished(fleet, site_id)
    with fleet.database.transaction() as tx:
        tx.execute(update(presence).where(presence.c.poste_id == 1).values(online=True, boot="agent-1"))

    async def story() -> None:
        async with served(fleet) as api, api.page(f"/ws/sessions/?token={key}", login=None) as page:
            started = (await _ask(page, "start_session", "session_started", code=made.code))["etat"]
            await _ask(page, "heartbeat", rev=started["rev"], session=made.session_id, temps_restant=3600)

    asyncio.run(story())
    assert _is_confirmed(fleet) is False
    assert count(fleet, "SELECT count(*) FROM session WHERE boot = 'agent-1'") == 1


def test_wrong_codes_are_slowed_down_on_the_websocket_too(fleet: Fleet, site_id: int) -> None:
    key, made = _furnished(fleet, site_id)

    async def story() -> None:
        async with served(fleet) as api, api.page(f"/ws/sessions/?token={key}", login=None) as page:
            for _ in range(4):
                assert (await _ask(page, "start_session", "error", code="ZZZZZZ"))["reason"] == "code_inconnu"
            fifth = await _ask(page, "start_session", "error", code="ZZZZZZ")
            assert fifth["retry_after"] == 30
            assert (await _ask(page, "start_session", "error", code=made.code))["reason"] == "trop_d_essais"
            assert (await _ask(page, "validate_code", "error", code=made.code))["reason"] == "trop_d_essais"

    asyncio.run(story())


@pytest.mark.parametrize(
    "said",
    [
        {"type": "start_session"},
        {"type": "start_session", "code": 5},
        {"type": "start_session", "code": "ABC234", "id": "a b"},
        {"type": "validate_code", "code": ""},
        {"type": "heartbeat", "rev": -1},
        {"type": "get_time"},
        {},
    ],
)
def test_what_a_program_says_wrong_is_named_and_changes_nothing(
    fleet: Fleet, site_id: int, said: dict[str, Any]
) -> None:
    key, _ = _furnished(fleet, site_id)

    async def story() -> None:
        async with served(fleet) as api, api.page(login=None) as page:
            await page.send(json.dumps({"type": "auth", "token": key}))
            await hear(page, "connection_established")
            await page.send(json.dumps(said))
            assert (await hear(page, "error"))["reason"] == "demande_invalide"

    asyncio.run(story())


def test_a_revoked_credential_ends_the_conversation(fleet: Fleet, site_id: int) -> None:
    key, _ = _furnished(fleet, site_id)

    async def story() -> None:
        async with served(fleet) as api, api.page(f"/ws/sessions/?token={key}", login=None) as page:
            await _ask(page, "heartbeat")
            await asyncio.to_thread(poste_credentials.revoke, fleet, SYSTEM, 1)
            await page.send('{"type": "heartbeat"}')
            assert await closed(page) == 4401

    asyncio.run(story())


def test_a_poste_hears_nothing_of_people(fleet: Fleet, site_id: int) -> None:
    key, _ = _furnished(fleet, site_id)

    async def story() -> None:
        async with served(fleet) as api, api.page(f"/ws/sessions/?token={key}", login=None) as page:
            await hear(page, "connection_established")
            made = await asyncio.to_thread(sessions.create, fleet, SYSTEM, NewSession(site_id, 3600))
            await page.send('{"type": "heartbeat"}')
            assert json.loads(await page.recv())["type"] == "heartbeat"
            async with api.page(f"/ws/sessions/{made.session_id}/?token={key}", login=None) as refused:
                assert await closed(refused) == 4401

    asyncio.run(story())


def test_postes_behind_one_address_do_not_use_up_what_the_others_may_ask(desk: Desk) -> None:
    first, second = _key(desk), _key(desk, "poste-2")
    app = create_app(desk.fleet, replace(SETTINGS, requests_per_minute=60))
    with TestClient(app) as client:

        def beat(poste: str, key: str) -> int:
            headers = {"Authorization": f"Bearer {key}"}
            return client.post(f"/api/postes/{poste}/heartbeat/", headers=headers, json={}).status_code

        assert [beat("poste-1", first) for _ in range(12)][-1] == 429
        assert beat("poste-2", second) == 200
