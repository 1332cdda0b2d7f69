"""The browser's login: a cookie that no script reads, limited to its addresses, and useless to foreign pages."""

from collections.abc import Iterator
from dataclasses import replace
from http.cookies import SimpleCookie
from typing import Any

import httpx
import pytest
from litestar.testing import TestClient

from api.app import create_app
from fleet.usecases.fleet import Fleet
from tests.api.conftest import PASSWORD, SETTINGS, Desk, count

OURS = {"Origin": "https://postes.example.re"}
FOREIGN = {"Origin": "https://evil.example"}


@pytest.fixture
def browser(fleet: Fleet, site_id: int) -> Iterator[Desk]:
    """The API as browsers reach it, over TLS."""
    settings = replace(SETTINGS, public_origin=OURS["Origin"])
    with TestClient(create_app(fleet, settings), base_url="https://postes.example.re") as client:
        yield Desk(fleet, client, site_id)


def _login(browser: Desk, **headers: str) -> httpx.Response:
    body = {"login": "desk", "password": PASSWORD}
    return browser.client.post("/api/auth/login/", json=body, headers=OURS | headers)


def _cookies(answer: httpx.Response) -> list[dict[str, Any]]:
    told = [SimpleCookie(line) for line in answer.headers.get_list("set-cookie")]
    return [{"value": one.value, **one} for jar in told for one in jar.values()]


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_addresses(browser: Desk) -> None:
    answer = _login(browser)
    assert answer.status_code == 200
    assert "refresh" not in answer.json(), "what scripts can read is the short-lived token alone"
    assert answer.headers["cache-control"] == "no-store"
    cookies = _cookies(answer)
    assert {one["path"] for one in cookies} == {"/api/auth", "/api/token"}
    for one in cookies:
        assert (one["httponly"], one["secure"], one["samesite"].lower()) == (True, True, "strict")
        assert int(one["max-age"]) == SETTINGS.refresh_ttl.total_seconds()
    assert not browser.client.get("/api/sites/").request.headers.get("cookie")


def test_only_a_server_that_is_reached_by_plain_http_has_a_cookie_for_it(fleet: Fleet, site_id: int) -> None:
    settings = replace(SETTINGS, secure_cookies=False)
    with TestClient(create_app(fleet, settings)) as client:
        answer = client.post("/api/auth/login/", json={"login": "desk", "password": PASSWORD})
        assert [one["secure"] for one in _cookies(answer)] == ["", ""]


def test_the_browser_stays_logged_in_by_its_cookie_which_turns_each_time(browser: Desk) -> None:
    first = _cookies(_login(browser))[0]["value"]
    answer = browser.client.post("/api/token/refresh/", headers=OURS)
    assert answer.status_code == 200, answer.text
    assert "refresh" not in answer.json()
    bearer = {"Authorization": f"Bearer {answer.json()['access']}"}
    assert browser.client.get("/api/auth/me/", headers=bearer).json()["login"] == "desk"
    assert _cookies(answer)[0]["value"] != first
    stolen = browser.client.post("/api/token/refresh/", json={"refresh": first})
    assert stolen.status_code == 401
    assert browser.client.post("/api/token/refresh/", headers=OURS).status_code == 401, "the family is over"


@pytest.mark.parametrize("headers", [FOREIGN, {"Origin": "null"}, {}])
def test_a_foreign_page_uses_no_cookie(browser: Desk, headers: dict[str, str]) -> None:
    _login(browser)
    for path in ("/api/token/refresh/", "/api/auth/logout/"):
        answer = browser.client.post(path, headers=headers)
        assert (answer.status_code, answer.json()["reason"]) == (403, "origine_refusee"), path
    assert count(browser.fleet, "SELECT count(*) FROM refresh_token WHERE used_at IS NULL") == 1


def test_a_foreign_page_logs_nobody_in(browser: Desk) -> None:
    answer = _login(browser, **FOREIGN)
    assert answer.status_code == 403
    assert not _cookies(answer)


def test_logging_out_takes_the_cookie_away_and_ends_the_family(browser: Desk) -> None:
    token = _cookies(_login(browser))[0]["value"]
    answer = browser.client.post("/api/auth/logout/", headers=OURS)
    assert answer.status_code == 204
    assert [(one["value"], one["max-age"]) for one in _cookies(answer)] == [("", "0"), ("", "0")]
    assert browser.client.post("/api/token/refresh/", json={"refresh": token}).status_code == 401
    assert browser.client.post("/api/auth/logout/", headers=OURS).status_code == 204, "it may come twice"


def test_without_token_and_cookie_there_is_nothing_to_refresh(browser: Desk) -> None:
    answer = browser.client.post("/api/token/refresh/", headers=OURS)
    assert (answer.status_code, answer.json()["reason"]) == (401, "jeton_refuse")
