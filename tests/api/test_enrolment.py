"""Machines that become postes over HTTP: by a token that is good once, and nothing is told to who has none."""

import json
import ssl
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar.testing import TestClient
from sqlalchemy import select, update

from api.app import create_app
from api.settings import ApiSettings
from fleet.database.tables import enrolment, enrolment_request, identity
from mosquitto.passwords import matches
from protocol.enrolment import fingerprint, read_label
from tests.api.conftest import MACHINE, MADE, SETTINGS, Desk, count, for_machines

OTHER = MADE[::-1]


def _opened(desk: Desk, poste: str = "poste-1") -> dict[str, Any]:
    return dict(desk.post(f"/postes/{poste}/enrolement/"))


def _enrol(desk: Desk, token: str, password: str = MADE, **machine: Any) -> httpx.Response:
    body = {"jeton": token, "mot_de_passe": password, "machine": MACHINE | machine}
    return desk.client.post("/api/enrolement/", json=body)


def _gestures(desk: Desk) -> list[str]:
    found = desk.get("/logs/?action=enrolement_poste")["resultats"]
    return [one["metadata"]["geste"] for one in reversed(found)]


def test_an_opened_enrolment_says_all_that_a_machine_needs(desk: Desk) -> None:
    answer = desk.call("POST", "/postes/poste-1/enrolement/")
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    told = answer.json()
    assert told["commande"] == f"ppm kiosk enrol {told['serveur']} --ca-sha256 {told['empreinte_ca']}"
    assert told["jeton"] not in told["commande"]
    assert read_label(told["texte_qr"]) == (told["serveur"], told["empreinte_ca"], told["jeton"])
    pem = desk.client.get("/api/enrolement/ca").text
    assert fingerprint(pem) == told["empreinte_ca"]
    ssl.create_default_context(cadata=pem)
    seen = desk.get("/postes/poste-1/enrolement/")
    assert (seen["poste"], seen["ouvert_par"], seen["expire_a"]) == ("poste-1", "desk", told["expire_a"])
    assert told["jeton"] not in json.dumps(seen)


def test_a_machine_that_proves_its_token_is_the_poste(desk: Desk) -> None:
    token = _opened(desk)["jeton"]
    answer = _enrol(desk, token)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["site"], told["poste"], told["nom"]) == ("st-denis", "poste-1", "Poste 1")
    assert (told["courtier"], told["racine"]) == ("mqtts://broker.test:8883", "ppm")
    ssl.create_default_context(cadata=told["autorite"])
    with desk.fleet.database.read() as tx:
        kept = tx.execute(select(identity.c.mot_de_passe)).scalar_one()
    assert matches(kept, MADE)
    assert desk.get("/postes/poste-1/identite/")["machine"]["nom"] == "pc-3"
    assert desk.call("GET", "/postes/poste-1/enrolement/").status_code == 404
    assert _gestures(desk) == ["ouverture", "enrolement"]


def test_neither_a_password_nor_a_token_is_stored(desk: Desk) -> None:
    token = _opened(desk)["jeton"]
    _enrol(desk, token)
    with desk.fleet.database.read() as tx:
        stored = [str(row) for table in (enrolment, identity) for row in tx.execute(select(table))]
    text = json.dumps(desk.get("/logs/")["resultats"]) + "".join(stored)
    assert MADE not in text
    assert token not in text
    assert token.replace("-", "") not in text


def test_a_machine_whose_answer_was_lost_asks_again_and_nobody_else_can(desk: Desk) -> None:
    token = _opened(desk)["jeton"]
    first = _enrol(desk, token)
    assert _enrol(desk, token.lower().replace("-", " ")).json() == first.json()
    assert _enrol(desk, token, OTHER).status_code == 403
    assert _enrol(desk, token, OTHER, nom="another").status_code == 403
    with desk.fleet.database.read() as tx:
        assert matches(tx.execute(select(identity.c.mot_de_passe)).scalar_one(), MADE)


def _too_old(desk: Desk) -> None:
    with desk.fleet.database.transaction() as tx:
        tx.execute(update(enrolment).values(expire_a=tx.now - timedelta(seconds=1)))


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        ("unknown", "enrolement_inconnu"),
        ("no token", "enrolement_inconnu"),
        ("used", "enrolement_utilise"),
        ("too old", "enrolement_perime"),
        ("withdrawn", "enrolement_retire"),
        ("replaced", "enrolement_retire"),
    ],
)
def test_what_opens_nothing_is_refused_in_the_same_words_and_the_trail_says_why(
    desk: Desk, spoil: str, reason: str
) -> None:
    token = _opened(desk)["jeton"]
    match spoil:
        case "unknown":
            token = "A" * 28
        case "no token":
            token = "poste-1"
        case "used":
            _enrol(desk, token)
        case "too old":
            _too_old(desk)
        case "withdrawn":
            assert desk.call("DELETE", "/postes/poste-1/enrolement/").status_code == 204
        case _:
            _opened(desk)
    answer = _enrol(desk, token, OTHER)
    told = answer.json()
    assert (answer.status_code, told["reason"]) == (403, "enrolement_refuse")
    assert "poste" not in told["detail"].replace("ce poste", "")
    wanted = f"SELECT count(*) FROM log WHERE action = 'refus' AND CAST(metadata AS text) LIKE '%{reason}%'"
    assert count(desk.fleet, wanted) == 1


def test_a_used_token_is_not_good_for_its_own_machine_once_its_time_is_over(desk: Desk) -> None:
    token = _opened(desk)["jeton"]
    _enrol(desk, token)
    _too_old(desk)
    assert _enrol(desk, token).status_code == 403


def test_another_machine_takes_the_place_of_the_first(desk: Desk) -> None:
    _enrol(desk, _opened(desk)["jeton"])
    headers = {"Authorization": f"Bearer {desk.post('/postes/poste-1/credential/')['cle']}"}
    assert _enrol(desk, _opened(desk)["jeton"], OTHER, nom="pc-4").status_code == 200
    assert _renewed(desk, MADE, "n" * 32) == 403
    assert desk.client.post("/api/postes/poste-1/heartbeat/", headers=headers).status_code == 401
    assert desk.get("/postes/poste-1/identite/")["machine"]["nom"] == "pc-4"
    assert _gestures(desk) == ["ouverture", "enrolement", "ouverture", "remplacement"]


def _renewed(desk: Desk, password: str, new: str, poste: str = "poste-1") -> int:
    body = {"poste": poste, "mot_de_passe": password, "nouveau": new}
    return desk.client.post("/api/enrolement/renouvellement/", json=body).status_code


def test_a_poste_changes_its_password_and_may_ask_again(desk: Desk) -> None:
    _enrol(desk, _opened(desk)["jeton"])
    assert _renewed(desk, MADE, OTHER) == 204
    assert _renewed(desk, MADE, OTHER) == 204  # its answer was lost
    assert _renewed(desk, MADE, "n" * 32) == 403
    assert _renewed(desk, MADE, OTHER, "poste-2") == _renewed(desk, MADE, OTHER, "no-such-poste") == 403
    assert _gestures(desk).count("renouvellement") == 1


def test_a_revoked_machine_is_nobody_and_its_key_is_over(desk: Desk) -> None:
    _enrol(desk, _opened(desk)["jeton"])
    key = desk.post("/postes/poste-1/credential/")["cle"]
    assert desk.call("DELETE", "/postes/poste-1/identite/").status_code == 204
    assert _renewed(desk, MADE, OTHER) == 403
    headers = {"Authorization": f"Bearer {key}"}
    assert desk.client.post("/api/postes/poste-1/heartbeat/", headers=headers).status_code == 401
    assert desk.get("/postes/poste-1/identite/")["revoquee_a"] is not None
    assert desk.call("DELETE", "/postes/poste-1/identite/").status_code == 404


def test_a_machine_without_a_token_is_seen_and_joins_nothing(desk: Desk) -> None:
    for nom in ("pc-3", "pc-3-renamed"):
        answer = desk.client.post("/api/enrolement/demandes/", json=MACHINE | {"nom": nom})
        assert (answer.status_code, answer.json()["statut"]) == (202, "a_enroler")
    (seen,) = desk.get("/enrolement/demandes/")["resultats"]
    assert (seen["machine"]["nom"], seen["fois"], seen["ip_address"]) == ("pc-3-renamed", 2, "testclient")
    assert count(desk.fleet, "SELECT count(*) FROM identite") == 0
    with desk.fleet.database.transaction() as tx:
        tx.execute(update(enrolment_request).values(vue_a=tx.now - timedelta(hours=25)))
    assert desk.get("/enrolement/demandes/")["total"] == 0
    assert desk.call("GET", "/enrolement/demandes/", who="reader").status_code == 403


def test_machines_that_ask_cannot_fill_the_memory(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fleet.usecases.enrolment_requests.MOST_REQUESTS", 3)
    for number in range(5):
        body = MACHINE | {"nom": f"pc-{number}", "empreinte": f"{number:064x}"}
        assert desk.client.post("/api/enrolement/demandes/", json=body).status_code == 202
    kept = [one["machine"]["nom"] for one in desk.get("/enrolement/demandes/")["resultats"]]
    assert kept == ["pc-4", "pc-3", "pc-2"]


def test_who_tries_tokens_is_slowed_down(desk: Desk, tmp_path: Path) -> None:
    settings = ApiSettings(SETTINGS.jwt_secret, requests_per_minute=3_000, machines=for_machines(tmp_path))
    with TestClient(create_app(desk.fleet, settings)) as client:
        body = {"jeton": "A" * 28, "mot_de_passe": MADE, "machine": MACHINE}
        answers = [client.post("/api/enrolement/", json=body) for _ in range(6)]
    assert [one.status_code for one in answers] == [403] * 5 + [429]
    assert int(answers[-1].headers["retry-after"]) > 0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("jeton", ""),
        ("mot_de_passe", "short"),
        ("machine", {}),
        ("machine", MACHINE | {"empreinte": "x"}),
        ("machine", MACHINE | {"nom": "\x1b[2Jpc"}),
        ("machine", MACHINE | {"os": "a\x9bm"}),
    ],
)
def test_what_a_machine_says_wrong_is_named(desk: Desk, field: str, value: Any) -> None:
    body = {"jeton": "A" * 28, "mot_de_passe": MADE, "machine": MACHINE, field: value}
    answer = desk.client.post("/api/enrolement/", json=body)
    assert answer.status_code == 422
    assert answer.json()["field"].startswith(field)


def test_a_server_that_was_told_of_no_broker_enrols_nobody(desk: Desk) -> None:
    with TestClient(create_app(desk.fleet, replace(SETTINGS, machines=None))) as client:
        headers = {"Authorization": f"Bearer {desk.token('desk')}"}
        refused = [
            client.post("/api/postes/poste-1/enrolement/", headers=headers), client.get("/api/enrolement/ca/"),
        ]  # fmt: skip
    assert [(one.status_code, one.json()["reason"]) for one in refused] == [(503, "enrolement_non_prevu")] * 2
