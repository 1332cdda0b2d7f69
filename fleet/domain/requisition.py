"""The two-person rule: who asks for a file does not approve it, and an approval dies by itself. And what was asked for:
who was at which poste when, also where a session went on at another one."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from fleet.domain.errors import Refused

DEMANDEE, APPROUVEE, REFUSEE, EXPIREE = "demandee", "approuvee", "refusee", "expiree"
KEPT = (DEMANDEE, APPROUVEE, REFUSEE)
STATUTS = (*KEPT, EXPIREE)


def check_open(statut: str, good_until: datetime, now: datetime) -> None:
    """Raise Refused unless this can still be decided."""
    if statut != DEMANDEE:
        raise Refused("requisition_decidee", statut=statut)
    if good_until <= now:
        raise Refused("requisition_expiree")


def check_approval(asked_by: int, approver: int | None, was_changed: bool) -> None:
    """Raise Refused for who asked, and for an account that others changed since: whoever asked may have it in hand."""
    if approver is None or approver == asked_by:
        raise Refused("deux_personnes")
    if was_changed:
        raise Refused("requisition_compte_change")


def check_taking(
    statut: str, good_until: datetime, now: datetime, pair: tuple[int, int | None], taker: int | None
) -> None:
    """Raise Refused unless one of the two may take the file now."""
    if statut != APPROUVEE:
        raise Refused("requisition_sans_accord")
    if good_until <= now:
        raise Refused("requisition_expiree")
    if taker is None or taker not in pair:
        raise Refused("requisition_d_autres")


@dataclass(frozen=True)
class Stay:
    """From when to when a session was at a poste; `until` None: it still is."""

    poste_id: int | None
    since: datetime
    until: datetime | None

    def is_within(self, since: datetime, until: datetime) -> bool:
        """Whether any of it is in a period."""
        return self.since < until and (self.until is None or self.until >= since)


def stays(last: Stay, left: Iterable[tuple[int, datetime]]) -> Iterator[Stay]:
    """Where a session was: the postes that it left, with when, in order; then `last`, which is told as of its start."""
    since = last.since
    for poste_id, at in left:
        yield Stay(poste_id, since, at)
        since = at
    yield Stay(last.poste_id, since, last.until)
