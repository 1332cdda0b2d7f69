"""The chain of the journal gone through over HTTP: bit by bit, by an administrator, and it finds what was changed."""

from typing import Any

import pytest
from sqlalchemy import delete, update

from fleet.database.audit import Entry
from fleet.database.tables import log
from tests.api.conftest import Desk
from tests.support.tampering import unguarded


def _write(desk: Desk, lines: int = 7) -> int:
    """Some lines of the site, and how many lines there are in all."""
    with desk.fleet.database.transaction() as tx:
        for number in range(lines):
            tx.record(Entry("erreur", desk.site_id, details=f"n° {number}"))
    desk.token("admin")
    return int(_check(desk)["total"])


def _check(desk: Desk, **query: Any) -> Any:
    return desk.get("/logs/verify/", who="admin", params=query)


def _through(desk: Desk, limit: int) -> tuple[int, list[Any]]:
    """All of it, so many lines at a time."""
    lines = 0
    broken: list[Any] = []
    after: dict[str, str] = {}
    while True:
        part = _check(desk, limit=limit, **after)
        assert part["lignes"] <= limit
        lines, broken = lines + part["lignes"], broken + part["ruptures"]
        if part["suite"] is None:
            return lines, broken
        after = {"apres": part["suite"]}


@pytest.mark.parametrize("limit", [1, 2, 5, 1000])
def test_a_trail_that_nobody_touched_holds_in_parts_of_any_size(desk: Desk, limit: int) -> None:
    total = _write(desk)
    assert total > 7
    assert _through(desk, limit) == (total, [])


@pytest.mark.parametrize("limit", [1, 3, 1000])
def test_a_changed_line_is_found_whatever_the_parts(desk: Desk, limit: int) -> None:
    _write(desk)
    with desk.fleet.database.transaction() as tx, unguarded(tx):
        here = (log.c.site_id == desk.site_id) & (log.c.numero == 4)
        tx.execute(update(log).where(here).values(details="rien"))
    _, (found,) = _through(desk, limit)
    assert (found["site"], found["numero"], found["nature"]) == ("st-denis", 4, "alteree")
    assert found["texte"]


@pytest.mark.parametrize("limit", [1, 3, 1000])
def test_lines_that_are_gone_are_found_whatever_the_parts(desk: Desk, limit: int) -> None:
    _write(desk)
    with desk.fleet.database.transaction() as tx, unguarded(tx):
        gone = (log.c.site_id == desk.site_id) & log.c.numero.between(3, 6)
        tx.execute(delete(log).where(gone))
    _, (found,) = _through(desk, limit)
    assert (found["numero"], found["nature"]) == (3, "manquante")


def test_a_trail_whose_end_was_cut_off_does_not_hold(desk: Desk) -> None:
    _write(desk)
    with desk.fleet.database.transaction() as tx, unguarded(tx):
        tx.execute(delete(log).where(log.c.site_id == desk.site_id, log.c.numero > 5))
    for limit in (2, 5, 1000):
        _, (found,) = _through(desk, limit)
        assert (found["numero"], found["nature"]) == (6, "fin_coupee")


def test_only_an_administrator_verifies_and_only_from_a_line_that_is_there(desk: Desk) -> None:
    _write(desk)
    assert desk.call("GET", "/logs/verify/", "desk").status_code == 403
    for wrong in ("x", "1", "1:2:3", "0:999999", f"{desk.site_id}:-1"):
        answer = desk.call("GET", "/logs/verify/", "admin", params={"apres": wrong})
        assert (answer.status_code, answer.json()["field"]) == (422, "apres"), wrong
