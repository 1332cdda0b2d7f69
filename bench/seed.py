"""Sites full of postes and sessions, by a few statements."""

from bench.stage import SITE, Stage

_POSTES = """
INSERT INTO poste (site_id, slug, nom, created_at, updated_at)
SELECT :site, 'poste-' || n, 'Poste ' || n, now(), now() FROM generate_series(1, :count) n
"""
_DESIRED = "INSERT INTO desired (poste_id, site_id) SELECT id, site_id FROM poste"
_PRESENCE = "INSERT INTO presence (poste_id) SELECT id FROM poste"
_SESSIONS = """
INSERT INTO session (site_id, poste_id, statut, duree_initiale_ms, debut_session, fin_prevue, boot,
    created_at, updated_at)
SELECT site_id, id, 'active', 86400000, now(), now() + interval '1 day', :boot, now(), now() FROM poste
"""
_LEDGER = """
INSERT INTO octroi (session_id, genre, montant_ms, created_at)
SELECT id, 'initial', duree_initiale_ms, now() FROM session
"""
BOOT = "bench"


def slug(number: int) -> str:
    """The slug of a seeded poste; numbers begin at 1."""
    return f"poste-{number}"


def fill(stage: Stage, count: int) -> None:
    """So many postes, each with a session that runs for a day."""
    stage.sql(_POSTES, site=stage.site_id, count=count)
    stage.sql(_DESIRED)
    stage.sql(_PRESENCE)
    stage.sql(_SESSIONS, boot=BOOT)
    stage.sql(_LEDGER)
    stage.analyze()


def path(number: int, name: str, root: str) -> str:
    """A topic of a seeded poste."""
    return f"{root}/v1/{SITE}/{slug(number)}/{name}"
