"""Pages of rows: filtered, sorted, counted and stamped with the database's clock, in one statement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Subquery,
    bindparam,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
    union,
    union_all,
)

from fleet.database.engine import Transaction
from fleet.database.prepared import PREPARED
from fleet.database.rows import all_of, first_of
from fleet.database.sql import any_of
from fleet.database.types import Instant
from fleet.domain.actor import Actor
from fleet.domain.errors import Invalid

LARGEST = 200
LIKE_ESCAPE = "\\"


@dataclass(frozen=True)
class Page:
    """Which part of a list: `limit` rows from `offset`, sorted by a word of the list, `-` before it to reverse."""

    limit: int = 50
    offset: int = 0
    sort: str | None = None


class Fetched(NamedTuple):
    """The rows of a page, how many there are in all (or at least, if it is so `bounded`), and the database's clock."""

    rows: Sequence[Any]
    total: int
    now: datetime
    bounded: bool = False


def now_column(tx: Transaction) -> ColumnElement[datetime]:
    """The database's clock as a column named `maintenant`: no trip of its own."""
    if tx.is_postgresql:
        return func.clock_timestamp(type_=Instant).label("maintenant")
    return literal(datetime.now(UTC), Instant).label("maintenant")


def clocked(statement: Select[Any]) -> dict[bool, Select[Any]]:
    """The statement with `maintenant`, for SQLite and (True) for PostgreSQL, put together once for `first`."""
    return {dialect: statement.add_columns(_clock(dialect)) for dialect in (True, False)}


def _clock(is_postgresql: bool) -> ColumnElement[datetime]:
    told = func.clock_timestamp(type_=Instant) if is_postgresql else bindparam("now", type_=Instant)
    return told.label("maintenant")


def first(tx: Transaction, statement: Mapping[bool, Select[Any]], **values: Any) -> Any | None:
    """The first row of what `clocked` made, in one trip."""
    now = {} if tx.is_postgresql else {"now": datetime.now(UTC)}
    return first_of(tx.execute(statement[tx.is_postgresql], {**values, **now}))


def fetch(
    tx: Transaction, statement: Select[Any], page: Page, sorts: Mapping[str, Any], default: str
) -> Fetched:
    """A page of a statement that selects a unique `id`. Raises Invalid for a sort that the list does not have."""
    wanted = _paged(statement, tx.is_postgresql, *_sort(page.sort or default, sorts))
    return _fetched(tx, wanted, page, {})


@dataclass(frozen=True)
class Ids:
    """The rows of a long list as their ids alone: counting and skipping read nothing else, and that from an index.

    `sorted`: with what they are sorted by joined to them. `found`: what a search looks for, each in its own index.
    """

    counted: Select[Any]
    sorted: Select[Any]
    found: Sequence[ColumnElement[bool]] = ()


MOST = 2_000
"""So many of what a search finds are counted, and sorted. Of more the rows are read in the order of the list until the
page is full: they are seldom far from each other."""


def fetch_long(
    tx: Transaction,
    statement: Select[Any],
    ids: Ids,
    page: Page,
    sorts: Mapping[str, Any],
    default: str,
    values: Mapping[str, Any] | None = None,
) -> Fetched:
    """The same for a long list. With `values`, its statements are some of a few: what is put around them is kept.

    Without more than sites asked for, the page that it opens with is prepared.
    """
    known = not ids.found and values is not None
    opened = known and page == _OPENED and (values or {}).keys() <= {"sites"}
    limits = _OPENING if opened else _LIMITS
    key, descending = _sort(page.sort or default, sorts)
    if not ids.found:
        made = _long if known else _long.__wrapped__
        wanted = made(statement, ids.counted, ids.sorted, tx.is_postgresql, key, descending, limits)
        return _fetched(tx, wanted, page, values or {}, PREPARED if opened else None)
    wanted = _search(statement, ids.sorted, ids.found, tx.is_postgresql, key, descending)
    found = _fetched(tx, wanted, page, {**(values or {}), "page_most": page.offset + page.limit})
    return found._replace(total=min(found.total, MOST), bounded=found.total > MOST)


def _fetched(
    tx: Transaction,
    wanted: Select[Any],
    page: Page,
    values: Mapping[str, Any],
    options: Mapping[str, Any] | None = None,
) -> Fetched:
    now = {} if tx.is_postgresql else {"now": datetime.now(UTC)}
    part = {"page_limit": page.limit, "page_offset": page.offset}
    found = all_of(tx.execute(wanted, {**values, **part, **now}, execution_options=options))
    return Fetched([row for row in found if row.id is not None], found[0].total, found[0].maintenant)


_Limits = tuple[ColumnElement[Any], ColumnElement[Any] | None]
_LIMITS: _Limits = (bindparam("page_limit"), bindparam("page_offset"))
_OPENED = Page()
# Said in the statement: where it is a parameter, PostgreSQL plans what is prepared for a tenth of all rows.
_OPENING: _Limits = (literal_column(str(_OPENED.limit)), None)


def _paged(statement: Select[Any], is_postgresql: bool, key: Any, descending: bool) -> Select[Any]:
    total = _total(statement, is_postgresql)
    order = (_directed(key, descending), _directed(statement.selected_columns["id"], descending))
    part = statement.add_columns(key.label("cle_tri")).order_by(*order)
    return _beside(total, part.limit(_LIMITS[0]).offset(_LIMITS[1]).subquery("page"), descending)


@lru_cache(256)
def _long(
    statement: Select[Any],
    counted: Select[Any],
    ids: Select[Any],
    is_postgresql: bool,
    key: Any,
    descending: bool,
    limits: _Limits,
) -> Select[Any]:
    order = (_directed(key, descending), _directed(ids.selected_columns["id"], descending))
    part = (
        ids.add_columns(key.label("cle_tri"))
        .order_by(*order)
        .limit(limits[0])
        .offset(limits[1])
        .subquery("part")
    )
    return _beside(_total(counted, is_postgresql), _shown(statement, part), descending)


def _search(
    statement: Select[Any],
    ids: Select[Any],
    wanted: Sequence[ColumnElement[bool]],
    is_postgresql: bool,
    key: Any,
    descending: bool,
) -> Select[Any]:
    keyed, most = ids.add_columns(key.label("cle_tri")), literal_column(str(MOST + 1), Integer)
    each = (select(keyed.where(one).limit(most).subquery()) for one in wanted)
    found = select(union(*each).subquery("each")).limit(most).cte("found")
    few = select(func.count()).select_from(found).scalar_subquery() <= MOST
    order = (_directed(key, descending), _directed(ids.selected_columns["id"], descending))
    many = keyed.where(~few, or_(*wanted)).order_by(*order).limit(bindparam("page_most"))
    both = union_all(select(found).where(few), select(many.subquery("many"))).subquery("both")
    order = (_directed(both.c.cle_tri, descending), _directed(both.c.id, descending))
    part = select(both).order_by(*order).limit(_LIMITS[0]).offset(_LIMITS[1]).subquery("part")
    return _beside(_total(select(found.c.id), is_postgresql), _shown(statement, part), descending)


def _total(statement: Select[Any], is_postgresql: bool) -> Subquery:
    one = literal(1).label("one")
    counted = statement.order_by(None).with_only_columns(one, maintain_column_froms=True).subquery()
    return select(func.count().label("total"), _clock(is_postgresql)).select_from(counted).subquery("total")


def _shown(statement: Select[Any], part: Subquery) -> Subquery:
    mine = statement.selected_columns["id"] == part.c.id
    return statement.add_columns(part.c.cle_tri).join(part, mine).subquery("page")


def _beside(total: Subquery, rows: Subquery, descending: bool) -> Select[Any]:
    order = (_directed(rows.c.cle_tri, descending), _directed(rows.c.id, descending))
    return select(total, rows).select_from(total.outerjoin(rows, true())).order_by(*order)


def _sort(asked: str, sorts: Mapping[str, Any]) -> tuple[Any, bool]:
    word = asked.removeprefix("-")
    if word not in sorts:
        raise Invalid("tri", "valeur_invalide", regle=" | ".join(sorts))
    return sorts[word], asked.startswith("-")


def _directed(column: Any, descending: bool) -> Any:
    return column.desc() if descending else column.asc()


def seen_by(tx: Transaction, actor: Actor, column: Any) -> ColumnElement[bool]:
    """Only what is at the actor's sites."""
    return true() if actor.sites is None else any_of(tx, column, sorted(actor.sites))


def contains(column: Any, typed: str) -> ColumnElement[bool]:
    """Every word of what was typed is somewhere in the column; its wildcards mean themselves."""
    found: ColumnElement[bool] = true()
    for word in typed.split():
        escaped = word.replace(LIKE_ESCAPE, LIKE_ESCAPE * 2).replace("%", r"\%").replace("_", r"\_")
        found &= column.like(f"%{escaped}%", escape=LIKE_ESCAPE)
    return found
