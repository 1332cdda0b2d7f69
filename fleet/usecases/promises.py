"""What a poste was promised for, as a session meets it: it ends before, does not begin, or is what was promised."""

from fleet.database import bookings, sessions
from fleet.database.engine import Transaction
from fleet.database.sessions import Found
from fleet.domain import moments
from fleet.domain import session as rules
from fleet.domain.booking import NEAR
from fleet.domain.errors import Refused


def respected(tx: Transaction, found: Found, running: rules.Session) -> rules.Session:
    """A session that begins to run at a poste, cut where that is promised to somebody else. Raises Refused."""
    promised = bookings.next_on(tx, running.poste_id or 0)
    if promised is None:
        return running
    if promised.is_for(running.utilisateur_id):
        if promised.start <= tx.now + NEAR:
            bookings.honour(tx, promised.id, running.id)
        return running
    if promised.start <= tx.now:
        raise Refused("poste_deja_reserve")
    after, taken = rules.cap(running, tx.now, promised.start)
    if after.remaining_ms(tx.now) < rules.SHORTEST_MS:
        start = found.rules.hours.local(promised.start)
        raise Refused("reserve_bientot", **moments.blank("debut", start, tx.now))
    if taken:
        sessions.give(tx, running.id, "retrait", -taken, motif="reservation")
    return after


def check_room(tx: Transaction, found: Found, seconds: int) -> None:
    """Refuse time that would run into what the poste is promised for."""
    here = found.session
    if seconds <= 0 or here.poste_id is None or not found.is_booked:
        return
    promised = bookings.next_on(tx, here.poste_id)
    if promised is None or promised.is_for(here.utilisateur_id):
        return
    left_s = here.remaining_ms(tx.now) / 1000 + seconds
    if (promised.start - tx.now).total_seconds() < left_s:
        start = found.rules.hours.local(promised.start)
        raise Refused("apres_reservation", **moments.blank("debut", start, tx.now))
