"""Logging in and staying in."""

import time
from datetime import UTC, datetime, timedelta

import jwt
import pytest

from api.settings import ApiSettings
from fleet.domain.actor import SYSTEM
from fleet.domain.errors import Invalid
from fleet.usecases import operateurs, passwords
from fleet.usecases.operateurs import LoginThrottle, NewOperateur, OperateurEdit
from tests.api.conftest import PASSWORD, SETTINGS, Desk, count


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
    assert answers[0] == answers[1]
    assert (answers[0][0], answers[0][1]["reason"]) == (401, "identifiants_refuses")


def test_wrong_passwords_are_slowed_down_and_others_are_not_locked_out(desk: Desk) -> None:
    for _ in range(5):
        assert _login(desk, "desk", "wrong")[0] == 401
    answer = desk.client.post("/api/token/", json={"login": "desk", "password": PASSWORD})
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0
    known = operateurs.authenticate(desk.fleet, desk.shared.logins, "desk", PASSWORD, "10.1.1.1")
    assert known.login == "desk"


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
]


def test_a_forged_or_old_token_is_refused(desk: Desk) -> None:
    now = datetime.now(UTC)
    good = {
        "iss": SETTINGS.issuer,
        "aud": SETTINGS.audience,
        "sub": "1",
        "iat": now,
        "exp": now + timedelta(minutes=5),
    }
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


def test_the_memory_of_wrong_passwords_is_bounded() -> None:
    limit, now = LoginThrottle(), datetime.now(UTC)
    for number in range(10_100):
        limit.failed(f"login-{number}", "10.0.0.1", now)
    assert len(limit._tries) <= 10_001
