"""Sessions as rows: found, locked, saved."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from functools import cache
from operator import attrgetter
from types import SimpleNamespace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    Update,
    and_,
    bindparam,
    case,
    exists,
    func,
    insert,
    or_,
    select,
    text,
    true,
    update,
)
from sqlalchemy.exc import IntegrityError

from fleet.database.engine import Transaction
from fleet.database.prepared import PREPARED
from fleet.database.sql import clock_read
from fleet.database.tables import booking, extension, grant, poste, session, site
from fleet.domain import opening_hours, policy
from fleet.domain.errors import NotFound, Refused
from fleet.domain.quota import Usage
from fleet.domain.session import EN_ATTENTE, ENDED, ON_POSTE, SUSPENDUE, Session

COLUMNS = {
    "statut": "statut",
    "poste_id": "poste_id",
    "initial_ms": "duree_initiale_ms",
    "added_ms": "temps_ajoute_ms",
    "code_expires_at": "code_expire_a",
    "started_at": "debut_session",
    "deadline": "fin_prevue",
    "confirm_by": "confirmer_avant",
    "suspended_at": "suspendue_depuis",
    "suspended_until": "suspendue_jusqu_a",
    "left_ms": "restant_ms",
    "ended_at": "fin_session",
    "reason": "motif_fin",
    "boot": "boot",
}
"""Fields of a Session that may change, and their columns."""

_CONFLICTS = {
    "uq_session_poste": "poste_occupe",
    "session.poste_id": "poste_occupe",
    "uq_session_utilisateur": "utilisateur_deja_en_session",
    "session.utilisateur_id": "utilisateur_deja_en_session",
    "uq_session_code": "code_deja_utilise",
    "session.code_index": "code_deja_utilise",
}


@dataclass(frozen=True)
class Rules:
    """What a site allows, read together with what it is applied to."""

    policy: policy.Policy
    hours: opening_hours.OpeningHours


@dataclass(frozen=True)
class Found:
    """A session with its site's rules and its poste's names."""

    session: Session
    rules: Rules
    poste_slug: str | None
    poste_nom: str | None
    site_slug: str
    asks: bool
    """Whether its visitor has asked for more time, and was not answered."""
    is_booked: bool
    """Whether its poste is promised to somebody: when, and whether still, is to be asked."""


SITE_RULES = (
    site.c.slug.label("site_slug"),
    site.c.zone,
    site.c.horaires,
    site.c.exceptions,
    site.c.politique,
)


def rules_of(row: Any) -> Rules:
    """The rules in a row that holds the SITE_RULES columns. Read once for as long as they stay the same."""
    said = (row.zone, repr(row.horaires), repr(row.exceptions), repr(row.politique))
    known = _RULES.get(said)
    if known is None:
        hours = opening_hours.from_json(row.zone, row.horaires, row.exceptions)
        known = Rules(policy.from_json(row.politique), hours)
        if len(_RULES) >= _MOST_RULES:
            _RULES.clear()
        _RULES[said] = known
    return known


_MOST_RULES = 1_000
_RULES: dict[tuple[str, ...], Rules] = {}


def to_session(row: Any) -> Session:
    """The session in a row that holds the columns of the session table."""
    return Session(*_values(row))


_values = attrgetter(*(COLUMNS.get(field.name, field.name) for field in fields(Session)))


def found() -> Select[Any]:
    """Select sessions with the rules of their site and the names of their poste."""
    return _FOUND


# In the words of its partial index.
IS_BOOKED = exists().where(booking.c.poste_id == poste.c.id, text("reservation.statut = 'prevue'"))

# Built once: putting a statement together takes longer than the database needs for it.
_FOUND: Select[Any] = (
    select(
        session,
        *SITE_RULES,
        poste.c.slug.label("poste_slug"),
        poste.c.nom.label("poste_nom"),
        exists()
        .where(extension.c.session_id == session.c.id, text("demande.statut = 'ouverte'"))
        .label("asks"),
        IS_BOOKED.label("is_booked"),
    )
    .join_from(session, site, session.c.site_id == site.c.id)
    .outerjoin(poste, session.c.poste_id == poste.c.id)
)
_BY_ID = _FOUND.where(session.c.id == bindparam("wanted"))
_ON_POSTE = _FOUND.where(session.c.poste_id == bindparam("wanted"), session.c.statut.in_(ON_POSTE))
_BY_CODE = _FOUND.where(session.c.code_index == bindparam("wanted")).order_by(session.c.id.desc()).limit(1)


def to_found(row: Row[Any]) -> Found:
    """What `found` selects."""
    names = (row.poste_slug, row.poste_nom, row.site_slug)
    return Found(to_session(row), rules_of(row), *names, bool(row.asks), bool(row.is_booked))


def lock(statement: Select[Any]) -> Select[Any]:
    """Keep the sessions of this statement from being changed by others until the commit."""
    return statement.with_for_update(of=session)


@cache
def _locking(how: Callable[[Select[Any]], Select[Any]], statement: Select[Any]) -> Select[Any]:
    # The clock is read outside of what locks, so after it.
    locked = how(statement).subquery("locked")
    return select(locked, clock_read().label("read_at")).execution_options(**PREPARED)


def _read(tx: Transaction, row: Row[Any]) -> Found:
    tx.read_at(row.read_at)
    return to_found(row)


def locked(tx: Transaction, session_id: int) -> Found:
    """One session, locked. Raises NotFound."""
    row = tx.execute(_locking(lock, _BY_ID), {"wanted": session_id}).first()
    if row is None:
        raise NotFound("session")
    return _read(tx, row)


def by_code(tx: Transaction, code_index: bytes) -> Found | None:
    """The newest session that was given this code, locked."""
    row = tx.execute(_locking(lock, _BY_CODE), {"wanted": code_index}).first()
    return None if row is None else _read(tx, row)


def beside(
    tx: Transaction, one: Select[Any], about: Mapping[str, Any], code_index: bytes
) -> tuple[Any, Found | None] | None:
    """One row of another look, and `by_code` beside it in the same trip; None where there is no such row."""
    row = tx.execute(_beside(lock, one), {**about, "wanted": code_index}).first()
    if row is None:
        return None
    tx.read_at(row.read_at)
    here = {name[5:]: value for name, value in row._mapping.items() if name.startswith("here_")}
    return SimpleNamespace(**here), None if row.id is None else to_found(row)


@cache
def _beside(how: Callable[[Select[Any]], Select[Any]], one: Select[Any]) -> Select[Any]:
    here, newest = one.subquery("here"), how(_BY_CODE).subquery("locked")
    mine = (column.label(f"here_{column.name}") for column in here.c)
    both = select(*mine, newest, clock_read().label("read_at")).join_from(here, newest, true(), isouter=True)
    return both.execution_options(**PREPARED)


def on_poste(tx: Transaction, poste_id: int) -> Found | None:
    """The session that is active or suspended at a poste, locked."""
    row = tx.execute(_locking(lock, _ON_POSTE), {"wanted": poste_id}).first()
    return None if row is None else _read(tx, row)


def is_taken(tx: Transaction, poste_id: int) -> bool:
    """Whether a session is active or suspended at a poste."""
    here = (session.c.poste_id == poste_id, session.c.statut.in_(ON_POSTE))
    return tx.execute(select(session.c.id).where(*here)).first() is not None


def is_awaited(tx: Transaction, poste_id: int) -> bool:
    """Whether a code that can still be typed names this poste."""
    waiting = (session.c.statut == EN_ATTENTE, session.c.code_expire_a > tx.now)
    return (
        tx.execute(select(session.c.id).where(session.c.poste_id == poste_id, *waiting)).first() is not None
    )


def add(tx: Transaction, values: Mapping[str, Any]) -> int:
    """A new session with its first grant. Raises Refused when an invariant of the schema forbids it."""
    stamped = {**values, "created_at": tx.now, "updated_at": tx.now}
    try:
        made = tx.execute(_ADD, stamped).scalar_one()
    except IntegrityError as error:
        raise conflict(error) from None
    give(tx, made, "initial", values["duree_initiale_ms"], operateur_id=values.get("operateur_id"))
    return int(made)


_ADD = insert(session).returning(session.c.id).execution_options(**PREPARED)


def add_many(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """New sessions with their first grants; gives their ids in the order of the rows."""
    stamps = {"created_at": tx.now, "updated_at": tx.now}
    statement = insert(session).returning(session.c.id, sort_by_parameter_order=True)
    try:
        made = list(tx.execute(statement, [{**row, **stamps} for row in rows]).scalars())
    except IntegrityError as error:
        raise conflict(error) from None
    first = [
        {"session_id": number, "genre": "initial", "montant_ms": row["duree_initiale_ms"],
         "operateur_id": row.get("operateur_id"), "created_at": tx.now}
        for number, row in zip(made, rows, strict=True)
    ]  # fmt: skip
    tx.execute(insert(grant), first)
    return made


def save(tx: Transaction, before: Session, after: Session, **also: Any) -> None:
    """Store what changed, if nobody changed the session since it was read. Raises Refused on a conflict."""
    saving = _save_of(tx, before, after, also)
    if saving is None:
        return
    statement, values = saving
    try:
        changed = tx.execute(statement, values).rowcount
    except IntegrityError as error:
        raise conflict(error) from None
    if changed != 1:
        raise _not_saved(before)


def save_and(
    tx: Transaction, before: Session, after: Session, then: Update, about: Mapping[str, Any]
) -> Row[Any] | None:
    """Store what changed as `save` does, then run another change that gives back one row, or none without it.

    On PostgreSQL both go in one trip: the other change does not happen where the session was not stored.
    """
    saving = _save_of(tx, before, after, {})
    if saving is None or not tx.is_postgresql:
        save(tx, before, after)
        return tx.execute(then, about).first()
    statement, values = saving
    try:
        row = tx.execute(_both(statement, then), {**values, **about}).first()
    except IntegrityError as error:
        raise conflict(error) from None
    if row is None:
        raise _not_saved(before)
    return row


@cache
def _both(saving: Update, then: Update) -> Update:
    saved = saving.returning(session.c.id).cte("saved")
    return then.where(exists(select(saved.c.id)))


def _save_of(
    tx: Transaction, before: Session, after: Session, also: Mapping[str, Any]
) -> tuple[Update, dict[str, Any]] | None:
    """The statement that stores what changed and its values; None where nothing did."""
    values = {
        column: getattr(after, field)
        for field, column in COLUMNS.items()
        if getattr(after, field) != getattr(before, field)
    }
    if not values and not also:
        return None
    if after.statut != EN_ATTENTE and before.statut == EN_ATTENTE:
        values["code_scelle"] = None
    values |= also
    what = {f"new_{column}": value for column, value in values.items()}
    where = {"of_id": before.id, "was_statut": before.statut, "was_version": before.version}
    return _saving(unchanged, tuple(values)), {**what, **where, "at": tx.now}


def _not_saved(before: Session) -> Refused:
    return Refused("code_deja_utilise" if before.statut == EN_ATTENTE else "modifie_entre_temps")


def set_aside(tx: Transaction, before: Session) -> Session:
    """The session with no poste, paused, so that another one can take its place. Only within a transaction."""
    aside = replace(before, statut=SUSPENDUE, poste_id=None, left_ms=before.remaining_ms(tx.now))
    save(tx, before, aside)
    return replace(aside, version=before.version + 1)


@cache
def _saving(guard: Callable[[], ColumnElement[bool]], columns: tuple[str, ...]) -> Update:
    values = {column: bindparam(f"new_{column}", type_=session.c[column].type) for column in columns}
    return (
        update(session)
        .where(session.c.id == bindparam("of_id"), guard())
        .values(**values, version=session.c.version + 1, updated_at=bindparam("at"))
        .execution_options(**PREPARED)
    )


def unchanged() -> ColumnElement[bool]:
    """Whether the stored session is still the one that was read: what is decided on it holds."""
    return and_(session.c.statut == bindparam("was_statut"), session.c.version == bindparam("was_version"))


def conflict(error: IntegrityError) -> Refused:
    """The reason behind a constraint that said no."""
    said = str(error.orig)
    for name, reason in _CONFLICTS.items():
        if name in said:
            return Refused(reason)
    raise error


def give(
    tx: Transaction,
    session_id: int,
    genre: str,
    amount_ms: int,
    *,
    motif: str | None = None,
    cle: str | None = None,
    operateur_id: int | None = None,
) -> None:
    """One more line in the ledger of a session; its poste is told by the next rev of this transaction."""
    line: dict[str, Any] = {
        "session_id": session_id,
        "genre": genre,
        "montant_ms": amount_ms,
        "motif": motif,
        "cle": cle,
        "operateur_id": operateur_id,
        "created_at": tx.now,
    }
    tx.given.append(line)


def added_after(tx: Transaction, session_id: int, rev: int) -> int:
    """What was granted to a session, less what was taken, by revs after one, in milliseconds."""
    wanted = select(func.coalesce(func.sum(grant.c.montant_ms), 0)).where(
        grant.c.session_id == session_id, grant.c.rev > rev, grant.c.genre.in_(("ajout", "retrait"))
    )
    return int(tx.execute(wanted).scalar_one())


def was_given(tx: Transaction, session_id: int, cle: str) -> bool:
    """Whether the ledger already has a line with this key."""
    wanted = select(grant.c.id).where(grant.c.session_id == session_id, grant.c.cle == cle)
    return tx.execute(wanted).first() is not None


def usage(tx: Transaction, utilisateur_id: int, day: datetime, week: datetime, *, without: int = 0) -> Usage:
    """What a person has had since the beginning of the local day and week, except in one session."""
    wanted = {"who": utilisateur_id, "without": without, "day": day, "week": week, "at": tx.now}
    row = tx.execute(_usage(), wanted).one()
    return Usage(int(row[0]), int(row[1]), int(row[2]))


@cache
def _usage() -> Any:
    live = counted()
    today = session.c.debut_session >= bindparam("day")
    this_week = session.c.debut_session >= bindparam("week")
    waiting = and_(session.c.statut == EN_ATTENTE, session.c.code_expire_a > bindparam("at"))
    return (
        select(
            func.count().filter(or_(today, waiting)),
            func.coalesce(func.sum(live).filter(today), 0),
            func.coalesce(func.sum(live).filter(this_week), 0),
        )
        .where(
            session.c.utilisateur_id == bindparam("who"),
            session.c.id != bindparam("without"),
            or_(this_week, today, waiting),
        )
        .execution_options(**PREPARED)
    )


def counted() -> Any:
    # What is not ended counts with all that it was granted: that time is promised.
    granted = session.c.duree_initiale_ms + session.c.temps_ajoute_ms
    unspent = case((session.c.statut.in_(ENDED), func.coalesce(session.c.restant_ms, 0)), else_=0)
    return granted - unspent
