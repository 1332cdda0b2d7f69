"""What a human should look at, one row while it lasts: its kind is a reason code, `key` says which one of that kind."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, func, select, text, update
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from fleet.database import deliveries, listing
from fleet.database.engine import Transaction
from fleet.database.tables import alert
from fleet.domain.actor import SYSTEM, Actor
from fleet.domain.delivery import ALERTE, FIN_ALERTE

BROKER, SILENT, DISK, BACKUP, JOB, OUTGOING, BOOKINGS, LEFTOVERS, TWINS = (
    "alerte_courtier",
    "alerte_poste_silencieux",
    "alerte_disque",
    "alerte_sauvegarde",
    "alerte_tache",
    "alerte_envoi",
    "alerte_reservations",
    "alerte_restes",
    "alerte_identite",
)
TOPIC = "alert"


def begin(
    tx: Transaction,
    kind: str,
    key: str = "",
    *,
    site_id: int | None = None,
    poste_id: int | None = None,
    details: Mapping[str, Any] | None = None,
) -> bool:
    """Keep that something is wrong. True when it is news: nobody was told of it yet."""
    values = {
        "genre": kind,
        "cle": _key(kind, key),
        "site_id": site_id,
        "poste_id": poste_id,
        "details": dict(details or {}),
        "created_at": tx.now,
        "updated_at": tx.now,
    }
    made = (pg_insert if tx.is_postgresql else sqlite_insert)(alert).values(**values)
    again = {"details": made.excluded.details, "updated_at": made.excluded.updated_at}
    statement = made.on_conflict_do_update(
        index_elements=["cle"], index_where=text("resolue_a IS NULL"), set_=again
    )
    row = tx.execute(statement.returning(alert.c.id, alert.c.created_at)).one()
    if row.created_at == tx.now:
        deliveries.ask(tx, ALERTE, alert_id=row.id)
        tx.tell(site_id or 0, TOPIC)
    return bool(row.created_at == tx.now)


def end(tx: Transaction, kind: str, key: str = "") -> bool:
    """It is over. True when there was something to end."""
    mine = (alert.c.cle == _key(kind, key), alert.c.resolue_a.is_(None))
    over = update(alert).where(*mine).values(resolue_a=tx.now, updated_at=tx.now)
    ended = tx.execute(over.returning(alert.c.id)).scalar_one_or_none()
    if ended is not None:
        deliveries.ask(tx, FIN_ALERTE, alert_id=ended)
        tx.tell(0, TOPIC)
    return ended is not None


def open_keys(tx: Transaction, kind: str) -> set[str]:
    """Which ones of a kind last."""
    wanted = select(alert.c.cle).where(alert.c.genre == kind, alert.c.resolue_a.is_(None))
    return {cle.removeprefix(f"{kind}:") for cle in tx.execute(wanted).scalars()}


def open_sites(tx: Transaction, kind: str) -> list[int]:
    """The sites at which a kind lasts."""
    wanted = select(alert.c.site_id).where(alert.c.genre == kind, alert.c.resolue_a.is_(None))
    return list(tx.execute(wanted.where(alert.c.site_id.is_not(None)).order_by(alert.c.site_id)).scalars())


def seen_by(tx: Transaction, actor: Actor) -> ColumnElement[bool]:
    """Those of the actor's sites, and for who sees all sites those of the deployment too."""
    return listing.seen_by(tx, actor, alert.c.site_id)


def count_open(tx: Transaction, actor: Actor = SYSTEM) -> dict[str, int]:
    """How many last that the actor sees, by kind."""
    lasting = (alert.c.resolue_a.is_(None), seen_by(tx, actor))
    counted = select(alert.c.genre, func.count()).where(*lasting).group_by(alert.c.genre)
    return {row[0]: row[1] for row in tx.execute(counted)}


def _key(kind: str, key: str) -> str:
    return f"{kind}:{key}"
