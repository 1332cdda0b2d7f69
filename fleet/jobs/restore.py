"""Back to a backup, so that no poste opens by it and no visitor's time is lost.

What happened after the backup is not known: the sessions that ran then are paused as of then, codes that waited may
have been used since and are cancelled, and nothing that was about to be sent is sent. Who was forgotten since is
forgotten again, as far as that is known outside the database (`fleet.jobs.forgotten`). Terms go on rising: a new
one is at least the seconds since 1970 (`fleet.database.leases`), so postes hear the restored database.
"""

import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import delete, inspect, select, update
from sqlalchemy.exc import SQLAlchemyError

from fleet.database import bulk, dump, schema, sessions
from fleet.database.audit import Entry
from fleet.database.dump import DumpFailed
from fleet.database.engine import Database, Transaction
from fleet.database.tables import (
    answered,
    command,
    delivery,
    extension,
    job_run,
    lease,
    poste,
    presence,
    request,
    session,
)
from fleet.domain import session as rules
from fleet.domain.delivery import A_ENVOYER, ABANDONNE
from fleet.jobs import forgotten
from fleet.jobs.backup import Manifest, unwrap
from fleet.jobs.failures import JobFailed, outcome
from fleet.jobs.forgotten import Again, Known
from fleet.usecases import logins

REASON = "restauration"


@dataclass(frozen=True)
class Restored:
    """What a restore did; `other_secrets` names those at hand that are not those of the backup."""

    taken_at: datetime
    paused: int
    cancelled: int
    other_secrets: list[str]
    erasures: Known
    again: Again


def restore(
    database: Database,
    path: Path,
    *,
    secret: str | None,
    fingerprints: dict[str, str],
    keep_codes: bool = False,
    force: bool = False,
) -> Restored:
    """Replace all that the database holds. Raises JobFailed, and then nothing was replaced."""
    with tempfile.TemporaryDirectory(prefix="ppm-restore-") as folder:
        manifest, data = unwrap(path, Path(folder), secret)
        _check(database, manifest, force)
        erasures = forgotten.known(database, path, manifest)
        try:
            dump.load(database, data)
        except DumpFailed as error:
            raise JobFailed(error.reason, retry_after_s=None, **error.details) from error
    schema.upgrade(database)
    with database.transaction() as tx:
        again = forgotten.again(tx, erasures.lines, REASON)
        paused, cancelled = _settle(tx, manifest, keep_codes, erasures, again)
    known = manifest.secrets.items()
    others = [name for name, mark in known if name in fingerprints and fingerprints[name] != mark]
    return Restored(manifest.taken_at, paused, cancelled, others, erasures, again)


def _check(database: Database, manifest: Manifest, force: bool) -> None:
    if manifest.database != database.url.get_backend_name():
        raise JobFailed("sauvegarde_autre_base", base=manifest.database)
    if manifest.revision not in schema.revisions():
        raise JobFailed("sauvegarde_trop_recente", revision=manifest.revision)
    if not force and _is_driven(database):
        raise JobFailed("controleur_en_marche")


def _is_driven(database: Database) -> bool:
    try:
        with database.read() as tx:
            if not inspect(tx.connection).has_table(lease.name):
                return False
            alive = (lease.c.expires_at > tx.now, lease.c.holder != "")
            return tx.execute(select(lease.c.site_id).where(*alive)).first() is not None
    except SQLAlchemyError:  # what is to be replaced may be wrecked in any way
        return False


def _settle(
    tx: Transaction, manifest: Manifest, keep_codes: bool, erasures: Known, again: Again
) -> tuple[int, int]:
    paused = _pause(tx, manifest.taken_at)
    cancelled = 0 if keep_codes else _cancel_codes(tx)
    everywhere = [(poste_id, REASON) for poste_id in tx.execute(select(poste.c.id)).scalars()]
    bulk.bump(tx, everywhere)
    tx.execute(update(presence).values(online=None, remaining_ms=None))
    tx.execute(update(lease).values(holder="", expires_at=tx.now))
    logged_out = logins.end_everyone(tx)
    for gone in (request, answered):
        tx.execute(delete(gone))
    # One that waited for its poste may have been done since: twice is worse than not.
    waiting = command.c.statut.in_(("a_envoyer", "attend"))
    tx.execute(update(command).where(waiting).values(statut="expired", motif=REASON, updated_at=tx.now))
    unsent = delivery.c.statut == A_ENVOYER
    tx.execute(update(delivery).where(unsent).values(statut=ABANDONNE, updated_at=tx.now))
    tx.execute(update(extension).where(extension.c.statut == "ouverte").values(statut="perimee"))
    running = (job_run.c.started_at.is_not(None), job_run.c.finished_at.is_(None))
    cut_short = outcome(JobFailed("tache_interrompue"))
    tx.execute(update(job_run).where(*running).values(finished_at=tx.now, ok=False, outcome=cut_short))
    facts: dict[str, Any] = {"sauvegarde_du": manifest.taken_at.isoformat(), "suspendues": paused}
    facts |= {"codes_annules": cancelled, "operateurs_deconnectes": logged_out}
    facts |= {"personnes_oubliees": again.people, "consentements_retires": again.consents}
    tx.record(Entry(REASON, metadata=facts | {"effacements_connus": erasures.is_whole}))
    return paused, cancelled


def _pause(tx: Transaction, as_of: datetime) -> int:
    running = sessions.found().where(session.c.statut == rules.ACTIVE).order_by(session.c.id)
    rows = tx.execute(sessions.lock(running)).all()
    for row in rows:
        found = sessions.to_found(row)
        before = found.session
        if before.remaining_ms(min(tx.now, max(as_of, before.started_at or as_of))):
            after = rules.suspend(before, tx.now, found.rules.policy, REASON, as_of)
        else:
            after = rules.end(before, tx.now, "duree_ecoulee", rules.EXPIREE)
        sessions.save(tx, before, after)
        _keep(tx, "suspension_session" if after.statut == rules.SUSPENDUE else "expiration", before)
    return len(rows)


def _cancel_codes(tx: Transaction) -> int:
    waiting = sessions.found().where(session.c.statut == rules.EN_ATTENTE).order_by(session.c.id)
    rows = tx.execute(sessions.lock(waiting)).all()
    for row in rows:
        before = sessions.to_found(row).session
        sessions.save(tx, before, rules.end(before, tx.now, REASON))
        _keep(tx, "fermeture", before)
    return len(rows)


def _keep(tx: Transaction, action: str, about: rules.Session) -> None:
    tx.record(
        Entry(
            action,
            about.site_id,
            session_id=about.id,
            poste_id=about.poste_id,
            utilisateur_id=about.utilisateur_id,
            metadata={"motif": REASON},
        )
    )
