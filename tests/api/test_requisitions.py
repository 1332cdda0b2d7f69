"""A file for a judge or the police takes two administrateurs, and says in the trail who let it go."""

import hashlib
import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from fleet.database.listing import Page
from fleet.database.tables import log, requisition, session, transfer
from fleet.domain.actor import ADMINISTRATEUR, SYSTEM
from fleet.domain.errors import Refused
from fleet.usecases import operateurs, requisitions, sessions
from fleet.usecases.operateurs import NewOperateur, OperateurEdit
from fleet.usecases.sessions import NewSession
from tests.api.conftest import PASSWORD, Desk
from tests.support.at_once import at_once


@pytest.fixture
def desk(desk: Desk) -> Desk:
    """With two more administrateurs."""
    for login in ("second", "third"):
        operateurs.create(desk.fleet, SYSTEM, NewOperateur(login, PASSWORD, ADMINISTRATEUR))
    return desk


def asked(desk: Desk, **fields: Any) -> int:
    now = datetime.now(UTC)
    body = {
        "reference": "réquisition du 20 novembre",
        "depuis": (now - timedelta(days=3)).isoformat(),
        "jusqu_a": (now - timedelta(seconds=1)).isoformat(),
    }
    return int(desk.post("/requisitions/", body | fields, who="admin")["id"])


def approved(desk: Desk, **fields: Any) -> int:
    number = asked(desk, **fields)
    assert desk.post(f"/requisitions/{number}/approve/", who="second")["statut"] == "approuvee"
    return number


def visited(desk: Desk, name: str = "Payet", poste_id: int = 1) -> int:
    """A session of somebody that is over, an hour ago."""
    person: int = desk.post("/utilisateurs/", {"nom": name, "prenom": "Marie", "consentement_rgpd": True})[
        "id"
    ]
    desk.come(poste_id)
    number = sessions.create(
        desk.fleet, SYSTEM, NewSession(desk.site_id, 3600, poste_id, utilisateur_id=person)
    ).session_id
    sessions.start(desk.fleet, SYSTEM, number)
    sessions.terminate(desk.fleet, SYSTEM, number)
    with desk.fleet.database.transaction() as tx:
        ran = {"debut_session": tx.now - timedelta(hours=2), "fin_session": tx.now - timedelta(hours=1)}
        tx.execute(update(session).where(session.c.id == number).values(**ran))
    return person


def file_of(desk: Desk, number: int, who: str = "admin") -> zipfile.ZipFile:
    answer = desk.call("GET", f"/requisitions/{number}/export/", who=who)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store, private"
    return zipfile.ZipFile(io.BytesIO(answer.content))


def refusal(desk: Desk, method: str, path: str, who: str) -> tuple[int, str]:
    answer = desk.call(method, path, who=who)
    return answer.status_code, answer.json()["reason"]


def steps(desk: Desk) -> list[str]:
    wanted = (
        select(log.c.metadata, log.c.operateur_id).where(log.c.action == "requisition").order_by(log.c.id)
    )
    with desk.fleet.database.read() as tx:
        return [row.metadata["etape"] for row in tx.execute(wanted)]


def test_one_asks_another_approves_and_both_may_take_it(desk: Desk) -> None:
    visited(desk)
    number = asked(desk)
    export = f"/requisitions/{number}/export/"
    assert refusal(desk, "GET", export, "admin") == (409, "requisition_sans_accord")
    assert refusal(desk, "POST", f"/requisitions/{number}/approve/", "admin") == (409, "deux_personnes")
    assert refusal(desk, "POST", f"/requisitions/{number}/approve/", "desk")[0] == 403
    view = desk.post(f"/requisitions/{number}/approve/", who="second")
    assert (view["demandee_par"], view["decidee_par"], view["remises"]) == ("admin", "second", 0)
    assert refusal(desk, "GET", export, "third") == (409, "requisition_d_autres")
    with file_of(desk, number) as archive:
        told = json.loads(archive.read("requisition.json"))
        journal = [json.loads(line) for line in archive.read("journal.jsonl").splitlines()]
        page = archive.read("requisition.html").decode()
    assert [(one["nom"], one["poste"]) for one in told["sessions"]] == [("Payet", "poste-1")]
    assert {"demarrage_session", "fermeture"} <= {line["action"] for line in journal}
    assert all(len(line["hash"]) == 64 for line in journal)
    assert {one["chaine"] for one in told["ancres"]} >= {desk.site_id}
    assert "<td>Payet</td><td>Marie</td>" in page
    file_of(desk, number, "second").close()
    assert desk.get(f"/requisitions/{number}/", who="admin")["remises"] == 2
    assert steps(desk) == ["demandee", "approuvee", "remise", "remise"]


def test_the_trail_tells_each_step_and_each_refusal_and_names_nobody(desk: Desk) -> None:
    visited(desk, "Grondin")
    number = approved(desk, reference="affaire Grondin")
    file_of(desk, number).close()
    refusal(desk, "GET", f"/requisitions/{number}/export/", "third")
    with desk.fleet.database.read() as tx:
        rows = tx.execute(select(log).where(log.c.action.in_(("requisition", "refus")))).mappings().all()
    assert any(row["metadata"].get("motif") == "requisition_d_autres" for row in rows)
    assert "Grondin" not in str([(row["details"], row["metadata"]) for row in rows])


def test_the_trail_knows_each_file_by_its_digest(desk: Desk) -> None:
    visited(desk)
    number = approved(desk)
    taken = [
        desk.call("GET", f"/requisitions/{number}/export/", who=who).content for who in ("admin", "second")
    ]
    with desk.fleet.database.read() as tx:
        rows = tx.execute(
            select(log.c.metadata).where(log.c.action == "requisition").order_by(log.c.id)
        ).scalars()
        handed = [facts for facts in rows if facts["etape"] == "remise"]
    assert [facts["sha256"] for facts in handed] == [hashlib.sha256(file).hexdigest() for file in taken]
    assert [facts["lignes"] for facts in handed] == [1, 1]


def _known(desk: Desk, login: str, password: str) -> None:
    answer = desk.client.post("/api/token/", json={"login": login, "password": password})
    desk.tokens[login] = answer.json()["access"]


CHANGES = {
    "made": None,
    "appointed": OperateurEdit(role=ADMINISTRATEUR),
    "taken over": OperateurEdit(password="a new long password"),
    "let in again": OperateurEdit(active=True),
}


@pytest.mark.parametrize("how", CHANGES)
def test_an_account_that_others_made_or_changed_since_the_request_does_not_approve(
    desk: Desk, how: str
) -> None:
    change, role = CHANGES[how], "lecteur" if how == "appointed" else ADMINISTRATEUR
    new = NewOperateur("own", PASSWORD, role, [desk.site_id])
    before = asked(desk) if change is None else 0
    made = operateurs.create(desk.fleet, SYSTEM, new)
    number = before or asked(desk)
    if change is not None:
        operateurs.edit(desk.fleet, SYSTEM, made, change)
    _known(desk, "own", (change and change.password) or PASSWORD)
    path = f"/requisitions/{number}/approve/"
    assert refusal(desk, "POST", path, "own") == (409, "requisition_compte_change")
    assert desk.get(f"/requisitions/{number}/", who="admin")["statut"] == "demandee"
    desk.post(f"/requisitions/{asked(desk)}/approve/", who="own")


def test_who_changes_the_own_password_meanwhile_still_approves(desk: Desk) -> None:
    number = asked(desk)
    new = {"actuel": PASSWORD, "nouveau": "another long password"}
    assert desk.call("POST", "/auth/password/", who="second", json=new).status_code == 204
    _known(desk, "second", new["nouveau"])
    assert desk.post(f"/requisitions/{number}/approve/", who="second")["statut"] == "approuvee"


def test_only_what_was_asked_for_is_in_the_file(desk: Desk) -> None:
    mine, _ = visited(desk, "Payet"), visited(desk, "Hoarau")
    with file_of(desk, approved(desk, utilisateur=mine)) as archive:
        assert {one["utilisateur"] for one in json.loads(archive.read("requisition.json"))["sessions"]} == {
            mine
        }
    now = datetime.now(UTC)
    before = {
        "depuis": (now - timedelta(days=9)).isoformat(),
        "jusqu_a": (now - timedelta(days=8)).isoformat(),
    }
    with file_of(desk, approved(desk, **before)) as archive:
        assert json.loads(archive.read("requisition.json"))["sessions"] == []
    with file_of(desk, approved(desk, poste="poste-2", site="st-denis")) as archive:
        assert json.loads(archive.read("requisition.json"))["sessions"] == []


def test_a_session_that_went_on_at_another_poste_is_told_at_both(desk: Desk) -> None:
    visited(desk)
    with desk.fleet.database.transaction() as tx:
        row = tx.execute(select(session)).one()
        moved = row.debut_session + timedelta(minutes=20)
        facts = {"session_id": row.id, "de_poste_id": 1, "vers_poste_id": 2, "rev": 9, "restant_ms": 1}
        tx.execute(insert(transfer).values(**facts, created_at=moved))
        tx.execute(update(session).values(poste_id=2))
    begun, ended = row.debut_session, row.fin_session

    def told(**fields: Any) -> list[tuple[str, datetime, datetime]]:
        with file_of(desk, approved(desk, **fields)) as archive:
            lines = json.loads(archive.read("requisition.json"))["sessions"]
            journal = archive.read("journal.jsonl").splitlines()
        assert bool(journal) == bool(lines)
        instants = [[datetime.fromisoformat(one[name]) for name in ("debut", "fin")] for one in lines]
        return [(one["poste"], *times) for one, times in zip(lines, instants, strict=True)]

    assert told() == [("poste-1", begun, moved), ("poste-2", moved, ended)]
    assert told(poste="poste-1") == [("poste-1", begun, moved)]
    assert told(poste="poste-2") == [("poste-2", moved, ended)]
    later = {"depuis": (moved + timedelta(minutes=1)).isoformat()}
    assert told(poste="poste-1", **later) == []
    assert told(**later) == [("poste-2", moved, ended)]


@pytest.mark.parametrize("who", ["demandee_par", "decidee_par"])
def test_an_approval_ends_with_the_rights_of_either(desk: Desk, who: str) -> None:
    number = approved(desk)
    login = desk.get(f"/requisitions/{number}/", who="admin")[who]
    other = "second" if login == "admin" else "admin"
    gone = next(
        one["id"] for one in desk.get("/operateurs/", who="third")["resultats"] if one["login"] == login
    )
    operateurs.edit(desk.fleet, SYSTEM, gone, OperateurEdit(role="operateur", sites=[desk.site_id]))
    assert refusal(desk, "GET", f"/requisitions/{number}/export/", other) == (409, "requisition_sans_accord")


def test_it_dies_by_itself_and_is_decided_once(desk: Desk) -> None:
    refused, late, good = asked(desk), asked(desk), approved(desk)
    assert desk.post(f"/requisitions/{refused}/refuse/", who="admin")["statut"] == "refusee"
    assert refusal(desk, "POST", f"/requisitions/{refused}/approve/", "second") == (
        409,
        "requisition_decidee",
    )
    with desk.fleet.database.transaction() as tx:
        some = requisition.c.id.in_((late, good))
        tx.execute(update(requisition).where(some).values(valable_jusqu_a=tx.now))
    assert refusal(desk, "POST", f"/requisitions/{late}/approve/", "second") == (409, "requisition_expiree")
    assert refusal(desk, "GET", f"/requisitions/{good}/export/", "admin") == (409, "requisition_expiree")
    for statut, ids in (("expiree", {late, good}), ("refusee", {refused}), ("demandee", set())):
        found = desk.get("/requisitions/", who="admin", params={"statut": statut})["resultats"]
        assert {one["id"] for one in found} == ids


def test_of_two_who_decide_at_once_one_does(desk: Desk) -> None:
    number = asked(desk)
    known = {one.login: one.id for one in operateurs.search(desk.fleet, SYSTEM, Page()).resultats}
    acts = [("second", requisitions.approve), ("third", requisitions.approve), ("third", requisitions.refuse)]

    def decide(which: int) -> str:
        login, act = acts[which]
        actor = operateurs.actor_of(desk.fleet, known[login])
        assert actor is not None
        try:
            act(desk.fleet, actor, number)
        except Refused as refused:
            return refused.reason
        return "done"

    assert sorted(at_once(len(acts), decide)) == ["done", "requisition_decidee", "requisition_decidee"]


def test_the_schema_itself_wants_two(desk: Desk) -> None:
    number = asked(desk)
    alone = {"statut": "approuvee", "decidee_par": requisition.c.demandee_par}
    changed = update(requisition).where(requisition.c.id == number).values(**alone)

    def approve_alone() -> None:
        with desk.fleet.database.transaction() as tx:
            tx.execute(changed)

    with pytest.raises(IntegrityError):
        approve_alone()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"reference": "  "}, "reference"),
        ({"depuis": "2026-01-01T00:00:00Z"}, "jusqu_a"),
        ({"jusqu_a": "2040-01-01T00:00:00Z", "depuis": "2039-12-31T00:00:00Z"}, "jusqu_a"),
        ({"jusqu_a": "2026-01-01T00:00:00Z", "depuis": "2026-01-02T00:00:00Z"}, "jusqu_a"),
    ],
)
def test_a_request_that_is_none_is_refused(desk: Desk, fields: dict[str, str], field: str) -> None:
    body = {"reference": "r", "depuis": "2026-03-01T00:00:00Z", "jusqu_a": "2026-10-02T00:00:00Z"} | fields
    answer = desk.call("POST", "/requisitions/", who="admin", json=body)
    assert (answer.status_code, answer.json()["field"]) == (422, field)


def test_what_is_not_there_is_not_found(desk: Desk) -> None:
    day = {"depuis": "2026-03-01T00:00:00Z", "jusqu_a": "2026-03-02T00:00:00Z", "reference": "r"}
    for one in ({"site": "nowhere"}, {"poste": "none"}, {"utilisateur": 4711}):
        assert desk.call("POST", "/requisitions/", who="admin", json=day | one).status_code == 404
    assert desk.call("GET", "/requisitions/4711/", who="admin").status_code == 404
