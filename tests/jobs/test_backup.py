"""Back up, wreck, restore: every invariant holds, and no poste opens by it."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, text, update

from fleet.database import alerts, audit, leases, tables
from fleet.database.engine import Database
from fleet.database.sessions import to_session
from fleet.jobs import backup, restore
from fleet.jobs.failures import JobFailed
from fleet.jobs.settings import Backups, JobSettings
from fleet.usecases import sessions
from tests.jobs.conftest import Go
from tests.support.rooms import Room
from tests.support.tampering import unguarded

SECRET = "a secret of the backups, 32 bytes or more"


def where(settings: JobSettings, secret: str | None = None) -> Backups:
    assert settings.backups is not None
    return replace(settings.backups, secret=secret, fingerprints={"PPM_CODE_SECRET": "aa"})


def made(room: Room, settings: JobSettings, secret: str | None = None) -> Path:
    return backup.make(room.fleet.database, where(settings, secret), "test")


def stopped(room: Room) -> None:
    """No controller drives the site any more."""
    with room.tx() as tx:
        leases.release(tx.connection, room.lease, tx.now)


def wreck(database: Database) -> None:
    """All that can go wrong short of a fire."""
    with database.transaction() as tx:
        with unguarded(tx):
            for table in reversed(tables.metadata.sorted_tables):
                tx.execute(table.delete())
        tx.execute(text("CREATE TABLE of_nobody (id integer)"))


def back(room: Room, path: Path, **more: object) -> restore.Restored:
    options = {"secret": None, "fingerprints": {"PPM_CODE_SECRET": "aa"}, **more}
    return restore.restore(room.fleet.database, path, **options)  # type: ignore[arg-type]


def books_hold(room: Room) -> None:
    """Granted is what the ledger says and what was used and is left; the audit chain holds."""
    octroi, session = tables.grant, tables.session
    with room.fleet.database.read() as tx:
        given = (
            select(func.sum(octroi.c.montant_ms)).where(octroi.c.session_id == session.c.id).scalar_subquery()
        )
        for row in tx.execute(select(session, given.label("given"))):
            one = to_session(row)
            assert one.granted_ms == row.given == one.used_ms(tx.now) + one.unspent_ms(tx.now)
        assert list(audit.verify(tx.connection)) == []
        assert one_usable_session_per_poste(room)


def one_usable_session_per_poste(room: Room) -> bool:
    session = tables.session
    with room.fleet.database.read() as tx:
        counts = tx.execute(
            select(func.count())
            .where(session.c.statut.in_(("active", "suspendue")))
            .group_by(session.c.poste_id)
        )
        return set(counts.scalars()) <= {1}


@pytest.mark.parametrize("secret", [None, SECRET])
def test_a_wrecked_deployment_comes_back_with_every_second_and_opens_nothing(
    room: Room, settings: JobSettings, secret: str | None
) -> None:
    begun = time.monotonic()
    running, ended = room.running(1200), room.running(900, poste=room.postes[1])
    sessions.terminate(room.fleet, room.actor, ended)
    waiting = room.new(600)
    room.pass_time(running, minutes=5)
    revs = [room.wanted(poste).rev for poste in room.postes]
    path = made(room, settings, secret)
    took_ms = round((time.monotonic() - begun) * 1000)
    stopped(room)
    room.pass_time(running, minutes=3)
    wreck(room.fleet.database)
    done = back(room, path, secret=secret)
    assert (done.paused, done.cancelled, done.other_secrets) == (1, 1, [])
    row = room.row(running)
    assert (row.statut, row.motif_fin) == ("suspendue", "restauration")
    assert 900_000 - took_ms <= row.restant_ms <= 900_000
    assert (room.row(waiting.session_id).statut, room.row(ended).statut) == ("terminee", "terminee")
    assert [room.wanted(poste).rev for poste in room.postes] == [rev + 1 for rev in revs]
    books_hold(room)
    with room.tx() as tx:
        again = leases.acquire(tx.connection, room.site_id, "next", tx.now)
    assert again is not None
    assert again.term > room.lease.term
    room.lease = again
    room.presence(room.postes[2], online=True)
    assert room.refusal(room.type, waiting.code, room.postes[2]) == "code_deja_utilise"


def test_codes_that_nobody_had_used_can_be_kept(room: Room, settings: JobSettings) -> None:
    waiting = room.new(600)
    path = made(room, settings)
    stopped(room)
    assert back(room, path, keep_codes=True).cancelled == 0
    assert room.row(waiting.session_id).statut == "en_attente"


def test_what_happened_after_the_backup_is_gone(room: Room, settings: JobSettings) -> None:
    path = made(room, settings)
    room.new(600)
    stopped(room)
    back(room, path)
    with room.fleet.database.read() as tx:
        assert tx.execute(select(func.count()).select_from(tables.session)).scalar_one() == 0


def test_what_was_to_be_sent_then_is_not_sent_and_no_old_answer_is_told_again(
    room: Room, settings: JobSettings
) -> None:
    with room.tx() as tx:
        stamps = {"created_at": tx.now, "updated_at": tx.now}
        told = insert(tables.alert).values(genre="disque", cle="disque:x", **stamps)
        number = tx.execute(told.returning(tables.alert.c.id)).scalar_one()
        tx.execute(insert(tables.delivery).values(genre="alerte", alerte_id=number, apres=tx.now, **stamps))
        kept = {"demandeur": "operateur:1", "cle": "a key", "empreinte": b"e", "created_at": tx.now}
        tx.execute(insert(tables.answered).values(**kept))
    path = made(room, settings)
    stopped(room)
    back(room, path)
    with room.fleet.database.read() as tx:
        assert tx.execute(select(tables.delivery.c.statut)).scalars().all() == ["abandonne"]
        assert tx.execute(select(tables.answered)).all() == []


def test_an_order_that_waited_then_is_given_no_more(room: Room, settings: JobSettings) -> None:
    """It may have been done since: a machine without a disk would do it twice."""
    with room.tx() as tx:
        for number, statut in enumerate(("a_envoyer", "attend", "done")):
            order = {"id": f"o{number}", "op": "reboot", "statut": statut, "ttl_ms": 86_400_000}
            mine = {"site_id": room.site_id, "poste_id": room.postes[0]}
            tx.execute(insert(tables.command).values(**order, **mine, issued_at=tx.now, updated_at=tx.now))
    path = made(room, settings)
    stopped(room)
    back(room, path)
    with room.fleet.database.read() as tx:
        rows = tx.execute(
            select(tables.command.c.statut, tables.command.c.motif).order_by(tables.command.c.id)
        )
        assert [tuple(row) for row in rows] == [("expired", "restauration")] * 2 + [("done", None)]


def test_a_deployment_that_is_driven_is_not_restored(room: Room, settings: JobSettings) -> None:
    path = made(room, settings)
    with room.tx() as tx:
        tx.execute(update(tables.lease).values(expires_at=tx.now + timedelta(minutes=1)))
    with pytest.raises(JobFailed, match="tous les contrôleurs"):
        back(room, path)
    assert back(room, path, force=True).paused == 0


def test_another_secret_than_that_of_the_backup_is_named(room: Room, settings: JobSettings) -> None:
    path = made(room, settings)
    stopped(room)
    assert back(room, path, fingerprints={"PPM_CODE_SECRET": "bb"}).other_secrets == ["PPM_CODE_SECRET"]


def damaged(path: Path, at: int) -> Path:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    other = path.with_name(f"damaged{path.suffix}")
    other.write_bytes(content)
    return other


@pytest.mark.parametrize("secret", [None, SECRET])
def test_a_damaged_or_cut_backup_is_refused_and_changes_nothing(
    room: Room, settings: JobSettings, secret: str | None
) -> None:
    waiting = room.new(600)
    path = made(room, settings, secret)
    stopped(room)
    cut = path.with_name("cut")
    cut.write_bytes(path.read_bytes()[: -(20_480 if secret is None else 1)])
    for bad in (damaged(path, 20_000), cut):
        with pytest.raises(JobFailed):
            back(room, bad, secret=secret)
    assert room.row(waiting.session_id).statut == "en_attente"


def test_an_encrypted_backup_needs_its_secret(room: Room, settings: JobSettings) -> None:
    path = made(room, settings, SECRET)
    assert b"site-" not in path.read_bytes()
    for wrong in (None, "another secret, of 32 bytes or more!"):
        with pytest.raises(JobFailed):
            back(room, path, secret=wrong)


def test_without_a_folder_nothing_is_backed_up_and_that_is_no_success(database: Database, go: Go) -> None:
    assert "PPM_BACKUP_DIR" in go("backup", JobSettings(), fails=True)["erreur"]
    with database.read() as tx:
        assert alerts.open_keys(tx, alerts.BACKUP) == {"backup"}


def test_backups_are_closed_to_others_and_the_oldest_go(room: Room, settings: JobSettings, go: Go) -> None:
    names = [go("backup")["fichier"] for _ in range(3)]
    folder = where(settings).folder
    assert sorted(path.name for path in folder.iterdir()) == ["effacements.jsonl", *names[1:]]
    assert {path.stat().st_mode & 0o077 for path in (folder, *folder.iterdir())} == {0}


def test_a_backup_says_what_it_is_of(room: Room, settings: JobSettings, tmp_path: Path) -> None:
    before = datetime.now(UTC)
    room.new(600)
    with room.fleet.database.read() as tx:
        anchors = audit.anchors(tx.connection)
    manifest, _ = backup.unwrap(made(room, settings), tmp_path, None)
    assert before - timedelta(seconds=5) < manifest.taken_at < datetime.now(UTC) + timedelta(seconds=5)
    assert (manifest.anchors, manifest.secrets) == (anchors, {"PPM_CODE_SECRET": "aa"})


def test_a_file_that_is_no_backup_is_refused(room: Room, tmp_path: Path) -> None:
    path = tmp_path / "holiday.tar"
    path.write_bytes(b"not a tar")
    with pytest.raises(JobFailed, match="n’est pas une sauvegarde"):
        back(room, path)
