"""Who looks at the page in a test."""

from tests.page.house import House

PASSWORD = "un mot de passe assez long"


def operateur(house: House, login: str, role: str) -> dict[str, str]:
    """An account of this role at the site of the house, as `open_page` wants it."""
    with house.client() as client:
        site = client.get("/sites/").json()["resultats"][0]["slug"]
        body = {"login": login, "mot_de_passe": PASSWORD, "role": role, "sites": [site]}
        answer = client.post("/operateurs/", json=body)
        assert answer.status_code == 201, answer.text
    return {"login": login, "password": PASSWORD}
