"""How a process finds out that another one has committed to the same SQLite file, which calls nobody.

The file has a number (`user_version`) that nothing else uses. Each commit that is news draws a new one, in its own
transaction: a process that finds a number which is not its own has missed somebody's.
"""

import secrets
import threading

from sqlalchemy import Connection


class Neighbours:
    """The numbers that say that all is known: ours, and the one before, for ours may not be committed yet or ever."""

    def __init__(self) -> None:
        self._known: tuple[int, int] | None = None
        self._lock = threading.Lock()

    def number(self, connection: Connection) -> bool:
        """Number the transaction that is about to commit. True when another process has committed meanwhile."""
        found, drawn = _found(connection), secrets.randbits(31)
        with self._lock:
            missed, self._known = self._missed(found), (found, drawn)
        connection.exec_driver_sql(f"PRAGMA user_version={drawn}")
        return missed

    def have_committed(self, connection: Connection) -> bool:
        """True when another process has committed since this, or a commit of ours, last looked."""
        found = _found(connection)
        with self._lock:
            missed = self._missed(found)
            if missed or self._known is None:
                self._known = (found, found)
        return missed

    def _missed(self, found: int) -> bool:
        """At the first look there was nothing to miss."""
        return self._known is not None and found not in self._known


def _found(connection: Connection) -> int:
    number: int = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    return number
