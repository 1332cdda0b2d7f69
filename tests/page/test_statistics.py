"""The statistics: what the page shows is what the sessions say, in figures, shades and files."""

import csv
import io
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import insert, select

from fleet.database import tables
from tests.page.conftest import OpenPage
from tests.page.house import House
from tests.page.life import ended

REUNION = ZoneInfo("Indian/Reunion")
WEEK = {str(day): [["09:00", "18:00"]] for day in range(6)}


def monday() -> date:
    """The Monday of the week before this one, where the place is."""
    today = datetime.now(REUNION).date()
    return today - timedelta(days=today.weekday() + 7)


def at(day: date, clock: str) -> datetime:
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=REUNION).astimezone(UTC)


@pytest.fixture(scope="module")
def lived(house: House) -> House:
    """Of the week before: two sessions of Monday morning, one of them by a child, and one of Tuesday afternoon."""
    with house.client() as client:
        client.put("/sites/demo/", json={"horaires": WEEK}).raise_for_status()
        person = {"nom": "Payet", "prenom": "Léa", "categorie": "<b>enfant</b>", "consentement_rgpd": True}
        child = client.post("/utilisateurs/", json=person).json()["id"]
    spans = [
        (monday(), "09:30:00", 90, child),
        (monday(), "10:00:00", 60, None),
        (monday() + timedelta(days=1), "14:00:00", 30, None),
    ]
    with house.fleet.database.transaction() as tx:
        site = tx.execute(select(tables.site)).one()
        poste = tx.execute(select(tables.poste.c.id).where(tables.poste.c.slug == "demo-01")).scalar_one()
        rows = [
            ended(site.id, poste, at(day, clock), minutes, person, "duree_ecoulee")
            for day, clock, minutes, person in spans
        ]
        tx.execute(insert(tables.session), rows)
    return house


@pytest.fixture
def week(lived: House, open_page: OpenPage) -> Page:
    """The statistics of that week."""
    page = open_page(f"/statistiques?periode=semaine&le={monday()}")
    page.locator(".key-figures").wait_for()
    return page


def test_a_week_says_what_its_sessions_were(week: Page) -> None:
    figures = week.locator(".key-figures")
    expect(figures.locator("div", has_text="Sessions commencées").locator("strong")).to_have_text("3")
    expect(figures.locator("div", has_text="Temps utilisé").locator("strong")).to_have_text("3 h")
    expect(figures.locator("div", has_text="Durée moyenne").locator("strong")).to_have_text("1 h")
    expect(figures.locator("div", has_text="Attente moyenne").locator("strong")).to_have_text("2 min")
    expect(figures.locator("div", has_text="Personnes venues").locator("strong")).to_have_text("1")
    expect(figures.locator("div", has_text="Sessions commencées").first).to_contain_text("avant : 0")
    endings = week.get_by_role("table", name="Comment les sessions se terminent")
    expect(endings.get_by_role("row", name="Temps écoulé")).to_contain_text("3")
    expect(week.get_by_role("table", name="Par catégorie")).to_contain_text("<b>enfant</b>")
    expect(week.get_by_role("table", name="Par poste").get_by_role("row", name="Poste 1")).to_contain_text(
        "3"
    )


def test_the_heat_map_has_a_number_and_a_shade_for_each_hour(week: Page) -> None:
    table = week.get_by_role("table", name="Occupation par heure et jour de la semaine")
    nine = table.get_by_role("row", name="9 h – 10 h").get_by_role("cell")
    ten = table.get_by_role("row", name="10 h – 11 h").get_by_role("cell")
    # Half an hour, then two hours, of six that the six postes were open.
    expect(nine.first).to_have_text("8")
    expect(ten.first).to_have_text("33")
    shades = [
        cell.evaluate("one => getComputedStyle(one).backgroundColor") for cell in (nine.first, ten.first)
    ]
    assert shades[0] != shades[1]
    week.get_by_role("button", name="Sessions", exact=True).click()
    expect(nine.first).to_have_text("1")
    expect(table.get_by_role("row", name="14 h – 15 h").get_by_role("cell").nth(1)).to_have_text("1")


def test_each_chart_has_its_figures_and_is_taken_away(week: Page, tmp_path: Path) -> None:
    chart = week.locator("section", has=week.get_by_role("heading", name="Sessions par jour"))
    expect(chart.get_by_role("img", name="Graphique : Sessions par jour")).to_be_visible()
    chart.get_by_text("Les chiffres", exact=True).click()
    rows = chart.get_by_role("row")
    expect(rows).to_have_count(8)
    expect(rows.nth(1)).to_contain_text("2")
    with week.expect_download() as taken:
        chart.get_by_role("button", name="PNG").click()
    picture = tmp_path / "chart.png"
    taken.value.save_as(picture)
    assert picture.read_bytes().startswith(b"\x89PNG")
    with week.expect_download() as taken:
        chart.get_by_role("button", name="CSV").click()
    taken.value.save_as(tmp_path / "chart.csv")
    lines = list(csv.reader(io.StringIO((tmp_path / "chart.csv").read_text("utf-8-sig")), delimiter=";"))
    assert [line[1] for line in lines[1:]] == ["2", "1", "0", "0", "0", "0", "0"]
    with week.expect_download() as taken:
        week.get_by_role("button", name="Sessions en XLSX").click()
    assert taken.value.suggested_filename == "sessions.xlsx"


def test_periods_are_gone_through_and_chosen(week: Page) -> None:
    week.get_by_role("button", name="Semaine d’avant").click()
    expect(week.get_by_text("Aucune session n’a commencé")).to_be_visible()
    week.get_by_role("button", name="Suivant").click()
    began = week.locator(".key-figures div", has_text="Sessions commencées").locator("strong").first
    expect(began).to_have_text("3")
    week.get_by_label("Période").first.select_option("libre")
    week.get_by_label("Du", exact=True).fill(str(monday() + timedelta(days=1)))
    week.get_by_label("Du", exact=True).blur()
    expect(began).to_have_text("1")
    assert "periode=libre" in week.url  # so that it can be kept and sent
    week.get_by_label("Comparer à la période d’avant").uncheck()
    expect(week.get_by_text("avant :")).to_have_count(0)


def test_the_report_of_a_year_is_made_for_paper(lived: House, open_page: OpenPage) -> None:
    page = open_page("/statistiques")
    page.get_by_role("link", name="Rapport annuel").click()
    year = str(datetime.now(REUNION).year)
    expect(page.get_by_role("heading", level=1, name=f"Rapport annuel {year}")).to_be_visible()
    page.get_by_label("Année").select_option(str(monday().year))
    months = page.get_by_role("table", name="Sessions par mois")
    expect(months).to_contain_text("3")
    expect(page.get_by_text("Comment ces chiffres sont comptés")).to_be_visible()
    page.emulate_media(media="print")
    expect(page.get_by_role("button", name="Imprimer")).to_be_hidden()
    expect(months).to_be_visible()
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_a_reader_sees_figures_and_takes_no_list_away(lived: House, open_page: OpenPage) -> None:
    reader = {
        "login": "lectrice",
        "mot_de_passe": "correct horse battery",
        "role": "lecteur",
        "sites": ["demo"],
    }
    with lived.client() as client:
        client.post("/operateurs/", json=reader).raise_for_status()
    page = open_page("/statistiques", login=reader["login"], password=reader["mot_de_passe"])
    expect(page.locator(".key-figures")).to_be_visible()
    expect(page.get_by_role("button", name="Sessions en CSV")).to_have_count(0)
