"""A session of a closed day that changes opens the day again: all that it was added up to (`bilan`) goes.

On PostgreSQL the change and whoever closes a day (`fleet.database.rollups`) wait for each other by an advisory lock
of the site, and a session of the last day, which is not closed, does not look.
"""

from sqlalchemy import Connection

LOCK = 7_081_305
_COUNTED = (
    "site_id",
    "poste_id",
    "statut",
    "motif_fin",
    "categorie",
    "duree_initiale_ms",
    "temps_ajoute_ms",
    "restant_ms",
    "debut_session",
    "fin_session",
    "created_at",
)
_EVENTS = {"INSERT": ("NEW",), "UPDATE": ("OLD", "NEW"), "DELETE": ("OLD",)}
_OLD = "{row}.created_at < now() - interval '1 day'"
# More than the longest of `fleet.database.rollups.SPANS`, so that the index of what began long before is left alone.
_LONGEST = {"postgresql": "{at} - interval '113 days'", "sqlite": "datetime({at}, '-113 days')"}


def _forget(row: str, dialect: str) -> str:
    """Delete what was added up of the days on which the session was made and began."""
    spans = (
        f"(depuis > {_LONGEST[dialect].format(at=at)} AND depuis <= {at} AND jusqu_a > {at})"
        for at in (f"{row}.created_at", f"{row}.debut_session")
    )
    where = f"genre IN ('sessions', 'semaine') AND site_id = {row}.site_id AND ({' OR '.join(spans)})"
    return " ".join(("DELETE FROM bilan WHERE", where + ";"))


def _changed(different: str) -> str:
    return " OR ".join(f"OLD.{name} {different} NEW.{name}" for name in _COUNTED)


def _sqlite() -> list[str]:
    return [
        f"CREATE TRIGGER session_bilan_{event.lower()} AFTER {event} ON session"
        + (f" WHEN {_changed('IS NOT')}" if event == "UPDATE" else "")
        + f" BEGIN {' '.join(_forget(row, 'sqlite') for row in rows)} END"
        for event, rows in _EVENTS.items()
    ]


def _postgresql() -> list[str]:
    made = []
    for event, rows in _EVENTS.items():
        name = f"session_bilan_{event.lower()}"
        locks = " ".join(
            f"PERFORM pg_advisory_xact_lock_shared({LOCK}, {row}.site_id::integer);" for row in rows
        )
        body = f"{locks} {' '.join(_forget(row, 'postgresql') for row in rows)} RETURN NULL;"
        when = _OLD.format(row=rows[0]) + (
            f" AND ({_changed('IS DISTINCT FROM')})" if event == "UPDATE" else ""
        )
        made += [
            f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$",
            f"CREATE TRIGGER {name} AFTER {event} ON session FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION {name}()",
        ]
    return made


def guard(connection: Connection) -> None:
    """Make the triggers, on the tables that are there."""
    for statement in _postgresql() if connection.dialect.name == "postgresql" else _sqlite():
        connection.exec_driver_sql(statement)


def forget(connection: Connection) -> None:
    """Take them away."""
    for event in _EVENTS:
        name = f"session_bilan_{event.lower()}"
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"DROP FUNCTION {name} CASCADE")
        else:
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
