"""What a human should look at, one row while it lasts: its kind is a reason code, `key` says which one of that kind."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from fleet.database.engine import Transaction
from fleet.database.tables import alert

BROKER, SILENT, DISK, BACKUP, JOB = (
    "alerte_courtier",
    "alerte_poste_silencieux",
    "alerte_disque",
    "alerte_sauvegarde",
    "alerte_tache",
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
    created = tx.execute(statement.returning(alert.c.created_at)).scalar_one()
    if created == tx.now:
        tx.tell(site_id or 0, TOPIC)
    return bool(created == tx.now)


def end(tx: Transaction, kind: str, key: str = "") -> bool:
    """It is over. True when there was something to end."""
    mine = (alert.c.cle == _key(kind, key), alert.c.resolue_a.is_(None))
    done = tx.execute(update(alert).where(*mine).values(resolue_a=tx.now, updated_at=tx.now)).rowcount
    if done:
        tx.tell(0, TOPIC)
    return bool(done)


def open_keys(tx: Transaction, kind: str) -> set[str]:
    """Which ones of a kind last."""
    wanted = select(alert.c.cle).where(alert.c.genre == kind, alert.c.resolue_a.is_(None))
    return {cle.removeprefix(f"{kind}:") for cle in tx.execute(wanted).scalars()}


def count_open(tx: Transaction) -> dict[str, int]:
    """How many last, by kind."""
    counted = select(alert.c.genre, func.count()).where(alert.c.resolue_a.is_(None)).group_by(alert.c.genre)
    return {row[0]: row[1] for row in tx.execute(counted)}


def _key(kind: str, key: str) -> str:
    return f"{kind}:{key}"
