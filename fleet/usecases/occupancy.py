"""When postes are taken, hour by hour of a week, beside how long they could be; how long people stay, and wait.

A session lies in every hour from its start to its end, pauses too: its poste is taken. It counts for the period in
which it began. Ended days are not counted again: see `fleet.database.rollups`.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import CTE, BigInteger, Select, Text, case, cast, func, literal, null, select, union_all

from fleet.database import listing, local_time, rollups, sums
from fleet.database.engine import Transaction
from fleet.database.gaps import DEPLOYMENT, Gap, Gaps, Period, within
from fleet.database.sums import Sums
from fleet.database.tables import poste, session, site
from fleet.database.types import Instant
from fleet.domain import opening_hours
from fleet.domain import poste as poste_rules
from fleet.domain import session as rules
from fleet.domain.actor import Actor
from fleet.usecases.fleet import Fleet

_HOUR_MS = 3_600_000
_SLOT, _STAY, _WAIT = "creneau", "duree", "attente"
_GAPS = "week"
_LIMITS_S = {_STAY: (900, 1800, 3600, 7200), _WAIT: (60, 300, 900, 3600)}
"""Up to how long; what is longer is one more class."""
_MOST_HOURS = opening_hours.SLOTS
"""A session that nobody ended for a week fills each hour of it once."""


class Slot(Struct, frozen=True, kw_only=True):
    """An hour of the week, Monday = 0: sessions that began then; for how long postes were taken, and could be.

    `taux` is the taken share of that, null where nothing was open.
    """

    jour: int
    heure: int
    commencees: int
    secondes: int
    ouvertes: int
    taux: float | None


class Lengths(Struct, frozen=True, kw_only=True):
    """How many sessions took from `de` to less than `a` seconds; null: any more."""

    de: int
    a: int | None
    sessions: int


class Occupation(Struct, frozen=True, kw_only=True):
    """Of what began in the period, by the local week of each site; hours when nothing was open or taken are left out.

    `durees`: the time that ended sessions used; `attentes`: from the code to the start.
    """

    depuis: datetime
    jusqu_a: datetime
    creneaux: list[Slot]
    durees: list[Lengths]
    attentes: list[Lengths]


def occupation(fleet: Fleet, actor: Actor, when: Period) -> Occupation:
    """The week of a period, at the actor's sites."""
    with fleet.database.read() as tx:
        return counted(tx, actor, when)


def counted(tx: Transaction, actor: Actor, when: Period, *, raw: bool = False) -> Occupation:
    """The same, within a transaction; `raw`: from the sessions themselves, whatever is added up of ended days."""
    known = rollups.closed(tx, actor, when, (rollups.WEEK,), raw=raw)
    found = known.total(rollups.WEEK, _SLOT, _STAY, _WAIT)
    for row in _rows(tx, known.gaps[rollups.WEEK]):
        sums.add(found, row.quoi, row.cle, _amounts(row))
    return Occupation(
        depuis=when.since,
        jusqu_a=when.until,
        creneaux=_slots(found, _open(tx, actor, when)),
        durees=_lengths(found, _STAY),
        attentes=_lengths(found, _WAIT),
    )


def by_day(tx: Transaction, when: Period) -> dict[str, Sums]:
    """What each local day of a site adds up to, to be kept; a day of which there is nothing is left out."""
    gaps = Gaps([Gap(when.since, when.until, (when.site_id or DEPLOYMENT,))])
    found: dict[str, Sums] = {}
    for row in _rows(tx, gaps, daily=True):
        found.setdefault(row.jour, {}).setdefault(row.quoi, {})[row.cle] = _amounts(row)
    return found


def _rows(tx: Transaction, gaps: Gaps, *, daily: bool = False) -> Iterable[Any]:
    return tx.execute(union_all(*_arms(tx, gaps, daily=daily)), gaps.told(_GAPS))


def _amounts(row: Any) -> list[int]:
    return [int(row.nombre), int(row.pris_ms or 0)]


def _arms(tx: Transaction, gaps: Gaps, *, daily: bool = False) -> list[Select[Any]]:
    """The sessions of the gaps by hour of the week, by how long they stayed and how long they waited."""
    begun = _begun(tx, gaps)
    hours = _hours(begun)
    end = (hours.c.nth + 1) * _HOUR_MS
    start = case((hours.c.nth == 0, hours.c.into_ms), else_=hours.c.nth * _HOUR_MS)
    taken = case((hours.c.until_ms < end, hours.c.until_ms), else_=end) - start
    first = func.sum(case((hours.c.nth == 0, 1), else_=0))
    slot = (hours.c.creneau + hours.c.nth) % opening_hours.SLOTS
    stayed, waited = _class(_STAY, begun.c.used_ms), _class(_WAIT, begun.c.wait_ms)
    return [
        _arm(_SLOT, slot, first, hours.c.jour if daily else None, func.sum(taken)),
        _arm(_STAY, stayed, func.count(), begun.c.jour if daily else None).where(
            begun.c.used_ms.is_not(None)
        ),
        _arm(_WAIT, waited, func.count(), begun.c.jour if daily else None),
    ]


def _arm(name: str, key: Any, count: Any, day: Any, taken: Any = None) -> Select[Any]:
    columns: list[Any] = [
        literal(name).label("quoi"),
        cast(key, Text).label("cle"),
        cast(null() if day is None else day, Text).label("jour"),
        cast(count, BigInteger).label("nombre"),
        cast(null() if taken is None else taken, BigInteger).label("pris_ms"),
    ]
    wanted: Select[Any] = select(*columns)
    return wanted.group_by(key, *([] if day is None else [day]))


def _begun(tx: Transaction, gaps: Gaps) -> CTE:
    one = session.c
    slot = local_time.weekday(tx, one.debut_session, site.c.zone) * 24
    slot += cast(local_time.hour(one.debut_session, site.c.zone), BigInteger)
    into_ms = local_time.into_hour(tx, one.debut_session, site.c.zone) * 1000
    end = func.coalesce(one.fin_session, literal(tx.now, Instant))
    length_ms = _ms(one.debut_session, end)
    granted = one.duree_initiale_ms + one.temps_ajoute_ms
    over = one.statut.in_((rules.TERMINEE, rules.EXPIREE))
    return (
        select(
            local_time.day(one.debut_session, site.c.zone).label("jour"),
            slot.label("creneau"),
            into_ms.label("into_ms"),
            (into_ms + case((length_ms > 0, length_ms), else_=0)).label("until_ms"),
            case((over, granted - func.coalesce(one.restant_ms, 0))).label("used_ms"),
            _ms(one.created_at, one.debut_session).label("wait_ms"),
        )
        .join_from(session, site, one.site_id == site.c.id)
        .where(within(_GAPS, gaps.shapes, session, "debut_session"))
        .cte("begun")
    )


def _ms(begin: Any, end: Any) -> Any:
    return cast(func.round(local_time.seconds(begin, end) * 1000), BigInteger)


def _hours(begun: CTE) -> CTE:
    """Each session once for every hour in which it lies, the `nth` from the one in which it began."""
    kept = ("jour", "creneau", "into_ms", "until_ms")
    first = select(*(begun.c[name] for name in kept), cast(literal(0), BigInteger).label("nth"))
    hours = first.cte("hours", recursive=True)
    later = select(*(hours.c[name] for name in kept), hours.c.nth + 1)
    reaches = (hours.c.until_ms > (hours.c.nth + 1) * _HOUR_MS, hours.c.nth + 1 < _MOST_HOURS)
    return hours.union_all(later.where(*reaches))


def _class(name: str, amount_ms: Any) -> Any:
    """The limit below which this is, in seconds; -1 above all."""
    return case(*((amount_ms < limit * 1000, limit) for limit in _LIMITS_S[name]), else_=-1)


def _open(tx: Transaction, actor: Actor, when: Period) -> Counter[int]:
    """For how many seconds the lent postes could be used, by hour of the week."""
    lent = (poste.c.site_id == site.c.id, poste.c.statut_voulu == poste_rules.EN_SERVICE)
    postes = select(func.count()).select_from(poste).where(*lent).correlate(site).scalar_subquery()
    wanted = select(site.c.zone, site.c.horaires, site.c.exceptions, postes.label("postes"))
    wanted = wanted.where(listing.seen_by(tx, actor, site.c.id))
    if when.site_id is not None:
        wanted = wanted.where(site.c.id == when.site_id)
    found: Counter[int] = Counter()
    for row in tx.execute(wanted):
        hours = opening_hours.from_json(row.zone, row.horaires, row.exceptions)
        for slot, seconds in hours.open_by_slot(when.since, when.until).items():
            found[slot] += seconds * row.postes
    return found


def _slots(found: Sums, could: Counter[int]) -> list[Slot]:
    taken = {int(slot): amounts for slot, amounts in found.get(_SLOT, {}).items()}
    return [_slot(number, taken.get(number, [0, 0]), could[number]) for number in sorted({*taken, *+could})]


def _slot(number: int, taken: Sequence[int], could_s: int) -> Slot:
    begun, taken_ms = taken
    day, hour = divmod(number, 24)
    share = round(taken_ms / 1000 / could_s, 4) if could_s else None
    return Slot(
        jour=day, heure=hour, commencees=begun, secondes=taken_ms // 1000, ouvertes=could_s, taux=share
    )


def _lengths(by_name: Sums, name: str) -> list[Lengths]:
    found = by_name.get(name, {})
    limits = _LIMITS_S[name]
    classes: Iterable[tuple[int, int | None]] = zip((0, *limits), (*limits, None), strict=True)
    return [Lengths(de=low, a=high, sessions=found.get(str(high or -1), [0])[0]) for low, high in classes]
