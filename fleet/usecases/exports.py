"""Lists to take away, row by row: read in batches by id, so that neither memory nor locks grow with them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, literal, select

from fleet.database import listing
from fleet.database.audit import Entry
from fleet.database.engine import Transaction
from fleet.database.rollups import Period
from fleet.database.tables import log, operateur, poste, session, site, utilisateur
from fleet.domain.actor import ADMINISTRATEUR, OPERATEUR, Actor
from fleet.domain.errors import NotFound, Refused
from fleet.usecases.fleet import Fleet

MOST = 100_000
BATCH = 2_000


@dataclass(frozen=True)
class Export:
    """What can be taken away: its columns in order (the first is `id`), who may, and which column is the period."""

    columns: Mapping[str, Any]
    joined: Callable[[Select[Any]], Select[Any]]
    role: str
    site: Any = None
    period: Any = None


_granted = (session.c.duree_initiale_ms + session.c.temps_ajoute_ms) // 1000
EXPORTS: dict[str, Export] = {
    "sessions": Export(
        {
            "id": session.c.id, "site": site.c.slug, "poste": poste.c.slug, "statut": session.c.statut,
            "motif_fin": session.c.motif_fin, "categorie": func.coalesce(session.c.categorie, utilisateur.c.categorie),
            "secondes_accordees": _granted, "debut_session": session.c.debut_session,
            "fin_prevue": session.c.fin_prevue, "fin_session": session.c.fin_session,
            "created_at": session.c.created_at,
        },
        lambda wanted: wanted.join_from(session, site, session.c.site_id == site.c.id)
        .outerjoin(poste, session.c.poste_id == poste.c.id)
        .outerjoin(utilisateur, session.c.utilisateur_id == utilisateur.c.id),
        OPERATEUR, session.c.site_id, session.c.created_at,
    ),
    "postes": Export(
        {
            "id": poste.c.id, "slug": poste.c.slug, "site": site.c.slug, "nom": poste.c.nom,
            "emplacement": poste.c.emplacement, "ip_address": poste.c.ip_address, "mac_address": poste.c.mac_address,
            "statut_voulu": poste.c.statut_voulu, "notes": poste.c.notes, "created_at": poste.c.created_at,
        },
        lambda wanted: wanted.join_from(poste, site, poste.c.site_id == site.c.id), OPERATEUR, poste.c.site_id,
    ),
    "utilisateurs": Export(
        {
            name: utilisateur.c[name]
            for name in (
                "id", "nom", "prenom", "email", "telephone", "date_naissance", "categorie", "consentement_rgpd",
                "date_consentement", "version_notice", "created_at",
            )
        },
        lambda wanted: wanted, ADMINISTRATEUR, None, utilisateur.c.created_at,
    ),
    "logs": Export(
        {
            "id": log.c.id, "site": site.c.slug, "numero": log.c.numero, "action": log.c.action,
            "operateur": operateur.c.login, "session": log.c.session_id, "poste": poste.c.slug,
            "utilisateur": log.c.utilisateur_id, "details": log.c.details, "created_at": log.c.created_at,
        },
        lambda wanted: wanted.outerjoin(site, log.c.site_id == site.c.id)
        .outerjoin(operateur, log.c.operateur_id == operateur.c.id)
        .outerjoin(poste, log.c.poste_id == poste.c.id),
        OPERATEUR, log.c.site_id, log.c.created_at,
    ),
}  # fmt: skip


def begin(fleet: Fleet, actor: Actor, what: str, kind: str, when: Period | None) -> Iterator[Sequence[Any]]:
    """The rows, in batches; the first is the heading. It is kept in the audit trail before anything is read.

    Raises NotFound, Forbidden, and Refused for more rows than MOST.
    """
    if what not in EXPORTS:
        raise NotFound("export")
    export = EXPORTS[what]
    fleet.require(actor, export.role, "export")
    with fleet.attempt(actor, "export") as (tx, about):
        about.site_id = when.site_id if when else None
        count = tx.execute(_counted(tx, export, actor, when)).scalar_one()
        if count > MOST:
            raise Refused("export_trop_grand", limite=MOST)
        facts = {"quoi": what, "format": kind, "lignes": count}
        who = {"ip": actor.ip} if actor.ip else None
        tx.record(Entry("export", about.site_id, actor.operateur_id, metadata=facts, personal=who))
    return _batches(fleet, actor, export, when)


def _counted(tx: Transaction, export: Export, actor: Actor, when: Period | None) -> Select[Any]:
    some = _limited(
        tx, export.joined(select(literal(1).label("one"), export.columns["id"])), export, actor, when
    )
    return select(func.count()).select_from(some.limit(MOST + 1).subquery())


def _limited(
    tx: Transaction, wanted: Select[Any], export: Export, actor: Actor, when: Period | None
) -> Select[Any]:
    if export.site is not None:
        wanted = wanted.where(listing.seen_by(tx, actor, export.site))
        if when is not None and when.site_id is not None:
            wanted = wanted.where(export.site == when.site_id)
    if when is not None and export.period is not None:
        wanted = wanted.where(export.period >= when.since, export.period < when.until)
    return wanted


def _batches(fleet: Fleet, actor: Actor, export: Export, when: Period | None) -> Iterator[Sequence[Any]]:
    yield [tuple(export.columns)]
    key, last, sent = export.columns["id"], 0, 0
    while sent < MOST:
        columns = [column.label(name) for name, column in export.columns.items()]
        with fleet.database.read() as tx:
            wanted = _limited(tx, export.joined(select(*columns)), export, actor, when)
            rows = tx.execute(wanted.where(key > last).order_by(key).limit(BATCH)).all()
        if not rows:
            return
        yield rows
        last, sent = rows[-1][0], sent + len(rows)
