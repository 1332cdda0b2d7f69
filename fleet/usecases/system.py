"""How the deployment itself is: who drives which site, what waits, what is wrong, which versions run."""

import platform
from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from msgspec import Struct
from sqlalchemy import exists, func, select

from fleet.database import alerts, listing, schema
from fleet.database.engine import Transaction
from fleet.database.tables import alert, command, desired, job_run, lease, poste, presence, session, site
from fleet.domain.actor import OPERATEUR, Actor
from fleet.domain.session import USABLE
from fleet.usecases.fleet import Fleet


class SiteState(Struct, frozen=True, kw_only=True):
    """One site: who drives it, what waits to be sent, and what its postes do.

    `a_envoyer`: postes whose desired state the broker has not acknowledged yet; `a_appliquer`: that they have not.
    `postes_inconnus`: nobody knows whether they are there, because the broker is lost, as `courtier_perdu` says: it
    is lost to the site's controller, now or for as long as an alert about it lasts.
    """

    site: str
    controleur: str | None
    pilote: bool
    courtier_perdu: bool
    terme: int | None
    a_envoyer: int
    a_appliquer: int
    commandes_en_attente: int
    postes: int
    postes_en_ligne: int
    postes_inconnus: int
    sessions: dict[str, int]


class SystemView(Struct, frozen=True, kw_only=True):
    """The deployment as of now. `taches_reussies`: when each job last went well."""

    maintenant: datetime
    version: str
    python: str
    base: str
    schema: str | None
    schema_attendu: str
    sites: list[SiteState]
    alertes: dict[str, int]
    taches_reussies: dict[str, datetime]
    taches_en_attente: int


def state(fleet: Fleet, actor: Actor) -> SystemView:
    """All of it, at the actor's sites."""
    fleet.require(actor, OPERATEUR, "lecture_systeme")
    current = schema.current(fleet.database)
    with fleet.database.read() as tx:
        good = select(job_run.c.job, func.max(job_run.c.finished_at)).where(
            job_run.c.ok.is_(True), job_run.c.started_at.is_not(None)
        )
        waiting = select(func.count()).select_from(job_run).where(job_run.c.finished_at.is_(None))
        return SystemView(
            maintenant=tx.now,
            version=_version(),
            python=platform.python_version(),
            base=tx.connection.dialect.name,
            schema=current,
            schema_attendu=schema.head(),
            sites=_sites(tx, actor),
            alertes=alerts.count_open(tx, actor),
            taches_reussies={row[0]: row[1] for row in tx.execute(good.group_by(job_run.c.job))},
            taches_en_attente=tx.execute(waiting).scalar_one(),
        )


def _sites(tx: Transaction, actor: Actor) -> list[SiteState]:
    def of(table: Any, *where: Any) -> Any:
        return (
            select(func.count())
            .select_from(table)
            .where(table.c.site_id == site.c.id, *where)
            .scalar_subquery()
        )

    there = select(func.count()).join_from(presence, poste).where(poste.c.site_id == site.c.id)
    unlinked = exists().where(
        alert.c.site_id == site.c.id, alert.c.genre == alerts.BROKER, alert.c.resolue_a.is_(None)
    )
    columns = {
        "sans_courtier": unlinked,
        "a_envoyer": of(desired, desired.c.sent_rev < desired.c.rev),
        "a_appliquer": of(desired, desired.c.applied_rev < desired.c.rev),
        "commandes": of(command, command.c.statut == "a_envoyer"),
        "postes": of(poste),
        "en_ligne": there.where(presence.c.online.is_(True)).scalar_subquery(),
        "inconnus": there.where(presence.c.online.is_(None), presence.c.boot.is_not(None)).scalar_subquery(),
        **{name: of(session, session.c.statut == name) for name in USABLE},
    }
    labelled = [wanted.label(name) for name, wanted in columns.items()]
    wanted = select(site.c.slug, lease.c.holder, lease.c.term, lease.c.expires_at, *labelled)
    wanted = wanted.outerjoin(lease).where(listing.seen_by(tx, actor, site.c.id)).order_by(site.c.slug)
    return [_site(row._mapping, tx.now) for row in tx.execute(wanted)]


def _site(row: Mapping[Any, Any], now: datetime) -> SiteState:
    return SiteState(
        site=row["slug"],
        controleur=row["holder"] or None,
        pilote=row["expires_at"] is not None and row["expires_at"] > now,
        courtier_perdu=bool(row["sans_courtier"] or row["inconnus"]),
        terme=row["term"],
        a_envoyer=row["a_envoyer"],
        a_appliquer=row["a_appliquer"],
        commandes_en_attente=row["commandes"],
        postes=row["postes"],
        postes_en_ligne=row["en_ligne"],
        postes_inconnus=row["inconnus"],
        sessions={name: row[name] for name in USABLE},
    )


def _version() -> str:
    try:
        return version("poste-public-manager")
    except PackageNotFoundError:
        return ""
