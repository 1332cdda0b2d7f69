"""The picture of a room plan over HTTP: put by an administrator, written anew, seen by who sees the site."""

import io

import httpx
import pytest
from PIL import Image

from tests.api.conftest import Desk
from tests.api.test_personal_data import picture

PATH = "/sites/st-denis/plan/image/"


def put(desk: Desk, content: bytes, who: str = "admin") -> httpx.Response:
    return desk.call("PUT", PATH, who, files={"data": ("plan.png", content)})


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_plan_is_written_anew_and_shown_with_its_mark(desk: Desk, kind: str) -> None:
    exif = Image.Exif()
    exif[0x010E] = "secret place"
    told = put(desk, picture(kind, size=(3000, 1500), exif=exif))
    assert told.status_code == 200, told.text
    known = told.json()["image"]
    assert (known["largeur"], known["hauteur"]) == (2048, 1024)
    answer = desk.call("GET", PATH, "reader")
    assert answer.headers["etag"] == f'"{known["marque"]}"'
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert b"secret" not in answer.content
    assert Image.open(io.BytesIO(answer.content)).size == (2048, 1024)


def test_who_has_the_picture_is_not_sent_it_again(desk: Desk) -> None:
    put(desk, picture(size=(300, 200)))
    tag = desk.call("GET", PATH).headers["etag"]
    bearer = {"Authorization": f"Bearer {desk.token('desk')}"}
    again = desk.client.get(f"/api{PATH}", headers={**bearer, "If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    put(desk, picture(size=(200, 300)))
    other = desk.client.get(f"/api{PATH}", headers={**bearer, "If-None-Match": tag})
    assert other.status_code == 200
    assert other.headers["etag"] != tag


def test_a_plan_is_replaced_removed_and_told_in_the_journal(desk: Desk) -> None:
    assert desk.get("/sites/st-denis/plan/")["image"] is None
    for size in ((300, 200), (200, 300)):
        assert put(desk, picture(size=size)).status_code == 200
    assert desk.get("/sites/st-denis/plan/")["image"]["largeur"] == 200
    assert desk.call("DELETE", PATH, "admin").status_code == 204
    assert desk.call("DELETE", PATH, "admin").status_code == 404
    assert desk.call("GET", PATH).status_code == 404
    lines = desk.get("/logs/?action=modification_plan")["resultats"]
    assert [one["metadata"] for one in lines] == [{"image": "retiree"}, *[{"image": "deposee"}] * 2]


def test_only_an_administrator_changes_the_plan_and_only_who_is_known_sees_it(desk: Desk) -> None:
    assert put(desk, picture(), who="desk").status_code == 403
    put(desk, picture(size=(300, 200)))
    assert desk.call("DELETE", PATH, "desk").status_code == 403
    assert desk.call("GET", PATH, who=None).status_code == 401


@pytest.mark.parametrize(
    "content",
    [b"", b"GIF89a" + b"0" * 100, picture()[:-100], picture() + b"<script>", b"\xff" * 5_000_001],
    ids=["empty", "gif", "cut", "script behind", "size"],
)
def test_what_is_no_picture_is_refused_with_its_field(desk: Desk, content: bytes) -> None:
    refused = put(desk, content)
    assert (refused.status_code, refused.json()["field"]) == (422, "image")
    assert desk.call("GET", PATH).status_code == 404
