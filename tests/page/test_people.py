"""The pages about people: found, written, agreed, photographed, and forgotten."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.page.axe import check_axe
from tests.page.browsers import chromium
from tests.page.conftest import OpenPage
from tests.page.house import House
from tests.support.waiting import wait_until

_ASKED = {
    "email": "prévenir d’une fermeture",
    "date_naissance": "les règles des mineurs",
    "piece_identite_type": "le règlement",
    "photo": "reconnaître qui revient",
}


@pytest.fixture(scope="module", autouse=True)
def site(house: House) -> str:
    """A site that asks for all but the telephone, and lets a child have an hour a day."""
    with house.client() as client:
        slug = client.get("/sites/").json()["resultats"][0]["slug"]
        rules = {"minutes_per_day_by_category": {"enfant": 60}}
        edit = {"champs": _ASKED, "notice": "Nous gardons votre nom.", "politique": rules}
        client.put(f"/sites/{slug}/", json=edit).raise_for_status()
        return str(slug)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium whose camera shows a picture of its own."""
    with chromium("--use-fake-device-for-media-stream", whole=True) as browser:
        yield browser


def known(house: House, nom: str, prenom: str = "Jo", **more: Any) -> int:
    """Somebody who agreed."""
    with house.client() as client:
        answer = client.post(
            "/utilisateurs/", json={"nom": nom, "prenom": prenom, "consentement_rgpd": True} | more
        )
        assert answer.status_code == 201, answer.text
        return int(answer.json()["id"])


def field(page: Page, label: str) -> Locator:
    return page.get_by_label(label, exact=True)


def told(page: Page, text: str) -> Locator:
    return page.get_by_role("status").filter(has_text=text)


def photo() -> bytes:
    """A red picture with a blue square in its middle."""
    image = Image.new("RGB", (900, 600), "#ff0000")
    image.paste("#0000ff", (400, 250, 500, 350))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def test_people_are_found_as_one_types_without_accents_filtered_and_sorted(
    house: House, open_page: OpenPage
) -> None:
    known(house, "Técher", "Zoé", categorie="enfant")
    known(house, "Abel", "Zoe", categorie="adulte")
    page = open_page("/utilisateurs")
    page.get_by_label("Rechercher une personne").press_sequentially("zoe")
    names = page.locator("tbody th")
    expect(names).to_have_text(["Abel Zoe", "Técher Zoé"])
    page.get_by_role("button", name="Nom").click()
    expect(names).to_have_text(["Técher Zoé", "Abel Zoe"])
    page.get_by_label("Catégorie").select_option("enfant")
    expect(names).to_have_text(["Técher Zoé"])
    check_axe(page)
    page.reload()
    expect(names).to_have_text(["Técher Zoé"])
    page.get_by_label("Rechercher une personne").press("Enter")
    expect(page.get_by_role("heading", name="Zoé Técher")).to_be_visible()
    page.goto(f"{house.url}/utilisateurs?consentement_rgpd=false&recherche=zoe")
    expect(page.get_by_text("Personne de ce nom.")).to_be_visible()


def test_people_are_taken_away_as_a_file(house: House, open_page: OpenPage) -> None:
    known(house, "Fichier")
    page = open_page("/utilisateurs")
    page.get_by_role("button", name="Exporter…").click()
    with page.expect_download() as given:
        page.get_by_role("button", name="Exporter en CSV").click()
    assert given.value.suggested_filename == "utilisateurs.csv"
    assert "Fichier" in Path(given.value.path()).read_text(encoding="utf-8-sig")
    page.get_by_role("button", name="Exporter…").click()
    with page.expect_download() as given:
        page.get_by_role("button", name="Exporter en XLSX").click()
    assert zipfile.is_zipfile(given.value.path())


def test_a_person_is_created_with_what_the_site_asks_and_nothing_else(
    house: House, open_page: OpenPage
) -> None:
    page = open_page("/utilisateurs/nouveau")
    expect(field(page, "Téléphone")).to_have_count(0)
    expect(page.get_by_text("Demandé parce que\u202f: prévenir d’une fermeture")).to_be_visible()
    field(page, "Adresse électronique").fill("marie@exemple")
    field(page, "Prénom").fill("Marie")
    expect(page.get_by_text("Une adresse s’écrit comme nom@exemple.re")).to_be_visible()
    page.get_by_role("button", name="Créer la fiche").click()
    expect(field(page, "Adresse électronique")).to_be_focused()
    field(page, "Adresse électronique").fill("marie@exemple.re")
    page.get_by_role("button", name="Créer la fiche").click()
    expect(page.get_by_text("Il faut un nom.")).to_be_visible()
    check_axe(page)
    field(page, "Nom").fill("<img src=x onerror=alert(1)>")
    field(page, "Date de naissance").fill("2001-02-03")
    field(page, "Pièce d’identité vue").select_option("Passeport")
    page.get_by_label("J’ai vu cette pièce").check()
    page.get_by_label("A lu la notice").check()
    page.get_by_role("button", name="Créer la fiche").click()
    expect(page.get_by_role("heading", name="Marie <img src=x onerror=alert(1)>")).to_be_visible()
    expect(page.get_by_text("vue par vous")).to_be_visible()
    expect(page.get_by_text("Donné le")).to_be_visible()
    page.get_by_text("Lire la notice, version").click()
    expect(page.get_by_text("Nous gardons votre nom.")).to_be_visible()
    check_axe(page)


def test_two_who_change_a_record_lose_nothing_and_are_told(house: House, open_page: OpenPage) -> None:
    person = known(house, "Deux", "Anne", categorie="adulte")
    first, second = open_page(f"/utilisateurs/{person}"), open_page(f"/utilisateurs/{person}")
    field(second, "Prénom").fill("Annie")
    field(second, "Notes").fill("Vient le mardi.")
    field(first, "Prénom").fill("Anna")
    field(first, "Catégorie").fill("senior")
    held: list[Route] = []  # what the second page reads again meanwhile: it saves without knowing
    saved: list[bool] = []

    def hold(one: Route) -> None:
        one.continue_() if saved or one.request.method == "PUT" else held.append(one)

    second.route(f"**/api/utilisateurs/{person}*", hold)
    first.get_by_role("button", name="Enregistrer").click()
    expect(told(first, "C’est enregistré")).to_be_visible()
    second.get_by_role("button", name="Enregistrer").click()
    while not held:
        second.wait_for_timeout(20)
    saved.append(True)
    for one in held:
        one.continue_()
    expect(
        second.get_by_role("alert").filter(has_text="Quelqu’un d’autre vient de modifier cette fiche")
    ).to_be_visible()
    expect(second.get_by_text("Quelqu’un d’autre a écrit\u202f: Anna")).to_be_visible()
    expect(field(second, "Prénom")).to_have_value("Annie")
    expect(field(second, "Catégorie")).to_have_value("senior")
    second.get_by_role("button", name="Enregistrer").click()
    expect(second.get_by_role("heading", name="Annie Deux")).to_be_visible()
    with house.client() as client:
        kept = client.get(f"/utilisateurs/{person}/").json()
    assert (kept["prenom"], kept["categorie"], kept["notes"]) == ("Annie", "senior", "Vient le mardi.")


def test_a_session_for_this_person_and_what_is_left_to_them(house: House, open_page: OpenPage) -> None:
    person = known(house, "Reste", "Noé", categorie="enfant", date_naissance="2015-01-01")
    page = open_page(f"/utilisateurs/{person}")
    expect(page.get_by_text("Peut commencer une session")).to_be_visible()
    expect(page.get_by_text("Encore 3 sessions possibles aujourd’hui")).to_be_visible()
    expect(page.get_by_text("Encore 1 h aujourd’hui")).to_be_visible()
    for left in ("Encore 2 sessions possibles", "Encore 1 session possible", "Plus aucune session possible"):
        page.get_by_label("Sessions", exact=True).get_by_role("button", name="Nouvelle session").click()
        expect(page.get_by_role("dialog").get_by_text("Noé Reste")).to_be_visible()
        page.keyboard.press("1")
        page.keyboard.press("Enter")
        expect(page.get_by_test_id("code")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_text(left)).to_be_visible()
    expect(page.get_by_text("Le nombre de sessions par jour est atteint (3).")).to_be_visible()
    expect(page.get_by_label("Ses sessions").locator("tbody tr")).to_have_count(3)
    check_axe(page)


def test_consent_is_taken_back_and_given_again(house: House, open_page: OpenPage) -> None:
    person = known(house, "Accord", email="a@exemple.re")
    page = open_page(f"/utilisateurs/{person}")
    page.get_by_role("button", name="Retirer le consentement").click()
    page.get_by_role("button", name="Non, rien").click()
    page.get_by_role("button", name="Retirer le consentement").click()
    page.get_by_role("button", name="Retirer le consentement").click()
    expect(page.get_by_text("Pas de consentement")).to_be_visible()
    expect(field(page, "Adresse électronique")).to_have_value("")
    expect(page.get_by_text("Ne peut pas commencer")).to_be_visible()
    page.get_by_label("A lu la notice").check()
    page.get_by_role("button", name="Noter son accord").click()
    expect(page.get_by_text("Peut commencer une session")).to_be_visible()


def test_a_new_notice_is_agreed_to_without_losing_what_rested_on_the_old_one(
    house: House, site: str, open_page: OpenPage
) -> None:
    person = known(house, "Notice", email="n@exemple.re")
    with house.client() as client:
        client.put(f"/sites/{site}/", json={"notice": "Nous gardons votre nom un an."}).raise_for_status()
    page = open_page(f"/utilisateurs/{person}")
    expect(page.get_by_text("La notice a changé depuis")).to_be_visible()
    page.get_by_text("Lire la notice, version").first.click()
    expect(page.get_by_text("Nous gardons votre nom.", exact=True)).to_be_visible()
    check_axe(page)
    page.get_by_label("A lu la notice").check()
    page.get_by_role("button", name="Noter son accord").click()
    expect(page.get_by_text("La notice a changé depuis")).to_be_hidden()
    expect(field(page, "Adresse électronique")).to_have_value("n@exemple.re")


def test_what_a_site_has_no_reason_to_know_any_more_is_shown_and_erased(
    house: House, site: str, open_page: OpenPage
) -> None:
    person = known(house, "Raison", email="r@exemple.re")
    with house.client() as client:
        less = {name: why for name, why in _ASKED.items() if name != "email"}
        client.put(f"/sites/{site}/", json={"champs": less}).raise_for_status()
        try:
            page = open_page(f"/utilisateurs/{person}")
            expect(field(page, "Adresse électronique")).to_have_count(0)
            page.get_by_role("button", name="Les effacer").click()
            expect(page.get_by_text("n’a plus de raison de connaître")).to_be_hidden()
            assert client.get(f"/utilisateurs/{person}/").json()["email"] is None
        finally:
            client.put(f"/sites/{site}/", json={"champs": _ASKED}).raise_for_status()


def middle(house: House, person: int) -> tuple[tuple[int, int], tuple[int, int, int]]:
    """The size of the photo that is kept, and the colour in its middle."""
    with house.client() as client:
        answer = client.get(f"/utilisateurs/{person}/photo/")
        assert answer.status_code == 200, answer.text
    image = Image.open(io.BytesIO(answer.content)).convert("RGB")
    colour = image.getpixel((image.width // 2, image.height // 2))
    assert isinstance(colour, tuple)
    return image.size, (colour[0], colour[1], colour[2])


def test_a_photo_from_a_file_is_cut_enlarged_and_kept(house: House, open_page: OpenPage) -> None:
    person = known(house, "Fichier", "Photo")
    page = open_page(f"/utilisateurs/{person}")
    page.get_by_role("button", name="Ajouter une photo").click()
    page.get_by_label("Choisir un fichier…").set_input_files(
        {"name": "x.png", "mimeType": "image/png", "buffer": b"no"}
    )
    expect(page.get_by_text("Ce fichier n’est pas une image que l’on sait lire.")).to_be_visible()
    page.get_by_label("Choisir un fichier…").set_input_files(
        {"name": "x.png", "mimeType": "image/png", "buffer": photo()}
    )
    page.get_by_label("Agrandir").fill("4")
    check_axe(page)
    page.get_by_role("button", name="Garder cette photo").click()
    expect(page.get_by_role("img", name="Photo de Photo Fichier")).to_be_visible()
    size, colour = middle(house, person)
    assert size == (150, 150)
    assert colour[2] > 200 > 60 > colour[0], colour
    page.get_by_role("button", name="Retirer la photo").click()
    page.get_by_role("button", name="Retirer la photo").click()
    expect(page.get_by_role("button", name="Ajouter une photo")).to_be_visible()


def test_a_photo_is_taken_with_the_camera(house: House, open_page: OpenPage) -> None:
    person = known(house, "Camera", "Photo")
    page = open_page(f"/utilisateurs/{person}", permissions=["camera"])
    page.get_by_role("button", name="Ajouter une photo").click()
    page.get_by_role("button", name="Prendre avec la caméra").click()
    wait_until(
        lambda: page.evaluate("document.querySelector('video')?.videoWidth") or False,
        what="the camera's picture",
    )
    page.get_by_role("button", name="Prendre la photo").click()
    page.get_by_role("button", name="Garder cette photo").click()
    expect(page.get_by_role("img", name="Photo de Photo Camera")).to_be_visible()
    assert middle(house, person)[0] == (640, 640)


def test_where_the_camera_is_refused_or_there_is_no_tls_it_is_said(house: House, open_page: OpenPage) -> None:
    person = known(house, "Sans", "Camera")
    page = open_page(f"/utilisateurs/{person}", permissions=[])
    page.get_by_role("button", name="Ajouter une photo").click()
    page.get_by_role("button", name="Prendre avec la caméra").click()
    expect(page.get_by_text("Le navigateur refuse la caméra à cette page.")).to_be_visible()
    # What a browser says where the page came without TLS from another machine.
    page.add_init_script(
        "Object.defineProperty(window, 'isSecureContext', {value: false});"
        "Object.defineProperty(navigator, 'mediaDevices', {value: undefined})"
    )
    page.reload()
    page.get_by_role("button", name="Ajouter une photo").click()
    expect(page.get_by_text("la page n’est pas venue par une connexion chiffrée")).to_be_visible()
    expect(page.get_by_role("button", name="Prendre avec la caméra")).to_have_count(0)


def test_all_that_is_known_is_handed_out_and_the_person_forgotten(house: House, open_page: OpenPage) -> None:
    person = known(house, "Oubli", "Éva", notes="Aime les plantes.")
    page = open_page(f"/utilisateurs/{person}")
    with page.expect_download() as given:
        page.get_by_role("button", name="Télécharger ses données").click()
    with zipfile.ZipFile(given.value.path()) as archive:
        assert "Aime les plantes." in archive.read("donnees.json").decode()
    page.get_by_role("button", name="Effacer cette personne").click()
    erase = page.get_by_role("button", name="Effacer cette personne")
    expect(erase).to_be_disabled()
    page.get_by_label("Pour confirmer, tapez son nom").fill("oubli")
    check_axe(page)
    erase.click()
    expect(told(page, "C’est effacé. Certificat n°")).to_be_visible()
    expect(page.get_by_role("heading", name="Utilisateurs")).to_be_visible()
    page.goto(f"{house.url}/utilisateurs/{person}")
    expect(page.get_by_role("heading", name="Cette fiche n’existe pas")).to_be_visible()


def test_who_may_only_read_sees_no_button_that_changes(house: House, site: str, open_page: OpenPage) -> None:
    person = known(house, "Lecture")
    with house.client() as client:
        reader = {
            "login": "lecteur",
            "mot_de_passe": "mot-de-passe-lecteur",
            "role": "lecteur",
            "sites": [site],
        }
        client.post("/operateurs/", json=reader).raise_for_status()
    page = open_page(f"/utilisateurs/{person}", login="lecteur", password="mot-de-passe-lecteur")
    expect(page.get_by_text("Donné le")).to_be_visible()
    expect(field(page, "Nom")).to_be_disabled()
    for name in (
        "Enregistrer",
        "Nouvelle session",
        "Retirer le consentement",
        "Télécharger ses données",
        "Ajouter une photo",
    ):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    page.goto(f"{house.url}/utilisateurs")
    expect(page.get_by_role("link", name="Lecture Jo")).to_be_visible()
    expect(page.get_by_role("link", name="Nouvelle personne")).to_have_count(0)
