"""A report as whoever directs a place reads it: in French, by the names of things and the hours of the place."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import select

from fleet.database.engine import Transaction
from fleet.database.tables import poste, site
from fleet.domain import moments, written
from fleet.domain.actor import Actor
from fleet.usecases import printing, reports
from fleet.usecases.fleet import Fleet
from fleet.usecases.reports import Report

_Words = Callable[[Any], str]
_TITLES = {"sessions": "Rapport des sessions", "logs": "Rapport du journal"}
_SUMMARY: tuple[tuple[str, str, _Words], ...] = (
    ("creees", "Sessions créées", written.number),
    ("demarrees", "Sessions commencées", written.number),
    ("secondes_accordees", "Temps accordé", written.duration),
    ("secondes_utilisees", "Temps utilisé", written.duration),
    ("duree_moyenne", "Durée moyenne d’une session", written.duration),
    ("attente_moyenne", "Attente moyenne entre le code et le début", written.duration),
    ("taux_occupation", "Part du temps d’ouverture où les postes ont servi", written.share),
)
_LINES = (("total", "Lignes du journal", written.number),)
_TALLY = ("Sessions", "Temps utilisé", "Attente moyenne")
LEFT_OUT = frozenset({"depuis", "jusqu_a", "par_jour", "par_jour_semaine", "par_site"})
"""What a report of one day and one place says already in its titles."""


class _Table(NamedTuple):
    """One table of a part: what a row is, and how its key is said. `is_tally`: rows have times, not only a count."""

    field: str
    title: str
    rows: str
    said: _Words
    is_tally: bool = False


def printed(fleet: Fleet, actor: Actor, kind: str, day: date) -> str:
    """The report of a day as a page. Raises NotFound."""
    with fleet.database.read() as tx:
        return page(tx, reports.seen(tx, actor, kind, day))


def page(tx: Transaction, seen: Report) -> str:
    """The same of a report that was looked up."""
    title = f"{_TITLES.get(seen.genre, 'Rapport')} du {moments.long_day(seen.jour)}"
    places = {row.slug: row for row in tx.execute(select(site.c.slug, site.c.nom, site.c.zone))}
    postes = {row.slug: row.nom for row in tx.execute(select(poste.c.slug, poste.c.nom))}
    parts = [_place(seen, places[slug], part, postes) for slug, part in seen.sites.items()]
    return printing.page(title, parts)


def _place(seen: Report, place: Any, part: Mapping[str, Any], postes: Mapping[str, str]) -> str:
    made = written.instant(seen.created_at, place.zone)
    said = f"Journée entière, à l’heure du lieu ({written.zone(place.zone)}). Rapport établi le {made}."
    is_journal = seen.genre == "logs"
    figures = _LINES if is_journal else _SUMMARY
    summary = [(title, words(part[name])) for name, title, words in figures if name in part]
    tables = (
        _table(one, part.get(one.field) or {}) for one in (_JOURNAL if is_journal else _sessions(postes))
    )
    return "".join(
        (printing.heading(place.nom), printing.paragraph(said), printing.table("", (), summary), *tables)
    )


def _sessions(postes: Mapping[str, str]) -> Iterable[_Table]:
    return (
        _Table("par_statut", "Sessions créées ce jour ou encore ouvertes, par statut", "Statut", _statut),
        _Table("par_heure", "Par heure de début", "Heure", _hour, True),
        _Table("par_poste", "Par poste", "Poste", lambda slug: postes.get(slug, slug) or "Sans poste", True),
        _Table("par_categorie", "Par catégorie", "Catégorie", lambda said: said or "Sans catégorie", True),
        _Table("par_motif", "Par motif de fin", "Motif", _ending, True),
        _REFUSALS,
    )


def _statut(code: str) -> str:
    return written.statut(code).capitalize()


def _hour(said: str) -> str:
    return f"De {said}\u00a0h à {int(said) + 1}\u00a0h"


def _ending(code: str) -> str:
    return written.reason(code) if code else "Pas encore terminée"


_REFUSALS = _Table("refus", "Refus, par motif", "Motif", written.reason)
_JOURNAL = (
    _Table("par_action", "Par action", "Action", written.action),
    _Table(
        "par_operateur",
        "Par opérateur",
        "Opérateur",
        lambda login: login or "Aucun (visiteur, poste ou système)",
    ),
    _REFUSALS,
)


def _table(which: _Table, figures: Mapping[str, Any]) -> str:
    if which.is_tally:
        tallies = [(which.said(key), *_times(tally)) for key, tally in figures.items()]
        return printing.table(which.title, (which.rows, *_TALLY), tallies)
    counted = sorted(figures.items(), key=lambda one: -one[1])
    rows = [(which.said(key), written.number(count)) for key, count in counted]
    return printing.table(which.title, (which.rows, "Nombre"), rows)


def _times(tally: Mapping[str, Any]) -> tuple[str, str, str]:
    used, waited = written.duration(tally["secondes"]), written.duration(tally["attente_moyenne"])
    return written.number(tally["sessions"]), used, waited
