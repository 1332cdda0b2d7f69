"""A look at the database shows one state, whatever is committed meanwhile."""

from fleet.database import audit
from fleet.database.audit import Entry
from fleet.database.engine import Database


def _record(database: Database) -> None:
    with database.transaction() as tx:
        tx.record(Entry("erreur", details="quelque chose"))


def test_a_chain_that_grows_while_it_is_verified_holds(database: Database) -> None:
    _record(database)
    with database.read() as tx:
        broken = audit.verify(tx.connection)
        seen = tx.connection.exec_driver_sql("SELECT numero FROM chain_head").scalar_one()
        _record(database)
        assert list(broken) == []
        assert tx.connection.exec_driver_sql("SELECT numero FROM chain_head").scalar_one() == seen


def test_a_look_keeps_nothing_and_the_next_transaction_sees_the_newest(database: Database) -> None:
    with database.read() as tx:
        before = tx.connection.exec_driver_sql("SELECT count(*) FROM log").scalar_one()
    _record(database)
    with database.transaction() as tx:
        assert tx.connection.exec_driver_sql("SELECT count(*) FROM log").scalar_one() == before + 1
