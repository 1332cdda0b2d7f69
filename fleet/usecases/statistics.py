"""What was done with the postes in a period, by the site's own calendar: what is not added up yet is counted.

Sessions belong to the day on which they began. Their time is what was used, not what was granted. Closed days are not
counted again: see `fleet.database.rollups`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct
from sqlalchemy import (
    CTE,
    Float,
    Select,
    Text,
    case,
    cast,
    func,
    literal,
    null,
    select,
    text,
    union_all,
)

from fleet.database import listing, local_time, log_sums, rollups
from fleet.database.engine import Transaction
from fleet.database.log_sums import REFUSALS
from fleet.database.rollups import Gap, Period, Sums
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
    arms = _own(tx, known.gaps[rollups.SESSIONS], when)
    arms += [*_still_open(tx, actor, when), _refused(known.gaps[rollups.LOGS]), _places(tx, actor, when)]
    return _put_together(known.rows, tx.execute(union_all(*arms)).all(), when)


def by_category(tx: Transaction, actor: Actor, when: Period) -> dict[str, Tally]:
    """Of `counted` what is by category of people, for much less."""
    known = rollups.closed(tx, actor, when, (rollups.SESSIONS,))
    sums: Sums = {}
    for row in known.rows:
        said = msgspec.json.decode(row.sommes, type=_Categories).categorie
        rollups.add(sums, {"categorie": said})
    begun = _begun(tx, when).where(rollups.of_gaps(known.gaps[rollups.SESSIONS], session, "debut_session"))
    inner = begun.cte("begun")
    for row in tx.execute(
        _arm("categorie", inner.c.categorie, *_tally_of(inner)).group_by(inner.c.categorie)
    ):
        rollups.add(sums, {"categorie": {row.cle or "": _amounts(row)}})
    by = {word: _Sum(*amounts) for word, amounts in sums.get("categorie", {}).items()}
    return _named({"categorie": by}, "categorie")


def by_day(tx: Transaction, when: Period) -> dict[str, Sums]:
    """What each local day of a site adds up to, to be kept; a day of which there is nothing is left out."""
    gap = rollups.Gap(when.since, when.until, (when.site_id or rollups.DEPLOYMENT,))
    found: dict[str, Sums] = {}
    for row in tx.execute(union_all(*_own(tx, [gap], when, daily=True))):
        if row.quoi != "site" and row.dit is not None:  # the one count of what has no rows is of no day
            keyed = found.setdefault(row.dit, {}).setdefault(row.quoi, {})
            keyed[row.cle or ""] = [round(amount) for amount in _amounts(row)]
    return found


def _own(tx: Transaction, gaps: Sequence[Gap], when: Period, *, daily: bool = False) -> list[Select[Any]]:
    """What the sessions of the gaps add up to, by all that they are grouped by; `daily`: and by day, which is `dit`."""
    begun = _begun(tx, when).where(rollups.of_gaps(gaps, session, "debut_session")).cte("begun")
    tally = _tally_of(begun)
    begun_on = [begun.c.jour] if daily else []
    made_on = [local_time.day(tx, session.c.created_at, site.c.zone)] if daily else []
    made = _arm("cree", session.c.statut, func.count(), None, None, None, *made_on).join_from(session, site)
    named = ("site", "poste", "categorie", "motif", "jour", "heure")
    return [
        _arm(rollups.WHOLE, literal(""), *tally, *begun_on).select_from(begun).group_by(*begun_on),
        *(_arm(name, begun.c[name], *tally, *begun_on).group_by(begun.c[name], *begun_on) for name in named),
        made.where(rollups.of_gaps(gaps, session, "created_at")).group_by(session.c.statut, *made_on),
    ]


def _tally_of(begun: CTE) -> tuple[Any, ...]:
    return func.count(), func.sum(begun.c.used_ms), func.sum(begun.c.wait_ms), func.sum(begun.c.granted_ms)


def _arm(
    name: Any,
    key: Any,
    count: Any,
    used: Any = None,
    waited: Any = None,
    granted: Any = None,
    said: Any = None,
) -> Select[Any]:
    amounts = {"nombre": count, "utilise_ms": used, "attente_ms": waited, "accorde_ms": granted}
    columns = [cast(null() if one is None else one, Float).label(word) for word, one in amounts.items()]
    words = cast(null() if said is None else said, Text).label("dit")
    what = literal(name) if isinstance(name, str) else name
    return select(what.label("quoi"), cast(key, Text).label("cle"), *columns, words)


def _begun(tx: Transaction, when: Period) -> Select[Any]:
    one = session.c
    granted = one.duree_initiale_ms + one.temps_ajoute_ms
    ahead = local_time.seconds(tx, literal(when.until, Instant), one.fin_prevue) * 1000
    unspent = case(
        (one.statut != rules.ACTIVE, func.coalesce(one.restant_ms, 0)),
        (one.confirmer_avant.is_not(None), func.coalesce(one.restant_ms, granted)),
        (ahead > 0, ahead),
        else_=0,
    )
    wanted = select(
        site.c.slug.label("site"),
        func.coalesce(poste.c.slug, "").label("poste"),
        func.coalesce(one.categorie, utilisateur.c.categorie, "").label("categorie"),
        func.coalesce(one.motif_fin, "").label("motif"),
        local_time.day(tx, one.debut_session, site.c.zone).label("jour"),
        local_time.hour(tx, one.debut_session, site.c.zone).label("heure"),
        granted.label("granted_ms"),
        (granted - unspent).label("used_ms"),
        func.round(local_time.seconds(tx, one.created_at, one.debut_session) * 1000).label("wait_ms"),
    )
    return (
        wanted.join_from(session, site, one.site_id == site.c.id)
        .outerjoin(poste, one.poste_id == poste.c.id)
        .outerjoin(utilisateur, one.utilisateur_id == utilisateur.c.id)
    )


def _seen(tx: Transaction, wanted: Select[Any], actor: Actor, when: Period, column: Any) -> Select[Any]:
    wanted = wanted.where(listing.seen_by(tx, actor, column))
    return wanted if when.site_id is None else wanted.where(column == when.site_id)


def _still_open(tx: Transaction, actor: Actor, when: Period) -> Iterable[Select[Any]]:
    # In the words of the partial indexes of open sessions.
    older = (
        text("session.statut IN ('en_attente', 'active', 'suspendue')"),
        session.c.created_at < when.since,
    )
    open_ones = _arm("ouverte", session.c.statut, func.count()).where(*older).group_by(session.c.statut)
    return [_seen(tx, open_ones, actor, when, session.c.site_id)]


def _refused(gaps: Sequence[Gap]) -> Select[Any]:
    said = (log.c.action.in_(REFUSALS), rollups.of_gaps(gaps, log, "created_at"))
    lines = select(log_sums.reason().label("motif"), log_sums.times().label("fois")).where(*said)
    refused = lines.subquery("refused")
    return _arm("refus", refused.c.motif, func.sum(refused.c.fois)).group_by(refused.c.motif)


def _places(tx: Transaction, actor: Actor, when: Period) -> Select[Any]:
    """How many postes each site lends, and when it is open."""
    lent = (poste.c.site_id == site.c.id, poste.c.statut_voulu == poste_rules.EN_SERVICE)
    postes = select(func.count()).select_from(poste).where(*lent).correlate(site).scalar_subquery()
    parts = (site.c.zone, cast(site.c.horaires, Text), cast(site.c.exceptions, Text))
    hours = parts[0].concat("\n").concat(parts[1]).concat("\n").concat(parts[2])
    return _seen(tx, _arm(_PLACE, site.c.slug, postes, said=hours), actor, when, site.c.id)


_PLACE = "lieu"


class _Sum(NamedTuple):
    """What one key adds up to."""

    nombre: int = 0
    utilise_ms: float = 0
    attente_ms: float = 0
    accorde_ms: float = 0


def _amounts(row: Any) -> list[Any]:
    return [round(row.nombre or 0), row.utilise_ms or 0, row.attente_ms or 0, row.accorde_ms or 0]


class _Categories(Struct):
    """Of what sessions add up to, that alone."""

    categorie: dict[str, list[Any]] = {}


class _Refusals(Struct):
    """Of what the trail adds up to, that alone."""

    refuse: dict[str, list[int]] = {}


def _add_up(closed: Iterable[Any], rows: Iterable[Any]) -> Sums:
    """Closed days and rows, together."""
    by: Sums = {"site": {}}
    for row in closed:
        if row.genre == rollups.LOGS:
            said = msgspec.json.decode(row.sommes, type=_Refusals).refuse
            rollups.add(by, {"refus": {why: [*times, 0, 0, 0] for why, times in said.items()}})
        else:
            sums = rollups.read(row.sommes)
            rollups.add(by, sums)
            if whole := sums.get(rollups.WHOLE):
                rollups.add(by, {"site": {row.slug: whole[""]}})
    for row in rows:
        rollups.add(by, {row.quoi: {row.cle or "": _amounts(row)}})
    return by


def _put_together(closed: Iterable[Any], rows: Sequence[Any], when: Period) -> SessionStats:
    sums = _add_up(closed, (row for row in rows if row.quoi != _PLACE))
    by = {name: {key: _Sum(*amounts) for key, amounts in keyed.items()} for name, keyed in sums.items()}
    whole = by[rollups.WHOLE][""]
    used_s, count = int(whole.utilise_ms // 1000), whole.nombre
    statuts = dict.fromkeys(rules.STATUTS, 0)
    for statut, one in (*by.get("cree", {}).items(), *by.get("ouverte", {}).items()):
        statuts[statut] += one.nombre
    days = {day: _tally(row) for day, row in sorted(by.get("jour", {}).items())}
    return SessionStats(
        depuis=when.since,
        jusqu_a=when.until,
        total=sum(statuts.values()),
        par_statut=statuts,
        creees=sum(one.nombre for one in by.get("cree", {}).values()),
        demarrees=count,
        secondes_accordees=int(whole.accorde_ms // 1000),
        secondes_utilisees=used_s,
        duree_moyenne=used_s // count if count else 0,
        attente_moyenne=_tally(whole).attente_moyenne,
        taux_occupation=_occupation([row for row in rows if row.quoi == _PLACE], when, used_s),
        par_jour=days,
        par_heure=_named(by, "heure", key=int),
        par_jour_semaine=_weekdays(days),
        par_site=_named(by, "site"),
        par_poste=_named(by, "poste"),
        par_categorie=_named(by, "categorie"),
        par_motif=_named(by, "motif"),
        refus={reason: one.nombre for reason, one in sorted(by.get("refus", {}).items())},
    )


def _named(by: Mapping[str, Mapping[str, _Sum]], name: str, key: Any = str) -> dict[str, Tally]:
    found = by.get(name, {})
    return {word: _tally(found[word]) for word in sorted(found, key=key)}


def _tally(one: _Sum) -> Tally:
    waited = round(one.attente_ms / one.nombre / 1000) if one.nombre else 0
    return Tally(one.nombre, int(one.utilise_ms // 1000), waited)


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
