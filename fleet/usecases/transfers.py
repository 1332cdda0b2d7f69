"""A running or paused session goes on at another poste; two sessions change places.

One transaction frees one poste and takes the other. Both get one rev, higher than all that either held: lines of the
ledger that one poste was told of stay older than what the other one is told. The poste that is left locks, is cleaned
and tells what it measured; the other one unlocks like any that is started at the desk, or the time is given back.
"""

from collections.abc import Mapping

from fleet.database import outbox, places, sessions, transfers
from fleet.database.audit import Entry
from fleet.database.engine import Transaction
from fleet.database.sessions import Found
from fleet.domain import session as rules
from fleet.domain import transfer as domain
from fleet.domain.actor import OPERATEUR, Actor
from fleet.domain.errors import Refused
from fleet.usecases import desk
from fleet.usecases.fleet import Fleet
from fleet.usecases.sessions import capped, closing_of

ACTION = "transfert_session"
LEFT, HERE = "transfert", "transfert_ici"
"""What the poste that is left is told, and the other one."""


def transfer(fleet: Fleet, actor: Actor, session_id: int, poste_id: int) -> None:
    """Let a session go on at another poste of its site, which must be there and free. Raises Refused."""
    fleet.require(actor, OPERATEUR, ACTION, session=session_id)
    with fleet.attempt(actor, ACTION) as (tx, about):
        found = desk.locked(tx, about, actor, session_id)
        before = found.session
        after = _moved(tx, actor, found, poste_id)
        sessions.save(tx, before, after)
        rev = outbox.raise_together(tx, before.site_id, {before.poste_id or 0: LEFT, poste_id: HERE})
        _keep(tx, actor, before, after, rev)


def swap(fleet: Fleet, actor: Actor, session_id: int, other_id: int) -> None:
    """Let two sessions of a site change places; both postes must be there. Raises Refused."""
    fleet.require(actor, OPERATEUR, ACTION, session=session_id)
    with fleet.attempt(actor, ACTION) as (tx, about):
        if session_id == other_id:
            raise Refused("meme_session")
        pair = {number: desk.locked(tx, about, actor, number) for number in sorted((session_id, other_id))}
        one, other = pair[session_id], pair[other_id]
        if one.session.site_id != other.session.site_id:
            raise Refused("autre_site")
        changed = [_swapped(tx, one, other), _swapped(tx, other, one)]
        _save_both(tx, changed)
        told = {after.poste_id or 0: HERE for _, after in changed}
        rev = outbox.raise_together(tx, one.session.site_id, told)
        for before, after in changed:
            _keep(tx, actor, before, after, rev)


def _moved(tx: Transaction, actor: Actor, found: Found, poste_id: int) -> rules.Session:
    session = found.session
    if poste_id == session.poste_id:
        raise Refused("deja_sur_ce_poste")
    desk.check_poste(tx, actor, session.site_id, poste_id)
    boot = desk.present(tx, poste_id)
    after = domain.moved(session, poste_id, boot, tx.now)
    desk.check_free(tx, poste_id)
    if transfers.is_being_left(tx, session.id, poste_id):
        raise Refused("poste_en_nettoyage", retry_after_s=desk.CLEANING_S)
    return capped(tx, found, after) if after.statut == rules.ACTIVE else after


def _swapped(tx: Transaction, found: Found, with_: Found) -> tuple[rules.Session, rules.Session]:
    poste_id = with_.session.poste_id
    boot = desk.present(tx, poste_id)
    after = domain.moved(found.session, poste_id or 0, boot, tx.now)
    if after.statut == rules.ACTIVE:
        after = domain.patient(capped(tx, found, after), tx.now)
    return found.session, after


def _save_both(tx: Transaction, changed: list[tuple[rules.Session, rules.Session]]) -> None:
    """One of them stands aside for a moment: the schema lets no poste have two sessions, not even in between."""
    (first, first_after), (second, second_after) = changed
    aside = sessions.set_aside(tx, first)
    sessions.save(tx, second, second_after)
    sessions.save(tx, aside, first_after)


def _keep(tx: Transaction, actor: Actor, before: rules.Session, after: rules.Session, rev: int) -> None:
    from_id, to_id = before.poste_id or 0, after.poste_id or 0
    transfers.add(tx, before.id, from_id, to_id, rev, before.remaining_ms(tx.now))
    tx.record(
        Entry(
            ACTION,
            before.site_id,
            operateur_id=actor.operateur_id,
            session_id=before.id,
            poste_id=to_id,
            utilisateur_id=before.utilisateur_id,
            metadata={"motif": LEFT, **_names(tx, from_id, to_id)},
            personal={"ip": actor.ip} if actor.ip else None,
        )
    )


def _names(tx: Transaction, from_id: int, to_id: int) -> Mapping[str, str]:
    return {"de": places.poste(tx, from_id).slug, "vers": places.poste(tx, to_id).slug}


def measured(
    tx: Transaction, poste_id: int, session_id: int, left_ms: int, measured_rev: int | None, rev: int
) -> tuple[int, int] | None:
    """The poste that a session has left tells what was left of it. Gives (transfer, poste) where that moves time."""
    known = transfers.unmeasured(tx, session_id, poste_id, rev)
    if known is None:
        return None
    found = sessions.locked(tx, session_id)
    since = known.rev if measured_rev is None else measured_rev
    told = left_ms + transfers.added_between(tx, session_id, since, known.rev)
    passed = (tx.now - known.created_at).total_seconds() * 1000
    by_ms = domain.correction_ms(max(0, told), known.restant_ms, round(passed))
    after, really = domain.corrected(found.session, by_ms, _most(tx, found), tx.now)
    transfers.keep_measure(tx, known.id, really, after.poste_id or 0)
    sessions.save(tx, found.session, after)
    here = after.statut in rules.ON_POSTE and after.poste_id is not None
    return (known.id, after.poste_id or 0) if really and here else None


def _most(tx: Transaction, found: Found) -> int:
    """How much may be given back: what an outage may give, and not past closing time."""
    most, closing = found.rules.policy.outage_credit_max_s * 1000, closing_of(found, tx.now)
    if closing is None or found.session.deadline is None:
        return most
    return min(most, max(0, round((closing - found.session.deadline).total_seconds() * 1000)))
