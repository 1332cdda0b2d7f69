"""The plan of the room: looked at live, and laid out by pointer and by keyboard."""

import io
from typing import Any

from PIL import Image
from playwright.sync_api import FilePayload, Locator, Page, expect

from tests.page.axe import check_axe
from tests.page.conftest import OpenPage
from tests.page.house import House
from tests.page.people import operateur


def marker(page: Page, slug: str) -> Locator:
    return page.locator(f".marker[data-poste={slug}]")


def place(house: House, slug: str) -> tuple[float | None, float | None]:
    with house.client() as client:
        found = client.get(f"/postes/{slug}/").json()
    return found["plan_x"], found["plan_y"]


def centre(one: Locator) -> tuple[float, float]:
    box: Any = one.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def picture() -> FilePayload:
    file = io.BytesIO()
    Image.new("RGB", (320, 200), "#dddddd").save(file, "PNG")
    return FilePayload(name="plan.png", mimeType="image/png", buffer=file.getvalue())


def test_the_plan_shows_how_each_poste_is_and_opens_it(house: House, open_page: OpenPage) -> None:
    page = open_page("/plan")
    expect(page.locator(".marker")).to_have_count(6)
    expect(marker(page, "demo-01")).to_have_attribute("data-state", "disponible")
    with house.client() as client:
        client.post("/postes/demo-01/marquer_maintenance/").raise_for_status()
    expect(marker(page, "demo-01")).to_contain_text("Maintenance")
    marker(page, "demo-01").click()
    page.get_by_role("dialog").get_by_role("button", name="Remettre en service").click()
    expect(marker(page, "demo-01")).to_have_attribute("data-state", "disponible")
    page.keyboard.press("Escape")
    check_axe(page)


def test_a_poste_is_moved_by_arrows_and_every_browser_sees_it(house: House, open_page: OpenPage) -> None:
    page, other = open_page("/plan"), open_page("/plan")
    before = centre(marker(other, "demo-06"))
    page.get_by_role("button", name="Modifier le plan").click()
    x, y = place(house, "demo-06")
    assert x is not None
    assert y is not None
    marker(page, "demo-06").focus()
    for key in ("Shift+ArrowRight", "ArrowRight", "Shift+ArrowDown"):
        page.keyboard.press(key)
    expect(marker(page, "demo-06")).to_be_focused()
    check_axe(page)
    page.get_by_role("button", name="Enregistrer le plan").click()
    expect(page.get_by_text("Le plan est enregistré")).to_be_visible()
    assert place(house, "demo-06") == (x + 1.25, y + 1)
    other.wait_for_function(
        "([slug, x]) => document.querySelector(`.marker[data-poste=${slug}]`).getBoundingClientRect().x > x",
        arg=["demo-06", before[0]],
    )


def test_a_poste_is_dragged_or_picked_and_put(house: House, open_page: OpenPage) -> None:
    page = open_page("/plan")
    page.get_by_role("button", name="Modifier le plan").click()
    x, y = place(house, "demo-02")
    assert x is not None
    assert y is not None
    box: Any = marker(page, "demo-02").bounding_box()
    (from_x, from_y), wide = centre(marker(page, "demo-02")), box["width"] / 0.94
    page.mouse.move(from_x, from_y)
    page.mouse.down()
    page.mouse.move(from_x + wide / 4, from_y + 10, steps=4)
    page.mouse.move(from_x + wide / 2, from_y, steps=4)
    page.mouse.up()
    marker(page, "demo-03").click()
    expect(marker(page, "demo-03")).to_have_attribute("aria-pressed", "true")
    sheet: Any = page.get_by_role("group", name="Les postes sur le plan").bounding_box()
    page.mouse.click(sheet["x"] + 2.75 * wide, sheet["y"] + 1.5 * wide * 3 / 4)
    page.get_by_role("button", name="Enregistrer le plan").click()
    expect(page.get_by_text("Le plan est enregistré")).to_be_visible()
    assert place(house, "demo-02") == (x + 0.5, y)
    assert place(house, "demo-03") == (2.25, 1)


def test_a_poste_leaves_the_plan_and_comes_back(house: House, open_page: OpenPage) -> None:
    page = open_page("/plan")
    page.get_by_role("button", name="Modifier le plan").click()
    marker(page, "demo-05").focus()
    page.keyboard.press("Delete")
    tray = page.get_by_role("region", name="Pas encore sur le plan")
    expect(tray).to_contain_text("Poste 5")
    page.get_by_role("button", name="Enregistrer le plan").click()
    expect(page.get_by_text("Le plan est enregistré")).to_be_visible()
    assert place(house, "demo-05") == (None, None)
    page.get_by_role("button", name="Modifier le plan").click()
    tray.get_by_role("button", name="Poste 5").click()
    expect(marker(page, "demo-05")).to_be_focused()
    page.get_by_role("button", name="Enregistrer le plan").click()
    expect(page.get_by_text("Le plan est enregistré").last).to_be_visible()
    assert None not in place(house, "demo-05")


def test_the_plan_has_a_picture_that_is_put_and_taken_away(house: House, open_page: OpenPage) -> None:
    page, other = open_page("/plan"), open_page("/plan")
    page.get_by_role("button", name="Modifier le plan").click()
    field = page.get_by_label("Image du plan")
    field.set_input_files(FilePayload(name="plan.png", mimeType="image/png", buffer=b"nothing"))
    expect(field).to_have_attribute("aria-invalid", "true")
    field.set_input_files(picture())
    for one in (page, other):
        expect(one.locator(".map img")).to_have_js_property("naturalWidth", 320)
    check_axe(other)
    page.get_by_role("button", name="Retirer l’image").click()
    page.get_by_role("dialog").get_by_role("button", name="Retirer l’image").click()
    for one in (page, other):
        expect(one.locator(".map img")).to_have_count(0)


def test_what_was_not_saved_is_not_lost_without_a_word(house: House, open_page: OpenPage) -> None:
    page = open_page("/plan")
    page.get_by_role("button", name="Modifier le plan").click()
    before = place(house, "demo-04")
    marker(page, "demo-04").focus()
    page.keyboard.press("Shift+ArrowDown")
    page.get_by_role("link", name="Journal").click()
    dialog = page.get_by_role("dialog", name="Le plan a changé")
    dialog.get_by_role("button", name="Annuler").click()
    expect(page.get_by_role("heading", name="Plan de la salle")).to_be_visible()
    page.get_by_role("link", name="Journal").click()
    dialog.get_by_role("button", name="Abandonner").click()
    expect(page.get_by_role("heading", name="Journal")).to_be_visible()
    assert place(house, "demo-04") == before


def test_only_an_administrateur_lays_it_out(house: House, open_page: OpenPage) -> None:
    page = open_page("/plan", **operateur(house, "desk", "operateur"))
    expect(page.locator(".marker").first).to_be_visible()
    expect(page.get_by_role("button", name="Modifier le plan")).to_have_count(0)
