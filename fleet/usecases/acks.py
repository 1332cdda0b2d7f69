"""What postes acknowledge: applied desired states settle the accounts, commands get their outcome.

Many at once, because after a power cut or a closing many come at once.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from fleet.database import bulk, news, outbox, sessions, transfers
from fleet.database.audit import Entry
from fleet.database.engine import Transaction
from fleet.database.leases import Lease
from fleet.database.outbox import Wanted
from fleet.domain import session as rules
from fleet.domain.errors import NotFound
from fleet.domain.numbers import row_id
from fleet.usecases import undo
from fleet.usecases.fleet import Fleet
from fleet.usecases.transfers import measured
from protocol.messages import Ack

DESIRED = "desired"
NOT_YET = ("no_clock", "other_boot", "old_term", "too_old")
"""Why a poste takes no command of the moment, though it would take one like it a little later."""
Told = tuple[int, Ack]


@dataclass(frozen=True)
class At:
    """The site of who acknowledges over HTTP, where there is no lease."""

    site_id: int


def applied(
    fleet: Fleet, by: Lease | At, told: Sequence[Told], heard_at: Sequence[float] = ()
) -> list[Wanted]:
    """Keep what postes say they do. Gives what each of them should do, as it is now.

    `heard_at` tells when each was said, by this machine's monotonic clock: the time of an unlocked poste ran on.
    """
    with fleet.database.transaction(by if isinstance(by, Lease) else None) as tx:
        wanted = {one.poste_id: one for one in outbox.of_postes(tx, sorted({poste for poste, _ in told}))}
        heard = heard_at or [time.monotonic()] * len(told)
        # Whoever locks many locks sessions first, then postes, each in the order of their ids.
        by_session = sorted(zip(told, heard, strict=True), key=lambda one: _by_session(one[0]))
        known = [(p, ack) for (p, ack), _ in by_session if p in wanted]
        corrected: dict[int, int] = {}
        changed = {
            p for (p, ack), at in by_session if p in wanted and _settle(tx, wanted[p], ack, at, corrected)
        }
        over = [poste_id for poste_id, ack in known if poste_id in changed and _refuses_more(ack)]
        done = [(p, ack.rev) for p, ack in known if ack.status == "done" and ack.rev <= wanted[p].rev]
        outbox.mark_applied(tx, done + [(poste_id, 0) for poste_id in over])
        counted = [p for p, ack in known if p in changed and _goes_on(wanted[p], ack)]
        told_anew = {p: wanted[p].reason or "reprise" for p in counted}
        told_anew |= dict.fromkeys(corrected.values(), "transfert_ici") | dict.fromkeys(over, "fin_nettoyage")
        bulk.bump(tx, sorted(told_anew.items()))
        transfers.stamp(tx, corrected)
        if told_anew:
            tx.tell(by.site_id, news.DESIRED)
        if changed:
            wanted |= {one.poste_id: one for one in outbox.of_postes(tx, sorted(changed))}
        return list(wanted.values())


def _by_session(told: Told) -> tuple[int, int]:
    return row_id(told[1].session) or 0, told[0]


def _refuses_more(ack: Ack) -> bool:
    return ack.status == "refused" and ack.reason == "ending"


def _goes_on(wanted: Wanted, ack: Ack) -> bool:
    """Whether the poste was unlocked already and goes on with an older deadline than what it acknowledges."""
    here = wanted.session
    runs = here is not None and here.statut == rules.ACTIVE and row_id(ack.session) == here.id
    newest = ack.status == "done" and ack.rev == wanted.rev
    return runs and newest and ack.measured_rev is not None and ack.measured_rev < ack.rev


def _settle(tx: Transaction, wanted: Wanted, ack: Ack, heard_at: float, corrected: dict[int, int]) -> bool:
    if _refuses_more(ack):
        if not wanted.applied_rev <= ack.rev <= wanted.rev:
            return False  # said of another state than what it should do now
        return _already_ending(tx, wanted, ack)
    first_time = ack.status == "done" and wanted.applied_rev < ack.rev <= wanted.rev
    session_id = row_id(ack.session)
    if not first_time or session_id is None or ack.remaining_ms is None:
        return False
    here = wanted.session
    if ack.rev < wanted.rev and ack.measured_rev is None:
        return False  # it may have been unlocked then, and was told more since: it acknowledges that too
    if here is not None and session_id == here.id and here.statut == rules.ACTIVE and ack.rev == wanted.rev:
        return here.confirm_by is not None and _confirm(tx, here.id, ack, ack.remaining_ms, heard_at)
    return _settle_lock(tx, wanted, session_id, ack.remaining_ms, ack, corrected)


def _confirm(tx: Transaction, session_id: int, ack: Ack, left_ms: int, heard_at: float) -> bool:
    """The poste is unlocked: its time runs since then."""
    before = sessions.locked(tx, session_id).session
    waited_ms = round((time.monotonic() - heard_at) * 1000)  # for a thread, the database and the lock, too
    since = ack.rev if ack.measured_rev is None else ack.measured_rev
    left = left_ms - waited_ms + transfers.changed_after(tx, session_id, since)
    return _save(tx, before, rules.confirm(before, max(0, left), tx.now))


def _settle_lock(
    tx: Transaction, wanted: Wanted, session_id: int, left_ms: int, ack: Ack, corrected: dict[int, int]
) -> bool:
    """The poste has locked: what it measured as left, and what was granted since, replace our estimate.

    That holds however late it is said, until the session has run again. Who does not say under which rev it measured
    knew of no more than what it had acknowledged.
    """
    try:
        before = sessions.locked(tx, session_id).session
    except NotFound:
        return False
    if before.poste_id != wanted.poste_id or _of_an_earlier_stay(tx, before, ack):
        moved = measured(tx, wanted.poste_id, session_id, left_ms, ack.measured_rev, ack.rev)
        corrected |= {} if moved is None else dict([moved])
        return moved is not None
    since = wanted.applied_rev if ack.measured_rev is None else ack.measured_rev
    return _save(tx, before, rules.settle(before, left_ms, transfers.changed_after(tx, session_id, since)))


def _of_an_earlier_stay(tx: Transaction, here: rules.Session, ack: Ack) -> bool:
    """Whether the poste measured before the session was moved away from it and came back."""
    since = ack.measured_rev
    return since is not None and transfers.came_after(tx, here.id, here.poste_id or 0, since)


def _already_ending(tx: Transaction, wanted: Wanted, ack: Ack) -> bool:
    """The poste was cleaning when more time or a pause came: take that time back, the session is over.

    One that tells what was left, and under which rev, had not been told of the rest: it was ended by its visitor.
    """
    here = wanted.session
    if here is None or row_id(ack.session) != here.id or here.statut not in rules.ON_POSTE:
        return False
    before = sessions.locked(tx, here.id).session
    since = wanted.applied_rev if ack.measured_rev is None else ack.measured_rev
    if before.statut not in rules.ON_POSTE or undo.came_back(tx, wanted, since):
        return False  # it was stopped here before, and the poste is told again once it is clean
    late, left = before.remaining_ms(tx.now), 0
    if ack.remaining_ms is not None and ack.measured_rev is not None:
        late, left = max(0, sessions.added_after(tx, before.id, ack.measured_rev)), ack.remaining_ms
    reason = "fin_visiteur" if left else "fin_nettoyage" if late else "duree_ecoulee"
    sessions.save(tx, before, rules.end_by_poste(before, late, tx.now, reason, left))
    if late:
        sessions.give(tx, before.id, "retrait", -late, motif="fin_nettoyage")
    tx.record(
        Entry(
            "fermeture" if left else "expiration",
            before.site_id,
            session_id=before.id,
            poste_id=before.poste_id,
            utilisateur_id=before.utilisateur_id,
            metadata={"motif": reason, "repris_ms": late},
        )
    )
    return True


def _save(tx: Transaction, before: rules.Session, after: rules.Session) -> bool:
    sessions.save(tx, before, after)
    return before != after


def command(fleet: Fleet, lease: Lease, told: Ack, statut: str) -> bool:
    """What became of a command. True when it is to be sent again: it waits for a poste that was not ready for it."""
    with fleet.database.transaction(lease) as tx:
        if told.reason in NOT_YET and outbox.put_back(tx, told.id):
            return True
        outbox.mark_command(tx, told.id, statut, told.reason)
        return False
