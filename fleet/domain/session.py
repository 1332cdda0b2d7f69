"""A session's life and its time: a deadline plus a ledger, never a counter.

    en_attente -> active <-> suspendue -> terminee | expiree

Each function takes a session and the instant, and gives the session as it becomes, or raises Refused. Time
granted = used + remaining, always: while active the remaining time is what lies before the deadline, while
suspended it is saved, at the end it is what was left unspent. `used` is the time during which the poste was
unlocked; the grace after the deadline is not counted.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from fleet.domain import moments
from fleet.domain.errors import Invalid, Refused
from fleet.domain.policy import Policy

EN_ATTENTE, ACTIVE, SUSPENDUE, TERMINEE, EXPIREE = "en_attente", "active", "suspendue", "terminee", "expiree"
STATUTS = (EN_ATTENTE, ACTIVE, SUSPENDUE, TERMINEE, EXPIREE)
ON_POSTE = (ACTIVE, SUSPENDUE)
USABLE = (EN_ATTENTE, ACTIVE, SUSPENDUE)
ENDED = (TERMINEE, EXPIREE)

CONFIRM_S = 10
"""How long a poste has to say that it unlocked, before the time is given back."""
SHORTEST_MS = 60_000
"""The least time that can be granted."""


@dataclass(frozen=True)
class Session:
    """One visitor's turn at a poste. Durations in milliseconds, instants in UTC."""

    id: int
    site_id: int
    statut: str
    initial_ms: int
    added_ms: int = 0
    poste_id: int | None = None
    utilisateur_id: int | None = None
    code_expires_at: datetime | None = None
    started_at: datetime | None = None
    deadline: datetime | None = None
    confirm_by: datetime | None = None
    suspended_at: datetime | None = None
    suspended_until: datetime | None = None
    left_ms: int | None = None
    ended_at: datetime | None = None
    reason: str | None = None
    boot: str | None = None
    version: int = 0

    @property
    def granted_ms(self) -> int:
        """All that was granted: at creation, and added or taken since."""
        return self.initial_ms + self.added_ms

    def remaining_ms(self, now: datetime) -> int:
        """The time left: 0 in the grace and after the end."""
        if self.statut == EN_ATTENTE:
            return self.granted_ms
        if self.statut == ACTIVE and self.confirm_by is not None:
            return self.granted_ms if self.left_ms is None else self.left_ms
        if self.statut == ACTIVE and self.deadline is not None:
            return max(0, _ms(self.deadline - now))
        return self.left_ms or 0 if self.statut == SUSPENDUE else 0

    def unspent_ms(self, now: datetime) -> int:
        """What of the granted time was not used; after the end, what was lost with it."""
        if self.statut in ENDED:
            return self.left_ms or 0
        return self.remaining_ms(now)

    def used_ms(self, now: datetime) -> int:
        """The time during which the visitor had the poste."""
        return self.granted_ms - self.unspent_ms(now)

    def in_grace(self, now: datetime) -> bool:
        """Whether the deadline has passed and the visitor is saving the work."""
        return self.statut == ACTIVE and self.deadline is not None and self.deadline <= now

    def due_at(self, grace_s: int) -> datetime | None:
        """When this session next needs somebody to act on it, if nothing changes before."""
        if self.statut == EN_ATTENTE:
            return self.code_expires_at
        if self.statut == ACTIVE and self.deadline is not None:
            return self.confirm_by or self.deadline + timedelta(seconds=grace_s)
        return self.suspended_until if self.statut == SUSPENDUE else None


def start(session: Session, poste_id: int, now: datetime, boot: str | None = None) -> Session:
    """The visitor's code was accepted at this poste; it has CONFIRM_S to say that it is unlocked.

    `boot` is the start of the machine at which the session runs: at another one the poste has lost it.
    """
    check_waits(session)
    here = replace(session, poste_id=poste_id, started_at=now, boot=boot)
    return _running(here, session.granted_ms, now)


def check_waits(session: Session) -> None:
    """Raise Refused for one that was started, or is over."""
    _require(session, (EN_ATTENTE,))


def resume(session: Session, now: datetime, boot: str | None = None) -> Session:
    """The saved time runs again, at this start of the machine."""
    _require(session, (SUSPENDUE,))
    return _running(replace(session, boot=boot or session.boot), session.left_ms or 0, now)


def _running(session: Session, left_ms: int, now: datetime) -> Session:
    return replace(
        session,
        statut=ACTIVE,
        deadline=now + timedelta(milliseconds=left_ms),
        left_ms=left_ms,
        confirm_by=now + timedelta(seconds=CONFIRM_S),
        suspended_at=None,
        suspended_until=None,
        reason=None,
    )


def confirm(session: Session, remaining_ms: int, now: datetime) -> Session:
    """The poste unlocked and says how much is left: the time runs since that moment, not before."""
    if session.statut != ACTIVE or session.confirm_by is None or session.deadline is None:
        return session
    given = session.left_ms if session.left_ms is not None else session.granted_ms
    left = min(remaining_ms, given)
    unlocked = now - timedelta(milliseconds=given - left)
    return replace(
        session,
        started_at=unlocked if given == session.granted_ms else session.started_at,
        deadline=now + timedelta(milliseconds=left),
        confirm_by=None,
        left_ms=None,
    )


def add(session: Session, delta_ms: int, now: datetime, policy: Policy, closing: datetime | None) -> Session:
    """Grant more time, or take some away. Raises Refused past the maximum, closing time, or what is left."""
    _require(session, USABLE)
    if delta_ms == 0:
        raise Invalid("seconds", "valeur_invalide", regle="un nombre de secondes différent de 0")
    left = session.remaining_ms(now) + delta_ms
    if delta_ms < 0 and (left < 0 or session.granted_ms + delta_ms < SHORTEST_MS):
        raise Refused("temps_insuffisant")
    if delta_ms > 0:
        check_longest(session.granted_ms + delta_ms, policy)
        check_closing(left, now, closing)
    return shifted(replace(session, added_ms=session.added_ms + delta_ms), delta_ms, now)


def shifted(session: Session, delta_ms: int, now: datetime) -> Session:
    """Move the deadline, or what is saved of it; in the grace, from now."""
    if session.statut == ACTIVE and session.deadline is not None:
        unconfirmed = session.confirm_by is not None
        left = (session.left_ms or 0) + delta_ms if unconfirmed else None
        base = session.deadline if unconfirmed else max(session.deadline, now)
        return replace(session, deadline=base + timedelta(milliseconds=delta_ms), left_ms=left)
    if session.statut == SUSPENDUE:
        return replace(session, left_ms=(session.left_ms or 0) + delta_ms)
    return session


def cap(session: Session, now: datetime, closing: datetime | None) -> tuple[Session, int]:
    """The session cut at closing time, and the milliseconds taken from it (whole seconds; 0 for none)."""
    if closing is None:
        return session, 0
    too_much = session.remaining_ms(now) - max(0, _ms(closing - now))
    if too_much <= 0:
        return session, 0
    taken = min(-(-too_much // 1000) * 1000, session.remaining_ms(now) // 1000 * 1000)
    return shifted(replace(session, added_ms=session.added_ms - taken), -taken, now), taken


def suspend(
    session: Session, now: datetime, policy: Policy, reason: str, as_of: datetime | None = None
) -> Session:
    """Save the time that is left, as of an earlier instant where the poste was last heard then."""
    _require(session, (ACTIVE,))
    left = min(session.remaining_ms(_heard(session, now, as_of)), session.granted_ms)
    if left == 0:
        raise Refused("transition_interdite", statut="en fin")
    return replace(
        session,
        statut=SUSPENDUE,
        left_ms=left,
        deadline=None,
        confirm_by=None,
        suspended_at=now,
        suspended_until=now + timedelta(seconds=policy.longest_suspension_s),
        reason=reason,
    )


def _heard(session: Session, now: datetime, as_of: datetime | None) -> datetime:
    """When a running session was last seen to run: not after now, not before it began."""
    if as_of is None:
        return now
    return min(now, as_of if session.started_at is None else max(as_of, session.started_at))


def settle(session: Session, left_ms: int, added_since_ms: int = 0) -> Session:
    """Take the poste's own measure of what was left when it locked.

    `added_since_ms` was granted later, so the poste could not count it. A paused session runs again with this time,
    or is about to: it is never much more than ours. An ended one does not: the poste's clock is believed.
    """
    left = max(0, min(left_ms + added_since_ms, session.granted_ms))
    if session.statut in ENDED:
        return replace(session, left_ms=left)
    ours = session.left_ms or 0
    left = min(left, ours + CONFIRM_S * 1000)
    if session.statut == SUSPENDUE:
        return replace(session, left_ms=left)
    if session.confirm_by is None or session.deadline is None:
        return session
    return replace(session, left_ms=left, deadline=session.deadline + timedelta(milliseconds=left - ours))


def credit(session: Session, outage_ms: int, now: datetime) -> Session:
    """Give back time that ran while a fault kept the poste locked. It was not used, so nothing more is granted.

    The deadline moves from where it was, even when it has passed: the outage ran before it and after it.
    """
    _require(session, ON_POSTE)
    if session.statut == ACTIVE and session.confirm_by is None and session.deadline is not None:
        latest = now + timedelta(milliseconds=session.granted_ms)
        return replace(session, deadline=min(session.deadline + timedelta(milliseconds=outage_ms), latest))
    return shifted(session, min(outage_ms, session.granted_ms - session.remaining_ms(now)), now)


def end(session: Session, now: datetime, reason: str, statut: str = TERMINEE) -> Session:
    """The end, whatever its reason; what is left is kept in the books as unspent."""
    _require(session, USABLE)
    return replace(
        session,
        statut=statut,
        left_ms=session.remaining_ms(now),
        deadline=session.deadline or now if session.started_at else None,
        confirm_by=None,
        suspended_until=None,
        ended_at=now,
        reason=reason,
    )


def end_by_poste(session: Session, late_ms: int, now: datetime, reason: str, left_ms: int = 0) -> Session:
    """The poste has ended the session by itself: `late_ms` was granted too late to reach it, and is taken back.

    `left_ms` was left besides: then its visitor ended it.
    """
    late = max(0, min(late_ms, session.granted_ms))
    over = end(session, now, reason, TERMINEE if left_ms else EXPIREE)
    return replace(over, added_ms=session.added_ms - late, left_ms=min(left_ms, session.granted_ms - late))


def check_longest(granted_ms: int, policy: Policy) -> None:
    """Refuse a session that is longer than the site's longest."""
    if granted_ms > policy.longest_session_s * 1000:
        raise Refused("duree_maximale", limite=policy.longest_session_s // 60)


def check_closing(left_ms: int, now: datetime, closing: datetime | None) -> None:
    """Refuse time that would run past closing, which is said in the zone that it carries."""
    if closing is not None and now + timedelta(milliseconds=left_ms) > closing:
        raise Refused("apres_fermeture", **moments.blank("fermeture", closing, now))


def _require(session: Session, statuts: Collection[str]) -> None:
    if session.statut not in statuts:
        raise Refused("transition_interdite", statut=session.statut)


def _ms(duration: timedelta) -> int:
    return duration // _MS


_MS = timedelta(milliseconds=1)
