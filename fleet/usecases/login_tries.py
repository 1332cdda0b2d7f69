"""Wrong passwords by (login, source), kept for all processes: somebody else's tries never lock an operator out."""

import hashlib
import ipaddress

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from fleet.database.engine import Transaction
from fleet.database.tables import login_tries as table
from fleet.domain import throttle
from fleet.domain.errors import Refused

_NETWORK_V6 = 64


def key(login: str, source: str) -> bytes:
    """Under what tries for a login from an address are counted. One machine has a whole /64 of IPv6 addresses."""
    return hashlib.sha256(f"{login}\0{_network(source)}".encode()).digest()


def _network(source: str) -> str:
    try:
        address = ipaddress.ip_address(source.partition("%")[0])
    except ValueError:
        return source
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
        return str(ipaddress.IPv6Network((address, _NETWORK_V6), strict=False))
    return str(address)


def check(tx: Transaction, counted: bytes) -> None:
    """Raise Refused while the next try must wait."""
    row = tx.execute(select(table).where(table.c.key == counted)).first()
    wait_s = 0 if row is None else throttle.Tries(row.failures, row.last_at, row.blocked_until).wait_s(tx.now)
    if wait_s:
        raise Refused("trop_d_essais_operateur", retry_after_s=wait_s, attente=wait_s)


def failed(tx: Transaction, counted: bytes) -> None:
    """One more wrong try, counted under its lock; what is old is forgotten."""
    tx.execute(delete(table).where(table.c.last_at < tx.now - throttle.FORGET_AFTER, table.c.key != counted))
    add = pg_insert(table) if tx.is_postgresql else sqlite_insert(table)
    tx.execute(add.values(key=counted, failures=0, last_at=tx.now).on_conflict_do_nothing())
    row = tx.execute(select(table).where(table.c.key == counted).with_for_update()).one()
    made = throttle.failed(throttle.Tries(row.failures, row.last_at, row.blocked_until), tx.now)
    values = {"failures": made.failures, "last_at": made.last_at, "blocked_until": made.blocked_until}
    tx.execute(update(table).where(table.c.key == counted).values(**values))


def forget(tx: Transaction, counted: bytes) -> None:
    """The right one came: count anew."""
    tx.execute(delete(table).where(table.c.key == counted))
