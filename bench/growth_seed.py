"""Years of a network of ten sites, written by the database itself: sessions, their trail, and all that is listed."""

import os

from sqlalchemy import text

from fleet.database.engine import Database

SESSIONS = int(os.environ.get("BENCH_SESSIONS", "200000"))
_COUNTS = {
    "sessions": SESSIONS,
    "logs": SESSIONS * 5,
    "people": SESSIONS // 10,
    "others": SESSIONS // 20,
    "postes": 500,
    "sites": 10,
    "operators": 40,
}
_YEARS = "interval '2 years'"

_SEED = (
    """INSERT INTO site (slug, nom, zone, horaires, created_at, updated_at)
    SELECT 'site-' || n, 'Site ' || n, (ARRAY['Indian/Reunion', 'Europe/Paris'])[1 + n % 2],
        '{{"0": [["08:00", "18:00"]], "2": [["08:00", "12:00"], ["13:30", "19:00"]], "5": [["09:00", "17:00"]]}}',
        now(), now() FROM generate_series(1, :sites) n""",
    """INSERT INTO operateur (login, mot_de_passe, role, created_at, updated_at)
    SELECT 'accueil-' || n, '', 'operateur', now(), now() FROM generate_series(1, :operators) n""",
    """INSERT INTO operateur_site (operateur_id, site_id)
    SELECT n, 1 + n % :sites FROM generate_series(1, :operators) n""",
    """INSERT INTO poste (site_id, slug, nom, emplacement, created_at, updated_at)
    SELECT 1 + n % :sites, 'poste-' || n, 'Poste ' || n, 'Étage ' || n % 4, now(), now()
    FROM generate_series(1, :postes) n""",
    "INSERT INTO desired (poste_id, site_id) SELECT id, site_id FROM poste",
    "INSERT INTO presence (poste_id, online, boot, phase) SELECT id, true, 'b', 'locked' FROM poste",
    """INSERT INTO utilisateur (nom, prenom, categorie, consentement_rgpd, recherche, created_at, updated_at)
    SELECT 'Nom' || n, 'Prenom' || n, (ARRAY['jeune', 'adulte', 'senior'])[1 + n % 3], true,
        'nom' || n || ' prenom' || n, now() - {years} * n / :people, now() FROM generate_series(1, :people) n""",
    """INSERT INTO session (site_id, poste_id, utilisateur_id, operateur_id, categorie, statut, motif_fin,
        duree_initiale_ms, restant_ms, debut_session, fin_prevue, fin_session, created_at, updated_at)
    SELECT poste.site_id, poste.id, 1 + n % :people, CASE WHEN n % 3 > 0 THEN 1 + n % :operators END,
        CASE WHEN n % 2 > 0 THEN 'adulte' END, (ARRAY['expiree', 'terminee'])[1 + n % 2],
        (ARRAY['duree_ecoulee', 'fin_visiteur', 'desk'])[1 + n % 3], 3600000, (n % 2) * 600000, at,
        at + interval '1 hour', at + interval '1 hour', at - interval '2 minutes', at
    FROM generate_series(1, :sessions) n
    CROSS JOIN LATERAL (SELECT now() - interval '2 hours' - {years} * (:sessions - n) / :sessions AS at) begun
    JOIN poste ON poste.id = 1 + n % :postes""",
    """INSERT INTO session (site_id, poste_id, utilisateur_id, statut, duree_initiale_ms, debut_session, fin_prevue,
        created_at, updated_at)
    SELECT site_id, id, CASE WHEN id <= :people THEN id END, 'active', 3600000, now(), now() + interval '1 hour', now(),
        now()
    FROM poste WHERE id % 5 > 0""",
    """INSERT INTO session (site_id, statut, duree_initiale_ms, code_index, code_expire_a, created_at, updated_at)
    SELECT 1 + n % :sites, 'en_attente', 3600000, decode(md5(n::text), 'hex'), now() + interval '1 day', now(), now()
    FROM generate_series(1, 50 * :sites) n""",
    """INSERT INTO log (site_id, numero, action, operateur_id, session_id, poste_id, metadata, created_at,
        previous_hash, hash)
    SELECT 1 + n % :sites, 1 + n / :sites,
        (ARRAY['generation_code', 'demarrage_session', 'ajout_temps', 'expiration', 'refus'])[1 + (n / :sites) % 5],
        CASE WHEN n % 3 > 0 THEN 1 + n % :operators END, 1 + n / 5, 1 + n % :postes,
        (ARRAY['{{"motif": "quota_jour"}}', '{{"motif": "poste_occupe", "autres_refus": 3}}', '{{}}'])[1 + n % 3]
        ::jsonb,
        now() - {years} * (:logs - n) / :logs, '', ''
    FROM generate_series(0, :logs - 1) n""",
    """INSERT INTO reservation (site_id, poste_id, utilisateur_id, debut, fin, statut, created_at, updated_at)
    SELECT site_id, poste.id, 1 + n % :people, at, at + interval '1 hour', (ARRAY['honoree', 'absente'])[1 + n % 2],
        at, at FROM generate_series(1, :others) n
    CROSS JOIN LATERAL (SELECT now() - {years} * (:others - n) / :others AS at) begun
    JOIN poste ON poste.id = 1 + n % :postes""",
    """INSERT INTO demande (site_id, session_id, secondes, request_id, nonce, statut, expire_a, created_at)
    SELECT site_id, id, 900, id::text, '', 'accordee', debut_session, debut_session FROM session WHERE id % 20 = 0
        AND debut_session IS NOT NULL""",
    """INSERT INTO demande_enrolement (empreinte, machine, created_at, vue_a, fois)
    SELECT twice, jsonb_build_object('nom', 'pc-' || n, 'empreinte', twice), now(), now(), 1
    FROM generate_series(1, 200) n, LATERAL (SELECT md5(n::text) || md5(n::text) AS twice) made""",
    """INSERT INTO lot (site_id, nombre, duree_s, code_expire_a, created_at)
    SELECT 1 + n % :sites, 12, 3600, now(), now() - {years} * n / :others FROM generate_series(1, :others) n""",
    """INSERT INTO attente (site_id, jour, numero, rang, prenom, duree_s, statut, created_at, updated_at)
    SELECT 1 + n % :sites, current_date - n / 200, 1 + n / :sites % 20, n, 'Marie', 3600,
        CASE WHEN n < 200 THEN 'en_file' ELSE 'servie' END, now(), now() FROM generate_series(0, :others - 1) n""",
    """INSERT INTO alerte (genre, cle, site_id, created_at, updated_at, resolue_a)
    SELECT 'poste_silencieux', n::text, 1 + n % :sites, now() - {years} * n / :others, now(),
        CASE WHEN n > 100 THEN now() END FROM generate_series(1, :others) n""",
    """INSERT INTO purge (classe, nombre, created_at)
    SELECT 'adresses', n, now() - {years} * n / :others FROM generate_series(1, :others) n""",
    """INSERT INTO job_run (job, slot, created_at, started_at, finished_at, ok)
    SELECT job, n::text, at, at, at, true FROM unnest(ARRAY['backup', 'old_sessions', 'sessions_report']) job,
        generate_series(1, :others / 3) n, LATERAL (SELECT now() - {years} * n * 3 / :others AS at) ran""",
    """INSERT INTO rapport (genre, jour, contenu, created_at)
    SELECT genre, current_date - n, '{{}}', now() FROM unnest(ARRAY['sessions', 'logs']) genre,
        generate_series(1, 730) n""",
    """INSERT INTO texte_site (site_id, genre, texte_version, texte, created_at)
    SELECT 1, 'notice', n, 'Notice', now() FROM generate_series(1, 20) n""",
)
# What the first pass finds in the hands of an autovacuum is left for the next.
_UNSEEN = "SELECT count(*) FROM pg_class WHERE relname IN ('session', 'log') AND relallvisible < relpages"


def seed(database: Database) -> None:
    """Fill an empty database."""
    for statement in _SEED:
        with database.engine.begin() as connection:
            connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
            wanted = statement.format(years=_YEARS)
            used = {name: count for name, count in _COUNTS.items() if f":{name}" in wanted}
            connection.execute(text(wanted), used)
    analyze(database)


def analyze(database: Database) -> None:
    """What autovacuum does in its own time."""
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")
        while connection.exec_driver_sql(_UNSEEN).scalar_one():
            connection.exec_driver_sql("VACUUM ANALYZE")
