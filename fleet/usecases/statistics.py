"""What was done with the postes in a period, counted by the database in one statement, by the site's own calendar.

Sessions belong to the day on which they began. Their time is what was used, not what was granted.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct
from sqlalchemy import Float, Select, Text, case, cast, func, literal, null, select, text, union_all

from fleet.database import listing, local_time
from fleet.database.engine import Transaction
from fleet.database.tables import log, poste, session, site, utilisateur
from fleet.database.types import Instant
from fleet.domain import opening_hours
from fleet.domain import poste as poste_rules
from fleet.domain import session as rules
from fleet.domain.actor import Actor
from fleet.domain.errors import Invalid
from fleet.usecases.fleet import Fleet

LONGEST = timedelta(days=400)
REFUSALS = ("refus", "echec_code")


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


@dataclass(frozen=True)
class Period:
    """From when until when, and at which site; all that the actor sees without one."""

    since: datetime
    until: datetime
    site_id: int | None = None


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


def counted(tx: Transaction, actor: Actor, when: Period) -> SessionStats:
    """The same, within a transaction."""
    return _put_together(tx.execute(_statement(tx, actor, when)).all(), when)


def _statement(tx: Transaction, actor: Actor, when: Period) -> Any:
    begun = _begun(tx, actor, when).cte("begun")
    tally = (func.count(), func.sum(begun.c.used_ms), func.sum(begun.c.wait_s), func.sum(begun.c.granted_ms))
    named = ("site", "poste", "categorie", "motif", "jour", "heure")
    arms: list[Select[Any]] = [_arm("tout", literal(""), *tally)]
    arms += [_arm(name, begun.c[name], *tally).group_by(begun.c[name]) for name in named]
    return union_all(*arms, *_created(tx, actor, when), _refused(tx, actor, when), _places(tx, actor, when))


def _arm(
    name: str,
    key: Any,
    count: Any,
    used: Any = None,
    waited: Any = None,
    granted: Any = None,
    said: Any = None,
) -> Select[Any]:
    amounts = {"nombre": count, "utilise_ms": used, "attente_s": waited, "accorde_ms": granted}
    columns = [cast(null() if one is None else one, Float).label(word) for word, one in amounts.items()]
    words = cast(null() if said is None else said, Text).label("dit")
    return select(literal(name).label("quoi"), cast(key, Text).label("cle"), *columns, words)


def _begun(tx: Transaction, actor: Actor, when: Period) -> Select[Any]:
    granted = session.c.duree_initiale_ms + session.c.temps_ajoute_ms
    ahead = local_time.seconds(tx, literal(when.until, Instant), session.c.fin_prevue) * 1000
    unspent = case(
        (session.c.statut != rules.ACTIVE, func.coalesce(session.c.restant_ms, 0)),
        (session.c.confirmer_avant.is_not(None), func.coalesce(session.c.restant_ms, granted)),
        (ahead > 0, ahead),
        else_=0,
    )
    begun = session.c.debut_session
    wanted = (
        select(
            site.c.slug.label("site"),
            func.coalesce(poste.c.slug, "").label("poste"),
            func.coalesce(session.c.categorie, utilisateur.c.categorie, "").label("categorie"),
            func.coalesce(session.c.motif_fin, "").label("motif"),
            local_time.day(tx, begun, site.c.zone).label("jour"),
            local_time.hour(tx, begun, site.c.zone).label("heure"),
            granted.label("granted_ms"),
            (granted - unspent).label("used_ms"),
            local_time.seconds(tx, session.c.created_at, begun).label("wait_s"),
        )
        .join_from(session, site, session.c.site_id == site.c.id)
        .outerjoin(poste, session.c.poste_id == poste.c.id)
        .outerjoin(utilisateur, session.c.utilisateur_id == utilisateur.c.id)
        .where(begun >= when.since, begun < when.until)
    )
    return _seen(tx, wanted, actor, when, session.c.site_id)


def _seen(tx: Transaction, wanted: Select[Any], actor: Actor, when: Period, column: Any) -> Select[Any]:
    wanted = wanted.where(listing.seen_by(tx, actor, column))
    return wanted if when.site_id is None else wanted.where(column == when.site_id)


def _created(tx: Transaction, actor: Actor, when: Period) -> Iterable[Select[Any]]:
    made = (session.c.created_at >= when.since, session.c.created_at < when.until)
    fresh = _arm("cree", session.c.statut, func.count()).where(*made).group_by(session.c.statut)
    # In the words of the partial indexes of open sessions.
    older = (
        text("session.statut IN ('en_attente', 'active', 'suspendue')"),
        session.c.created_at < when.since,
    )
    open_ones = _arm("ouverte", session.c.statut, func.count()).where(*older).group_by(session.c.statut)
    return [_seen(tx, arm, actor, when, session.c.site_id) for arm in (fresh, open_ones)]


def _refused(tx: Transaction, actor: Actor, when: Period) -> Select[Any]:
    reason = func.coalesce(log.c.metadata["motif"].as_string(), log.c.action)
    more = func.coalesce(log.c.metadata["autres_refus"].as_integer(), 0)
    said = (log.c.action.in_(REFUSALS), log.c.created_at >= when.since, log.c.created_at < when.until)
    counted = _arm("refus", reason, func.sum(1 + more)).where(*said).group_by(reason)
    return _seen(tx, counted, actor, when, log.c.site_id)


def _places(tx: Transaction, actor: Actor, when: Period) -> Select[Any]:
    """How many postes each site lends, and when it is open."""
    lent = (poste.c.site_id == site.c.id, poste.c.statut_voulu == poste_rules.EN_SERVICE)
    postes = select(func.count()).select_from(poste).where(*lent).correlate(site).scalar_subquery()
    parts = (site.c.zone, cast(site.c.horaires, Text), cast(site.c.exceptions, Text))
    hours = parts[0].concat("\n").concat(parts[1]).concat("\n").concat(parts[2])
    return _seen(tx, _arm("lieu", site.c.slug, postes, said=hours), actor, when, site.c.id)


def _put_together(rows: Iterable[Any], when: Period) -> SessionStats:
    by: dict[str, dict[str, Any]] = {}
    for row in rows:
        by.setdefault(row.quoi, {})[row.cle or ""] = row
    whole = by["tout"][""]
    used_s, count = int((whole.utilise_ms or 0) // 1000), int(whole.nombre)
    statuts = dict.fromkeys(rules.STATUTS, 0)
    for row in (*by.get("cree", {}).values(), *by.get("ouverte", {}).values()):
        statuts[row.cle] += int(row.nombre)
    days = {day: _tally(row) for day, row in sorted(by.get("jour", {}).items())}
    return SessionStats(
        depuis=when.since,
        jusqu_a=when.until,
        total=sum(statuts.values()),
        par_statut=statuts,
        creees=sum(int(row.nombre) for row in by.get("cree", {}).values()),
        demarrees=count,
        secondes_accordees=int((whole.accorde_ms or 0) // 1000),
        secondes_utilisees=used_s,
        duree_moyenne=used_s // count if count else 0,
        attente_moyenne=_tally(whole).attente_moyenne,
        taux_occupation=_occupation(by.get("lieu", {}).values(), when, used_s),
        par_jour=days,
        par_heure=_named(by, "heure", key=int),
        par_jour_semaine=_weekdays(days),
        par_site=_named(by, "site"),
        par_poste=_named(by, "poste"),
        par_categorie=_named(by, "categorie"),
        par_motif=_named(by, "motif"),
        refus={reason: int(row.nombre) for reason, row in sorted(by.get("refus", {}).items())},
    )


def _named(by: Mapping[str, Mapping[str, Any]], name: str, key: Any = str) -> dict[str, Tally]:
    found = by.get(name, {})
    return {word: _tally(found[word]) for word in sorted(found, key=key)}


def _tally(row: Any) -> Tally:
    count = int(row.nombre)
    waited = round((row.attente_s or 0) / count) if count else 0
    return Tally(count, int((row.utilise_ms or 0) // 1000), waited)


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
    could = 0.0
    for row in places:
        zone, week, exceptions = row.dit.split("\n")
        hours = opening_hours.from_json(zone, msgspec.json.decode(week), msgspec.json.decode(exceptions))
        could += int(row.nombre) * hours.open_seconds(when.since, when.until)
    return round(used_s / could, 4) if could else None
