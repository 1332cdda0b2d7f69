"""What is too old to be kept, by the clock of its class. Each purge leaves a certificate."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, delete, exists, or_, select

from fleet.database import erasing, purges
from fleet.database.engine import Transaction
from fleet.database.sql import any_of
from fleet.database.tables import (
    alert,
    booking,
    command,
    delivery,
    enrolment,
    enrolment_request,
    extension,
    job_run,
    log,
    poste_event,
    queue,
    refresh_token,
    request,
    requisition,
    session,
    utilisateur,
)
from fleet.domain.delivery import A_ENVOYER
from fleet.domain.session import ENDED, USABLE
from fleet.jobs.ledger import Run
from fleet.jobs.settings import JobSettings

AT_ONCE = 2_000
Purge = Callable[[Transaction, datetime], int]


def purge(run: Run, settings: JobSettings) -> dict[str, Any]:
    """Sessions and promises lose their people; people without a visit, addresses and old requests go."""
    keep = settings.keep
    return {
        "sessions": _until_done(run, "sessions", keep.sessions, _sessions),
        "reservations": _until_done(run, "reservations", keep.sessions, _promises(booking, booking.c.fin)),
        "attente": _until_done(run, "attente", keep.sessions, _promises(queue, queue.c.created_at)),
        "utilisateurs": _until_done(run, "utilisateurs", keep.people, _people),
        "adresses": _until_done(run, "adresses", keep.terminal, _addresses),
        "evenements": _until_done(
            run, "evenements", keep.terminal, _old(poste_event, poste_event.c.happened_at)
        ),
        "requisitions": _until_done(
            run, "requisitions", keep.logs, _old(requisition, requisition.c.created_at)
        ),
        "technique": sum(_until_done(run, name, keep.technical, of) for name, of in _TECHNICAL.items()),
    }


def _until_done(run: Run, kind: str, age: Any, work: Purge) -> int:
    """In small transactions, so that nobody waits for long; the certificate comes with each of them."""
    total = 0
    while True:
        with run.step() as tx:
            limit = tx.now - age
            done = work(tx, limit)
            if not done:
                return total
            purges.certify(tx, kind, done, before=limit)
            total += done


def _sessions(tx: Transaction, limit: datetime) -> int:
    known = or_(session.c.utilisateur_id.is_not(None), session.c.notes != "")
    old = and_(session.c.statut.in_(ENDED), session.c.fin_session < limit, known)
    ids = list(tx.execute(select(session.c.id).where(old).order_by(session.c.id).limit(AT_ONCE)).scalars())
    return erasing.anonymise_sessions(tx, any_of(tx, session.c.id, ids)) if ids else 0


def _promises(table: Table, column: Any) -> Purge:
    return lambda tx, limit: erasing.forget_promises(tx, table, column < limit)


def _people(tx: Transaction, limit: datetime) -> int:
    came = or_(session.c.created_at >= limit, session.c.fin_session >= limit, session.c.statut.in_(USABLE))
    recent = exists().where(session.c.utilisateur_id == utilisateur.c.id, came)
    booked = exists().where(booking.c.utilisateur_id == utilisateur.c.id, booking.c.fin >= limit)
    gone = select(utilisateur.c.id).where(utilisateur.c.created_at < limit, ~recent, ~booked)
    ids = list(tx.execute(gone.order_by(utilisateur.c.id).limit(AT_ONCE)).scalars())
    return erasing.forget_people(tx, ids) if ids else 0


def _addresses(tx: Transaction, limit: datetime) -> int:
    return erasing.forget_addresses(tx, log.c.created_at < limit)


def _old(table: Table, column: Any, also: ColumnElement[bool] | None = None) -> Purge:
    def work(tx: Transaction, limit: datetime) -> int:
        old = column < limit if also is None else and_(column < limit, also)
        return tx.execute(delete(table).where(old)).rowcount

    return work


_TECHNICAL = {
    "demandes_postes": _old(request, request.c.created_at),
    "commandes": _old(command, command.c.updated_at, command.c.statut != "a_envoyer"),
    "demandes_temps": _old(extension, extension.c.created_at, extension.c.statut != "ouverte"),
    "enrolements": _old(enrolment, enrolment.c.expire_a),
    "demandes_enrolement": _old(enrolment_request, enrolment_request.c.vue_a),
    "jetons": _old(refresh_token, refresh_token.c.expires_at),
    "envois": _old(delivery, delivery.c.updated_at, delivery.c.statut != A_ENVOYER),
    "alertes": _old(alert, alert.c.resolue_a),
    "taches": _old(job_run, job_run.c.finished_at),
}
