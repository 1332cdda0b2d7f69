"""What others have committed: LISTEN on PostgreSQL; on SQLite within the process, and a look around for others."""

import asyncio
import contextlib
import logging
import random
import select
import time
from collections.abc import Callable

import psycopg2
from psycopg2.extensions import POLL_OK, POLL_READ
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from fleet.database.engine import NETWORK, Database
from fleet.database.news import CHANNEL, News, from_payload

log = logging.getLogger(__name__)
PROBE_S = 10.0
ANSWER_S = 5.0
LOOK_S = 0.5
"""How often an SQLite file is looked at for what another process, a command typed beside, has committed."""
Receiver = Callable[[tuple[News, ...]], None]
EVERYTHING: tuple[News, ...] = (News(0, "all"),)
"""What is told when something may have been missed."""


async def follow(database: Database, receive: Receiver) -> None:
    """Call `receive` in this loop with each commit's news, for ever. EVERYTHING after a gap."""
    if not database.is_postgresql:
        await _follow_process(database, receive)
        return
    loop = asyncio.get_running_loop()
    pause = 0.1
    while True:
        began = loop.time()
        try:
            await _follow_postgresql(database, receive)
        except psycopg2.Error as error:
            log.warning("news_lost", extra={"error": type(error).__name__})
        pause = 0.1 if loop.time() - began > 10 else min(pause * 2, 2.0)
        await asyncio.sleep(pause * random.uniform(0.5, 1.5))


async def _follow_process(database: Database, receive: Receiver) -> None:
    loop = asyncio.get_running_loop()

    def heard(news: tuple[News, ...]) -> None:
        loop.call_soon_threadsafe(receive, news or EVERYTHING)

    stop = database.listen(heard)
    try:
        await _look_around(database)
        receive(EVERYTHING)
        while True:
            await asyncio.sleep(LOOK_S)
            await _look_around(database)
    finally:
        stop()


async def _look_around(database: Database) -> None:
    try:
        await asyncio.get_running_loop().run_in_executor(None, database.look_around)
    except (DBAPIError, PoolTimeout) as error:
        log.warning("news_late", extra={"error": type(error).__name__})


async def _follow_postgresql(database: Database, receive: Receiver) -> None:
    loop = asyncio.get_running_loop()
    connection = await loop.run_in_executor(None, _listening, database)
    lost: asyncio.Future[None] = loop.create_future()
    answered = asyncio.Event()

    def readable() -> None:
        try:
            connection.poll()
        except psycopg2.Error as error:
            if not lost.done():
                lost.set_exception(error)
            return
        if not connection.isexecuting():
            answered.set()
        while connection.notifies:
            receive(from_payload(connection.notifies.pop(0).payload))

    descriptor = connection.fileno()
    loop.add_reader(descriptor, readable)
    receive(EVERYTHING)
    probing = asyncio.create_task(_probe(connection, answered), name="news-probe")
    try:
        await asyncio.wait([lost, probing], return_when=asyncio.FIRST_COMPLETED)
        await (lost if lost.done() else probing)
    finally:
        probing.cancel()
        lost.cancel()
        loop.remove_reader(descriptor)
        with contextlib.suppress(psycopg2.Error):
            connection.close()


async def _probe(connection: "psycopg2.extensions.connection", answered: asyncio.Event) -> None:
    """Ask now and then: a listener says nothing, so it would not notice that nobody speaks to it any more.

    Raises OperationalError when there is no answer.
    """
    cursor = connection.cursor()
    while True:
        await asyncio.sleep(PROBE_S)
        answered.clear()
        cursor.execute("SELECT 1")
        try:
            await asyncio.wait_for(answered.wait(), ANSWER_S)
        except TimeoutError:
            raise psycopg2.OperationalError("the listener's connection does not answer") from None


def _listening(database: Database) -> "psycopg2.extensions.connection":
    """A connection that listens and blocks nobody from now on. Raises psycopg2.Error."""
    url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    connection: psycopg2.extensions.connection = psycopg2.connect(url, async_=True, **NETWORK)
    _wait(connection)
    cursor = connection.cursor()  # psycopg2 wants it to live until the answer is there
    cursor.execute(f"LISTEN {CHANNEL}")
    _wait(connection)
    cursor.close()
    return connection


def _wait(connection: "psycopg2.extensions.connection") -> None:
    deadline = time.monotonic() + NETWORK["connect_timeout"]
    while (state := connection.poll()) != POLL_OK:
        reads, writes = ([connection], []) if state == POLL_READ else ([], [connection])
        left = deadline - time.monotonic()
        if left <= 0 or not any(select.select(reads, writes, [], left)):
            connection.close()
            raise psycopg2.OperationalError("the database does not answer")
