"""A person's own data: only what a site has a reason for, in the person's hands, and gone when asked."""

import io
import json
import re
import secrets
import struct
import zipfile
import zlib
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from PIL import Image
from sqlalchemy import text

from fleet.database import audit
from fleet.database.register import NAME, Register
from fleet.domain.errors import Invalid
from fleet.usecases import pictures
from tests.api.conftest import Desk, count


def person(desk: Desk, **fields: Any) -> Any:
    return desk.post(
        "/utilisateurs/", {"nom": "Payet", "prenom": "Hélène", "consentement_rgpd": True, **fields}
    )


def picture(kind: str = "JPEG", size: tuple[int, int] = (2000, 1500), **more: Any) -> bytes:
    file = io.BytesIO()
    mode = "RGBA" if kind == "PNG" else "RGB"
    Image.new(mode, size, "red").save(file, kind, **more)
    return file.getvalue()


def upload(desk: Desk, number: int, content: bytes, who: str = "desk") -> httpx.Response:
    return desk.call("PUT", f"/utilisateurs/{number}/photo/", who, files={"data": ("p.jpg", content)})


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_photo_is_written_anew_without_its_metadata(desk: Desk, kind: str) -> None:
    number = person(desk)["id"]
    exif = Image.Exif()
    exif[0x010E] = "secret place"
    content = picture(kind, exif=exif)
    assert b"secret place" in content
    assert upload(desk, number, content).json()["photo"] is True
    for path, side in (("photo/", 1024), ("photo/?vignette=true", 160)):
        answer = desk.call("GET", f"/utilisateurs/{number}/{path}")
        assert (answer.headers["content-type"], answer.headers["x-content-type-options"]) == (
            "image/jpeg",
            "nosniff",
        )
        assert "no-store" in answer.headers["cache-control"]
        kept = Image.open(io.BytesIO(answer.content))
        assert (max(kept.size), dict(kept.getexif()), b"secret" in answer.content) == (side, {}, False)
    assert desk.call("GET", f"/utilisateurs/{number}/photo/", who=None).status_code == 401


def bomb() -> bytes:
    """A small PNG that says that it is 50,000 by 50,000."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(1_000_000), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def many_scans() -> bytes:
    """A small JPEG that goes over its pixels a thousand times."""
    content = picture(size=(300, 300), progressive=True)
    first, second, third = [one.start() for one in re.finditer(b"\xff\xda", content)][:3]
    assert first < second < third
    return content[:third] + content[second:third] * 1000 + content[third:]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GIF89a" + bytes(100),
        b"\xff\xd8\xff" + bytes(100) + b"\xff\xd9",
        picture()[:-2],
        picture() + b"PK\x03\x04 a ZIP that goes on",
        picture("PNG") + b"<script>alert(1)</script>",
        bomb(),
        many_scans(),
        picture("PNG", (20_000, 2_000)),
        picture("JPEG", (1000, 1000)) + bytes(5_000_000),
    ],
    ids=["empty", "gif", "noise", "cut", "zip behind", "script behind", "bomb", "scans", "pixels", "size"],
)
def test_what_is_no_photo_is_refused(desk: Desk, content: bytes) -> None:
    number = person(desk)["id"]
    answer = upload(desk, number, content)
    assert answer.status_code in (413, 422), answer.text
    assert answer.status_code == 413 or answer.json()["field"] == "photo"
    assert desk.call("GET", f"/utilisateurs/{number}/photo/").status_code == 404


@pytest.mark.parametrize(
    "content", [bomb(), picture("PNG", (10_000, 10_000)), picture()], ids=["bomb", "large", "fit"]
)
def test_to_look_at_a_picture_changes_nothing_for_the_rest_of_the_process(
    content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed: list[str] = []

    class Watched(ModuleType):
        def __setattr__(self, name: str, value: object) -> None:
            changed.append(name)
            super().__setattr__(name, value)

    monkeypatch.setattr(Image, "__class__", Watched)
    with suppress(Invalid):
        pictures.cleaned(content)
    assert not changed


def test_a_form_without_a_file_is_refused(desk: Desk) -> None:
    path = f"/utilisateurs/{person(desk)['id']}/photo/"
    for parts in ({"data": "text"}, {"x": "1", "y": "null"}, {}):
        form = {name: (None, value) for name, value in parts.items()} or {"": (None, "")}
        refused = desk.call("PUT", path, files=form)
        assert (refused.status_code, refused.json()["field"]) == (422, "data"), parts
    no_name = (None, picture())
    assert desk.call("PUT", path, files={"data": no_name}).json()["field"] == "data"


def test_a_form_with_more_than_the_photo_is_refused(desk: Desk) -> None:
    path = f"/utilisateurs/{person(desk)['id']}/photo/"
    photo = ("p.jpg", picture())
    more = desk.call("PUT", path, files={"data": photo, "note": (None, "x")})
    assert (more.status_code, more.json()["field"], more.json()["reason"]) == (422, "note", "champ_inconnu")
    assert desk.call("PUT", path, files=[("data", photo), ("data", photo)]).json()["field"] == "data"
    assert desk.call("GET", path).status_code == 404


def test_a_photo_is_put_only_on_the_record_that_was_seen(desk: Desk) -> None:
    path = f"/utilisateurs/{person(desk)['id']}/photo/"
    stale = desk.client.put(
        f"/api{path}",
        files={"data": ("p.jpg", picture())},
        headers={"Authorization": f"Bearer {desk.token('desk')}", "If-Match": '"999-x"'},
    )
    assert stale.status_code == 412
    assert desk.call("GET", path).status_code == 404


def test_a_photo_is_replaced_and_removed(desk: Desk) -> None:
    number = person(desk)["id"]
    for size in ((300, 300), (200, 200)):
        assert upload(desk, number, picture(size=size)).status_code == 200
    seen = desk.call("GET", f"/utilisateurs/{number}/photo/").content
    assert Image.open(io.BytesIO(seen)).size == (200, 200)
    assert desk.call("DELETE", f"/utilisateurs/{number}/photo/").status_code == 204
    assert desk.call("DELETE", f"/utilisateurs/{number}/photo/").status_code == 404
    assert upload(desk, number, picture(), who="reader").status_code == 403


def test_a_field_that_the_site_has_no_reason_for_is_off(desk: Desk) -> None:
    why = {"telephone": "prévenir quand un poste se libère"}
    edited = desk.call("PUT", "/sites/st-denis/", who="admin", json={"champs": why})
    assert edited.json()["champs"] == why
    person(desk, telephone="0692 12 34 56")
    for field, value in (("email", "h@exemple.re"), ("date_naissance", "1990-01-01")):
        answer = desk.call("POST", "/utilisateurs/", json={"nom": "A", "prenom": "B", field: value})
        assert (answer.json()["field"], answer.json()["reason"]) == (field, "champ_non_justifie")
    number = person(desk)["id"]
    assert desk.call("PUT", f"/utilisateurs/{number}/", json={"email": "h@exemple.re"}).status_code == 422
    assert desk.call("PUT", f"/utilisateurs/{number}/", json={"email": None}).status_code == 200
    assert upload(desk, number, picture()).json()["reason"] == "champ_non_justifie"


@pytest.mark.parametrize("champs", [{"religion": "x"}, {"email": "  "}, {"email": "x" * 501}])
def test_a_field_is_used_only_with_a_reason(desk: Desk, champs: Any) -> None:
    answer = desk.call("PUT", "/sites/st-denis/", who="admin", json={"champs": champs})
    assert (answer.status_code, answer.json()["field"]) == (422, f"champs.{next(iter(champs))}")


def test_a_consent_taken_back_cancels_codes_and_forgets_what_rested_on_it(desk: Desk) -> None:
    number = person(desk, telephone="0692 12 34 56", email="h@exemple.re", date_naissance="1990-01-01")["id"]
    upload(desk, number, picture())
    waiting = desk.session(utilisateur=number)["id"]
    seen = desk.post(f"/utilisateurs/{number}/revoke_consent/")
    assert (seen["telephone"], seen["email"], seen["photo"], seen["date_naissance"]) == (
        None,
        None,
        False,
        "1990-01-01",
    )
    cancelled = desk.get(f"/sessions/{waiting}/")
    assert (cancelled["statut"], cancelled["motif_fin"]) == ("terminee", "consentement_retire")
    assert desk.get("/utilisateurs/?recherche=exemple.re")["total"] == 0
    assert upload(desk, number, picture()).json()["reason"] == "consentement_absent"


def test_somebody_gets_all_that_is_known(desk: Desk) -> None:
    number = person(desk, notes="<b>dit bonjour</b>")["id"]
    upload(desk, number, picture())
    session = desk.session(utilisateur=number)["id"]
    answer = desk.call("GET", f"/utilisateurs/{number}/export/", "admin")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert sorted(archive.namelist()) == ["donnees.html", "donnees.json", "photo.jpg"]
    known = json.loads(archive.read("donnees.json"))
    assert (known["personne"][0]["nom"], known["sessions"][0]["id"]) == ("Payet", session)
    assert known["temps_accorde"][0]["montant_ms"] == 3_600_000
    assert {line["action"] for line in known["journal"]} >= {"creation_utilisateur", "generation_code"}
    page = archive.read("donnees.html").decode()
    assert "&lt;b&gt;dit bonjour" in page
    assert "<b>dit" not in page
    assert desk.get("/logs/?action=export", who="admin")["resultats"][0]["utilisateur"] == number
    assert desk.call("GET", f"/utilisateurs/{number}/export/", who="reader").status_code == 403


def export(desk: Desk, number: int, who: str) -> tuple[Any, str]:
    """What the JSON says, and what one reads of the page: a cell on each side of a bar."""
    archive = zipfile.ZipFile(io.BytesIO(desk.call("GET", f"/utilisateurs/{number}/export/", who).content))
    page = re.sub("<style>.*</style>", "", archive.read("donnees.html").decode())
    return json.loads(archive.read("donnees.json")), re.sub("[|]+", "|", re.sub("<[^>]*>", "|", page))


def test_somebody_reads_what_is_known_as_french(desk: Desk) -> None:
    number = person(desk, date_naissance="1990-01-31", notes="au fond")["id"]
    promised(desk, number, "Hoarau")
    session = desk.session(utilisateur=number, duree_initiale=3900)["id"]
    desk.call("DELETE", f"/sessions/{session}/")
    known, page = export(desk, number, "admin")
    made = datetime.fromisoformat(known["personne"][0]["created_at"]).astimezone(ZoneInfo("Indian/Reunion"))
    for words in (
        "|Consentement donné|oui|", "|Date de naissance|31/01/1990|", "|Notes|au fond|", "|1\xa0h 05\xa0min|",
        f"|Fiche créée le|{made:%d/%m/%Y} à {made.hour}\xa0h\xa0{made:%M}|", "|terminée|Annulée|", "|Temps de départ|",
        "|prévue|", "|en attente|", "|Fiche d’une personne créée|", "Fuseau horaire des heures\u202f: Indian/Reunion.",
    ):  # fmt: skip
        assert words in page, words
    assert not re.search(r"\w_\w|UTC|True|False|None|\d{4}-\d\d|3900", page)
    assert (known["temps_accorde"][0]["montant_ms"], known["personne"][0]["consentement_rgpd"]) == (
        3_900_000,
        True,
    )
    assert known["sessions"][0]["statut"] == "terminee"
    assert datetime.fromisoformat(known["sessions"][0]["created_at"]).utcoffset() == timedelta(0)


def test_hours_of_several_zones_say_which(desk: Desk) -> None:
    number = person(desk)["id"]
    at_foreign_site(desk, number)
    known, page = export(desk, number, "admin")
    told = datetime.fromisoformat(known["sessions"][0]["created_at"]).astimezone(ZoneInfo("America/St_Johns"))
    assert f"|{told:%d/%m/%Y} à {told.hour}\xa0h\xa0{told:%M}|" in page
    assert "|America/St Johns|" in page
    assert "|Fuseau horaire|" in page


def at_foreign_site(desk: Desk, number: int) -> int:
    """A session, a booking and a ticket of somebody at a site that the operators do not have."""
    fields = {"slug": "le-port", "nom": "Le Port", "zone": "America/St_Johns"}
    desk.post("/sites/", fields, who="admin")
    desk.post("/postes/", {"site": "le-port", "slug": "port-1", "nom": "Port 1"}, who="admin")
    start = datetime.now(UTC) + timedelta(hours=2)
    times = {"debut": start.isoformat(), "fin": (start + timedelta(hours=1)).isoformat()}
    desk.post(
        "/reservations/",
        {"poste": "port-1", "utilisateur": number, "notes": "ailleurs", **times},
        who="admin",
    )
    desk.post(
        "/attente/",
        {"site": "le-port", "duree": 600, "utilisateur": number, "prenom": "ailleurs"},
        who="admin",
    )
    asked = {"site": "le-port", "duree_initiale": 600, "utilisateur": number, "notes": "ailleurs"}
    return int(desk.post("/sessions/", asked, who="admin")["id"])


def test_who_is_limited_to_sites_exports_what_is_of_these_and_says_so(desk: Desk) -> None:
    number = person(desk)["id"]
    far, near = at_foreign_site(desk, number), desk.session(utilisateur=number)["id"]
    known, page = export(desk, number, "desk")
    assert known["perimetre"] == {"complet": False, "sites": [{"slug": "st-denis", "nom": "Saint-Denis"}]}
    assert "limité à votre fiche et aux lieux de l’opérateur qui l’a fait\u202f: Saint-Denis." in page
    assert [one["id"] for one in known["sessions"]] == [near]
    assert {one["session_id"] for name in ("temps_accorde", "journal") for one in known[name]} == {near}
    assert (known["reservations"], known["attente"], known["personne"][0]["nom"]) == ([], [], "Payet")
    assert not re.search("ailleurs|Port", json.dumps(known) + page)
    whole, page = export(desk, number, "admin")
    assert whole["perimetre"]["complet"] is True
    assert "tout ce qui est connu de vous, dans tous les lieux" in page
    assert sorted(one["id"] for one in whole["sessions"]) == sorted((near, far))
    assert {one["session_id"] for one in whole["temps_accorde"]} == {near, far}
    assert (len(whole["reservations"]), len(whole["attente"])) == (1, 1)
    assert page.count("ailleurs") == 3
    lines = desk.get("/logs/?action=export", who="admin")["resultats"]
    assert [line["metadata"]["complet"] for line in lines] == [True, False]


def everywhere(desk: Desk, word: str) -> list[str]:
    """The tables in which a word still is."""
    with desk.fleet.database.read() as tx:
        names = list(tx.connection.dialect.get_table_names(tx.connection))
        rows = {name: str(tx.execute(text(f'SELECT * FROM "{name}"')).all()) for name in names}
    return [name for name, said in rows.items() if word in said]


def promised(desk: Desk, number: int, word: str) -> None:
    """A booking and a ticket of somebody, with a word in what is written there."""
    start = datetime.now(UTC) + timedelta(hours=2)
    times = {"debut": start.isoformat(), "fin": (start + timedelta(hours=1)).isoformat()}
    desk.post("/reservations/", {"poste": "poste-2", "utilisateur": number, "notes": word, **times})
    desk.post("/attente/", {"site": "st-denis", "duree": 600, "utilisateur": number, "prenom": word})


def test_what_was_promised_to_somebody_is_told_and_forgotten_too(desk: Desk) -> None:
    word = f"Nom{secrets.token_hex(4)}"
    number = person(desk, nom=word)["id"]
    promised(desk, number, word)
    content = desk.call("GET", f"/utilisateurs/{number}/export/").content
    known = json.loads(zipfile.ZipFile(io.BytesIO(content)).read("donnees.json"))
    assert (known["reservations"][0]["notes"], known["attente"][0]["prenom"]) == (word, word)
    desk.post(f"/utilisateurs/{number}/erase/", who="admin")
    assert everywhere(desk, word) == []


def test_somebody_is_forgotten_everywhere_and_what_was_counted_stays(desk: Desk) -> None:
    word = f"Nom{secrets.token_hex(4)}"
    number = person(desk, nom=word, categorie="jeune", email=f"{word}@exemple.re", notes=word)["id"]
    upload(desk, number, picture())
    session = desk.session(utilisateur=number, notes=word)["id"]
    path = f"/utilisateurs/{number}/erase/"
    desk.come(1)
    desk.post(f"/sessions/{session}/start/")
    refused = desk.call("POST", path, who="admin")
    assert (refused.status_code, refused.json()["reason"]) == (409, "effacement_session_ouverte")
    desk.post(f"/sessions/{session}/terminate/")
    assert desk.call("POST", path).status_code == 403
    certificate = desk.post(path, who="admin")
    assert (certificate["classe"], certificate["nombre"], certificate["operateur"]) == (
        "utilisateur",
        1,
        "admin",
    )
    assert everywhere(desk, word) == []
    assert desk.call("GET", f"/utilisateurs/{number}/").status_code == 404
    assert (
        desk.get(f"/sessions/{session}/")["utilisateur"],
        desk.call("POST", path, who="admin").status_code,
    ) == (None, 404)
    assert (
        count(desk.fleet, f"SELECT count(*) FROM session WHERE id = {session} AND categorie = 'jeune'") == 1
    )
    with desk.fleet.database.read() as tx:
        assert list(audit.verify(tx.connection)) == []
    assert desk.get("/purges/", who="admin")["resultats"] == [certificate]
    assert desk.call("GET", "/purges/").status_code == 403


@pytest.mark.parametrize("ending", ["POST erase/", "POST revoke_consent/", "DELETE "])
def test_no_answer_of_before_tells_of_who_is_forgotten(desk: Desk, ending: str) -> None:
    word = f"Nom{secrets.token_hex(4)}"
    asked = {"nom": "Payet", "prenom": "Ida", "email": f"{word}@exemple.re", "consentement_rgpd": True}
    headers = {"Authorization": f"Bearer {desk.token('desk')}", "Idempotency-Key": "once"}
    made = desk.client.post("/api/utilisateurs/", json=asked, headers=headers)
    method, path = ending.split(" ")
    gone = desk.call(method, f"/utilisateurs/{made.json()['id']}/{path}", who="admin")
    assert gone.is_success
    again = desk.client.post("/api/utilisateurs/", json=asked, headers=headers)
    assert (again.status_code, again.json()["reason"]) == (409, "demande_deja_faite")
    assert word not in again.text


@pytest.mark.parametrize("repeatable", [False, True])
def test_an_erasure_that_cannot_be_written_down_is_not_done_and_says_so(
    desk: Desk, tmp_path: Path, repeatable: bool
) -> None:
    number = person(desk)["id"]
    (tmp_path / "file").write_text("no folder")
    desk.fleet.database.register = Register(tmp_path / "file" / NAME)
    headers = {"Authorization": f"Bearer {desk.token('admin')}"}
    if repeatable:
        headers["Idempotency-Key"] = "once"
    path = f"/api/utilisateurs/{number}/erase/"
    answer = desk.client.post(path, headers=headers)
    assert (answer.status_code, answer.json()["reason"]) == (503, "effacement_non_inscrit")
    assert desk.call("GET", f"/utilisateurs/{number}/").status_code == 200
    (tmp_path / "file").unlink()
    assert desk.client.post(path, headers=headers).status_code == 200
    assert f'"utilisateur":{number}' in (tmp_path / "file" / NAME).read_text()
