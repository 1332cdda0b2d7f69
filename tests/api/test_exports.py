"""Lists to take away: whole, safe to open, bounded, and kept in the audit trail."""

import csv
import io
import zipfile
from typing import Any

import httpx
import pytest

from fleet.usecases import exports
from tests.api.conftest import Desk, count

DANGEROUS = "=HYPERLINK(0)"


def export(desk: Desk, what: str, who: str = "admin", **more: Any) -> httpx.Response:
    return desk.call("GET", f"/exports/{what}/", who, params=more)


def lines(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=";"))


def test_a_list_is_taken_away_whole_though_it_is_read_in_batches(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "BATCH", 2)
    made = [str(desk.session(poste=None)["id"]) for _ in range(5)]
    found = lines(export(desk, "sessions"))
    assert [one["id"] for one in found] == made
    assert (found[0]["site"], found[0]["statut"], found[0]["secondes_accordees"]) == (
        "st-denis",
        "en_attente",
        "3600",
    )
    assert len(lines(export(desk, "postes"))) == 2
    assert {one["action"] for one in lines(export(desk, "logs"))} >= {"generation_code", "export"}


def test_a_formula_is_only_text(desk: Desk) -> None:
    desk.post("/utilisateurs/", {"nom": DANGEROUS, "prenom": "@SUM(1)", "telephone": "0692123456"})
    row = lines(export(desk, "utilisateurs"))[0]
    assert (row["nom"], row["prenom"], row["telephone"]) == (f"'{DANGEROUS}", "'@SUM(1)", "'+262692123456")
    answer = export(desk, "utilisateurs", genre="xlsx")
    assert answer.headers["content-type"].startswith("application/vnd.openxmlformats")
    book = zipfile.ZipFile(io.BytesIO(answer.content))
    sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert DANGEROUS in sheet
    assert "<f>" not in sheet


def test_an_export_is_kept_in_the_trail(desk: Desk) -> None:
    desk.session()
    export(desk, "sessions", who="desk", genre="xlsx")
    line = desk.get("/logs/?action=export")
    kept = desk.get("/logs/?action=export", who="admin")["resultats"][0]
    assert line["limit"] == 50
    assert (kept["operateur"], kept["metadata"]) == (
        "desk",
        {"quoi": "sessions", "format": "xlsx", "lignes": 1},
    )


def test_who_may_take_what(desk: Desk) -> None:
    assert export(desk, "utilisateurs", who="desk").status_code == 403
    assert export(desk, "sessions", who="reader").status_code == 403
    assert export(desk, "secrets").status_code == 404
    assert export(desk, "sessions", genre="pdf").status_code == 422
    assert export(desk, "sessions", site="nowhere").status_code == 404
    assert count(desk.fleet, "SELECT count(*) FROM log WHERE action = 'refus'") == 2


def test_too_much_is_refused_and_a_period_narrows_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "MOST", 2)
    for _ in range(3):
        desk.session(poste=None)
    answer = export(desk, "sessions")
    assert (answer.status_code, answer.json()["reason"]) == (409, "export_trop_grand")
    old = {"depuis": "2026-01-01T00:00:00Z", "jusqu_a": "2026-01-02T00:00:00Z"}
    assert lines(export(desk, "sessions", **old)) == []
