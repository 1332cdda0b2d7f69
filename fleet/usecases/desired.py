"""From what a poste should do, in the database, to the message that tells it. Time left is filled in here."""

from datetime import datetime, timedelta

from fleet.database.outbox import Wanted, is_in_service
from fleet.domain.session import SUSPENDUE, Session
from protocol import messages


def message(wanted: Wanted, term: int, now: datetime) -> messages.Desired:
    """The desired state of a poste as of `now`, by the term of the lease that sends it."""
    if wanted.session is None:
        phase: messages.DesiredPhase = "locked" if is_in_service(wanted) else "maintenance"
        return messages.Desired(term=term, rev=wanted.rev, phase=phase, computed_at=now, reason=wanted.reason)
    phase, remaining_ms, grace_ms = _times(wanted.session, wanted.grace_s, now)
    return messages.Desired(
        term=term,
        rev=wanted.rev,
        phase=phase,
        computed_at=now,
        session=str(wanted.session.id),
        remaining_ms=remaining_ms,
        grace_ms=grace_ms,
        reason=wanted.reason,
        waits=phase == "active" and wanted.session.confirm_by is not None,
    )


def _times(session: Session, grace_s: int, now: datetime) -> tuple[messages.DesiredPhase, int, int]:
    left = session.remaining_ms(now)
    if session.statut == SUSPENDUE:
        return "suspended", left, grace_s * 1000
    if left > 0 or session.deadline is None:
        return "active", left, grace_s * 1000
    over = session.deadline + timedelta(seconds=grace_s) - now
    return "grace", 0, max(0, over // timedelta(milliseconds=1))
