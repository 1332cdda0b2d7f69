"""A session that goes on at another poste, and the time that two machines measured of it."""

from dataclasses import replace
from datetime import datetime, timedelta

from fleet.domain import session as rules
from fleet.domain.errors import Refused
from fleet.domain.session import ACTIVE, ENDED, ON_POSTE, SUSPENDUE, Session

SWAP_CONFIRM = timedelta(seconds=60)
"""How long two postes that change visitors have to be cleaned and to unlock again."""


def moved(session: Session, poste_id: int, boot: str, now: datetime) -> Session:
    """The session at another poste: what ran has to be confirmed there, what was paused stays so. Raises Refused."""
    if session.statut not in ON_POSTE:
        raise Refused("transition_interdite", statut=session.statut)
    there = replace(session, poste_id=poste_id, boot=boot)
    if session.statut == SUSPENDUE:
        return there
    left = session.remaining_ms(now)
    if left == 0:
        raise Refused("transition_interdite", statut="en fin")
    return rules.resume(replace(there, statut=SUSPENDUE, left_ms=left), now, boot)


def patient(session: Session, now: datetime) -> Session:
    """The same, with the time that a clean-up takes before it has to be confirmed."""
    return replace(session, confirm_by=now + SWAP_CONFIRM) if session.statut == ACTIVE else session


def correction_ms(measured_ms: int, reckoned_ms: int, since_ms: int) -> int:
    """What the poste that was left makes wrong in our reckoning of what was left when it was left.

    It locked at some instant of the `since_ms` that have passed: so much of what it measured as used may not be the
    visitor's, who sat elsewhere. More than we reckoned was left where a fault had locked it.
    """
    return max(measured_ms, min(reckoned_ms, measured_ms + since_ms)) - reckoned_ms


def corrected(session: Session, by_ms: int, most_ms: int, now: datetime) -> tuple[Session, int]:
    """The session with that correction, `most_ms` at most to its gain; and what was really corrected."""
    left = session.unspent_ms(now)
    by_ms = min(max(by_ms, -left), max(0, min(most_ms, session.granted_ms - left)))
    if session.statut in ENDED:
        return replace(session, left_ms=left + by_ms), by_ms
    return rules.shifted(session, by_ms, now), by_ms
