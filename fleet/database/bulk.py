"""Changes to many rows in one statement, as each database does it best."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import text

from fleet.database import ledger
from fleet.database.engine import Transaction
from fleet.database.outbox import Wanted
from fleet.database.prepared import PREPARED

_BUMP_POSTGRESQL = """
WITH asked AS (
    SELECT * FROM unnest(%(ids)s::bigint[], %(reasons)s::text[]) AS v (poste_id, reason)
), locked AS (
    SELECT desired.poste_id FROM desired JOIN asked USING (poste_id) ORDER BY desired.poste_id FOR UPDATE OF desired
)
UPDATE desired SET rev = rev + 1, reason = asked.reason
FROM asked JOIN locked USING (poste_id), poste
WHERE desired.poste_id = asked.poste_id AND poste.id = asked.poste_id
RETURNING desired.poste_id, poste.slug, desired.rev, desired.sent_rev, desired.applied_rev, desired.reason,
    poste.statut_voulu, desired.needs_care
"""


def bump(tx: Transaction, changes: Sequence[tuple[int, str]]) -> list[Wanted]:
    """Raise the rev of postes whose sessions have just ended or paused; gives what those without one should do.

    Postes with a session left are not in the answer: the outbox will find them.
    """
    if not changes:
        return []
    rows = _bump_postgresql(tx, changes) if tx.is_postgresql else _bump_sqlite(tx, changes)
    ledger.write_told(tx.connection, tx.given)
    ended = {poste_id for poste_id, reason in changes if reason == "duree_ecoulee"}
    return [free(*row) for row in rows if row.poste_id in ended]


def _bump_postgresql(tx: Transaction, changes: Sequence[tuple[int, str]]) -> Sequence[Any]:
    newest = dict(sorted(changes))
    arrays = {"ids": list(newest), "reasons": list(newest.values())}
    return tx.connection.exec_driver_sql(_BUMP_POSTGRESQL, arrays, execution_options=PREPARED).all()


def _bump_sqlite(tx: Transaction, changes: Sequence[tuple[int, str]]) -> Sequence[Any]:
    tx.execute(
        text("UPDATE desired SET rev = rev + 1, reason = :reason WHERE poste_id = :id"),
        [{"id": poste_id, "reason": reason} for poste_id, reason in changes],
    )
    return tx.execute(
        text(
            "SELECT desired.poste_id, poste.slug, rev, sent_rev, applied_rev, reason, statut_voulu, needs_care"
            " FROM desired JOIN poste ON poste.id = desired.poste_id"
            " WHERE desired.poste_id IN (SELECT value FROM json_each(:ids))"
        ),
        {"ids": json.dumps([poste_id for poste_id, _ in changes])},
    ).all()


def free(
    poste_id: int,
    slug: str,
    rev: int,
    sent_rev: int,
    applied_rev: int,
    reason: str | None,
    statut_voulu: str,
    needs_care: Any,
) -> Wanted:
    """What a poste should do that has no session any more."""
    return Wanted(
        poste_id, slug, rev, sent_rev, applied_rev, reason, statut_voulu, needs_care is not None, None, 0
    )
