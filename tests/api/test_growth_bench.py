"""The benchmark of growth asks for every list and figure that the API has."""

from bench import growth
from tests.api.conftest import Desk


def test_every_list_and_figure_is_measured(desk: Desk) -> None:
    document = desk.get("/docs/openapi.json")
    assert growth.missing(document) == set()
    del document["paths"]["/api/logs"]
    document["paths"]["/api/new"] = document["paths"]["/api/sessions"]
    assert growth.missing(document) == {"/api/new"}


def test_what_is_asked_there_is_answered(desk: Desk) -> None:
    for one in growth.questions():
        if (
            "site-" not in one.address
            and "{" not in one.path
            and "accueil" not in one.query
            and "poste-11" not in one.query
        ):
            method = "GET" if one.body is None else "POST"
            answer = desk.call(method, one.address.removeprefix("/api"), who="admin", json=one.body)
            assert answer.status_code == 200, (one, answer.text)
