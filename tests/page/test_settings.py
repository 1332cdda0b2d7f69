"""The settings and one's own account: each act once, with what it changed seen here, elsewhere or by the API."""

import base64
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from playwright.sync_api import Locator, Page, expect

from fleet.database import alerts
from fleet.usecases.second_factor import DIGITS, STEP_S
from tests.page.conftest import OpenPage
from tests.page.house import House

PASSWORD = "correct horse battery"
ROLES = {"lectrice": "lecteur", "accueil": "operateur", "directrice": "administrateur", "moi": "operateur"}


@pytest.fixture(scope="module")
def staffed(house: House) -> House:
    """A reader, an operator and a second administrator beside the first."""
    with house.client() as client:
        for login, role in ROLES.items():
            new = {"login": login, "mot_de_passe": PASSWORD, "role": role, "sites": ["demo"]}
            client.post("/operateurs/", json=new).raise_for_status()
    return house


def told(page: Page, text: str) -> None:
    """The page says so in its corner."""
    expect(page.get_by_role("status").filter(has_text=text).first).to_be_visible()


def site(house: House) -> dict[str, object]:
    with house.client() as client:
        return dict(client.get("/sites/demo/").json())


def weekday(page: Page, name: str) -> Locator:
    return page.get_by_role("group", name=name, exact=True)


def test_hours_and_days_unlike_the_others_are_set_in_a_calendar(staffed: House, open_page: OpenPage) -> None:
    page = open_page("/reglages/sites")
    page.get_by_role("link", name="Médiathèque de démonstration").click()
    page.get_by_role("link", name="Horaires").click()
    page.get_by_label("Ce site a des horaires").check()
    page.get_by_role("button", name="lundi : ajouter des heures").click()
    weekday(page, "lundi").get_by_label("lundi : ouverture").fill("08:30")
    weekday(page, "lundi").get_by_label("lundi : fermeture").fill("00:00")  # midnight at its end
    page.get_by_role("button", name="Copier lundi jusqu’à vendredi").click()
    page.get_by_role("button", name="Mois d’après").click()
    day = page.get_by_role("table").get_by_role("button", name=re.compile(r"^15 "))
    date = datetime.now(UTC) + timedelta(days=32)
    day.click()
    until = page.get_by_role("dialog").get_by_label("Au", exact=True)
    until.fill(until.input_value()[:8] + "16")
    page.get_by_role("dialog").get_by_role("button", name="Confirmer").click()
    expect(page.get_by_role("listitem").filter(has_text="Fermé")).to_have_count(1)
    expect(day).to_contain_text("fermé")
    page.get_by_role("button", name="Enregistrer").click()
    told(page, "C’est enregistré")
    kept = site(staffed)
    hours, exceptions = kept["horaires"], kept["exceptions"]
    assert isinstance(hours, dict)
    assert isinstance(exceptions, dict)
    assert hours == {str(n): [["08:30", "24:00"]] if n < 5 else [] for n in range(7)}
    assert sorted(day[8:] for day in exceptions) == ["15", "16"]
    assert all(day > f"{date:%Y-%m}" or day >= f"{datetime.now(UTC):%Y-%m-%d}" for day in exceptions)
    page.get_by_role("button", name="Supprimer").click()
    page.get_by_label("Ce site a des horaires").uncheck()
    page.get_by_role("button", name="Enregistrer").click()
    expect(page.get_by_role("button", name="Enregistrer")).to_be_disabled()
    assert site(staffed)["horaires"] == {}
    assert site(staffed)["exceptions"] == {}


def test_hours_that_cannot_be_are_refused_where_they_are_typed(staffed: House, open_page: OpenPage) -> None:
    page = open_page("/reglages/sites/demo/horaires")
    page.get_by_label("Ce site a des horaires").check()
    page.get_by_role("button", name="mardi : ajouter des heures").click()
    weekday(page, "mardi").get_by_label("mardi : fermeture").fill("07:00")
    weekday(page, "mardi").get_by_label("mardi : fermeture").blur()
    expect(weekday(page, "mardi").get_by_role("alert")).to_contain_text("après son ouverture")
    expect(page.get_by_role("button", name="Enregistrer")).to_be_disabled()


def test_every_rule_is_there_with_its_meaning_and_is_set_in_its_unit(
    staffed: House, open_page: OpenPage
) -> None:
    page = open_page("/reglages/sites/demo/regles")
    with staffed.client() as client:
        for rule in client.get("/politiques/").json()["resultats"]:
            expect(page.get_by_text(rule["sens"], exact=True)).to_be_visible()
    grace = page.locator(".rule", has_text="grace_s")
    grace.get_by_label("Unité").select_option(label="minutes")
    grace.get_by_role("spinbutton").fill("2")
    quota = page.locator(".rule", has_text="sessions_per_day")
    quota.get_by_label("Sans limite").check()
    page.get_by_role("button", name="Ajouter une catégorie").click()
    page.get_by_label("Catégorie").fill("<img src=x onerror=alert(1)>")
    page.get_by_label("Minutes par jour", exact=True).fill("45")
    page.get_by_role("button", name="Enregistrer").click()
    told(page, "C’est enregistré")
    policy = site(staffed)["politique"]
    assert isinstance(policy, dict)
    assert (policy["grace_s"], policy["sessions_per_day"]) == (120, None)
    assert policy["minutes_per_day_by_category"] == {"<img src=x onerror=alert(1)>": 45}
    page.reload()
    expect(page.locator(".rule", has_text="grace_s").get_by_role("spinbutton")).to_have_value("2")


def test_what_somebody_else_changed_meanwhile_is_not_written_over(
    staffed: House, open_page: OpenPage
) -> None:
    page = open_page("/reglages/sites/demo")
    name = page.get_by_label("Nom", exact=True)
    expect(name).to_have_value("Médiathèque de démonstration")
    with staffed.client() as client:
        client.put("/sites/demo/", json={"charte": "Soyez calmes."}).raise_for_status()
    name.fill("Autre nom")
    page.get_by_role("button", name="Enregistrer").click()
    told(page, "Quelqu’un d’autre vient de modifier cette fiche")
    assert site(staffed)["nom"] == "Médiathèque de démonstration"


def test_what_is_asked_of_people_is_justified_and_texts_have_versions(
    staffed: House, open_page: OpenPage
) -> None:
    page = open_page("/reglages/sites/demo/personnes")
    page.get_by_label("Téléphone", exact=True).check()
    page.get_by_label("Pourquoi : Téléphone").fill("prévenir quand un poste se libère")
    page.get_by_role("button", name="Enregistrer").click()
    told(page, "C’est enregistré")
    kept = site(staffed)["champs"]
    assert isinstance(kept, dict)
    assert kept["telephone"] == "prévenir quand un poste se libère"
    page.get_by_role("link", name="Notice et charte").click()
    before = site(staffed)["notice_version"]
    assert isinstance(before, int)
    page.get_by_label("Texte de la notice").fill("Nous gardons votre nom un an.")
    page.get_by_role("button", name="Publier").click()
    notice = page.get_by_role("region", name="Notice d’information")
    expect(notice.get_by_text(f"Version {before + 1}", exact=True)).to_be_visible()
    notice.get_by_text(f"{before + 1} versions").click()
    expect(notice.get_by_text(f"Version {before} ")).to_be_visible()


def test_a_site_is_made_and_is_chosen_everywhere(staffed: House, open_page: OpenPage) -> None:
    page = open_page("/reglages/sites")
    page.get_by_role("button", name="Nouveau site").click()
    page.get_by_label("Nom", exact=True).fill("Annexe de l’Étang")
    expect(page.get_by_label("Nom court")).to_have_value("annexe-de-l-etang")
    page.get_by_role("button", name="Créer").click()
    expect(page.get_by_role("heading", level=1, name="Annexe de l’Étang")).to_be_visible()
    expect(page.get_by_role("combobox", name="Site").get_by_role("option", name="Annexe")).to_have_count(1)


def test_accounts_are_made_changed_logged_out_and_kept_out(staffed: House, open_page: OpenPage) -> None:
    page = open_page("/reglages/operateurs")
    page.get_by_role("button", name="Nouvel opérateur").click()
    page.get_by_label("Identifiant").fill("nouvelle")
    page.get_by_label("Premier mot de passe").fill(PASSWORD)
    page.get_by_role("checkbox", name="Médiathèque").check()
    page.get_by_role("button", name="Créer").click()
    row = page.get_by_role("row", name="nouvelle")
    expect(row).to_contain_text("Opérateur")
    theirs = open_page("/", login="nouvelle", password=PASSWORD)
    row.get_by_role("button", name="Modifier nouvelle").click()
    page.get_by_label("Rôle").select_option("lecteur")
    page.get_by_role("button", name="Enregistrer").click()
    expect(row).to_contain_text("Lecteur")
    row.get_by_role("button", name="Modifier nouvelle").click()
    page.get_by_role("button", name="Déconnecter partout").click()
    page.get_by_role("button", name="Déconnecter partout").click()
    told(page, "nouvelle est déconnecté partout")
    theirs.reload()
    expect(theirs.get_by_label("Mot de passe")).to_be_visible()
    row.get_by_role("button", name="Modifier nouvelle").click()
    page.get_by_role("button", name="Désactiver le compte").click()
    page.get_by_role("button", name="Désactiver le compte").click()
    expect(row).to_contain_text("désactivé")


def test_a_password_that_is_too_short_is_not_sent(staffed: House, open_page: OpenPage) -> None:
    page = open_page("/reglages/operateurs")
    page.get_by_role("row", name="directrice").get_by_role("button").click()
    page.get_by_label("Nouveau mot de passe").fill("court")
    page.get_by_role("button", name="Enregistrer").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert page.get_by_label("Nouveau mot de passe").evaluate("one => !one.validity.valid")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_job_is_run_by_hand_and_its_report_is_opened(staffed: House, open_page: OpenPage) -> None:
    page = open_page("/reglages/taches")
    job = page.locator("[data-job=sessions_report]")
    job.get_by_role("button", name="Lancer maintenant").click()
    expect(job.get_by_text("Réussie")).to_be_visible(timeout=20_000)
    expect(job).to_contain_text("demandée par")
    page.get_by_role("link", name="Rapports").click()
    page.get_by_label("Genre").select_option("sessions")
    with page.expect_popup() as opened:
        page.get_by_role("button", name="Ouvrir la page").first.click()
    report = opened.value
    expect(report.get_by_role("heading", level=1)).to_contain_text("Rapport des sessions du")
    # Its own style holds: the rules of the page let it, and no other.
    assert report.locator("body").evaluate("one => getComputedStyle(one).maxWidth") == "1120px"


def test_what_is_kept_and_erased_is_shown_and_anchors_are_taken_away(
    staffed: House, open_page: OpenPage, tmp_path: Path
) -> None:
    page = open_page("/reglages/sauvegardes")
    backup = page.locator("[data-job=backup]")
    backup.get_by_role("button", name="Lancer maintenant").click()
    expect(backup.get_by_text("Réussie").or_(backup.get_by_text("Échec"))).to_be_visible(timeout=20_000)
    with page.expect_download() as taken:
        page.get_by_role("button", name="Garder les ancres").click()
    taken.value.save_as(tmp_path / "anchors.json")
    kept = json.loads((tmp_path / "anchors.json").read_text())
    with staffed.client() as client:
        person = {"nom": "Hoarau", "prenom": "Luc", "consentement_rgpd": True}
        number = client.post("/utilisateurs/", json=person).json()["id"]
        client.post(f"/utilisateurs/{number}/erase/").raise_for_status()
        chains = {one["chaine"] for one in client.get("/ancres/").json()["resultats"]}
    assert {one["chain"] for one in kept["anchors"]} <= chains
    assert all(len(one["hash"]) == 64 for one in kept["anchors"])
    page.reload()
    expect(page.get_by_role("table", name="Certificats de purge")).to_contain_text("Une personne")


def test_a_requisition_takes_two_people(staffed: House, open_page: OpenPage) -> None:
    page = open_page("/reglages/requisitions")
    page.get_by_role("button", name="Nouvelle demande").click()
    page.get_by_label("Référence").fill("PV n° 1234")
    page.get_by_role("dialog").get_by_label("Site").select_option("demo")
    page.get_by_role("button", name="Demander").click()
    asked = page.get_by_role("listitem").filter(has_text="PV n° 1234")
    expect(asked).to_contain_text("une autre personne doit l’approuver")
    expect(asked.get_by_role("button", name="Approuver")).to_have_count(0)
    other = open_page("/reglages/requisitions", login="directrice", password=PASSWORD)
    theirs = other.get_by_role("listitem").filter(has_text="PV n° 1234")
    theirs.get_by_role("button", name="Approuver").click()
    theirs.get_by_role("button", name="Approuver").click()
    expect(theirs).to_contain_text("Approuvée")
    page.reload()
    with page.expect_download() as taken:
        asked.get_by_role("button", name="Prendre le fichier").click()
    assert taken.value.suggested_filename.endswith(".zip")
    expect(asked).to_contain_text("fichier pris 1 fois")
    other.get_by_role("button", name="Nouvelle demande").click()
    other.get_by_label("Référence").fill("PV n° 5678")
    other.get_by_role("button", name="Demander").click()
    theirs = other.get_by_role("listitem").filter(has_text="PV n° 5678")
    theirs.get_by_role("button", name="Retirer la demande").click()
    theirs.get_by_role("button", name="Retirer la demande").click()
    expect(theirs).to_contain_text("Refusée")


def test_somebody_looks_after_an_alert(staffed: House, open_page: OpenPage) -> None:
    with staffed.fleet.database.transaction() as tx:
        alerts.begin(tx, alerts.DISK, "archives", details={"dossier": "archives", "libre": 3})
    page = open_page("/reglages/systeme")
    page.get_by_role("link", name="Disque plein").click()
    alert = page.get_by_role("listitem").filter(has_text="Il ne reste que 3")
    alert.get_by_role("button", name="Je m’en occupe").click()
    expect(alert).to_contain_text("s’en occupe depuis")
    page.get_by_label("Quelqu’un s’en occupe").select_option("false")
    expect(page.get_by_text("Aucune alerte de ce genre")).to_be_visible()
    with staffed.fleet.database.transaction() as tx:
        alerts.end(tx, alerts.DISK, "archives")
    page.get_by_label("Quelqu’un s’en occupe").select_option("")
    page.get_by_label("Lesquelles").select_option("false")
    expect(page.get_by_role("listitem").filter(has_text="finie")).to_be_visible()


def test_the_system_says_who_drives_what(staffed: House, open_page: OpenPage) -> None:
    page = open_page("/reglages/systeme", login="accueil", password=PASSWORD)
    expect(page.get_by_text("Relié aux postes")).to_be_visible()
    row = page.locator("[data-site=demo]")
    expect(row).to_contain_text("pilote")
    expect(row).to_contain_text("6 / 6")
    expect(page.get_by_text("à jour", exact=False).first).to_be_visible()


def test_each_role_sees_its_parts_only(staffed: House, open_page: OpenPage) -> None:
    reader = open_page("/reglages/sites", login="lectrice", password=PASSWORD)
    parts = reader.get_by_role("navigation", name="Réglages").get_by_role("link")
    expect(parts).to_have_text(["Sites", "Alertes", "Rapports", "Tâches"])
    expect(reader.get_by_role("button", name="Nouveau site")).to_have_count(0)
    reader.get_by_role("link", name="Médiathèque").click()
    expect(reader.get_by_label("Nom", exact=True)).to_be_disabled()
    expect(reader.get_by_role("button", name="Enregistrer")).to_have_count(0)
    reader.get_by_role("link", name="Tâches").click()
    expect(reader.get_by_role("row", name="Sauvegarder")).to_be_visible()
    expect(reader.get_by_role("button", name="Lancer maintenant")).to_have_count(0)
    reader.goto(f"{staffed.url}/reglages/operateurs")
    expect(reader.get_by_text("réservée aux administrateurs")).to_be_visible()


def test_ones_own_password_is_changed_and_ends_every_login(staffed: House, open_page: OpenPage) -> None:
    page = open_page("/", login="moi", password=PASSWORD)
    page.locator("summary", has_text="Mon compte").click()
    page.get_by_role("link", name="Mon compte").click()
    page.get_by_label("Mot de passe actuel").fill("not the right one")
    page.get_by_label("Nouveau mot de passe").fill("une autre phrase")
    page.get_by_label("Encore une fois").fill("une autre phrase")
    page.get_by_role("button", name="Changer le mot de passe").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("Mot de passe actuel").fill(PASSWORD)
    page.get_by_role("button", name="Changer le mot de passe").click()
    page.get_by_label("Identifiant").fill("moi")
    page.get_by_label("Mot de passe").fill("une autre phrase")
    page.get_by_role("button", name="Entrer").click()
    expect(page.get_by_role("heading", level=1, name="Mon compte")).to_be_visible()


def test_a_second_factor_is_set_up_asked_for_and_taken_back(staffed: House, open_page: OpenPage) -> None:
    page = open_page("/compte", login="directrice", password=PASSWORD)
    page.get_by_label("Votre mot de passe, pour commencer").fill(PASSWORD)
    page.get_by_role("button", name="Préparer").click()
    expect(page.get_by_role("img", name="Code QR de la clé")).to_be_visible()
    key = page.get_by_test_id("secret").inner_text().replace(" ", "")
    uri = page.get_by_role("link", name="Ouvrir l’application").get_attribute("href") or ""
    assert parse_qs(urlparse(uri).query)["secret"] == [key]
    totp = TOTP(base64.b32decode(key), DIGITS, SHA1(), STEP_S)  # what authenticators speak
    now = int(datetime.now(UTC).timestamp())
    page.get_by_label("Code à six chiffres").fill(totp.generate(now - STEP_S).decode())
    page.get_by_role("button", name="Activer").click()
    expect(page.get_by_text("Un code de votre application est demandé")).to_be_visible()
    admin = open_page("/reglages/operateurs")
    admin.get_by_role("button", name="Modifier directrice").click()
    admin.get_by_role("button", name="Retirer la double authentification").click()
    admin.get_by_role("button", name="Retirer la double authentification").click()
    told(admin, "directrice n’a plus de double authentification")
    page.reload()
    expect(page.get_by_role("button", name="Préparer")).to_be_visible()


def test_one_leaves_everywhere(staffed: House, open_page: OpenPage) -> None:
    page = open_page("/compte", login="accueil", password=PASSWORD)
    other = open_page("/", login="accueil", password=PASSWORD)
    page.get_by_role("button", name="Me déconnecter partout").click()
    page.get_by_role("button", name="Me déconnecter partout").click()
    expect(page.get_by_label("Identifiant")).to_be_visible()
    other.reload()
    expect(other.get_by_label("Mot de passe")).to_be_visible()
