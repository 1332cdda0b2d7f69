"""Promises of a poste, as rows."""

from sqlalchemy import select, update

from fleet.database.engine import Transaction
from fleet.database.tables import booking
from fleet.domain.booking import HONOREE, LATE, PREVUE, Booking


def next_on(tx: Transaction, poste_id: int) -> Booking | None:
    """The next promise of a poste that still holds: one whose person is too late does not."""
    wanted = (
        select(booking.c.id, booking.c.debut, booking.c.utilisateur_id)
        .where(
            booking.c.poste_id == poste_id,
            booking.c.statut == PREVUE,
            booking.c.fin > tx.now,
            booking.c.debut > tx.now - LATE,
        )
        .order_by(booking.c.debut)
        .limit(1)
    )
    row = tx.execute(wanted).first()
    return None if row is None else Booking(row.id, row.debut, row.utilisateur_id)


def honour(tx: Transaction, booking_id: int, session_id: int) -> bool:
    """The promise is kept: this session is what it was for. The name is not needed any more."""
    kept = update(booking).where(booking.c.id == booking_id, booking.c.statut == PREVUE)
    values = {"statut": HONOREE, "session_id": session_id, "nom": "", "updated_at": tx.now}
    return tx.execute(kept.values(**values, version=booking.c.version + 1)).rowcount == 1
