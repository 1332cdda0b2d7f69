"""A poste and the controller agree on a session after an absence: who is right about what.

The database is right about whether there is a session and what was granted; the poste is right about how long it
was unlocked. Time stops when a poste that lost its memory was last heard.
"""

from datetime import datetime, timedelta

from fleet.database import outbox, sessions, transfers
from fleet.database.engine import Transaction
from fleet.database.sessions import Found
from fleet.domain import session as rules
from fleet.domain.errors import Refused
from fleet.usecases.sessions import capped, closing_of
from protocol import messages

RESUMABLE = ("redemarrage", "coupure_reseau", "demarrage_non_confirme", "fin_annulee")
"""Why a session was suspended by a fault or a mistake: its visitor may resume it by the same code at the same poste."""
_OF_THE_MACHINE = ("redemarrage", "coupure_reseau")
RUNNING = ("active", "grace", "unlocking")
ACTIONS = {
    rules.ACTIVE: "reprise_session",
    rules.SUSPENDUE: "suspension_session",
    rules.TERMINEE: "fermeture",
    rules.EXPIREE: "expiration",
}
"""How the audit trail names what an agreement did."""
Agreed = tuple[rules.Session, str]
"""The session as it becomes, and why its poste is told anew; nothing to tell: an empty reason."""


def agreed(tx: Transaction, found: Found, told: messages.Resync, last_heard: datetime | None) -> Agreed:
    """What becomes of the session at a poste that says what it does."""
    ours, same_boot = found.session, told.boot == found.session.boot
    if ours.statut == rules.ACTIVE and not same_boot:
        return _restarted(tx, found, told, last_heard)
    if ours.statut == rules.ACTIVE and (told.session != str(ours.id) or told.phase == "cleaning"):
        return _not_running(tx, found, told, last_heard)
    if not same_boot:
        return _back_after_reboot(tx, found, told)
    if told.session != str(ours.id):
        return ours, ""
    if ours.confirm_by is not None and told.measured_rev is not None:
        return _settled(tx, ours, told), ""  # locked meanwhile: it runs again with what was left then
    if told.outage_ms:
        return _credited(tx, found, told, last_heard)
    if told.phase in RUNNING and told.remaining_ms is not None:
        return _measured(tx, found, told, told.remaining_ms)
    return ours, ""


def _restarted(tx: Transaction, found: Found, told: messages.Resync, last_heard: datetime | None) -> Agreed:
    """The poste has lost the session with its memory. Its time stopped when it was last heard."""
    ours, policy = found.session, found.rules.policy
    if ours.remaining_ms(tx.now if last_heard is None else last_heard) == 0:
        return ours, ""
    paused = rules.suspend(ours, tx.now, policy, "redemarrage", last_heard)
    if policy.resume_after_reboot == "automatic":
        return _resumed(tx, found, paused, told) or paused, "redemarrage"
    return paused, "redemarrage"


def _not_running(tx: Transaction, found: Found, told: messages.Resync, last_heard: datetime | None) -> Agreed:
    """In the same start of its machine, the poste does not run the session that should run."""
    ours = found.session
    if told.why == "unsolicited" or ours.confirm_by is not None:
        return ours, ""
    if told.rev == 0:
        return _restarted(tx, found, told, last_heard)
    if told.rev < outbox.of_poste(tx, ours.poste_id or 0).applied_rev:
        return ours, ""  # said before the session began, and late
    late = sessions.added_after(tx, ours.id, told.rev)
    if late <= 0 and ours.remaining_ms(tx.now) > rules.CONFIRM_S * 1000:
        return rules.end(ours, tx.now, "fin_visiteur"), "fin_visiteur"  # its Ending was lost with its agent
    reason = "fin_nettoyage" if late > 0 else "duree_ecoulee"
    over = rules.end_by_poste(ours, late, tx.now, reason)
    if over.added_ms != ours.added_ms:
        sessions.give(tx, ours.id, "retrait", over.added_ms - ours.added_ms, motif=reason)
    return over, reason


def _back_after_reboot(tx: Transaction, found: Found, told: messages.Resync) -> Agreed:
    """A poste that lost its link by restarting was paused for the link; the rule for restarts decides."""
    ours = found.session
    if found.rules.policy.resume_after_reboot != "automatic" or ours.reason not in _OF_THE_MACHINE:
        return ours, ""
    running = _resumed(tx, found, ours, told)
    return (ours, "") if running is None else (running, "redemarrage")


def _resumed(
    tx: Transaction, found: Found, paused: rules.Session, told: messages.Resync
) -> rules.Session | None:
    """The session that runs again until closing time at most; None while the site is closed: it stays paused."""
    try:
        return capped(tx, found, rules.resume(paused, tx.now, told.boot))
    except Refused:
        return None


def _credited(tx: Transaction, found: Found, told: messages.Resync, last_heard: datetime | None) -> Agreed:
    """Give back the time that the poste was locked by a fault, once for each connection that ended it."""
    ours, most_ms = found.session, found.rules.policy.outage_credit_max_s * 1000
    if ours.statut == rules.SUSPENDUE:
        return _resumed_here(tx, found, told)
    cle = f"{told.boot}:{told.connection}"
    if sessions.was_given(tx, ours.id, cle):
        return ours, ""
    silent_ms = most_ms if last_heard is None else max(0, _ms(tx.now - last_heard))
    closing = closing_of(found, tx.now)
    if closing is not None and ours.deadline is not None:
        most_ms = min(most_ms, max(0, _ms(closing - ours.deadline)))
    amount = min(told.outage_ms, silent_ms, most_ms)
    sessions.give(tx, ours.id, "credit_panne", amount, motif=told.why, cle=cle)
    return rules.credit(ours, amount, tx.now), "retour_reseau"


def _measured(tx: Transaction, found: Found, told: messages.Resync, left_ms: int) -> Agreed:
    """The poste is unlocked and says how much is left: believe it where we did not know."""
    ours = found.session
    if ours.statut == rules.ACTIVE:
        if told.rev < outbox.of_poste(tx, ours.poste_id or 0).rev:
            return ours, ""  # it may have been locked since: what it is answered it acknowledges
        return rules.confirm(ours, left_ms, tx.now), ""
    return _resumed_here(tx, found, told)


def _resumed_here(tx: Transaction, found: Found, told: messages.Resync) -> Agreed:
    """A session that a fault had paused runs again, once its poste has said so: it may have locked since it asked."""
    ours = found.session
    if ours.reason not in RESUMABLE:
        return ours, ""
    settled = _settled(tx, ours, told)
    running = _resumed(tx, found, settled, told)
    return (settled, "") if running is None else (running, "retour_reseau")


def _settled(tx: Transaction, paused: rules.Session, told: messages.Resync) -> rules.Session:
    """What a poste measured under a rev, the one that it holds if it names no other, and what was granted since."""
    if told.remaining_ms is None:
        return paused
    since = told.rev if told.measured_rev is None else told.measured_rev
    return rules.settle(paused, told.remaining_ms, transfers.changed_after(tx, paused.id, since))


def _ms(duration: timedelta) -> int:
    return duration // timedelta(milliseconds=1)
