"""Lists to take away: whole, safe to open, bounded, and kept in the audit trail."""

import csv
import io
import re
import zipfile
from datetime import datetime, timedelta
from typing import Any
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import httpx
import pytest
from sqlalchemy import update

from fleet.database.tables import session
from fleet.usecases import exports
from tests.api.conftest import Desk, count

ZONE = "America/St_Johns"
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
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
    assert [one["Session n°"] for one in found] == made
    assert (found[0]["Lieu"], found[0]["Statut"]) == ("st-denis", "en attente")
    assert len(lines(export(desk, "postes"))) == 2
    assert {one["Action"] for one in lines(export(desk, "logs"))} >= {"Code créé", "Données exportées"}


def test_a_formula_is_only_text(desk: Desk) -> None:
    desk.post("/utilisateurs/", {"nom": DANGEROUS, "prenom": "@SUM(1)", "telephone": "0692123456"})
    row = lines(export(desk, "utilisateurs"))[0]
    assert (row["Nom"], row["Prénom"], row["Téléphone"]) == (f"'{DANGEROUS}", "'@SUM(1)", "'+262692123456")
    answer = export(desk, "utilisateurs", genre="xlsx")
    assert answer.headers["content-type"].startswith("application/vnd.openxmlformats")
    book = zipfile.ZipFile(io.BytesIO(answer.content))
    sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert DANGEROUS in sheet
    assert "<f>" not in sheet


def rows_of(answer: httpx.Response) -> list[dict[str, Any]]:
    """The rows of a workbook by the cells of its first: a text, or a number with how it is shown."""
    book = zipfile.ZipFile(io.BytesIO(answer.content))
    styles, sheet = (
        ElementTree.fromstring(book.read(f"xl/{name}.xml")) for name in ("styles", "worksheets/sheet1")
    )
    own = {one.get("numFmtId"): one.get("formatCode") for one in styles.iter(f"{SHEET}numFmt")}
    formats = [own.get(one.get("numFmtId"), "") for one in styles.findall(f"{SHEET}cellXfs/{SHEET}xf")]
    found = [
        {cell.get("r", "")[0]: cell_of(cell, formats) for cell in row} for row in sheet.iter(f"{SHEET}row")
    ]
    return [{found[0][letter]: said for letter, said in row.items()} for row in found[1:]]


def cell_of(cell: ElementTree.Element, formats: list[Any]) -> Any:
    said = "".join(cell.itertext())
    return said if cell.get("t") == "inlineStr" else (float(said), formats[int(cell.get("s", "0"))])


def there(desk: Desk) -> datetime:
    """A session of 25 h at a site half an hour beside all others, and when it was made there."""
    desk.call("PUT", "/sites/st-denis/", who="admin", json={"zone": ZONE})
    number = desk.session(poste=None)["id"]
    with desk.fleet.database.transaction() as tx:
        values = {"duree_initiale_ms": 90_061_000, "statut": "terminee", "motif_fin": "fin_visiteur"}
        tx.execute(update(session).where(session.c.id == number).values(**values))
    made = datetime.fromisoformat(desk.get(f"/sessions/{number}/")["created_at"])
    return made.astimezone(ZoneInfo(ZONE)).replace(tzinfo=None)


def test_instants_and_durations_are_those_that_an_operator_knows(desk: Desk) -> None:
    made = there(desk)
    row = lines(export(desk, "sessions"))[0]
    assert (row["Créée le"], row["Fuseau horaire"]) == (f"{made:%Y-%m-%d %H:%M:%S}", ZONE)
    assert (row["Durée accordée (h:min:s)"], row["Motif de fin"]) == ("25:01:01", "Terminée par le visiteur")
    sheet = rows_of(export(desk, "sessions", genre="xlsx"))[0]
    days, shown = sheet["Créée le"]
    assert shown == "dd/mm/yyyy hh:mm:ss"
    assert abs(datetime.fromisoformat("1899-12-30") + timedelta(days=days) - made) < timedelta(seconds=1)
    assert sheet["Durée accordée (h:min:s)"] == (pytest.approx(90061 / 86400), "[h]:mm:ss")
    assert sheet["Fuseau horaire"] == ZONE


def test_what_is_of_no_site_is_told_in_the_zone_of_the_deployment(desk: Desk) -> None:
    there(desk)
    desk.post(
        "/utilisateurs/",
        {"nom": "A", "prenom": "B", "consentement_rgpd": True, "date_naissance": "1990-01-31"},
    )
    desk.post("/utilisateurs/", {"nom": "C", "prenom": "D"})
    people = lines(export(desk, "utilisateurs"))
    seen = desk.get("/utilisateurs/?tri=id")["resultats"][0]
    made = datetime.fromisoformat(seen["created_at"]).astimezone(ZoneInfo("Indian/Reunion"))
    assert (people[0]["Fiche créée le"], people[0]["Fuseau horaire"]) == (
        f"{made:%Y-%m-%d %H:%M:%S}",
        "Indian/Reunion",
    )
    assert [one["Consentement donné"] for one in people] == ["oui", "non"]
    sheet = rows_of(export(desk, "utilisateurs", genre="xlsx"))
    assert [one["Consentement donné"] for one in sheet] == ["oui", "non"]
    assert sheet[0]["Date de naissance"] == (32904.0, "dd/mm/yyyy")
    zones = {one["Fuseau horaire"] for one in lines(export(desk, "logs"))}
    assert zones == {ZONE, "Indian/Reunion"}


def test_no_heading_and_no_word_of_the_product_is_a_name_of_its_code(desk: Desk) -> None:
    there(desk)
    for what in exports.EXPORTS:
        answer = export(desk, what)
        heading = answer.content.decode("utf-8-sig").splitlines()[0]
        assert not re.search("[a-z]_|^id;", heading), heading
    for row in lines(export(desk, "logs")):
        assert "_" not in row["Action"]


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


def test_the_lines_of_the_journal_are_chosen_as_its_list_chooses_them(desk: Desk) -> None:
    number = desk.session()["id"]
    desk.session(poste=None)
    for asked in (
        {"session": number},
        {"action": "generation_code,creation_poste", "operateur": "desk"},
        {"recherche": "code"},
    ):
        listed = desk.call("GET", "/logs/", "admin", params=asked).json()["resultats"]
        taken = lines(export(desk, "logs", **asked))
        assert [int(one["Ligne n°"]) for one in taken] == sorted(one["id"] for one in listed), asked
        kept = desk.get("/logs/?action=export", who="admin")["resultats"][0]
        assert kept["metadata"]["filtres"] == ", ".join(asked)
    assert export(desk, "sessions", action="export").status_code == 422
    assert export(desk, "logs", poste="nulle-part").status_code == 404


@pytest.mark.parametrize("path", ["/api/exports/{quoi}", "/api/exports/logs"])
def test_both_kinds_of_file_are_in_the_document(desk: Desk, path: str) -> None:
    told = desk.get("/docs/openapi.json")["paths"][path]["get"]["responses"]["200"]["content"]
    given = {export(desk, "logs", genre=genre).headers["content-type"] for genre in ("csv", "xlsx")}
    assert set(told) == {kind.partition(";")[0] for kind in given}
