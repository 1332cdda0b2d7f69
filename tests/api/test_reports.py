"""The reports of the day before."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import update

from fleet.database.tables import session
from fleet.jobs import running
from fleet.jobs.settings import JobSettings
from tests.api.conftest import Desk

ZONE = ZoneInfo("Indian/Reunion")


def run(desk: Desk, job: str, slot: str) -> None:
    done = running.run_one(desk.fleet.database, JobSettings(), job, slot, "tests")
    assert done is not None
    assert done[0], done


def begun(desk: Desk, number: int, at: datetime) -> None:
    with desk.fleet.database.transaction() as tx:
        values = {
            "statut": "expiree",
            "debut_session": at,
            "fin_session": at + timedelta(hours=1),
            "restant_ms": 0,
        }
        tx.execute(update(session).where(session.c.id == number).values(**values))


def test_a_report_has_the_figures_of_its_day_and_no_other(desk: Desk) -> None:
    for day, hour in ((9, 23), (10, 0), (10, 23), (11, 0)):
        begun(desk, desk.session(poste=None)["id"], datetime(2026, 3, day, hour, tzinfo=ZONE))
    run(desk, "sessions_report", "2026-03-11")
    seen = desk.get("/rapports/sessions/2026-03-10/")
    part = seen["sites"]["st-denis"]
    assert (part["demarrees"], part["secondes_utilisees"]) == (2, 7200)
    assert list(part["par_heure"]) == ["0", "23"]
    assert desk.get("/rapports/?genre=sessions")["resultats"][0]["jour"] == "2026-03-10"
    assert desk.call("GET", "/rapports/sessions/2026-03-11/").status_code == 404
    page = desk.call("GET", "/rapports/sessions/2026-03-10/page/")
    assert page.headers["content-type"].startswith("text/html")
    assert "Rapport des sessions du 10/03/2026" in page.text
    assert "<script" not in page.text


def test_the_trail_has_its_report_and_a_second_run_replaces_it(desk: Desk) -> None:
    tomorrow = datetime.now(UTC).astimezone(ZONE).date() + timedelta(days=1)
    for _ in range(2):
        desk.session(poste=None)
        run(desk, "logs_report", tomorrow.isoformat())
        with desk.fleet.database.transaction() as tx:
            tx.connection.exec_driver_sql("DELETE FROM job_run")
    today = date.fromordinal(tomorrow.toordinal() - 1)
    part = desk.get(f"/rapports/logs/{today}/")["sites"]["st-denis"]
    assert part["par_action"]["generation_code"] == 2


def test_who_sees_other_sites_only_sees_nothing_of_this_one(desk: Desk) -> None:
    run(desk, "sessions_report", "2026-03-11")
    desk.call("POST", "/sites/", who="admin", json={"slug": "le-port", "nom": "Le Port"})
    run(desk, "sessions_report", "2026-03-12")
    assert list(desk.get("/rapports/sessions/2026-03-11/")["sites"]) == ["st-denis"]
    assert sorted(desk.get("/rapports/sessions/2026-03-11/", who="admin")["sites"]) == ["le-port", "st-denis"]
