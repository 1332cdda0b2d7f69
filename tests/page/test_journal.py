"""The journal: looked through, told of what is new, verified, taken away."""

import pytest
from playwright.sync_api import expect
from sqlalchemy import update

from fleet.database.audit import Entry
from fleet.database.tables import log, site
from tests.page.axe import check_axe
from tests.page.conftest import OpenPage
from tests.page.house import House
from tests.page.people import operateur
from tests.support.tampering import unguarded

NAME = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module", autouse=True)
def lines(house: House) -> None:
    """More lines than a page shows, some of them said by somebody who means ill."""
    with house.fleet.database.transaction() as tx:
        number = tx.execute(site.select()).one().id
        for n in range(60):
            tx.record(Entry("erreur", number, details=f"n° {n} {NAME}"))


def test_lines_are_told_by_kind_with_links_to_what_they_name(house: House, open_page: OpenPage) -> None:
    page = open_page("/journal?poste=demo-02")
    line = page.locator("tr[data-action=creation_poste]")
    expect(line).to_contain_text("Poste créé")
    expect(line).to_have_attribute("data-kind", "poste")
    line.get_by_role("link", name="Poste 2").click()
    expect(page.get_by_role("heading", name="Poste 2", level=1)).to_be_visible()
    page.get_by_role("link", name="Voir dans le journal").click()
    expect(page.locator("tr[data-action=creation_poste]")).to_have_count(1)
    page.get_by_role("button", name="Tout montrer").click()
    expect(page.locator("tr[data-action]")).to_have_count(50)
    expect(page.locator("tr[data-action=erreur]").first).to_contain_text(NAME)
    check_axe(page)


def test_kinds_actions_words_days_and_people_narrow_it(house: House, open_page: OpenPage) -> None:
    page = open_page("/journal")
    page.get_by_label("Quoi").select_option("Tout\u202f: Postes")
    expect(page.locator("tr[data-kind=refus]")).to_have_count(0)
    expect(page.locator("tr[data-kind=poste]").first).to_be_visible()
    page.get_by_label("Quoi").select_option("Poste créé")
    expect(page.locator("tr[data-action]")).to_have_count(6)
    page.reload()
    expect(page.get_by_label("Quoi")).to_have_value("a:creation_poste")
    expect(page.locator("tr[data-action]")).to_have_count(6)
    page.get_by_label("Quoi").select_option("")
    page.get_by_label("Mots").fill("n° 17")
    expect(page.locator("tr[data-action]")).to_have_count(1)
    page.get_by_label("Mots").fill("")
    page.get_by_label("Opérateur").fill(house.login)
    page.keyboard.press("Enter")
    expect(page.locator("tr[data-action]").first).to_contain_text(house.login)
    expect(page.locator("tr[data-action=erreur]")).to_have_count(0)
    page.get_by_label("Du", exact=True).fill("2001-01-01")
    page.get_by_label("Au", exact=True).fill("2001-01-02")
    expect(page.get_by_text("Aucune ligne ne correspond.")).to_be_visible()


def test_older_lines_come_by_a_cursor_that_new_ones_do_not_move(open_page: OpenPage) -> None:
    page = open_page("/journal")
    expect(page.locator("tr[data-action]")).to_have_count(50)
    last = page.locator("tr[data-action] summary").last.inner_text()
    page.get_by_role("button", name="Plus anciennes").click()
    expect(page.get_by_text("C’est la première ligne.")).to_be_visible()
    assert last not in page.locator("tr[data-action] summary").all_inner_texts()
    page.get_by_role("button", name="Les plus récentes").click()
    expect(page.locator("tr[data-action]")).to_have_count(50)


def test_new_lines_are_announced_and_shown_when_one_wants_them(house: House, open_page: OpenPage) -> None:
    page = open_page("/journal?genre=poste")
    expect(page.locator("tr[data-action=creation_poste]").first).to_be_visible()
    with house.client() as client:
        client.post("/postes/demo-03/marquer_maintenance/").raise_for_status()
        client.post("/postes/demo-03/marquer_disponible/").raise_for_status()
    expect(page.get_by_test_id("news")).to_have_text("2 nouvelles lignes")
    expect(page.locator("tr[data-action=changement_statut_poste]")).to_have_count(0)
    page.get_by_test_id("news").click()
    expect(page.locator("tr[data-action=changement_statut_poste]")).to_have_count(2)
    expect(page.get_by_test_id("news")).to_have_count(0)
    for said in ("avant\u202f: en maintenance", "après\u202f: en service"):
        expect(page.locator("tr[data-action]").first).to_contain_text(said)


def test_the_lines_are_taken_away_and_that_has_its_line(open_page: OpenPage) -> None:
    page = open_page("/journal")
    page.locator("summary").filter(has_text="Exporter").click()
    with page.expect_download() as taken:
        page.get_by_role("button", name="Exporter en XLSX").click()
    assert taken.value.suggested_filename == "logs.xlsx"
    with page.expect_download() as taken:
        page.get_by_role("button", name="Exporter en CSV").click()
    assert taken.value.suggested_filename == "logs.csv"
    assert "Poste créé" in taken.value.path().read_text("utf-8")
    page.reload()
    expect(page.locator("tr[data-action=export]")).to_have_count(2)
    page.get_by_label("Quoi").select_option("Poste créé")
    expect(page.locator("tr[data-action]")).to_have_count(6)
    page.locator("summary").filter(has_text="Exporter").click()
    with page.expect_download() as taken:
        page.get_by_role("button", name="Exporter en CSV").click()
    assert len(taken.value.path().read_text("utf-8").splitlines()) == 1 + 6


def test_who_may_not_verify_or_export_sees_no_button_for_it(house: House, open_page: OpenPage) -> None:
    page = open_page("/journal", **operateur(house, "lecteur", "lecteur"))
    expect(page.locator("tr[data-action]").first).to_be_visible()
    expect(page.get_by_role("button", name="Vérifier la chaîne")).to_have_count(0)
    expect(page.get_by_text("Exporter")).to_have_count(0)
    page = open_page("/journal", **operateur(house, "desk", "operateur"))
    expect(page.get_by_text("Exporter", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Vérifier la chaîne")).to_have_count(0)


def test_the_chain_holds_until_somebody_changes_a_line(house: House, open_page: OpenPage) -> None:
    page = open_page("/journal")
    page.get_by_role("button", name="Vérifier la chaîne").click()
    expect(page.get_by_role("dialog")).to_contain_text("La chaîne tient")
    check_axe(page)
    page.keyboard.press("Escape")
    with house.fleet.database.transaction() as tx, unguarded(tx):
        tx.execute(update(log).where(log.c.details.like("n° 7 %")).values(details="rien"))
    page.get_by_role("button", name="Vérifier la chaîne").click()
    expect(page.get_by_role("dialog")).to_contain_text("La chaîne ne tient pas")
    expect(page.get_by_role("dialog").locator("li")).to_contain_text("la ligne a été changée")
