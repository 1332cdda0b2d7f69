"""The jobs as the desk sees them."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from controller.jobs import Jobs
from fleet.database.tables import job_run
from fleet.domain.reasons import REASONS
from fleet.jobs import running
from fleet.jobs.settings import Backups, JobSettings
from fleet.jobs.table import JOBS
from tests.api.conftest import Desk


def jobs(desk: Desk) -> dict[str, Any]:
    return {one["id"]: one for one in desk.get("/jobs/")["resultats"]}


def test_every_job_is_listed_with_its_next_run(desk: Desk) -> None:
    found = jobs(desk)
    assert set(found) == {"sweep", *JOBS}
    assert found["backup"]["frequence"] == "tous les jours à 02:00"
    assert found["log_archive"]["frequence"] == "le 1er du mois à 01:00"
    assert found["backup"]["prochaine"].endswith("T22:00:00Z")
    assert found["backup"]["derniere"] is None


def test_a_run_that_is_asked_for_is_done_by_a_controller_and_shown(desk: Desk) -> None:
    asked = desk.post("/jobs/old_sessions/run/", who="admin")
    assert jobs(desk)["old_sessions"]["derniere"]["reussie"] is None

    async def controlled() -> None:
        async def sweep() -> None: ...

        running = asyncio.create_task(Jobs(desk.fleet.database, JobSettings(), "one").run(sweep))
        await asyncio.to_thread(desk.until, lambda: jobs(desk)["old_sessions"]["derniere"]["reussie"], 20)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(controlled())
    last = jobs(desk)["old_sessions"]["derniere"]
    assert last["periode"] == asked["periode"]
    assert last["demandee_par"] == "admin"
    assert last["resultat"]["sessions"] == 0
    assert desk.get("/logs/?action=lancement_tache", who="admin")["resultats"][0]["operateur"] == "admin"


@pytest.mark.parametrize(
    ("folder", "said"),
    [(None, "Aucun dossier n’est réglé"), ("file", "Le système a refusé\u202f: un fichier porte")],
)
def test_why_a_job_failed_is_told_in_french(
    desk: Desk, tmp_path: Path, folder: str | None, said: str
) -> None:
    (tmp_path / "file").write_text("no folder")
    where = None if folder is None else Backups(tmp_path / folder)
    slot = desk.post("/jobs/backup/run/", who="admin")["periode"]
    running.run_one(desk.fleet.database, JobSettings(backups=where), "backup", slot, "one")
    last = jobs(desk)["backup"]["derniere"]
    assert (last["reussie"], last["resultat"]["erreur"].partition(said)[0]) == (False, "")
    assert last["resultat"]["motif"] in REASONS


def test_only_an_administrator_runs_a_job_and_only_one_that_exists(desk: Desk) -> None:
    assert desk.call("POST", "/jobs/backup/run/").status_code == 403
    assert desk.call("POST", "/jobs/coffee/run/", who="admin").status_code == 404
    assert (
        desk.get("/logs/errors/", who="admin")["resultats"][0]["metadata"]["tentative"] == "lancement_tache"
    )


def test_a_run_that_is_asked_for_under_a_key_is_asked_for_once_and_done_by_nobody_here(desk: Desk) -> None:
    headers = {"Authorization": f"Bearer {desk.token('admin')}", "Idempotency-Key": "tonight"}
    first, again = (desk.client.post("/api/jobs/backup/run/", headers=headers) for _ in range(2))
    assert (first.status_code, again.json()) == (202, first.json())
    with desk.fleet.database.read() as tx:
        (asked,) = tx.execute(select(job_run).where(job_run.c.job == "backup")).all()
    assert (asked.slot, asked.started_at) == (first.json()["periode"], None)
