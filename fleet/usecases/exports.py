"""Lists to take away, row by row: read in batches by id, so that neither memory nor locks grow with them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, func, literal, select

from fleet.database import listing
from fleet.database.audit import Entry
from fleet.database.engine import Transaction
from fleet.database.gaps import Period
from fleet.database.tables import log, operateur, poste, session, site, utilisateur
from fleet.domain import written
from fleet.domain.actor import ADMINISTRATEUR, OPERATEUR, Actor
from fleet.domain.errors import NotFound, Refused
from fleet.usecases import journal
from fleet.usecases.fleet import Fleet
from fleet.usecases.journal import LogFilter

MOST = 100_000
BATCH = 2_000


@dataclass(frozen=True)
class Export:
    """What can be taken away: its columns by their headings (the first is the id), who may, and where the rows are.

    `site`: of which site a row is; none: of the deployment. `period`: which column is the period. `only`: which rows.
    """

    columns: Mapping[str, Any]
    joined: Callable[[Select[Any]], Select[Any]]
    role: str
    site: Any = None
    period: Any = None
    only: Sequence[ColumnElement[bool]] = ()


ZONE = "Fuseau horaire"
"""The heading of the last column: in which zone the instants of a row are said."""
_GRANTED, _STATUT, _ENDING, _ACTION = "Durée accordée (h:min:s)", "Statut", "Motif de fin", "Action"
_WORDS: Mapping[str, Callable[[Any], Any]] = {
    _GRANTED: lambda seconds: timedelta(seconds=seconds),
    _STATUT: written.statut,
    _ENDING: written.reason,
    _ACTION: written.action,
}
"""How what is in a column is said, where it is not as it is kept."""
_FILTERS = {
    "action": "actions",
    "session": "session_id",
    "poste": "poste_id",
    "utilisateur": "utilisateur_id",
    "operateur": "operateur_id",
    "recherche": "search",
}
_granted = (session.c.duree_initiale_ms + session.c.temps_ajoute_ms) // 1000
EXPORTS: dict[str, Export] = {
    "sessions": Export(
        {
            "Session n°": session.c.id, "Lieu": site.c.slug, "Poste": poste.c.slug, _STATUT: session.c.statut,
            _ENDING: session.c.motif_fin, "Catégorie": func.coalesce(session.c.categorie, utilisateur.c.categorie),
            _GRANTED: _granted, "Début": session.c.debut_session, "Fin prévue": session.c.fin_prevue,
            "Fin": session.c.fin_session, "Créée le": session.c.created_at,
        },
        lambda wanted: wanted.join_from(session, site, session.c.site_id == site.c.id)
        .outerjoin(poste, session.c.poste_id == poste.c.id)
        .outerjoin(utilisateur, session.c.utilisateur_id == utilisateur.c.id),
        OPERATEUR, session.c.site_id, session.c.created_at,
    ),
    "postes": Export(
        {
            "Poste n°": poste.c.id, "Poste": poste.c.slug, "Lieu": site.c.slug, "Nom": poste.c.nom,
            "Emplacement": poste.c.emplacement, "Adresse IP": poste.c.ip_address, "Adresse MAC": poste.c.mac_address,
            _STATUT: poste.c.statut_voulu, "Notes": poste.c.notes, "Créé le": poste.c.created_at,
        },
        lambda wanted: wanted.join_from(poste, site, poste.c.site_id == site.c.id), OPERATEUR, poste.c.site_id,
    ),
    "utilisateurs": Export(
        {
            "Personne n°": utilisateur.c.id, "Nom": utilisateur.c.nom, "Prénom": utilisateur.c.prenom,
            "Adresse électronique": utilisateur.c.email, "Téléphone": utilisateur.c.telephone,
            "Date de naissance": utilisateur.c.date_naissance, "Catégorie": utilisateur.c.categorie,
            "Consentement donné": utilisateur.c.consentement_rgpd,
            "Date du consentement": utilisateur.c.date_consentement,
            "Version de la notice": utilisateur.c.version_notice, "Fiche créée le": utilisateur.c.created_at,
        },
        lambda wanted: wanted, ADMINISTRATEUR, None, utilisateur.c.created_at,
    ),
    "logs": Export(
        {
            "Ligne n°": log.c.id, "Lieu": site.c.slug, "Numéro dans le journal": log.c.numero, _ACTION: log.c.action,
            "Opérateur": operateur.c.login, "Session n°": log.c.session_id, "Poste": poste.c.slug,
            "Personne n°": log.c.utilisateur_id, "Détails": log.c.details, "Date": log.c.created_at,
        },
        lambda wanted: wanted.outerjoin(site, log.c.site_id == site.c.id)
        .outerjoin(operateur, log.c.operateur_id == operateur.c.id)
        .outerjoin(poste, log.c.poste_id == poste.c.id),
        OPERATEUR, log.c.site_id, log.c.created_at,
    ),
}  # fmt: skip


def begin(
    fleet: Fleet,
    actor: Actor,
    what: str,
    kind: str,
    when: Period | None,
    zone: str,
    lines: LogFilter | None = None,
) -> Iterator[Sequence[Any]]:
    """The rows, in batches; the first is the heading. It is kept in the audit trail before anything is read.

    `lines`: which of the journal, within the period.

    Instants carry the zone of their site, or `zone` of the deployment; durations are timedeltas.
    Raises NotFound, Forbidden, and Refused for more rows than MOST.
    """
    if what not in EXPORTS:
        raise NotFound("export")
    export, filters = EXPORTS[what], _used(lines)
    if lines is not None:
        export = replace(export, only=journal.conditions(lines))
    fleet.require(actor, export.role, "export")
    with fleet.attempt(actor, "export") as (tx, about):
        about.site_id = when.site_id if when else None
        count = tx.execute(_counted(tx, export, actor, when)).scalar_one()
        if count > MOST:
            raise Refused("export_trop_grand", limite=MOST)
        facts = {"quoi": what, "format": kind, "lignes": count} | ({"filtres": filters} if filters else {})
        who = {"ip": actor.ip} if actor.ip else None
        tx.record(Entry("export", about.site_id, actor.operateur_id, metadata=facts, personal=who))
    return _batches(fleet, actor, export, when, zone)


def _used(lines: LogFilter | None) -> str:
    """By what the lines were chosen; not what was looked for, which may be a name."""
    return ", ".join(name for name, field in _FILTERS.items() if lines and getattr(lines, field))


def _counted(tx: Transaction, export: Export, actor: Actor, when: Period | None) -> Select[Any]:
    some = _limited(tx, export.joined(select(literal(1).label("one"), _key(export))), export, actor, when)
    return select(func.count()).select_from(some.limit(MOST + 1).subquery())


def _limited(
    tx: Transaction, wanted: Select[Any], export: Export, actor: Actor, when: Period | None
) -> Select[Any]:
    if export.site is not None:
        wanted = wanted.where(listing.seen_by(tx, actor, export.site))
        if when is not None and when.site_id is not None:
            wanted = wanted.where(export.site == when.site_id)
    wanted = wanted.where(*export.only)
    if when is not None and export.period is not None:
        wanted = wanted.where(export.period >= when.since, export.period < when.until)
    return wanted


def _key(export: Export) -> Any:
    return next(iter(export.columns.values()))


def _batches(
    fleet: Fleet, actor: Actor, export: Export, when: Period | None, zone: str
) -> Iterator[Sequence[Any]]:
    names = (*export.columns, ZONE)
    yield [names]
    local = literal(zone) if export.site is None else func.coalesce(site.c.zone, zone)
    columns = [column.label(f"c{number}") for number, column in enumerate((*export.columns.values(), local))]
    key, last, sent = _key(export), 0, 0
    while sent < MOST:
        with fleet.database.read() as tx:
            wanted = _limited(tx, export.joined(select(*columns)), export, actor, when)
            rows = tx.execute(wanted.where(key > last).order_by(key).limit(BATCH)).all()
        if not rows:
            return
        yield [_said(names, row) for row in rows]
        last, sent = rows[-1][0], sent + len(rows)


def _said(names: Sequence[str], row: Sequence[Any]) -> list[Any]:
    here = ZoneInfo(row[-1])
    return [_cell(name, value, here) for name, value in zip(names, row, strict=True)]


def _cell(name: str, value: Any, here: ZoneInfo) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(here)
    return value if value is None or name not in _WORDS else _WORDS[name](value)
