"""What is only ever added to: the audit trail (`log`) and the ledger (`octroi`), held so by triggers of the database.

Allowed are only:
- `log`: erasing `personal` and `salt` of a row (its commitment stays, so the chain still holds);
- `log`: deleting rows that `journal_archive` names: first insert its row (chain, premier, dernier), in a transaction
  that ends once the file is safe; then delete rows of that chain (0: site_id NULL) with premier <= numero <= dernier;
- `octroi`: giving a `rev` to a line that has none, once;
- `octroi`: going with its session, when that is deleted.

Everything else fails as a violated constraint does (IntegrityError), for whoever is not the owner of the schema.
"""

from sqlalchemy import Connection

_LOG = (
    "id, site_id, numero, action, operateur_id, session_id, poste_id, utilisateur_id, details, metadata,"
    " commitment, created_at, previous_hash, hash"
)
_OCTROI = "id, session_id, genre, montant_ms, motif, cle, operateur_id, created_at"
_ARCHIVED = (
    "EXISTS (SELECT 1 FROM journal_archive WHERE chain = coalesce(OLD.site_id, 0)"
    " AND OLD.numero BETWEEN premier AND dernier)"
)
_ORPHAN = "NOT EXISTS (SELECT 1 FROM session WHERE id = OLD.session_id)"


def _same(columns: str, equals: str) -> str:
    """That these columns are as before, in the words of one of the databases."""
    new, old = (", ".join(f"{row}.{name.strip()}" for name in columns.split(",")) for row in ("NEW", "OLD"))
    return f"({new}) {equals} ({old})"


def _erased(equals: str) -> str:
    return f"NEW.personal IS NULL AND NEW.salt IS NULL AND {_same(_LOG, equals)}"


def _stamped(equals: str) -> str:
    return f"OLD.rev IS NULL AND {_same(_OCTROI, equals)}"


def _sqlite() -> list[str]:
    rules = {
        ("log", "UPDATE"): _erased("IS"),
        ("log", "DELETE"): _ARCHIVED,
        ("octroi", "UPDATE"): _stamped("IS"),
        ("octroi", "DELETE"): _ORPHAN,
    }
    return [
        f"CREATE TRIGGER {table}_{event.lower()} BEFORE {event} ON {table} WHEN NOT ({allowed})"
        f" BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        for (table, event), allowed in rules.items()
    ]


def _function(name: str, body: str) -> str:
    return f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$"


def _postgresql() -> list[str]:
    no = "RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';"
    made = [
        _function("append_only", no),
        _function("log_delete", f"IF {_ARCHIVED} THEN RETURN OLD; END IF; {no}"),
        _function("octroi_delete", f"IF {_ORPHAN} THEN RETURN OLD; END IF; {no}"),
    ]
    same = "IS NOT DISTINCT FROM"
    for table, allowed in (("log", _erased(same)), ("octroi", _stamped(same))):
        when = f"FOR EACH ROW WHEN (NOT ({allowed}))"
        made += [
            f"CREATE TRIGGER {table}_update BEFORE UPDATE ON {table} {when} EXECUTE FUNCTION append_only()",
            f"CREATE TRIGGER {table}_delete BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_delete()",
            f"CREATE TRIGGER {table}_truncate BEFORE TRUNCATE ON {table} EXECUTE FUNCTION append_only()",
        ]
    return made


def guard(connection: Connection) -> None:
    """Make the triggers, on the tables that are there."""
    for statement in _postgresql() if connection.dialect.name == "postgresql" else _sqlite():
        connection.exec_driver_sql(statement.replace("%", "%%"))


def forget(connection: Connection) -> None:
    """Take away what outlives the tables."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("DROP FUNCTION IF EXISTS append_only, log_delete, octroi_delete")
