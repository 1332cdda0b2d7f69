"""Two-factor log-in: enrolled, confirmed, asked for; a code that was used is over."""

import base64
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from sqlalchemy import select, update

from fleet.database.tables import operateur
from fleet.domain.actor import SYSTEM
from fleet.usecases import second_factor
from tests.api.conftest import PASSWORD, Desk, count


class Authenticator:
    """The telephone of an operator. Codes are of steps after the one in which it began: they are good for a while."""

    def __init__(self, uri: str) -> None:
        (secret,) = parse_qs(urlsplit(uri).query)["secret"]
        self.key = base64.b32decode(secret)
        self._step = int(time.time()) // 30

    def code(self, later: int = 0) -> str:
        return TOTP(self.key, 6, SHA1(), 30).generate((self._step + later) * 30).decode()


def _login(desk: Desk, totp: str | None = None, password: str = PASSWORD) -> tuple[int, Any]:
    shown = {"login": "desk", "password": password} | ({"totp": totp} if totp else {})
    answer = desk.client.post("/api/token/", json=shown)
    return answer.status_code, answer.json().get("reason")


@pytest.fixture
def phone(desk: Desk) -> Authenticator:
    """The desk's second factor, active."""
    enrolled = desk.post("/auth/totp/", {"mot_de_passe": PASSWORD})
    phone = Authenticator(enrolled["uri"])
    assert _login(desk)[0] == 200, "it counts only once it was seen to work"
    assert desk.call("POST", "/auth/totp/confirm/", json={"code": phone.code()}).status_code == 204
    return phone


def test_a_second_factor_is_asked_for_and_each_code_is_good_once(desk: Desk, phone: Authenticator) -> None:
    assert desk.get("/auth/me/")["totp"] is True
    assert _login(desk) == (401, "totp_demande")
    assert _login(desk, phone.code()) == (401, "totp_refuse"), "it was used to confirm"
    assert _login(desk, phone.code(1))[0] == 200
    assert _login(desk, phone.code(1)) == (401, "totp_refuse")
    assert _login(desk, phone.code(0)) == (401, "totp_refuse"), "those before it are over too"


def test_a_code_without_the_password_says_nothing(desk: Desk, phone: Authenticator) -> None:
    assert _login(desk, phone.code(1), "wrong password") == (401, "identifiants_refuses")
    assert _login(desk, None, "wrong password") == (401, "identifiants_refuses")


def test_codes_cannot_be_guessed_from_many_addresses(desk: Desk, phone: Authenticator) -> None:
    """Who guesses has the password; the throttle of logins counts by address, this one does not."""
    number = desk.shared.names.operateur("desk")
    for _ in range(5):
        second_factor.count(desk.fleet, number)
    assert _login(desk, phone.code(1)) == (429, "trop_d_essais_operateur")
    assert _login(desk) == (401, "totp_demande"), "the right password alone does not start the count anew"
    assert _login(desk, phone.code(1)) == (429, "trop_d_essais_operateur")


def test_wrong_codes_are_counted(desk: Desk, phone: Authenticator) -> None:
    wrong = f"{(int(phone.code(1)) + 1) % 1_000_000:06}"
    wrong = wrong if wrong not in (phone.code(-1), phone.code(2)) else f"{(int(wrong) + 1) % 1_000_000:06}"
    answers = [_login(desk, wrong)[1] for _ in range(6)]
    assert answers == ["totp_refuse"] * 5 + ["trop_d_essais_operateur"]


def test_the_key_is_sealed_for_its_operator(desk: Desk, phone: Authenticator) -> None:
    number = desk.shared.names.operateur("desk")
    with desk.fleet.database.read() as tx:
        sealed = bytes(
            tx.execute(select(operateur.c.totp_scelle).where(operateur.c.id == number)).scalar_one()
        )
    assert phone.key not in sealed
    assert desk.fleet.keys.unseal_totp(sealed, number) == phone.key
    assert desk.fleet.keys.unseal_totp(sealed, number + 1) is None


def test_enrolling_asks_for_the_password_and_never_replaces_a_key_that_counts(
    desk: Desk, phone: Authenticator
) -> None:
    answer = desk.call("POST", "/auth/totp/", json={"mot_de_passe": "wrong password"})
    assert (answer.status_code, answer.json()["field"]) == (422, "mot_de_passe")
    answer = desk.call("POST", "/auth/totp/", json={"mot_de_passe": PASSWORD})
    assert (answer.status_code, answer.json()["reason"]) == (409, "totp_deja_actif")


def test_it_is_switched_off_by_a_code(desk: Desk, phone: Authenticator) -> None:
    refused = desk.call("POST", "/auth/totp/disable/", json={"code": phone.code()})
    assert (refused.status_code, refused.json()["reason"]) == (422, "totp_refuse")
    assert desk.call("POST", "/auth/totp/disable/", json={"code": phone.code(1)}).status_code == 204
    assert _login(desk)[0] == 200
    assert (
        desk.call("POST", "/auth/totp/disable/", json={"code": phone.code(1)}).json()["reason"]
        == "totp_inactif"
    )
    assert count(desk.fleet, "SELECT count(*) FROM log WHERE action LIKE 'totp%'") == 2


def test_an_administrateur_takes_it_from_who_has_lost_it(desk: Desk, phone: Authenticator) -> None:
    number = desk.shared.names.operateur("desk")
    assert desk.call("DELETE", f"/operateurs/{number}/totp/").status_code == 403
    assert desk.call("DELETE", f"/operateurs/{number}/totp/", who="admin").status_code == 204
    assert _login(desk)[0] == 200


def test_with_another_secret_nobody_gets_in_until_the_factor_is_removed(
    desk: Desk, phone: Authenticator
) -> None:
    with desk.fleet.database.transaction() as tx:
        tx.execute(update(operateur).values(totp_scelle=b"0" * 48))
    assert _login(desk, phone.code(1)) == (401, "totp_refuse")
    second_factor.remove(desk.fleet, SYSTEM, desk.shared.names.operateur("desk"))
    assert _login(desk)[0] == 200
