"""Logging in and staying in."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from sqlalchemy import select, update

from api.settings import ApiSettings
from api.tokens import TokenRefused, Tokens
from fleet.database.tables import login_tries as table
from fleet.domain.actor import SYSTEM
from fleet.domain.blanks import duration
from fleet.domain.errors import Invalid, Refused
from fleet.usecases import login_tries as tries
from fleet.usecases import logins, operateurs, passwords
from fleet.usecases.logins import Credentials
from fleet.usecases.operateurs import NewOperateur, OperateurEdit
from tests.api.conftest import PASSWORD, SETTINGS, Desk, count
from tests.support.at_once import at_once
from tests.support.waiting import wait_until


def _login(desk: Desk, login: str = "desk", password: str = PASSWORD) -> tuple[int, dict[str, str]]:
    answer = desk.client.post("/api/token/", json={"login": login, "password": password})
    return answer.status_code, answer.json()


def test_a_login_gives_tokens_and_leaves_its_trace(desk: Desk) -> None:
    status, pair = _login(desk)
    assert status == 200
    claims = jwt.decode(pair["access"], SETTINGS.jwt_secret, ["HS256"], audience=SETTINGS.audience)
    assert claims["exp"] - claims["iat"] <= 600
    assert claims["iss"] == SETTINGS.issuer
    verified = desk.client.post("/api/token/verify/", json={"token": pair["access"]})
    assert verified.json()["role"] == "operateur"
    assert count(desk.fleet, "SELECT count(*) FROM log WHERE action = 'connexion_operateur'") == 1


def test_an_older_program_may_say_username(desk: Desk) -> None:
    answer = desk.client.post("/api/token/", json={"username": "desk", "password": PASSWORD})
    assert answer.status_code == 200


def test_a_wrong_password_and_an_unknown_login_look_the_same(desk: Desk) -> None:
    answers = [_login(desk, "desk", "wrong"), _login(desk, "nobody", "wrong")]
    for _, said in answers:
        said.pop("request_id")
    assert answers[0] == answers[1]
    assert (answers[0][0], answers[0][1]["reason"]) == (401, "identifiants_refuses")


def test_wrong_passwords_are_slowed_down_and_others_are_not_locked_out(desk: Desk) -> None:
    for _ in range(5):
        assert _login(desk, "desk", "wrong")[0] == 401
    answer = desk.client.post("/api/token/", json={"login": "desk", "password": PASSWORD})
    assert answer.status_code == 429
    wait_s, said = int(answer.headers["retry-after"]), answer.json()["detail"]
    assert said == f"Trop d’essais manqués. Réessayez dans {duration(wait_s)}.", (
        "who works at the desk is told it"
    )
    known = logins.authenticate(desk.fleet, Credentials("desk", PASSWORD, "10.1.1.1"))
    assert known.login == "desk"
    # Another process counts the same tries, and a right password there does not wipe out the wrong ones here.
    assert _login(desk)[0] == 429


def test_a_refresh_token_works_once_and_its_reuse_ends_the_family(desk: Desk) -> None:
    first = _login(desk)[1]["refresh"]
    other = _login(desk)[1]["refresh"]
    second = desk.client.post("/api/token/refresh/", json={"refresh": first})
    assert second.status_code == 200
    stolen = desk.client.post("/api/token/refresh/", json={"refresh": first})
    assert (stolen.status_code, stolen.json()["reason"]) == (401, "jeton_refuse")
    victim = desk.client.post("/api/token/refresh/", json={"refresh": second.json()["refresh"]})
    assert victim.status_code == 401
    assert desk.client.post("/api/token/refresh/", json={"refresh": other}).status_code == 200
    assert count(desk.fleet, "SELECT count(*) FROM log WHERE action = 'refus'") == 1


def test_no_token_is_in_the_database(desk: Desk) -> None:
    refresh = _login(desk)[1]["refresh"]
    with desk.fleet.database.read() as tx:
        stored = tx.connection.exec_driver_sql("SELECT token_hash FROM refresh_token").scalars()
        assert all(refresh.encode() not in bytes(one) for one in stored)


def test_logging_out_ends_what_descends_from_the_login(desk: Desk) -> None:
    refresh = _login(desk)[1]["refresh"]
    assert desk.client.post("/api/auth/logout/", json={"refresh": refresh}).status_code == 204
    assert desk.client.post("/api/token/refresh/", json={"refresh": refresh}).status_code == 401


def test_a_new_password_logs_out(desk: Desk) -> None:
    refresh = _login(desk)[1]["refresh"]
    number = desk.shared.names.operateur("desk")
    operateurs.edit(desk.fleet, SYSTEM, number, OperateurEdit(password="another good one"))
    assert desk.client.post("/api/token/refresh/", json={"refresh": refresh}).status_code == 401
    assert _login(desk)[0] == 401


FORGED: list[tuple[dict[str, object], str | None, str]] = [
    ({}, "x" * 40, "HS256"),
    ({}, None, "HS512"),
    ({"aud": "another"}, None, "HS256"),
    ({"iss": "another"}, None, "HS256"),
    ({"exp": datetime.now(UTC) - timedelta(seconds=1)}, None, "HS256"),
    ({"exp": None}, None, "HS256"),
    ({"sub": "abc"}, None, "HS256"),
    ({"sub": "999"}, None, "HS256"),
    ({"gen": None}, None, "HS256"),
    ({"gen": -1}, None, "HS256"),
    ({"gen": []}, None, "HS256"),
]


def test_a_forged_or_old_token_is_refused(desk: Desk) -> None:
    now = datetime.now(UTC)
    admin = operateurs.actor_of(desk.fleet, 1)
    assert admin is not None
    good = {
        "iss": SETTINGS.issuer,
        "aud": SETTINGS.audience,
        "sub": "1",
        "gen": admin.generation,
        "iat": now,
        "exp": now + timedelta(minutes=5),
    }
    token = jwt.encode(good, SETTINGS.jwt_secret, "HS256")
    assert desk.client.get("/api/sites/", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    for claims, secret, algorithm in FORGED:
        said = {key: value for key, value in (good | claims).items() if value is not None}
        token = jwt.encode(said, secret or SETTINGS.jwt_secret, algorithm)
        answer = desk.client.get("/api/sites/", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401, claims


def test_a_short_or_placeholder_secret_is_refused() -> None:
    for secret in ("short", "change-me-" * 5):
        with pytest.raises(ValueError, match="secret"):
            ApiSettings(jwt_secret=secret)


def test_an_unknown_login_takes_as_long_as_a_known_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    stored = passwords.hashed("a good password")
    assert stored.startswith("$argon2id$")
    known, unknown = (min(_seconds(who) for _ in range(3)) for who in (stored, None))
    assert 0.4 < known / unknown < 2.5


def _seconds(stored: str | None) -> float:
    start = time.perf_counter()
    assert not passwords.matches(stored, "a wrong password")
    return time.perf_counter() - start


def test_a_short_password_and_a_taken_login_are_refused(desk: Desk) -> None:
    for new, field in (
        (NewOperateur("fresh", "short", "lecteur"), "mot_de_passe"),
        (NewOperateur("Desk", PASSWORD, "lecteur"), "login"),
        (NewOperateur("fresh", PASSWORD, "king"), "role"),
        (NewOperateur("fresh", PASSWORD, "lecteur", [999]), "sites"),
    ):
        with pytest.raises(Invalid) as refused:
            operateurs.create(desk.fleet, SYSTEM, new)
        assert refused.value.field == field


def test_the_memory_of_wrong_passwords_forgets_what_is_old_and_names_nobody(desk: Desk) -> None:
    _login(desk, "desk", "wrong")
    with desk.fleet.database.transaction() as tx:
        assert b"desk" not in bytes(tx.execute(select(table.c.key)).scalar_one())
        long_ago = tx.now - timedelta(hours=2)
        tx.execute(update(table).values(last_at=long_ago))
    _login(desk, "another", "wrong")
    assert count(desk.fleet, "SELECT count(*) FROM essais_connexion") == 1


def test_one_machine_is_one_source_whatever_its_ipv6_address() -> None:
    key = tries.key
    assert key("desk", "2001:db8::1") == key("desk", "2001:db8::ffff:2")
    assert key("desk", "2001:db8::1") != key("desk", "2001:db8:0:1::1")
    assert key("desk", "10.0.0.1") != key("desk", "10.0.0.2")
    assert key("desk", "10.0.0.1") != key("admin", "10.0.0.1")


def test_a_signing_key_is_changed_without_logging_anybody_out(desk: Desk) -> None:
    now = datetime.now(UTC)
    old = Tokens(SETTINGS).make(1, 0, now)
    turned = Tokens(replace(SETTINGS, jwt_secret="n" * 40, jwt_previous=(SETTINGS.jwt_secret,)))
    assert turned.read(old).operateur_id == 1
    assert turned.read(turned.make(2, 0, now)).operateur_id == 2
    with pytest.raises(TokenRefused):
        Tokens(SETTINGS).read(turned.make(1, 0, now))
    with pytest.raises(TokenRefused):
        Tokens(replace(SETTINGS, jwt_secret="n" * 40)).read(old)


def test_a_token_that_was_good_is_refused_once_it_is_over() -> None:
    tokens, now = Tokens(SETTINGS), datetime.now(UTC)
    token = tokens.make(1, 0, now - SETTINGS.access_ttl + timedelta(seconds=2))
    assert tokens.read(token) == tokens.read(token)
    wait_until(lambda: _is_refused(tokens, token))
    assert datetime.now(UTC) > now + timedelta(seconds=1), "not before its time"


def _is_refused(tokens: Tokens, token: str) -> bool:
    try:
        tokens.read(token)
    except TokenRefused:
        return True
    return False


def test_two_that_use_one_refresh_token_at_once_do_not_both_get_the_next(desk: Desk) -> None:
    token = _login(desk)[1]["refresh"]
    answers = at_once(8, lambda _: _refreshed(desk, token))
    assert answers.count(True) == 1
    assert count(desk.fleet, "SELECT count(*) FROM refresh_token") == 0, "the reuse has ended the family"


def _refreshed(desk: Desk, token: str) -> bool:
    try:
        logins.rotate(desk.fleet, token)
    except Refused:
        return False
    return True


@pytest.mark.parametrize("_again", range(5))
def test_no_refresh_token_outlives_a_revocation_that_comes_at_the_same_time(desk: Desk, _again: int) -> None:
    number, token = desk.shared.names.operateur("desk"), _login(desk)[1]["refresh"]

    def work(which: int) -> None:
        if which:
            _refreshed(desk, token)
        else:
            logins.revoke_all(desk.fleet, SYSTEM, number)

    at_once(2, work)
    assert count(desk.fleet, "SELECT count(*) FROM refresh_token") == 0
