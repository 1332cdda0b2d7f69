"""What postes ask and tell: a typed code, a resync, more time, the visitor's end, acknowledgements, events.

Called by the controller that holds the site's lease. A refusal is a Refused; its answer is kept like any other,
so that a repeated request gets the same one and is counted once.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from msgspec import structs
from sqlalchemy import Select, bindparam, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import DBAPIError, IntegrityError

from fleet.database import outbox, sessions, transfers
from fleet.database.audit import Entry
from fleet.database.engine import Transaction
from fleet.database.failures import described, is_unreachable
from fleet.database.leases import Lease
from fleet.database.outbox import Wanted
from fleet.database.prepared import PREPARED
from fleet.database.sessions import Found, Rules
from fleet.database.tables import desired, poste, queue, request, session, site, tries
from fleet.database.trips import LATER
from fleet.domain import access_code, throttle
from fleet.domain import session as rules
from fleet.domain.errors import NotFound, Refused
from fleet.domain.numbers import row_id
from fleet.domain.poste import EN_SERVICE, MAINTENANCE
from fleet.usecases import extensions, guessing
from fleet.usecases.agreement import ACTIONS, RESUMABLE, RUNNING, agreed
from fleet.usecases.fleet import Fleet
from fleet.usecases.guessing import GUESSES
from fleet.usecases.sessions import begin, capped
from protocol import messages

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Yes:
    """The poste may do what it asked: what it should do now, and the instant that this is as of."""

    wanted: Wanted
    now: datetime


@dataclass(frozen=True)
class Context:
    """A poste with all that deciding about a typed code needs."""

    poste: Any
    """The row of the poste."""
    rules: Rules
    tries: throttle.Tries
    aggregated: int
    answer: dict[str, Any] | None
    reserved_for: int | None


def start(fleet: Fleet, lease: Lease | None, poste_id: int, asked: messages.Start) -> Yes:
    """A visitor typed a code. Raises Refused with the reason and how long to wait.

    There is no lease where a program that stands in for the poste asks, over HTTP.
    """
    try:
        with fleet.database.transaction(lease) as tx:
            context, found = context_and_session(fleet, tx, poste_id, asked)
            if context.answer is not None:
                return _again(tx, poste_id, context.answer)
            return _start(tx, context, found, asked)
    except (_Repeated, NotFound):
        raise
    except Refused as refusal:
        if _keep_refused_code(fleet, lease, poste_id, asked.id, refusal):
            raise
    return start(fleet, lease, poste_id, asked)


def context_of(tx: Transaction, poste_id: int, request_id: str) -> Context:
    row = tx.execute(_CONTEXT, {"here": poste_id, "asked": request_id}).first()
    if row is None:
        raise NotFound("poste")
    return _to_context(row)


def context_and_session(
    fleet: Fleet, tx: Transaction, poste_id: int, asked: messages.Start
) -> tuple[Context, Found | None]:
    """The same, and the session of the typed code, locked, in one trip: a visitor waits for each."""
    about = {"here": poste_id, "asked": asked.id}
    both = sessions.beside(tx, _CONTEXT, about, _index(fleet, asked.code) or b"")
    if both is None:
        raise NotFound("poste")
    here, found = both
    return _to_context(here), found


def _to_context(row: Any) -> Context:
    made = throttle.Tries(row.failures or 0, row.last_at, row.blocked_until)
    return Context(row, sessions.rules_of(row), made, row.aggregated or 0, row.answer, row.reserved_for)


def _context() -> Select[Any]:
    asked = (request.c.poste_id == poste.c.id) & (request.c.request_id == bindparam("asked"))
    waiting = (
        select(session.c.id)
        .where(session.c.poste_id == poste.c.id, session.c.statut == rules.EN_ATTENTE)
        .order_by(session.c.id)
        .limit(1)
        .scalar_subquery()
    )
    called = (
        select(queue.c.id)
        .where(queue.c.poste_id == poste.c.id, text("attente.statut = 'appelee'"))
        .scalar_subquery()
    )
    columns = (tries.c.failures, tries.c.last_at, tries.c.blocked_until, tries.c.aggregated, request.c.answer)
    return (
        select(
            poste,
            *sessions.SITE_RULES,
            *columns,
            desired.c.needs_care,
            func.coalesce(waiting, called).label("reserved_for"),
            sessions.IS_BOOKED.label("is_booked"),
        )
        .join_from(poste, site, poste.c.site_id == site.c.id)
        .join(desired, desired.c.poste_id == poste.c.id)
        .outerjoin(tries, tries.c.poste_id == poste.c.id)
        .outerjoin(request, asked)
        .where(poste.c.id == bindparam("here"))
        .execution_options(**PREPARED)
    )


_CONTEXT = _context()


def _again(tx: Transaction, poste_id: int, answer: dict[str, Any]) -> Yes:
    if answer["status"] == "accepted":
        return Yes(outbox.of_poste(tx, poste_id), tx.now)
    raise _Repeated(answer["reason"], retry_after_s=answer["retry_after_s"], **answer["details"])


class _Repeated(Refused):
    """The same answer again, already kept and counted."""


def _start(tx: Transaction, context: Context, found: Found | None, asked: messages.Start) -> Yes:
    if context.tries.blocked_until is not None and (wait_s := context.tries.wait_s(tx.now)):
        raise Refused("trop_d_essais", retry_after_s=wait_s)
    require_usable(context.poste)
    if found is None:
        raise Refused("code_inconnu")
    after = opened(tx, context, found, asked.boot)
    resumed = found.session.statut == rules.SUSPENDUE
    action, reason = ("reprise_session", "reprise") if resumed else ("demarrage_session", "demarrage")
    # Who drives the site is given the state, and publishes it behind the reply.
    row = outbox.saved(tx, found.session, after, context.poste.id, reason, tell=tx.lease is None)
    _keep_answer(tx, context.poste.id, asked.id, {"status": "accepted"}, after.id)
    if context.tries.failures:
        tx.execute(tries.delete().where(tries.c.poste_id == context.poste.id))
    tx.record(_entry(action, after, {"motif": reason, "par": "code"}))
    wanted = Wanted(
        poste_id=context.poste.id,
        slug=context.poste.slug,
        rev=row.rev,
        sent_rev=row.sent_rev,
        applied_rev=row.applied_rev,
        reason=reason,
        wanted=context.poste.statut_voulu,
        needs_care=False,
        session=replace(after, version=after.version + 1),
        grace_s=context.rules.policy.grace_s,
    )
    return Yes(wanted, tx.now)


def require_usable(row: Any) -> None:
    if row.statut_voulu == MAINTENANCE or row.needs_care:
        raise Refused("poste_en_maintenance")
    if row.statut_voulu != EN_SERVICE:
        raise Refused("poste_hors_service")


def by_code(fleet: Fleet, tx: Transaction, typed: str) -> Found:
    index = _index(fleet, typed)
    found = None if index is None else sessions.by_code(tx, index)
    if found is None:
        raise Refused("code_inconnu")
    return found


def _index(fleet: Fleet, typed: str) -> bytes | None:
    """What the session of a code is found by; None where no code is spelled like this."""
    code = access_code.normalise(typed)
    return None if code is None else fleet.keys.index(code)


def opened(tx: Transaction, context: Context, found: Found, boot: str) -> rules.Session:
    """The session as it becomes when its code is typed here."""
    waiting, here = found.session, context.poste
    if waiting.site_id != here.site_id:
        raise Refused("code_autre_site")
    if waiting.statut == rules.EXPIREE and waiting.started_at is None:
        raise Refused("code_perime")
    if waiting.statut in (rules.ACTIVE, *rules.ENDED):
        raise Refused("code_deja_utilise")
    if waiting.poste_id not in (None, here.id):
        raise Refused("code_autre_poste", poste=found.poste_nom)
    if waiting.statut == rules.SUSPENDUE:
        return _resumed(tx, found, boot)
    if waiting.code_expires_at is not None and waiting.code_expires_at <= tx.now:
        raise Refused("code_perime")
    if waiting.poste_id is None and context.reserved_for is not None:
        raise Refused("poste_deja_reserve")
    return begin(tx, found, here.id, boot, is_booked=context.poste.is_booked)


def _resumed(tx: Transaction, found: Found, boot: str) -> rules.Session:
    if found.session.reason not in RESUMABLE:
        raise Refused("code_suspendu")
    return capped(tx, found, rules.resume(found.session, tx.now, boot))


def _keep_refused_code(
    fleet: Fleet, lease: Lease | None, poste_id: int, request_id: str, refusal: Refused
) -> bool:
    """Keep a refusal as the answer. False when the request was answered meanwhile, perhaps otherwise."""
    with fleet.database.transaction(lease) as tx:
        context = context_of(tx, poste_id, request_id)
        if context.answer is not None:
            return False
        flooding = refusal.reason == "trop_d_essais"
        if refusal.reason in GUESSES:
            refusal.retry_after_s = count_wrong(tx, poste_id).wait_s(tx.now) or None
            guessing.watch(tx, context.poste.site_id, context.rules.policy)
        elif flooding:
            ignored = tries.c.aggregated + 1
            tx.execute(update(tries).where(tries.c.poste_id == poste_id).values(aggregated=ignored))
        if not flooding:
            facts = {"motif": refusal.reason, "essais_ignores": context.aggregated}
            site_id = context.poste.site_id
            tx.record(Entry("echec_code", site_id, poste_id=poste_id, metadata=facts))
        answer = {
            "status": "refused",
            "reason": refusal.reason,
            "retry_after_s": refusal.retry_after_s,
            "details": {key: value for key, value in refusal.details.items() if isinstance(value, str | int)},
        }
        if not flooding:
            _keep_answer(tx, poste_id, request_id, answer, None)
        return True


def count_wrong(tx: Transaction, poste_id: int) -> throttle.Tries:
    """One more wrong code at a poste, counted under its lock: those that come at the same time count too."""
    tx.execute(_upsert(tx, tries).values(poste_id=poste_id).on_conflict_do_nothing())
    mine = tries.c.poste_id == poste_id
    row = tx.execute(select(tries).where(mine).with_for_update()).one()
    made = throttle.failed(throttle.Tries(row.failures, row.last_at, row.blocked_until), tx.now)
    values = {"failures": made.failures, "last_at": made.last_at, "blocked_until": made.blocked_until}
    tx.execute(update(tries).where(mine).values(**values, aggregated=0))
    return made


def _upsert(tx: Transaction, table: Any) -> Any:
    return pg_insert(table) if tx.is_postgresql else sqlite_insert(table)


_KEEP = insert(request).execution_options(**PREPARED, **LATER)


def _keep_answer(
    tx: Transaction, poste_id: int, request_id: str, answer: dict[str, Any], session_id: int | None
) -> None:
    try:
        asked = {"poste_id": poste_id, "request_id": request_id, "session_id": session_id}
        tx.execute(_KEEP, {**asked, "answer": answer, "created_at": tx.now})
    except IntegrityError:
        raise Refused("modifie_entre_temps") from None


def resync_all(
    fleet: Fleet,
    lease: Lease,
    told: Sequence[tuple[int, messages.Resync, datetime | None]],
    heard_at: Sequence[float] = (),
) -> dict[int, Yes]:
    """Many resyncs at once: one look for all, and a change for those who disagree."""
    came = heard_at or [time.monotonic()] * len(told)
    with fleet.database.transaction(lease) as tx:
        wanted = {one.poste_id: one for one in outbox.of_postes(tx, [poste_id for poste_id, _, _ in told])}
        now = tx.now
        agreed = {
            poste_id: Yes(wanted[poste_id], now)
            for poste_id, message, _ in told
            if poste_id in wanted and _is_settled(wanted[poste_id], message)
        }
    for (poste_id, message, heard), at in zip(told, came, strict=True):
        if poste_id in wanted and poste_id not in agreed:
            alone = _resync_alone(fleet, lease, poste_id, message, heard, at)
            agreed |= {} if alone is None else {poste_id: alone}
    return agreed


def _resync_alone(
    fleet: Fleet, lease: Lease, poste_id: int, told: messages.Resync, heard: datetime | None, at: float
) -> Yes | None:
    """One of many: its failure is its own, it will ask again. Raises what would fail for the others too."""
    try:
        return resync(fleet, lease, poste_id, told, heard, at)
    except Refused as refusal:
        log.info("resync_refused", extra={"poste_id": poste_id, "reason": refusal.reason})
    except DBAPIError as error:
        if is_unreachable(error):
            raise
        log.warning("resync_failed", extra={"poste_id": poste_id, **described(error)})
    return None


def _is_settled(wanted: Wanted, told: messages.Resync) -> bool:
    """Whether both sides plainly agree, so that nothing is to be changed."""
    ours = wanted.session
    if ours is None:
        return True
    same = told.session == str(ours.id) and told.boot == ours.boot and told.phase != "cleaning"
    return same and not told.outage_ms and ours.statut == rules.ACTIVE and ours.confirm_by is None


def resync(
    fleet: Fleet,
    lease: Lease,
    poste_id: int,
    told: messages.Resync,
    last_heard: datetime | None,
    heard_at: float | None = None,
) -> Yes:
    """The poste says what it does; both sides agree on the session and its time. Raises NotFound.

    `last_heard` is when the controller last heard of the poste before this, by the database's clock; `heard_at` when
    this was heard, by this machine's monotonic clock.
    """
    with fleet.database.transaction(lease) as tx:
        found = sessions.on_poste(tx, poste_id)
        if found is not None:
            after, reason = agreed(tx, found, _as_of_now(told, heard_at), last_heard)
            sessions.save(tx, found.session, after)
            if reason:
                tx.record(_entry(ACTIONS[after.statut], after, {"motif": reason}))
                outbox.bump(tx, after.site_id, poste_id, reason)
        return Yes(outbox.of_poste(tx, poste_id), tx.now)


def _as_of_now(told: messages.Resync, heard_at: float | None) -> messages.Resync:
    """What an unlocked poste has left, once this has waited for a thread, the database and the locks."""
    if heard_at is None or told.remaining_ms is None or told.phase not in RUNNING:
        return told
    waited_ms = round((time.monotonic() - heard_at) * 1000)
    return structs.replace(told, remaining_ms=max(0, told.remaining_ms - waited_ms))


def extend(fleet: Fleet, lease: Lease, poste_id: int, asked: messages.Extend) -> None:
    """The visitor asks for more time: kept for the desk. Raises Refused when there is no such session."""
    with fleet.database.transaction(lease) as tx:
        extensions.ask(tx, _theirs(tx, poste_id, asked.session), asked)


def ending(fleet: Fleet, lease: Lease, poste_id: int, asked: messages.Ending) -> Yes:
    """The visitor ends the session. Idempotent: an ended session is answered with what to do now.

    The poste's own measure of what is left is kept, for the end may be told long after it happened.
    """
    with fleet.database.transaction(lease) as tx:
        before = _of_poste(tx, poste_id, asked)
        if before is not None and before.statut != rules.EN_ATTENTE:
            over = before.statut in rules.ENDED
            reason = "fin_inactivite" if asked.why == "idle" else "fin_visiteur"
            after = before if over else rules.end(before, tx.now, reason)
            sessions.save(tx, before, _told_left(tx, after, asked))
            if not over:
                tx.record(_entry("fermeture", after, {"motif": reason}))
                outbox.bump(tx, after.site_id, poste_id, reason)
        return Yes(outbox.of_poste(tx, poste_id), tx.now)


def _told_left(tx: Transaction, over: rules.Session, asked: messages.Ending) -> rules.Session:
    """What was left by the poste's own measure, and what it had not been told of."""
    if asked.remaining_ms is None:
        return over
    known = outbox.of_poste(tx, over.poste_id or 0).applied_rev if asked.rev is None else asked.rev
    return rules.settle(over, asked.remaining_ms, transfers.changed_after(tx, over.id, known))


def _of_poste(tx: Transaction, poste_id: int, asked: messages.Ending) -> rules.Session | None:
    """The session that its visitor ends, unless it went on elsewhere, be it to come back since."""
    number = row_id(asked.session)
    if number is None:
        return None
    try:
        found = sessions.locked(tx, number).session
    except NotFound:
        return None
    left = asked.rev is not None and transfers.came_after(tx, found.id, poste_id, asked.rev)
    return found if found.poste_id == poste_id and not left else None


def _theirs(tx: Transaction, poste_id: int, session_id: str) -> Found:
    found = sessions.on_poste(tx, poste_id)
    if found is None or session_id != str(found.session.id):
        raise Refused("session_inconnue")
    return found


def offline(fleet: Fleet, lease: Lease, poste_id: int, last_heard: datetime) -> bool:
    """The site's rule for a lost link: under `suspend`, the session stops as of the last contact."""
    with fleet.database.transaction(lease) as tx:
        found = sessions.on_poste(tx, poste_id)
        if found is None or found.session.statut != rules.ACTIVE or found.rules.policy.offline != "suspend":
            return False
        if found.session.remaining_ms(last_heard) == 0:
            return False
        after = rules.suspend(found.session, tx.now, found.rules.policy, "coupure_reseau", last_heard)
        sessions.save(tx, found.session, after)
        tx.record(_entry("suspension_session", after, {"motif": "coupure_reseau"}))
        outbox.bump(tx, after.site_id, poste_id, "coupure_reseau")
        return True


def _entry(action: str, about: rules.Session, facts: dict[str, Any]) -> Entry:
    return Entry(
        action,
        about.site_id,
        session_id=about.id,
        poste_id=about.poste_id,
        utilisateur_id=about.utilisateur_id,
        metadata=facts,
    )
