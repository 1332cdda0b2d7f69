"""Periods, and the gaps in what is added up of them: which rows must be read, in words that are put together once."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Self

from sqlalchemy import ColumnElement, Table, and_, bindparam, false, or_, true

from fleet.domain.actor import Actor

DEPLOYMENT = 0
"""In the place of a site, what is of none."""


@dataclass(frozen=True)
class Period:
    """From when until when, and at which site; all that the actor sees without one."""

    since: datetime
    until: datetime
    site_id: int | None = None


class Places(NamedTuple):
    """How the sites are chosen that are counted: only some, only one. A statement is made once for each."""

    some: bool
    one: bool

    @classmethod
    def of(cls, actor: Actor, site_id: int | None) -> Self:
        """Those that the actor sees, and of them the one that is asked for."""
        return cls(actor.sites is not None, site_id is not None)

    @staticmethod
    def told(actor: Actor, site_id: int | None) -> dict[str, Any]:
        """What `hold` is told."""
        return {"site_id": site_id, "sites": sorted(actor.sites or ())}

    def hold(self, column: Any) -> ColumnElement[bool]:
        """Whether a site is one of them."""
        held = [column.in_(bindparam("sites", expanding=True))] if self.some else []
        held += [column == bindparam("site_id")] if self.one else []
        return and_(true(), *held)


def told(actor: Actor, when: Period) -> dict[str, Any]:
    """What statements about a period at some places are told."""
    return {"since": when.since, "until": when.until, **Places.told(actor, when.site_id)}


class Shape(NamedTuple):
    """What a gap is of: of sites, of the deployment."""

    sites: bool
    deployment: bool


@dataclass(frozen=True)
class Gap:
    """A time of which the rows of some sites must be read. What is of no site is of the deployment."""

    since: datetime
    until: datetime
    site_ids: tuple[int, ...]

    @property
    def shape(self) -> Shape:
        """Gaps of one shape are asked for with the same words."""
        return Shape(self.site_ids != (DEPLOYMENT,), DEPLOYMENT in self.site_ids)


class Gaps(tuple[Gap, ...]):
    """All that must be read of some kind."""

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """The words that it takes to ask for them."""
        return tuple(gap.shape for gap in self)

    def told(self, name: str) -> dict[str, Any]:
        """What `within` is told of them."""
        found: dict[str, Any] = {}
        for number, gap in enumerate(self):
            mine = [one for one in gap.site_ids if one != DEPLOYMENT]
            values = {"since": gap.since, "until": gap.until, "sites": mine}
            found |= {f"{name}_{number}_{word}": value for word, value in values.items()}
        return found


def within(name: str, shapes: Iterable[Shape], table: Table, column: str) -> ColumnElement[bool]:
    """Whether a row is of one of the gaps of these shapes."""
    found: list[ColumnElement[bool]] = [false()]
    for number, shape in enumerate(shapes):
        since, until, sites = (f"{name}_{number}_{word}" for word in ("since", "until", "sites"))
        places = [table.c.site_id.in_(bindparam(sites, expanding=True))] if shape.sites else []
        places += [table.c.site_id.is_(None)] if shape.deployment else []
        instant = table.c[column]
        found.append(and_(or_(*places), instant >= bindparam(since), instant < bindparam(until)))
    return or_(*found)
