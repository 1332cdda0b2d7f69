"""What the owner of a database can do and the schema keeps everybody else from."""

from collections.abc import Iterator
from contextlib import contextmanager

from fleet.database.engine import Transaction


@contextmanager
def unguarded(tx: Transaction) -> Iterator[None]:
    """Put the triggers that keep the trail and the ledger out of action for a block."""
    run = tx.connection.exec_driver_sql
    if tx.is_postgresql:
        run("SET LOCAL session_replication_role = replica")
        yield
        run("SET LOCAL session_replication_role = origin")
        return
    triggers = run("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").all()
    for name, _ in triggers:
        run(f"DROP TRIGGER {name}")
    yield
    for _, sql in triggers:
        run(sql)
