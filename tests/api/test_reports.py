"""The reports of the day before."""

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import update

from fleet.database.tables import session
from fleet.jobs import running
from fleet.jobs.settings import JobSettings
from fleet.usecases import report_page
from fleet.usecases.log_statistics import LogStats
from fleet.usecases.statistics import SessionStats
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
    assert "<h1>Rapport des sessions du mardi 10 mars 2026</h1>" in page.text
    assert "<script" not in page.text


def read(page: str) -> str:
    """What one reads of a page, a cell on each side of a bar."""
    return re.sub("[|]+", "|", re.sub("<[^>]*>", "|", re.sub("<style>.*</style>", "", page)))


OF_MACHINES = re.compile(r"\w_\w|UTC|\d{4}-\d\d|\d{4}|None|True|False")


def test_a_report_is_read_as_french_by_the_hours_of_its_place(desk: Desk) -> None:
    desk.call("PUT", "/sites/st-denis/", who="admin", json={"zone": "America/St_Johns"})
    person = desk.post("/utilisateurs/", {"nom": "A", "prenom": "B", "consentement_rgpd": True})["id"]
    for hour, length_s, who in ((9, 3900, person), (14, 1200, None)):
        number = desk.session(poste="poste-1", utilisateur=who, duree_initiale=length_s)["id"]
        at = datetime(2026, 3, 10, hour, 5, tzinfo=ZoneInfo("America/St_Johns"))
        begun(desk, number, at)
        with desk.fleet.database.transaction() as tx:
            ended = {"created_at": at - timedelta(seconds=95), "motif_fin": "fin_visiteur"}
            tx.execute(update(session).where(session.c.id == number).values(**ended))
    run(desk, "sessions_report", "2026-03-11")
    told = desk.get("/rapports/sessions/2026-03-10/")
    said = read(desk.call("GET", "/rapports/sessions/2026-03-10/page/").text)
    made = datetime.fromisoformat(told["created_at"]).astimezone(ZoneInfo("America/St_Johns"))
    for words in (
        "|Saint-Denis|", f"Rapport établi le {made:%d/%m/%Y} à {made.hour}\xa0h\xa0{made:%M}", "America/St Johns",
        "|Temps utilisé|1\xa0h 25\xa0min|", "|Durée moyenne d’une session|42\xa0min 30\xa0s|",
        "|Attente moyenne entre le code et le début|1\xa0min 35\xa0s|", "|De 9\xa0h à 10\xa0h|1|1\xa0h 05\xa0min|",
        "|Poste 1|2|", "|Sans catégorie|2|", "|Terminée par le visiteur|2|", "\u202f%|", "|Expirée|2|",
    ):  # fmt: skip
        assert words in said, words
    left = OF_MACHINES.findall(said.replace("mars 2026", "").replace(f"/{made:%Y}", ""))
    assert left == []


def test_the_report_of_the_trail_names_what_was_done(desk: Desk) -> None:
    tomorrow = datetime.now(UTC).astimezone(ZONE).date() + timedelta(days=1)
    desk.session(poste="poste-2")
    desk.call("POST", f"/sessions/{desk.session()['id']}/suspend/")
    run(desk, "logs_report", tomorrow.isoformat())
    said = read(desk.call("GET", f"/rapports/logs/{tomorrow - timedelta(days=1)}/page/").text)
    assert "|Code créé|2|" in said
    assert "|Impossible\u202f: la session est …|1|" in said
    assert "|Aucun (visiteur, poste ou système)|" in said
    assert not OF_MACHINES.findall(re.sub(r"(/| )20\d\d", "", said))


def test_every_figure_of_a_report_is_on_its_page_or_left_out_on_purpose() -> None:
    tables = {one.field for one in (*report_page._sessions({}), *report_page._JOURNAL)}
    shown = tables | {name for name, *_ in (*report_page._SUMMARY, *report_page._LINES)}
    figures = {*SessionStats.__struct_fields__, *LogStats.__struct_fields__}
    assert figures == shown | report_page.LEFT_OUT


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
