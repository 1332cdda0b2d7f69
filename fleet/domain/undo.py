"""Taking back an ending that was a mistake."""

from dataclasses import replace
from datetime import datetime, timedelta

from fleet.domain.errors import Refused
from fleet.domain.policy import Policy
from fleet.domain.session import ENDED, SUSPENDUE, Session

WINDOW = timedelta(minutes=1)
REASON = "fin_annulee"
_BY_SOMEBODY = ("fin_operateur", "fin_visiteur", "suspension_trop_longue")


def undone(session: Session, now: datetime, policy: Policy) -> Session:
    """The session paused again with all that was left of it. Raises Refused."""
    if session.statut not in ENDED or session.started_at is None or session.ended_at is None:
        raise Refused("transition_interdite", statut=session.statut)
    if session.reason not in _BY_SOMEBODY:
        raise Refused("fin_definitive")
    if now - session.ended_at > WINDOW:
        raise Refused("trop_tard")
    left = min(session.left_ms or 0, session.granted_ms)
    if left < 1000:
        raise Refused("rien_a_reprendre")
    return replace(
        session,
        statut=SUSPENDUE,
        left_ms=left,
        deadline=None,
        ended_at=None,
        suspended_at=now,
        suspended_until=now + timedelta(seconds=policy.longest_suspension_s),
        reason=REASON,
    )
