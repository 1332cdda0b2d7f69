"""Bookings that new hours have left outside: they stay, so that somebody can call the person, and are an alert.

Cancelling them would forget whom to call, and a mistake in the hours would cost them all. A session is not given to
them while the site is closed, which is the rule for every session.
"""

from datetime import datetime

from msgspec import Struct
from sqlalchemy import select

from fleet.database import alerts, places
from fleet.database.engine import Transaction
from fleet.database.tables import booking, poste
from fleet.domain.booking import PREVUE, is_open_for


class ClosedBooking(Struct, frozen=True):
    """A booking of a time at which the site is closed now."""

    id: int
    poste: str
    debut: datetime
    fin: datetime


def look(tx: Transaction, site_id: int) -> list[ClosedBooking]:
    """Those of a site; begin, keep or end the alert that says so."""
    place = places.site(tx, site_id)
    wanted = (
        select(booking.c.id, poste.c.slug, booking.c.debut, booking.c.fin)
        .join_from(booking, poste, booking.c.poste_id == poste.c.id)
        .where(booking.c.site_id == site_id, booking.c.statut == PREVUE, booking.c.fin > tx.now)
        .order_by(booking.c.debut, booking.c.id)
    )
    rows = [row for row in tx.execute(wanted) if not is_open_for(place.hours, row.debut, row.fin)]
    if rows:
        facts = {"site": place.slug, "nombre": len(rows), "premiere": rows[0].debut.isoformat()}
        alerts.begin(tx, alerts.BOOKINGS, place.slug, site_id=site_id, details=facts)
    else:
        alerts.end(tx, alerts.BOOKINGS, place.slug)
    return [ClosedBooking(*row) for row in rows]


def look_again(tx: Transaction) -> None:
    """Wherever such an alert lasts: its bookings may be over by now."""
    for site_id in alerts.open_sites(tx, alerts.BOOKINGS):
        look(tx, site_id)
