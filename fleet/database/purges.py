"""Certificates of what was erased: a row that says how much of which class, and its line in the audit trail."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import insert

from fleet.database.audit import Entry
from fleet.database.engine import Transaction
from fleet.database.tables import purge


def certify(
    tx: Transaction,
    kind: str,
    count: int,
    *,
    before: datetime | None = None,
    site_id: int | None = None,
    operateur_id: int | None = None,
    utilisateur_id: int | None = None,
    details: Mapping[str, Any] | None = None,
) -> int:
    """Keep that so many things of a class were erased, in the transaction that does it. Gives the certificate's id."""
    facts = dict(details or {})
    values = {"classe": kind, "nombre": count, "avant": before, "details": facts}
    made = insert(purge).values(**values, operateur_id=operateur_id, created_at=tx.now).returning(purge.c.id)
    number = int(tx.execute(made).scalar_one())
    limit = {} if before is None else {"avant": before.isoformat()}
    tx.record(
        Entry(
            "purge",
            site_id,
            operateur_id=operateur_id,
            utilisateur_id=utilisateur_id,
            metadata={"certificat": number, "classe": kind, "nombre": count, **limit, **facts},
        )
    )
    return number
