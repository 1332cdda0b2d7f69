"""What a person is given of their visits: where they sat, what they asked for, and why they were told no."""

from datetime import timedelta

from sqlalchemy import insert

from fleet.database import tables
from tests.api.conftest import Desk
from tests.api.test_personal_data import export, person


def _asks(desk: Desk, session: int) -> None:
    with desk.fleet.database.transaction() as tx:
        values = {
            "site_id": desk.site_id,
            "session_id": session,
            "secondes": 900,
            "request_id": "q",
            "nonce": "n",
        }
        stamps = {"expire_a": tx.now + timedelta(minutes=5), "created_at": tx.now}
        tx.execute(insert(tables.extension).values(**values, **stamps))


def test_somebody_is_told_of_moves_of_requests_and_of_why(desk: Desk) -> None:
    for poste in (1, 2):
        desk.come(poste)
    number = person(desk)["id"]
    session = desk.session(utilisateur=number)["id"]
    assert desk.call("POST", f"/sessions/{session}/suspend/").status_code == 409
    desk.post(f"/sessions/{session}/start/")
    _asks(desk, session)
    desk.post(f"/sessions/{session}/transfer/", {"poste": "poste-2"})
    desk.post(f"/sessions/{session}/terminate/")
    known, page = export(desk, number, "admin")
    (move,), (asked,) = known["transferts"], known["demandes_temps"]
    postes = [desk.get(f"/postes/poste-{one}/")["nom"] for one in (1, 2)]
    assert (move["session_id"], [move["de"], move["vers"]]) == (session, postes)
    assert (asked["session_id"], asked["secondes"]) == (session, 900)
    why = {line["action"]: line["motif"] for line in known["journal"]}
    assert (why["refus"], why["fermeture"], why["generation_code"]) == (
        "transition_interdite",
        "fin_operateur",
        None,
    )
    for words in (f"|{postes[0]}|{postes[1]}|", "|15\xa0min|", "|Terminée à l’accueil|"):
        assert words in page, words
