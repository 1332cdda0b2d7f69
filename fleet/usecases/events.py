"""What postes tell of the past, once each: warnings shown, clean-ups attested, trouble."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from fleet.database import outbox, sessions, transfers
from fleet.database.audit import Entry
from fleet.database.engine import Transaction
from fleet.database.leases import Lease
from fleet.database.tables import poste_event
from fleet.domain import session as rules
from fleet.domain.errors import NotFound
from fleet.domain.numbers import row_id
from fleet.usecases import care, undo
from fleet.usecases.fleet import Fleet
from protocol import messages

Told = tuple[int, messages.Event]
OVER = ("expired", "visitor")
"""Why a poste has ended a session for good."""
BY_HAND = {"unlocked_by_hand": "ouverture", "locked_after_hand": "verrouillage"}
"""What a technician did at the machine, without the server."""
_Key = tuple[int, str, int]


def happened(fleet: Fleet, lease: Lease, told: Sequence[Told]) -> int:
    """Keep what postes tell, by (poste, event), and act on it. Gives how many were not known before."""
    with fleet.database.transaction(lease) as tx:
        once = {(poste_id, event.boot, event.n): event for poste_id, event in sorted(told, key=_place)}
        fresh = _keep(tx, once)
        _settle(tx, [(key[0], event) for key, event in once.items() if key in fresh])
        for poste_id, boot, n in once:
            if (poste_id, boot, n) in fresh:
                _act(tx, lease.site_id, poste_id, once[poste_id, boot, n])
        return len(fresh)


def _place(told: Told) -> int:
    return told[0]


def _settle(tx: Transaction, told: Sequence[Told]) -> None:
    """What was left of sessions that ended at their postes, where the desk has ended them by its own measure.

    The acknowledgement of that end tells it too, unless the next visitor was let in before. Sessions come before
    postes, in the order of their ids, as wherever many are locked.
    """
    ended = [(_session(one) or 0, poste_id, one) for poste_id, one in told if isinstance(one, messages.Ended)]
    for session_id, poste_id, one in sorted(ended, key=lambda each: each[:2]):
        if one.rev is None or one.reason not in OVER:
            continue
        try:
            before = sessions.locked(tx, session_id).session
        except NotFound:
            continue
        stayed = before.poste_id == poste_id and not transfers.came_after(tx, session_id, poste_id, one.rev)
        if stayed and before.statut in rules.ENDED:
            later_ms = transfers.changed_after(tx, session_id, one.rev)
            sessions.save(tx, before, rules.settle(before, one.remaining_ms, later_ms))


def _act(tx: Transaction, site_id: int, poste_id: int, told: messages.Event) -> None:
    if isinstance(told, messages.Cleaned):
        _cleaned(tx, site_id, poste_id, told)
    elif isinstance(told, messages.Warned):
        tx.record(_entry("avertissement", site_id, poste_id, told, {"restant_s": told.left_s}))
    elif isinstance(told, messages.Idle):
        facts = {"inactif_s": told.idle_s, "issue": told.outcome}
        tx.record(_entry("inactivite", site_id, poste_id, told, facts))
    elif isinstance(told, messages.Ended):
        facts = {"motif": told.reason, "restant_ms": told.remaining_ms}
        tx.record(_entry("fin_au_poste", site_id, poste_id, told, facts))
    elif told.what in BY_HAND:
        tx.record(_by_hand(site_id, poste_id, told))
    else:
        tx.record(_entry("erreur", site_id, poste_id, told, {"motif": told.what}))


def _keep(tx: Transaction, told: Mapping[_Key, messages.Event]) -> set[_Key]:
    table = pg_insert(poste_event) if tx.is_postgresql else sqlite_insert(poste_event)
    rows = [_row(tx.now, poste_id, one) for (poste_id, _, _), one in told.items()]
    statement = table.on_conflict_do_nothing().returning(
        poste_event.c.poste_id, poste_event.c.boot, poste_event.c.n
    )
    return {(row[0], row[1], row[2]) for row in tx.execute(statement, rows)}


def _row(now: datetime, poste_id: int, told: messages.Event) -> dict[str, Any]:
    return {
        "poste_id": poste_id,
        "boot": told.boot,
        "n": told.n,
        "kind": told.__struct_config__.tag,
        "session_id": _session(told),
        "happened_at": now - timedelta(milliseconds=told.age_ms),
        "payload": msgspec.to_builtins(told),
    }


def _cleaned(tx: Transaction, site_id: int, poste_id: int, told: messages.Cleaned) -> None:
    facts: dict[str, Any] = {"ms": told.ms, "objets": {item.what: item.count for item in told.items}}
    tx.record(_entry("nettoyage_poste", site_id, poste_id, told, facts))
    if told.leftovers:
        care.begin(tx, site_id, poste_id, told.leftovers)
        tx.record(_entry("erreur", site_id, poste_id, told, {"restes": list(told.leftovers)}))
        outbox.bump(tx, site_id, poste_id, "restes_apres_nettoyage")
    elif care.end(tx, poste_id):
        outbox.bump(tx, site_id, poste_id, "remise_en_service")
    else:
        undo.tell_again(tx, site_id, poste_id)


def _by_hand(site_id: int, poste_id: int, told: messages.Trouble) -> Entry:
    """How long, why, and how long ago: it may be told hours later, when the link is back."""
    facts = {"geste": BY_HAND[told.what], "precision": told.detail, "il_y_a_ms": told.age_ms}
    return _entry("deverrouillage_manuel", site_id, poste_id, told, facts)


def _session(told: messages.Event) -> int | None:
    return row_id(told.session)


def _entry(action: str, site_id: int, poste_id: int, told: messages.Event, facts: dict[str, Any]) -> Entry:
    return Entry(action, site_id, poste_id=poste_id, session_id=_session(told), metadata=facts)
