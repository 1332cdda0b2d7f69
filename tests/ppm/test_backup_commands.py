"""Backups, jobs and anchors from the command line."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert

from fleet.database.engine import Database
from fleet.database.tables import utilisateur
from tests.ppm.conftest import Ppm


def test_a_backup_is_made_and_restored(ppm: Ppm, tmp_path: Path) -> None:
    where = {"PPM_BACKUP_DIR": str(tmp_path / "backups"), "PPM_BACKUP_SECRET": "b4" * 24}
    assert ppm("site", "create", "annexe", "--nom", "Annexe").code == 0
    made = ppm("backup", "--json", **where).json
    assert made["encrypted"] is True
    assert ppm("site", "create", "other", "--nom", "Other").code == 0
    done = ppm("restore", made["file"], "--yes", "--json", **where)
    assert (done.code, done.json["paused"], done.json["other_secrets"]) == (0, 0, [])
    assert [one["slug"] for one in ppm("site", "list", "--json").json] == ["annexe"]
    other = ppm("restore", made["file"], "--yes", **{**where, "PPM_CODE_SECRET": "c5" * 24})
    assert "PPM_CODE_SECRET is not the one" in other.err


def test_a_restore_says_whether_it_knows_who_was_forgotten(
    ppm: Ppm, usual: dict[str, str], tmp_path: Path
) -> None:
    where = {"PPM_BACKUP_DIR": str(tmp_path / "backups")}
    made = Path(ppm("backup", "--json", **where).json["file"])
    well = ppm("restore", str(made), "--yes", **where)
    assert (well.code, well.err) == (0, "")
    assert "people forgotten again: 0, consents taken back again: 0 (known up to " in well.out
    (made.parent / "effacements.jsonl").unlink()
    (tmp_path / "fleet.db").write_bytes(b"wrecked")
    lost = ppm("restore", str(made), "--yes", "--json", **where)
    assert (lost.code, lost.json["erasures_known"], lost.json["erasures_known_until"]) == (0, False, None)
    assert "who was forgotten since this backup is not known" in lost.err


def test_whom_a_job_forgets_by_hand_is_written_beside_the_backups(
    ppm: Ppm, usual: dict[str, str], tmp_path: Path
) -> None:
    opened = Database(usual["PPM_DATABASE_URL"])
    old = datetime.now(UTC) - timedelta(days=400)
    stamps = {"created_at": old, "updated_at": old}
    with opened.transaction() as tx:
        tx.execute(insert(utilisateur).values(nom="Payet", prenom="Marie", **stamps))
    opened.close()
    where = {"PPM_BACKUP_DIR": str(tmp_path / "backups")}
    assert ppm("job", "run", "old_sessions", "--json", **where).json["utilisateurs"] == 1
    assert '"utilisateur":1' in (tmp_path / "backups" / "effacements.jsonl").read_text()


def test_a_restore_asks_first_and_a_backup_needs_its_folder(ppm: Ppm, tmp_path: Path) -> None:
    file = tmp_path / "x.tar"
    file.write_bytes(b"x")
    assert ppm("restore", str(file), stdin="n\n").code != 0
    assert "not a backup" in ppm("restore", str(file), stdin="y\n").err
    assert "n’est pas une sauvegarde" in ppm("restore", str(file), "--yes", LANG="fr_FR.UTF-8").err
    assert "PPM_BACKUP_DIR: is not set" in ppm("backup").err


def test_jobs_are_listed_and_run_by_hand(ppm: Ppm, tmp_path: Path) -> None:
    assert ppm("job", "run", "old_sessions", "--json").json["sessions"] == 0
    found = {one["id"]: one for one in ppm("job", "list", "--json").json}
    assert found["old_sessions"]["derniere"]["reussie"] is True
    table = ppm("job", "list").out
    assert "every day at 04:00" in table
    assert "on the 1st of the month" in table
    assert "tous les jours" not in table
    assert "utilisateurs 0, addresses 0, events 0" in table
    table = ppm("job", "list", LANG="fr_FR.UTF-8").out
    assert "tous les jours à 04:00" in table
    assert "utilisateurs 0, adresses 0, evenements 0" in table
    assert "prochaine fois" in table
    assert "no folder is set" in ppm("job", "run", "log_archive").out
    (tmp_path / "file").write_text("no folder")
    failed = ppm("job", "run", "backup", PPM_BACKUP_DIR=str(tmp_path / "file"))
    assert (failed.code, failed.err.count("\n")) == (1, 1)
    assert "backup: The system said no: File exists" in failed.err
    assert "The system said no: File exists" in ppm("job", "list").out
    assert "backup: Aucun dossier" in ppm("job", "run", "backup", LANG="fr_FR.UTF-8").err


def test_an_anchor_that_was_kept_is_checked(ppm: Ppm, tmp_path: Path) -> None:
    assert ppm("site", "create", "annexe", "--nom", "Annexe").code == 0
    kept = ppm("audit", "anchor", "--json").json
    path = tmp_path / "anchor.json"
    path.write_text(json.dumps(kept))
    assert ppm("audit", "verify", "--anchor", str(path)).code == 0
    kept["anchors"][0]["hash"] = "00" * 32
    path.write_text(json.dumps(kept))
    ran = ppm("audit", "verify", "--anchor", str(path))
    assert (ran.code, "not the row of the anchor" in ran.out) == (1, True)
