"""Sessions whose time is over, ended together: the session, what its poste should do, its line in the audit trail.

On PostgreSQL two trips do all of it, and the second is that of the commit. A thousand sessions may end at once, and
what each costs here and there is a millisecond by which the others end late.
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
from fleet.database.trips import plan_once
from fleet.database.types import Instant
from fleet.domain import session as rules
from fleet.domain.policy import Policy

OVER = "duree_ecoulee"


@dataclass(frozen=True)
class Expired:
    """Which sessions ended, and what the postes should do that they were at."""

    sessions: set[int]
    told: list[Wanted]


def expire(tx: Transaction, site_id: int, due: Sequence[int]) -> Expired:
    """End those of these sessions whose grace is over; what moved meanwhile is left alone."""
    act = _on_postgresql if tx.is_postgresql else _step_by_step
    return act(tx, site_id, due)


def _on_postgresql(tx: Transaction, site_id: int, due: Sequence[int]) -> Expired:
    plan_once(tx.connection)
    audit.begin_chain_later(tx.connection, site_id)
    asked = {"site": site_id, "due": list(due), "ahead": tx.ahead_s}
    rows = tx.connection.exec_driver_sql(_EXPIRE, asked, execution_options=PREPARED).all()
    if not rows:
        return Expired(set(), [])
    said, numero, last = rows[0][:3]
    whom = [(one, poste, person) for _, _, _, one, person, poste, *_ in rows]
    head = audit.Head(site_id, numero, bytes(last))
    audit.append_alike_later(
        tx.connection, head, "expiration", {"motif": OVER}, datetime.fromisoformat(said), whom
    )
    tx.tell(site_id, LOG)
    return Expired({one for one, _, _ in whom}, [bulk.free(*row[5:]) for row in rows])


# The locks come in the order that everybody takes them in: sessions, postes by their ids, the head of the chain. Rows
# are looked for by arrays: a join with as many of them as nobody can foretell would read whole tables.
_EXPIRE = rf"""
WITH clock AS MATERIALIZED (
    SELECT read.at, read.at - make_interval(secs => coalesce((politique ->> 'grace_s')::int, {Policy.grace_s})) AS over,
        to_char(read.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"') AS said
    FROM site, (SELECT clock_timestamp() + make_interval(secs => %(ahead)s::float8) AS at OFFSET 0) read
    WHERE id = %(site)s::bigint
), expired AS (
    UPDATE session SET statut = 'expiree', motif_fin = 'duree_ecoulee', restant_ms = 0,
        fin_session = clock.at, version = version + 1, updated_at = clock.at
    FROM clock
    WHERE id = ANY (%(due)s::bigint[]) AND statut = 'active' AND confirmer_avant IS NULL
        AND fin_prevue <= clock.over
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
), head AS MATERIALIZED (
    SELECT numero, hash FROM chain_head
    WHERE chain = %(site)s::bigint AND (SELECT count(*) FROM told) > 0 FOR UPDATE
)
SELECT clock.said, head.numero, head.hash, expired.id, expired.utilisateur_id, told.*
FROM expired JOIN told USING (poste_id), head, clock ORDER BY expired.id
"""  # noqa: S608 (words of this file)


def _step_by_step(tx: Transaction, site_id: int, due: Sequence[int]) -> Expired:
    grace = timedelta(seconds=places.site(tx, site_id).policy.grace_s)
    statement = _UPDATE.where(any_of(tx, table.c.id, due))
    ended = tx.execute(statement, {"limit": tx.now - grace, "now": tx.now}).all()
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
