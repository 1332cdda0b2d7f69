"""Whether lists and figures stay quick as years go by: 1,000,000 lines of the trail and 200,000 sessions."""

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import event, text

from bench.figures import Figure, at_most, p99, told
from fleet.database import schema
from fleet.database.engine import Database
from fleet.database.listing import Page
from fleet.domain.actor import Actor
from fleet.usecases import (
    alerting,
    journal,
    log_statistics,
    poste_views,
    reports,
    session_views,
    statistics,
    system,
    utilisateurs,
)
from fleet.usecases.fleet import Fleet
from fleet.usecases.journal import LogFilter
from fleet.usecases.poste_views import PosteFilter
from fleet.usecases.sealing import CodeKeys
from fleet.usecases.session_views import SessionFilter
from ppm.parts.postgres import PrivatePostgres

SESSIONS = int(os.environ.get("BENCH_SESSIONS", "200000"))
LOGS, PEOPLE, POSTES, SITES = SESSIONS * 5, SESSIONS // 10, 500, 10
TIMES, WARM_UP = 100, 5
LIMIT_MS = 100
ZONE = "Indian/Reunion"
_YEARS = "interval '2 years'"
_SCAN = re.compile(r"Seq Scan on (session|log)\b")

_SEED = (
    """INSERT INTO site (slug, nom, zone, created_at, updated_at)
    SELECT 'site-' || n, 'Site ' || n, 'Indian/Reunion', now(), now() FROM generate_series(1, :sites) n""",
    """INSERT INTO poste (site_id, slug, nom, created_at, updated_at)
    SELECT 1 + n % :sites, 'poste-' || n, 'Poste ' || n, now(), now() FROM generate_series(1, :postes) n""",
    "INSERT INTO desired (poste_id, site_id) SELECT id, site_id FROM poste",
    "INSERT INTO presence (poste_id) SELECT id FROM poste",
    """INSERT INTO utilisateur (nom, prenom, categorie, consentement_rgpd, recherche, created_at, updated_at)
    SELECT 'Nom' || n, 'Prenom' || n, (ARRAY['jeune', 'adulte', 'senior'])[1 + n % 3], true,
        'nom' || n || ' prenom' || n, now() - {years} * n / :people, now() FROM generate_series(1, :people) n""",
    """INSERT INTO session (site_id, poste_id, utilisateur_id, statut, motif_fin, duree_initiale_ms, restant_ms,
        debut_session, fin_prevue, fin_session, created_at, updated_at)
    SELECT poste.site_id, poste.id, 1 + n % :people, 'expiree', 'duree_ecoulee', 3600000, 0, at, at + interval '1 hour',
        at + interval '1 hour', at - interval '2 minutes', at
    FROM generate_series(1, :sessions) n
    CROSS JOIN LATERAL (SELECT now() - {years} * (:sessions - n) / :sessions AS at) begun
    JOIN poste ON poste.id = 1 + n % :postes""",
    """INSERT INTO log (site_id, numero, action, session_id, poste_id, metadata, created_at, previous_hash, hash)
    SELECT 1 + n % :sites, 1 + n / :sites,
        (ARRAY['generation_code', 'demarrage_session', 'ajout_temps', 'expiration', 'refus'])[1 + (n / :sites) % 5],
        1 + n / 5, 1 + n % :postes, '{{"motif": "duree_ecoulee"}}', now() - {years} * (:logs - n) / :logs, '', ''
    FROM generate_series(0, :logs - 1) n""",
)


def run() -> Iterator[Figure]:
    """The slowest of a hundred calls of each list and figure, and whether one of them reads a whole table."""
    with PrivatePostgres(fsync=False) as postgres:
        database = Database(postgres.create_database("growth"), pool_size=2)
        with closing(database):
            schema.upgrade(database)
            _seed(database)
            scans: list[str] = []
            for name, call in _calls(Fleet(database, CodeKeys.from_secret(bytes(32)))).items():
                scans += _scans(database, name, call)
                yield at_most(f"{name} ({SESSIONS:,} sessions), p99", _measured(call), "ms", LIMIT_MS)
            for said in scans:
                yield told(f"whole table read by {said}", 1, "")
            yield at_most("lists and figures that read a whole table", len(scans), "", 0)


def _seed(database: Database) -> None:
    counts = {"sites": SITES, "postes": POSTES, "people": PEOPLE, "sessions": SESSIONS, "logs": LOGS}
    for statement in _SEED:
        with database.engine.begin() as connection:
            connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
            wanted = statement.format(years=_YEARS)
            used = {name: count for name, count in counts.items() if f":{name}" in wanted}
            connection.execute(text(wanted), used)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")


def _calls(fleet: Fleet) -> dict[str, Callable[[], Any]]:
    everywhere, here = Actor(), Actor(role="operateur", sites=frozenset({1}))
    now, page = datetime.now(UTC), Page(50)

    def period(days: int) -> statistics.Period:
        return statistics.period(now, ZONE, now - timedelta(days=days), None, None)

    calls: dict[str, Callable[[], Any]] = {
        "sessions/stats of 30 days": partial(statistics.sessions, fleet, everywhere, period(30)),
        "sessions/stats of a year at one site": partial(statistics.sessions, fleet, here, period(365)),
        "logs/stats of a week": partial(log_statistics.logs, fleet, everywhere, period(7), ZONE),
        "utilisateurs/stats": partial(utilisateurs.stats, fleet, everywhere),
        "postes/stats": partial(poste_views.stats, fleet, everywhere, None),
        "system": partial(system.state, fleet, everywhere),
        "alertes": partial(alerting.search, fleet, everywhere, page),
        "rapports": partial(reports.latest, fleet, everywhere),
    }
    actions, about = LogFilter(actions=["ajout_temps"]), LogFilter(session_id=SESSIONS // 2)
    for who, actor in (("all sites", everywhere), ("one site", here)):
        calls |= {
            f"sessions, {who}": partial(session_views.search, fleet, actor, SessionFilter(), page),
            f"sessions of a poste, {who}": partial(
                session_views.search, fleet, actor, SessionFilter(poste_id=11), page
            ),
            f"postes, {who}": partial(poste_views.search, fleet, actor, PosteFilter(), page),
            f"utilisateurs, {who}": partial(utilisateurs.search, fleet, actor, page),
            f"logs, {who}": partial(journal.search, fleet, actor, LogFilter()),
            f"logs of one action, {who}": partial(journal.search, fleet, actor, actions),
            f"logs of a session, {who}": partial(journal.search, fleet, actor, about),
        }
    return calls


def _measured(call: Callable[[], Any]) -> float:
    taken = []
    for number in range(WARM_UP + TIMES):
        begun = time.perf_counter()
        call()
        if number >= WARM_UP:
            taken.append((time.perf_counter() - begun) * 1000)
    return p99(taken)


def _scans(database: Database, name: str, call: Callable[[], Any]) -> list[str]:
    """The statements of a call whose plan reads all of a large table."""
    said: list[str] = []

    def listener(_connection: Any, cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            said.append(cursor.mogrify(statement, parameters).decode())

    event.listen(database.engine, "before_cursor_execute", listener)
    try:
        call()
    finally:
        event.remove(database.engine, "before_cursor_execute", listener)
    found = []
    with database.engine.connect() as connection:
        for statement in said:
            lines = connection.exec_driver_sql("EXPLAIN " + statement.replace("%", "%%")).scalars()
            found += [f"{name}: {match[1]}" for line in lines if (match := _SCAN.search(line))]
    return found
