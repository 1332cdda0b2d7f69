"""What was done with the postes in a period, by the site's own calendar: what is not added up yet is counted.

Sessions belong to the day on which they began. Their time is what was used, not what was granted. Closed days are not
counted again: see `fleet.database.rollups`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from itertools import zip_longest
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct
from sqlalchemy import (
    CompoundSelect,
    Float,
    Select,
    Text,
    bindparam,
    case,
    cast,
    func,
    literal,
    null,
    select,
    text,
    union_all,
)

from fleet.database import local_time, log_sums, rollups, sums
from fleet.database.engine import Transaction
from fleet.database.gaps import DEPLOYMENT, Gap, Gaps, Period, Places, Shape, told, within
from fleet.database.log_sums import REFUSALS, REFUSED
from fleet.database.rollups import Closed
from fleet.database.sums import Sums
from fleet.database.tables import log, poste, session, site, utilisateur
from fleet.database.types import Instant
from fleet.domain import opening_hours
from fleet.domain import poste as poste_rules
from fleet.domain import session as rules
from fleet.domain.actor import Actor
from fleet.domain.errors import Invalid
from fleet.usecases.fleet import Fleet

LONGEST = timedelta(days=400)


class Tally(Struct, frozen=True):
    """So many sessions, with the time that they used and waited for (from the code to the start), in seconds."""

    sessions: int
    secondes: int
    attente_moyenne: int


class SessionStats(Struct, frozen=True, kw_only=True):
    """What was created or is not over (`total`, `par_statut`), and what began in the period (the rest).

    `taux_occupation`: the used share of the hours during which the postes could be used; null where there were none.
    `refus`: how often the rules said no, by reason.
    """

    depuis: datetime
    jusqu_a: datetime
    total: int
    par_statut: dict[str, int]
    creees: int
    demarrees: int
    secondes_accordees: int
    secondes_utilisees: int
    duree_moyenne: int
    attente_moyenne: int
    taux_occupation: float | None
    par_jour: dict[str, Tally]
    par_heure: dict[str, Tally]
    par_jour_semaine: dict[str, Tally]
    par_site: dict[str, Tally]
    par_poste: dict[str, Tally]
    par_categorie: dict[str, Tally]
    par_motif: dict[str, Tally]
    refus: dict[str, int]


class Use(NamedTuple):
    """How postes were used: sessions, seconds, the share of the hours; and each poste."""

    sessions: int
    seconds: int
    share: float | None
    by_poste: dict[str, Tally]


def period(
    now: datetime,
    zone: str,
    since: datetime | None,
    until: datetime | None,
    site_id: int | None,
    days: int = 0,
) -> Period:
    """The asked one; by default it begins with today, or so many days before, and ends now. Raises Invalid."""
    today = now.astimezone(ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    begin, end = since or today - timedelta(days=days), until or now
    if end < begin:
        raise Invalid("jusqu_a", "valeur_invalide", regle="après le début de la période")
    if end - begin > LONGEST:
        raise Invalid("depuis", "valeur_invalide", regle=f"une période de {LONGEST.days} jours au plus")
    return Period(begin, end, site_id)


def sessions(fleet: Fleet, actor: Actor, when: Period) -> SessionStats:
    """The sessions of a period."""
    with fleet.database.read() as tx:
        return counted(tx, actor, when)


def counted(tx: Transaction, actor: Actor, when: Period, *, raw: bool = False) -> SessionStats:
    """The same, within a transaction; `raw`: from the sessions themselves, whatever is added up of closed days."""
    known = rollups.closed(tx, actor, when, (rollups.SESSIONS, rollups.LOGS), raw=raw)
    found = _found(tx, actor, when, known, _Wanted((*_GROUPS, "site"), rest=True))
    for reason, times in known.total(rollups.LOGS, REFUSED)[REFUSED].items():
        sums.add(found.sums, "refus", reason, times)
    return _put_together(found, when)


def by_category(tx: Transaction, actor: Actor, when: Period) -> dict[str, Tally]:
    """Of `counted` what is by category of people, for much less."""
    known = rollups.closed(tx, actor, when, (rollups.SESSIONS,))
    return _named(_found(tx, actor, when, known, _Wanted(("categorie",))), "categorie")


def by_poste(tx: Transaction, actor: Actor, when: Period) -> Use:
    """Of `counted` what is by poste."""
    known = rollups.closed(tx, actor, when, (rollups.SESSIONS,))
    found = _found(tx, actor, when, known, _Wanted(("poste",), places=True))
    whole = found.whole
    occupied = _occupation(found.places, when, whole.secondes)
    return Use(whole.sessions, whole.secondes, occupied, _named(found, "poste"))


def by_day(tx: Transaction, when: Period) -> dict[str, Sums]:
    """What each local day of a site adds up to, to be kept; a day of which there is nothing is left out."""
    gaps = Gaps([Gap(when.since, when.until, (when.site_id or DEPLOYMENT,))])
    found: dict[str, Sums] = {}
    values = {"until": when.until, **gaps.told(rollups.SESSIONS)}
    for row in tx.execute(_each_day(gaps.shapes), values):
        sums.add(found.setdefault(row.dit, {}), row.quoi, row.cle or "", _amounts(row))
    return found


class _Wanted(NamedTuple):
    """By what sessions are grouped, and what is asked for beside: where and when they could be, all the `rest`."""

    groups: tuple[str, ...]
    places: bool = False
    rest: bool = False


_GROUPS = ("poste", "categorie", "motif", "jour", "heure")


@dataclass(frozen=True)
class _Found:
    """What sessions add up to, and the places that they could be at."""

    sums: Sums
    places: Sequence[Any]

    @property
    def whole(self) -> Tally:
        """All of them."""
        return _tally(self.sums[rollups.WHOLE][""])


def _found(tx: Transaction, actor: Actor, when: Period, known: Closed, wanted: _Wanted) -> _Found:
    """What the closed days and the rows of the gaps add up to."""
    made = ("cree",) if wanted.rest else ()
    found = known.total(rollups.SESSIONS, *wanted.groups, *made)
    shapes = (gaps.shapes for gaps in known.gaps.values())
    values = told(actor, when)
    for name, gaps in known.gaps.items():
        values |= gaps.told(name)
    statement = _counting(wanted, Places.of(actor, when.site_id), *shapes)
    rows = tx.execute(statement, values).all()
    for row in rows:
        if row.quoi != _PLACE:
            sums.add(found, row.quoi, row.cle or "", _amounts(row))
    return _Found(found, [row for row in rows if row.quoi == _PLACE])


@lru_cache(64)
def _counting(
    wanted: _Wanted, places: Places, gaps: Sequence[Shape], refusals: Sequence[Shape] = ()
) -> CompoundSelect[Any]:
    """Counts the rows of the gaps, in one statement. It takes longer to put it together than to run it."""
    arms = _own(gaps, wanted.groups, made=wanted.rest)
    if wanted.rest:
        arms += [_still_open(places), _refused(refusals)]
    if wanted.rest or wanted.places:
        arms.append(_lent(places))
    return union_all(*arms)


@cache
def _each_day(gaps: Sequence[Shape]) -> CompoundSelect[Any]:
    return union_all(*_own(gaps, _GROUPS, made=True, daily=True))


def _own(
    gaps: Sequence[Shape], groups: Sequence[str], *, made: bool, daily: bool = False
) -> list[Select[Any]]:
    """What the sessions of the gaps add up to, by all that they are grouped by; `daily`: and by day, which is `dit`."""
    mine = rollups.SESSIONS
    each = _begun({*groups, "jour"} if daily else {*groups})
    begun = each.where(within(mine, gaps, session, "debut_session")).cte("begun")
    tally = (func.count(), func.sum(begun.c.used_ms), func.sum(begun.c.wait_ms))
    begun_on = [begun.c.jour] if daily else []
    whole = _arm(rollups.WHOLE, literal(""), *tally, func.sum(begun.c.granted_ms), said=begun_on)
    arms = [whole.select_from(begun).group_by(*begun_on)]
    for name in groups:
        arms.append(_arm(name, begun.c[name], *tally, said=begun_on).group_by(begun.c[name], *begun_on))
    if made:
        made_on = [local_time.day(session.c.created_at, site.c.zone)] if daily else []
        created = _arm("cree", session.c.statut, func.count(), said=made_on).join_from(session, site)
        created = created.where(within(mine, gaps, session, "created_at"))
        arms.append(created.group_by(session.c.statut, *made_on))
    return arms


_AMOUNTS = ("nombre", "utilise_ms", "attente_ms", "accorde_ms")


def _arm(name: str, key: Any, *amounts: Any, said: Sequence[Any] = ()) -> Select[Any]:
    named = zip_longest(_AMOUNTS, amounts, fillvalue=null())
    columns = [cast(amount, Float).label(str(name)) for name, amount in named]
    words = cast(said[0] if said else null(), Text).label("dit")
    return select(literal(name).label("quoi"), cast(key, Text).label("cle"), *columns, words)


def _begun(groups: Iterable[str]) -> Select[Any]:
    one = session.c
    granted = one.duree_initiale_ms + one.temps_ajoute_ms
    ahead = local_time.seconds(bindparam("until", type_=Instant), one.fin_prevue) * 1000
    unspent = case(
        (one.statut != rules.ACTIVE, func.coalesce(one.restant_ms, 0)),
        (one.confirmer_avant.is_not(None), func.coalesce(one.restant_ms, granted)),
        (ahead > 0, ahead),
        else_=0,
    )
    # Looked up for those alone that need it: joined, all people would be read for some.
    theirs = select(utilisateur.c.categorie).where(utilisateur.c.id == one.utilisateur_id).scalar_subquery()
    words = {
        "site": site.c.slug,
        "poste": func.coalesce(poste.c.slug, ""),
        "categorie": func.coalesce(one.categorie, theirs, ""),
        "motif": func.coalesce(one.motif_fin, ""),
        "jour": local_time.day(one.debut_session, site.c.zone),
        "heure": local_time.hour(one.debut_session, site.c.zone),
    }
    amounts = {
        "granted_ms": granted,
        "used_ms": granted - unspent,
        "wait_ms": func.round(local_time.seconds(one.created_at, one.debut_session) * 1000),
    }
    wanted = {name: words[name] for name in words if name in groups} | amounts
    return (
        select(*(column.label(name) for name, column in wanted.items()))
        .join_from(session, site, one.site_id == site.c.id)
        .outerjoin(poste, one.poste_id == poste.c.id)
    )


def _still_open(places: Places) -> Select[Any]:
    # In the words of the partial indexes of open sessions.
    still = text("session.statut IN ('en_attente', 'active', 'suspendue')")
    older = (still, session.c.created_at < bindparam("since"), places.hold(session.c.site_id))
    return _arm("ouverte", session.c.statut, func.count()).where(*older).group_by(session.c.statut)


def _refused(gaps: Sequence[Shape]) -> Select[Any]:
    said = (log.c.action.in_(REFUSALS), within(rollups.LOGS, gaps, log, "created_at"))
    lines = select(log_sums.reason().label("motif"), log_sums.times().label("fois")).where(*said)
    refused = lines.subquery("refused")
    return _arm("refus", refused.c.motif, func.sum(refused.c.fois)).group_by(refused.c.motif)


def _lent(places: Places) -> Select[Any]:
    """How many postes each site lends, and when it is open."""
    lent = (poste.c.site_id == site.c.id, poste.c.statut_voulu == poste_rules.EN_SERVICE)
    postes = select(func.count()).select_from(poste).where(*lent).correlate(site).scalar_subquery()
    parts = (site.c.zone, cast(site.c.horaires, Text), cast(site.c.exceptions, Text))
    hours = parts[0].concat("\n").concat(parts[1]).concat("\n").concat(parts[2])
    return _arm(_PLACE, site.c.slug, postes, said=[hours]).where(places.hold(site.c.id))


_PLACE = "lieu"
_WIDTHS = {rollups.WHOLE: 4, "cree": 1, "ouverte": 1, "refus": 1}
"""How many amounts there are of a key: how many sessions, what they used and waited for, and were granted."""


def _amounts(row: Any) -> list[int]:
    """The amounts of a row of an `_arm`."""
    return [round(one or 0) for one in row[2 : 2 + _WIDTHS.get(row.quoi, 3)]]


def _put_together(found: _Found, when: Period) -> SessionStats:
    by, whole = found.sums, found.whole
    *_, granted_ms = by[rollups.WHOLE][""]
    statuts = dict.fromkeys(rules.STATUTS, 0)
    for name in ("cree", "ouverte"):
        for statut, [count] in by.get(name, {}).items():
            statuts[statut] += count
    days = _named(found, "jour")
    return SessionStats(
        depuis=when.since,
        jusqu_a=when.until,
        total=sum(statuts.values()),
        par_statut=statuts,
        creees=sum(count for [count] in by.get("cree", {}).values()),
        demarrees=whole.sessions,
        secondes_accordees=int(granted_ms // 1000),
        secondes_utilisees=whole.secondes,
        duree_moyenne=whole.secondes // whole.sessions if whole.sessions else 0,
        attente_moyenne=whole.attente_moyenne,
        taux_occupation=_occupation(found.places, when, whole.secondes),
        par_jour=days,
        par_heure=_named(found, "heure", key=int),
        par_jour_semaine=_weekdays(days),
        par_site=_named(found, "site"),
        par_poste=_named(found, "poste"),
        par_categorie=_named(found, "categorie"),
        par_motif=_named(found, "motif"),
        refus={reason: times for reason, [times] in sorted(by.get("refus", {}).items())},
    )


def _named(found: _Found, name: str, key: Any = str) -> dict[str, Tally]:
    keyed = found.sums.get(name, {})
    return {word: _tally(keyed[word]) for word in sorted(keyed, key=key)}


def _tally(amounts: Sequence[int]) -> Tally:
    count, used_ms, waited_ms = amounts[:3]
    return Tally(count, int(used_ms // 1000), round(waited_ms / count / 1000) if count else 0)


def _weekdays(days: Mapping[str, Tally]) -> dict[str, Tally]:
    """By day of the week, Monday = 0."""
    found: dict[str, list[Tally]] = {}
    for day, tally in days.items():
        found.setdefault(str(date.fromisoformat(day).weekday()), []).append(tally)
    return {day: _sum(found[day]) for day in sorted(found)}


def _sum(tallies: list[Tally]) -> Tally:
    count = sum(one.sessions for one in tallies)
    waited = sum(one.attente_moyenne * one.sessions for one in tallies)
    return Tally(count, sum(one.secondes for one in tallies), round(waited / count) if count else 0)


def _occupation(places: Iterable[Any], when: Period, used_s: int) -> float | None:
    lent: Counter[str] = Counter()
    for one in places:
        lent[one.dit] += round(one.nombre)
    could = sum(postes * _open_s(hours, when) for hours, postes in lent.items())
    return round(used_s / could, 4) if could else None


def _open_s(said: str, when: Period) -> float:
    zone, week, exceptions = said.split("\n")
    hours = opening_hours.from_json(zone, msgspec.json.decode(week), msgspec.json.decode(exceptions))
    return hours.open_seconds(when.since, when.until)
