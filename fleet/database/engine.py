"""Transactions: the one place that opens, commits and tells others what was committed.

A transaction reads the database's clock once, gathers audit entries and the news for others, and at its end
writes the entries (their counters locked last), commits, and lets the news out: by NOTIFY on PostgreSQL; on SQLite
within the process, and others only learn that there was some. A controller's transaction also holds its lease, see
`fleet.database.leases`.
"""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg2
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from fleet.database import audit, leases, ledger, sqlite_words
from fleet.database.neighbours import Neighbours
from fleet.database.news import CHANNEL, News, to_payload
from fleet.database.prepared import prepare_on
from fleet.database.register import Line as Forgetting
from fleet.database.register import Register
from fleet.database.trips import Line, Words
from fleet.domain.errors import FleetError

BUSY_TIMEOUT_S = 30
LOCK_TIMEOUT_S = 5.0
"""How long a statement of a transaction waits for a row that another holds. Migrations wait as long as it takes."""
IDLE_TIMEOUT_S = 4.0
"""When PostgreSQL ends a transaction whose program does nothing in it: less than a lease lives, so that what froze
with a site's rows in its hands lets go of them by the time that another may drive the site."""
NETWORK: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 5_000,
}
"""How a connection finds out that the other machine is gone: within 5 to 11 seconds, rather than the system's hours."""
TRUSTED_S = 1.0
"""How long after its last use a connection is taken to work."""
_NOTIFY = Words("ppm_notify", f"SELECT pg_notify('{CHANNEL}', %(payload)s)")
_SOME_INSTANT = datetime(2000, 1, 1, tzinfo=UTC)
Listener = Callable[[tuple[News, ...]], None]


class DatabaseDown(FleetError):
    """The database does not answer."""


class Transaction:
    """One unit of work. `execute` runs a statement; `record` and `tell` are kept until the commit."""

    def __init__(self, connection: Connection, lease: leases.Lease | None = None) -> None:
        self.connection = connection
        self.execute = connection.execute
        self.lease = lease
        self.entries: list[audit.Entry] = []
        self.news: dict[News, None] = {}
        self.forgettings: list[Forgetting] = []
        self.telling: list[tuple[News, Words, Mapping[str, Any]]] = []
        """News with words that take along what changed."""
        self.given: list[dict[str, Any]] = []
        """The lines of the ledger that wait for the rev that will tell of them, or for the commit."""
        self._now: datetime | None = None

    @property
    def is_postgresql(self) -> bool:
        """Which of the two databases this is, where they need different words."""
        return self.connection.dialect.name == "postgresql"

    @property
    def now(self) -> datetime:
        """The database's clock, read once, at its first use: use it after the locks."""
        if self._now is None:
            self._now = clock(self.connection)
        return self._now

    def read_at(self, instant: datetime | None) -> None:
        """Take the clock from a row that was read under its lock, if it was not read before: it saves a trip."""
        if self._now is None and instant is not None:
            self._now = clock(self.connection, instant)

    @property
    def ahead_s(self) -> float:
        """How far `now` is ahead of the clock that a statement reads itself: nothing, but where a test has set it."""
        return (clock(self.connection, _SOME_INSTANT) - _SOME_INSTANT).total_seconds()

    def record(self, entry: audit.Entry) -> None:
        """Write this to the audit trail, in the same transaction."""
        self.entries.append(entry)

    def forget(self, kind: str, utilisateur_id: int) -> None:
        """Keep outside the database, before the commit, that this person is forgotten: a restore does it again."""
        self.forgettings.append(Forgetting(kind, self.now, utilisateur_id))

    def tell(self, site_id: int, topic: str) -> None:
        """Let others know after the commit that something of this site has changed."""
        self.news[News(site_id, topic)] = None

    def tell_with(self, site_id: int, topic: str, words: Words, about: Mapping[str, Any]) -> None:
        """The same, by words that take along what changed; by plain ones if more of this kind is to be told."""
        self.telling.append((News(site_id, topic), words, about))

    def flush(self) -> None:
        """What comes last before the commit: the ledger, the audit entries and the news."""
        ledger.write(self.connection, self.given)
        audit.write(self.connection, self.entries, self.now if self.entries else None)
        for entry in self.entries:
            self.tell(entry.site_id or 0, "log")
        words, about = self._telling()
        if self.news and self.is_postgresql:
            words.later(self.connection, {"payload": to_payload(tuple(self.news)), **about})

    def _telling(self) -> tuple[Words, Mapping[str, Any]]:
        plain = {one.topic for one in self.news}
        self.news |= {one: None for one, _, _ in self.telling}
        match self.telling:
            case [(News(topic=topic), words, about)] if topic not in plain:
                return words, about
        return _NOTIFY, {}


class _Here(threading.local):
    """What this thread is in the middle of."""

    around: Transaction | None = None


@contextmanager
def _within(around: Transaction) -> Iterator[Transaction]:
    """A step of a transaction that is under way: kept with it, or undone alone."""
    with around.connection.begin_nested():
        inner = Transaction(around.connection, around.lease)
        yield inner
    around.given += inner.given
    around.entries += inner.entries
    around.forgettings += inner.forgettings
    around.news |= inner.news
    around.telling += inner.telling


class Database:
    """The database of a deployment, by its URL (postgresql+psycopg2://... or sqlite:///...)."""

    def __init__(self, url: str | URL, pool_size: int = 16, register: Register | None = None) -> None:
        self.url = make_url(url)
        self.register = register
        self.engine = _create_engine(self.url, pool_size)
        self._listeners: list[Listener] = []
        self._neighbours = Neighbours()
        self._here = _Here()

    @property
    def is_postgresql(self) -> bool:
        """Whether this is PostgreSQL rather than the embedded SQLite."""
        return self.url.get_backend_name() == "postgresql"

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with the news of each commit of this process (SQLite). Gives the way to stop it.

        Without any news: another process has committed, and nobody knows what.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    @contextmanager
    def transaction(self, lease: leases.Lease | None = None) -> Iterator[Transaction]:
        """A unit of work, committed at the end of the block, undone if the block raises.

        With a lease, everything in it happens only while that lease is held. Raises LeaseLost, and Refused where
        somebody is forgotten in it and the register cannot be written.
        """
        if self._here.around is not None:
            with _within(self._here.around) as inner:
                yield inner
            return
        with leases.lost_is_told(lease), self.engine.connect() as connection, connection.begin():
            transaction = Transaction(connection, lease)
            if lease is not None:
                leases.hold(connection, lease)
            yield transaction
            transaction.flush()
            missed = self._number(transaction)
            if self.register is not None and transaction.forgettings:
                self.register.add(transaction.forgettings)
        if missed:
            self._publish(())
        if transaction.news:
            self._publish(tuple(transaction.news))

    @contextmanager
    def together(self) -> Iterator[Transaction]:
        """One transaction for all that this thread does in the block: the transactions that it opens there become
        steps of this one, which a failure undoes one by one, and its looks see what it wrote so far."""
        with self.transaction() as tx:
            self._here.around = tx
            try:
                yield tx
            finally:
                self._here.around = None

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A look at one consistent state. Nothing written in it is kept."""
        if self._here.around is not None:
            yield Transaction(self._here.around.connection)
            return
        # On PostgreSQL each statement would else see another state: a chain could outgrow its head meanwhile.
        options = {"isolation_level": "REPEATABLE READ"} if self.is_postgresql else {}
        with self.engine.connect().execution_options(ppm_read_only=True, **options) as connection:
            try:
                yield Transaction(connection)
            finally:
                connection.rollback()

    @contextmanager
    def glance(self) -> Iterator[Transaction]:
        """A look in which each statement sees the state of its own moment: no trips to begin and end it."""
        if self._here.around is not None:
            yield Transaction(self._here.around.connection)
            return
        options = {"isolation_level": "AUTOCOMMIT"} if self.is_postgresql else {}
        with self.engine.connect().execution_options(ppm_read_only=True, **options) as connection:
            yield Transaction(connection)

    def look_around(self) -> None:
        """Let the listeners know if another process has committed (SQLite) since this was last asked."""
        with self.glance() as tx:
            missed = self._neighbours.have_committed(tx.connection)
        if missed:
            self._publish(())

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()

    def _number(self, transaction: Transaction) -> bool:
        """Have other processes find out about this commit, and find out about theirs (SQLite)."""
        if self.is_postgresql or not transaction.news:
            return False
        return self._neighbours.number(transaction.connection)

    def _publish(self, news: tuple[News, ...]) -> None:
        if not self.is_postgresql:
            for listener in tuple(self._listeners):
                listener(news)


def clock(connection: Connection, told: datetime | None = None) -> datetime:
    """The database's clock, unless it was `told`: the server's on PostgreSQL, this machine's on SQLite."""
    if told is not None:
        return told
    if connection.dialect.name == "postgresql":
        instant: datetime = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
        return instant.astimezone(UTC)
    return datetime.now(UTC)


def _create_engine(url: URL, pool_size: int) -> Engine:
    if url.get_backend_name() == "sqlite":
        return _sqlite(url, pool_size)
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        connect_args={**NETWORK, "options": _session_options(), "connection_factory": Line},
        use_native_hstore=False,
        pool_use_lifo=True,
        hide_parameters=True,
    )
    event.listen(engine, "checkin", _note_use)
    event.listen(engine, "checkout", _ping_if_idle)
    prepare_on(engine)
    return engine


def _session_options() -> str:
    limits = {"lock_timeout": LOCK_TIMEOUT_S, "idle_in_transaction_session_timeout": IDLE_TIMEOUT_S}
    return " ".join(
        ["-c timezone=utc", *(f"-c {name}={round(limit * 1000)}" for name, limit in limits.items())]
    )


def _note_use(_connection: Any, record: ConnectionPoolEntry) -> None:
    record.info["ppm_used_at"] = time.monotonic()


def _ping_if_idle(connection: Line, record: ConnectionPoolEntry, _proxy: Any) -> None:
    """See that a connection still works before it is used, unless it just did: the trip costs as much as a row."""
    if time.monotonic() - record.info.get("ppm_used_at", time.monotonic()) < TRUSTED_S:
        return
    try:
        connection.ping()
    except psycopg2.Error as error:
        raise DisconnectionError from error


def _sqlite(url: URL, pool_size: int) -> Engine:
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=pool_size,
        max_overflow=0,
        connect_args={"timeout": BUSY_TIMEOUT_S, "check_same_thread": False},
        hide_parameters=True,
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None
    sqlite_words.register(connection)
    for pragma in (f"busy_timeout={BUSY_TIMEOUT_S * 1000}", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while not _in_wal(connection):
        if time.monotonic() > deadline:
            raise DatabaseDown("the database file stays locked")
        time.sleep(0.01)


def _in_wal(connection: sqlite3.Connection) -> bool:
    """Have readers and the writer not wait for each other. SQLite does not wait for the lock that this takes."""
    try:
        return connection.execute("PRAGMA journal_mode=WAL").fetchone()[0] in ("wal", "memory")
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            return False
        raise


def _begin_sqlite(connection: Connection) -> None:
    """Take the write lock at the beginning: a transaction that reads first could not upgrade safely."""
    read_only = connection.get_execution_options().get("ppm_read_only")
    connection.execute(text("BEGIN" if read_only else "BEGIN IMMEDIATE"))
