"""Sessions whose time is over, ended together: the session, what its poste should do, its line in the audit trail.

On PostgreSQL one statement does all of it. A thousand sessions may end at once, and each trip and each line that is
put together here is a millisecond by which the others end late.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, update

from fleet.database import audit, bulk, places
from fleet.database.audit import Entry
from fleet.database.engine import Transaction
from fleet.database.news import LOG
from fleet.database.outbox import Wanted
from fleet.database.prepared import PREPARED
from fleet.database.sql import any_of
from fleet.database.tables import session as table
from fleet.database.types import Instant
from fleet.domain import session as rules

OVER = "duree_ecoulee"


@dataclass(frozen=True)
class Expired:
    """Which sessions ended, and what the postes should do that they were at."""

    sessions: set[int]
    told: list[Wanted]


def expire(tx: Transaction, site_id: int, due: Sequence[int]) -> Expired:
    """End those of these sessions whose grace is over; what moved meanwhile is left alone."""
    grace = timedelta(seconds=places.site_now(tx, site_id).policy.grace_s)
    act = _on_postgresql if tx.is_postgresql else _step_by_step
    return act(tx, site_id, due, tx.now - grace)


def _on_postgresql(tx: Transaction, site_id: int, due: Sequence[int], limit: datetime) -> Expired:
    audit.begin_chain_later(tx.connection, site_id)
    asked = {"site": site_id, "due": list(due), "limit": limit, "now": tx.now}
    rows = tx.connection.exec_driver_sql(_EXPIRE, asked, execution_options=PREPARED).all()
    if rows:
        tx.tell(site_id, LOG)
    return Expired({row[0] for row in rows}, [bulk.free(*row[1:]) for row in rows])


# The locks come in the order that everybody takes them in: sessions, postes by their ids, the head of the chain. What
# a line says and how it is linked is `audit`'s: its check goes through these lines like all others. Rows are looked
# for by arrays: a join with as many of them as nobody can foretell would read whole tables.
_EXPIRE = r"""
WITH RECURSIVE expired AS (
    UPDATE session SET statut = 'expiree', motif_fin = 'duree_ecoulee', restant_ms = 0,
        fin_session = %(now)s::timestamptz, version = version + 1, updated_at = %(now)s::timestamptz
    WHERE id = ANY (%(due)s::bigint[]) AND statut = 'active' AND confirmer_avant IS NULL
        AND fin_prevue <= %(limit)s::timestamptz
    RETURNING id, poste_id, utilisateur_id
), locked AS (
    SELECT poste_id FROM desired WHERE poste_id = ANY (ARRAY(SELECT poste_id FROM expired))
    ORDER BY poste_id FOR NO KEY UPDATE
), told AS (
    UPDATE desired SET rev = rev + 1, reason = 'duree_ecoulee'
    FROM poste
    WHERE desired.poste_id = ANY (ARRAY(SELECT poste_id FROM locked)) AND poste.id = desired.poste_id
    RETURNING desired.poste_id, poste.slug, desired.rev, desired.sent_rev, desired.applied_rev, desired.reason,
        poste.statut_voulu, desired.needs_care
), said AS MATERIALIZED (
    SELECT row_number() OVER (ORDER BY id) AS n, id, poste_id, utilisateur_id,
        convert_to(',"expiration",null,' || id || ',' || poste_id || ',' || coalesce(utilisateur_id::text, 'null')
            || ',"",{"motif":"duree_ecoulee"},"",'
            || to_char(%(now)s::timestamptz AT TIME ZONE 'UTC', '\"YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"\"]'), 'UTF8')
        AS facts
    FROM expired
), head AS MATERIALIZED (
    SELECT chain, numero, hash FROM chain_head
    WHERE chain = %(site)s::bigint AND (SELECT count(*) FROM told) > 0 FOR UPDATE
), lines AS MATERIALIZED (
    SELECT array_agg(facts ORDER BY n) AS facts, count(*) AS many FROM said
), linked (n, previous_hash, hash) AS (
    SELECT 0::bigint, NULL::bytea, head.hash FROM head
    UNION ALL
    SELECT n + 1, linked.hash, sha256(
        linked.hash || convert_to('[' || head.chain || ',' || head.numero + n + 1, 'UTF8') || lines.facts[n + 1])
    FROM linked, head, lines WHERE n < lines.many
), moved AS (
    UPDATE chain_head SET numero = head.numero + n, hash = linked.hash
    FROM head, lines JOIN linked ON n = lines.many
    WHERE chain_head.chain = head.chain
), written AS (
    INSERT INTO log (site_id, numero, action, session_id, poste_id, utilisateur_id, metadata, created_at,
        previous_hash, hash)
    SELECT head.chain, head.numero + n, 'expiration', id, poste_id, utilisateur_id, '{"motif": "duree_ecoulee"}',
        %(now)s::timestamptz, previous_hash, linked.hash
    FROM said JOIN linked USING (n), head
)
SELECT expired.id, told.* FROM expired JOIN told USING (poste_id)
"""


def _step_by_step(tx: Transaction, site_id: int, due: Sequence[int], limit: datetime) -> Expired:
    statement = _UPDATE.where(any_of(tx, table.c.id, due))
    ended = tx.execute(statement, {"limit": limit, "now": tx.now}).all()
    for row in ended:
        tx.record(_entry(site_id, row))
    told = bulk.bump(tx, [(row.poste_id, OVER) for row in ended])
    return Expired({row.id for row in ended}, told)


_UPDATE = (
    update(table)
    .where(
        table.c.statut == rules.ACTIVE,
        table.c.confirmer_avant.is_(None),
        table.c.fin_prevue <= bindparam("limit", type_=Instant),
    )
    .values(
        statut=rules.EXPIREE,
        motif_fin=OVER,
        restant_ms=0,
        fin_session=bindparam("now", type_=Instant),
        version=table.c.version + 1,
        updated_at=bindparam("now", type_=Instant),
    )
    .returning(table.c.id, table.c.poste_id, table.c.utilisateur_id)
)


def _entry(site_id: int, row: Any) -> Entry:
    return Entry(
        "expiration",
        site_id,
        session_id=row.id,
        poste_id=row.poste_id,
        utilisateur_id=row.utilisateur_id,
        metadata={"motif": OVER},
    )
