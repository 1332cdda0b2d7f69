"""The audit trail: one gap-free, hash-chained list per site (chain 0: the deployment itself).

An entry's hash covers the previous hash and all that it says. Personal fields enter as a salted commitment, so
that erasing them (and the salt) leaves the chain verifiable.
"""

import hashlib
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Result,
    RowMapping,
    bindparam,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from fleet.database.prepared import PREPARED
from fleet.database.tables import chain_head, log, log_archive
from fleet.database.trips import Words

GENESIS = bytes(32)
_WHOM = 2
"""Where in the facts of a line the session, the poste and the person stand."""
_encode = msgspec.json.Encoder(order="deterministic").encode


@dataclass(frozen=True)
class Entry:
    """One line of the audit trail, before it gets its number. `personal` may be erased later."""

    action: str
    site_id: int | None = None
    operateur_id: int | None = None
    session_id: int | None = None
    poste_id: int | None = None
    utilisateur_id: int | None = None
    details: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    personal: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Broken:
    """Where a chain no longer holds: the site (0: the deployment), the number, and what is wrong there."""

    chain: int
    numero: int
    what: str


@dataclass(frozen=True)
class Head:
    """The last link of the chain of a site."""

    chain: int
    numero: int
    hash: bytes


def write(connection: Connection, entries: Sequence[Entry], now: datetime | None) -> None:
    """Append entries to their chains. Takes the lock of each chain, in order, until the commit."""
    chains: dict[int, list[Entry]] = {}
    for entry in entries:
        chains.setdefault(entry.site_id or 0, []).append(entry)
    for chain in sorted(chains):
        _append(connection, chain, chains[chain], now or datetime.now(UTC))


def _append(connection: Connection, chain: int, entries: Sequence[Entry], now: datetime) -> None:
    if len(entries) == 1 and connection.dialect.name == "postgresql":
        _append_one(connection, chain, entries[0], now)
        return
    numero, previous = _lock_head(connection, chain)
    rows: list[dict[str, Any]] = []
    for entry in entries:
        numero += 1
        row = {**_line(entry, now), "numero": numero, "previous_hash": previous}
        previous = row["hash"] = _hash(row)
        rows.append(row)
    if connection.dialect.name == "postgresql":
        _store_postgresql(connection, chain, rows)
        return
    connection.execute(insert(log), rows)
    connection.execute(
        update(chain_head).where(chain_head.c.chain == chain).values(numero=numero, hash=previous)
    )


# One statement for all lines and the new head: at the end of each transaction a round trip counts, and so does
# what binding 15 columns of 1,000 lines costs.
_STORE = text(
    """
WITH head AS (UPDATE chain_head SET numero = :numero, hash = :hash WHERE chain = :chain)
INSERT INTO log (site_id, numero, action, operateur_id, session_id, poste_id, utilisateur_id, details, metadata,
    personal, salt, commitment, created_at, previous_hash, hash)
SELECT site_id, numero, action, operateur_id, session_id, poste_id, utilisateur_id, details, metadata,
    personal, decode(salt, 'base64'), decode(commitment, 'base64'), created_at,
    decode(previous_hash, 'base64'), decode(hash, 'base64')
FROM json_to_recordset(CAST(:lines AS json)) AS line (site_id bigint, numero bigint, action text, operateur_id bigint,
    session_id bigint, poste_id bigint, utilisateur_id bigint, details text, metadata jsonb, personal jsonb,
    salt text, commitment text, created_at timestamptz, previous_hash text, hash text)
ORDER BY numero
"""
).execution_options(**PREPARED)


def _store_postgresql(connection: Connection, chain: int, rows: Sequence[dict[str, Any]]) -> None:
    lines = msgspec.json.encode(rows).decode()  # bytes become base64
    head = {"chain": chain, "numero": rows[-1]["numero"], "hash": rows[-1]["hash"]}
    connection.execute(_STORE, {**head, "lines": lines})


_BEGIN = Words(
    "ppm_begin_chain",
    "INSERT INTO chain_head (chain, numero, hash) VALUES (%(chain)s, 0, %(genesis)s) ON CONFLICT DO NOTHING",
)

# One line: the database numbers and links it, so that the head is locked for no longer than the commit takes. A chain
# without a head has no number to give, which the column refuses.
_APPEND = Words(
    "ppm_append",
    """
WITH head AS (
    UPDATE chain_head SET numero = before.numero + 1, hash = sha256(
        before.hash || convert_to('[' || before.chain || ',' || (before.numero + 1) || ',', 'UTF8') || %(said)s)
    FROM (SELECT chain, numero, hash FROM chain_head WHERE chain = %(chain)s FOR UPDATE) before
    WHERE chain_head.chain = before.chain
    RETURNING chain_head.numero, before.hash AS previous_hash, chain_head.hash
)
INSERT INTO log (site_id, numero, action, operateur_id, session_id, poste_id, utilisateur_id, details, metadata,
    personal, salt, commitment, created_at, previous_hash, hash)
SELECT %(site_id)s::bigint, head.numero, %(action)s, %(operateur_id)s::bigint, %(session_id)s::bigint,
    %(poste_id)s::bigint, %(utilisateur_id)s::bigint, %(details)s, %(metadata)s::jsonb, %(personal)s::jsonb,
    %(salt)s::bytea, %(commitment)s::bytea, %(created_at)s::timestamptz, head.previous_hash, head.hash
FROM (SELECT) line LEFT JOIN head ON true
""",
)


def _append_one(connection: Connection, chain: int, entry: Entry, now: datetime) -> None:
    line = _line(entry, now)
    said = _said(line)
    line["metadata"] = _encode(line["metadata"]).decode()
    if line["personal"] is not None:
        line["personal"] = _encode(line["personal"]).decode()
    begin_chain_later(connection, chain)
    _APPEND.later(connection, {**line, "chain": chain, "said": said})


def begin_chain_later(connection: Connection, chain: int) -> None:
    """Make sure that a chain has a head, on PostgreSQL, together with the next statement."""
    _BEGIN.later(connection, {"chain": chain, "genesis": GENESIS})


# Lines that tell the same of many: they come as arrays, and their hashes in one piece, each behind the one before it.
_ALIKE = Words(
    "ppm_alike",
    """
WITH head AS (
    UPDATE chain_head SET numero = %(numero)s::bigint + cardinality(%(sessions)s::bigint[]),
        hash = substring(%(hashes)s::bytea FROM 32 * cardinality(%(sessions)s::bigint[]) + 1)
    WHERE chain = %(chain)s::bigint
)
INSERT INTO log (site_id, numero, action, session_id, poste_id, utilisateur_id, metadata, created_at, previous_hash,
    hash)
SELECT %(chain)s::bigint, %(numero)s::bigint + n, %(action)s, session_id, poste_id, utilisateur_id, %(metadata)s::jsonb,
    %(created_at)s::timestamptz, substring(%(hashes)s::bytea FROM (32 * n - 31)::int FOR 32),
    substring(%(hashes)s::bytea FROM (32 * n + 1)::int FOR 32)
FROM unnest(%(sessions)s::bigint[], %(postes)s::bigint[], %(people)s::bigint[])
    WITH ORDINALITY AS line (session_id, poste_id, utilisateur_id, n)
""",
)
Whom = tuple[int, int, int | None]
"""A session, its poste, and its person if it has one."""


def append_alike_later(
    connection: Connection,
    head: Head,
    action: str,
    facts: Mapping[str, Any],
    now: datetime,
    whom: Sequence[Whom],
) -> None:
    """Append a line for each of these to the chain of a site, on PostgreSQL, together with the next statement.

    They tell the same of each. `head` is locked, and was read under its lock.
    """
    entry = Entry(action, head.chain, metadata=facts)
    said = _facts(_line(entry, now))
    begin, end = _encode(said[:_WHOM])[1:-1] + b",", b"," + _encode(said[_WHOM + 3 :])[1:]
    hashes = [head.hash]
    for numero, one in enumerate(whom, head.numero + 1):
        line = b"[%d,%d,%b%b%b" % (head.chain, numero, begin, _encode(one)[1:-1], end)
        hashes.append(hashlib.sha256(hashes[-1] + line).digest())
    sessions, postes, people = (list(column) for column in zip(*whom, strict=True))
    _ALIKE.later(
        connection,
        {
            "chain": head.chain,
            "numero": head.numero,
            "action": action,
            "metadata": _encode(said[6]).decode(),
            "created_at": now,
            "sessions": sessions,
            "postes": postes,
            "people": people,
            "hashes": b"".join(hashes),
        },
    )


_HEAD = (
    select(chain_head.c.numero, chain_head.c.hash)
    .where(chain_head.c.chain == bindparam("wanted"))
    .with_for_update()
    .execution_options(**PREPARED)
)


def _lock_head(connection: Connection, chain: int) -> tuple[int, bytes]:
    head = connection.execute(_HEAD, {"wanted": chain}).first()
    if head is None:
        _begin_chain(connection, chain)
        head = connection.execute(_HEAD, {"wanted": chain}).one()
    return head.numero, bytes(head.hash)


def _begin_chain(connection: Connection, chain: int) -> None:
    """The first link; two that write the first entry of a site at once make it once."""
    upsert = pg_insert if connection.dialect.name == "postgresql" else sqlite_insert
    first = upsert(chain_head).on_conflict_do_nothing(index_elements=["chain"])
    connection.execute(first, {"chain": chain, "numero": 0, "hash": GENESIS})


def _line(entry: Entry, now: datetime) -> dict[str, Any]:
    salt = secrets.token_bytes(16) if entry.personal else None
    commitment = _commitment(salt, entry.personal) if salt and entry.personal else None
    return {
        "site_id": entry.site_id,
        "action": entry.action,
        "operateur_id": entry.operateur_id,
        "session_id": entry.session_id,
        "poste_id": entry.poste_id,
        "utilisateur_id": entry.utilisateur_id,
        "details": entry.details,
        "metadata": dict(entry.metadata),
        "personal": dict(entry.personal) if entry.personal else None,
        "salt": salt,
        "commitment": commitment,
        "created_at": now,
    }


def _commitment(salt: bytes, personal: Mapping[str, Any]) -> bytes:
    return hashlib.sha256(salt + _encode(dict(personal))).digest()


def _hash(row: Mapping[str, Any]) -> bytes:
    numbered = f"[{row['site_id'] or 0},{row['numero']},".encode()
    return hashlib.sha256(row["previous_hash"] + numbered + _said(row)).digest()


def _said(row: Mapping[str, Any]) -> bytes:
    """What a line says, as it enters the hash: the rest of a list that its chain and its number begin."""
    return _encode(_facts(row))[1:]


def _facts(row: Mapping[str, Any]) -> list[Any]:
    return [
        row["action"],
        row["operateur_id"],
        row["session_id"],
        row["poste_id"],
        row["utilisateur_id"],
        row["details"],
        row["metadata"],
        bytes(row["commitment"] or b"").hex(),
        row["created_at"].astimezone(UTC).isoformat(timespec="microseconds"),
    ]


def verify(connection: Connection) -> Iterator[Broken]:
    """Go through every chain and tell the first row of each that does not hold, if any.

    A chain whose beginning was archived and purged goes on where its archive ends.
    """
    for chain, (numero, previous) in _begins(connection).items():
        broken = _verify(connection, chain, numero, previous)[1]
        if broken is not None:
            yield broken


@dataclass(frozen=True)
class Checked:
    """What was gone through of the trail: how many rows, what does not hold, and (chain, numero) to go on from."""

    rows: int
    broken: list[Broken]
    after: tuple[int, int] | None


def verify_part(connection: Connection, after: tuple[int, int], most: int) -> Checked:
    """The same bit by bit, in the order of the chains: from after this row on, for at most so many rows.

    Raises LookupError where there is no such row.
    """
    rows, broken = 0, []
    for chain, (numero, previous) in _begins(connection).items():
        if chain < after[0]:
            continue
        if chain == after[0] and after[1] > numero:
            numero, previous = after[1], _hash_at(connection, chain, after[1])
        seen, wrong_here, last = _verify(connection, chain, numero, previous, most - rows)
        rows += seen
        broken += [] if wrong_here is None else [wrong_here]
        if last is not None:
            return Checked(rows, broken, (chain, last))
    return Checked(rows, broken, None)


def length(connection: Connection) -> int:
    """How many rows there are to verify: those of all chains without what was purged."""
    heads = {row.chain: row.numero for row in connection.execute(select(chain_head))}
    return sum(max(0, heads.get(chain, 0) - begin) for chain, (begin, _) in _begins(connection).items())


def _begins(connection: Connection) -> dict[int, tuple[int, bytes]]:
    """Each chain in order, with the number and the hash that its first row follows on."""
    heads = connection.execute(select(chain_head.c.chain)).scalars()
    known = connection.execute(select(log.c.site_id).distinct()).scalars()
    purged = select(log_archive.c.chain, log_archive.c.dernier, log_archive.c.hash)
    purged = purged.where(log_archive.c.purge_a.is_not(None)).order_by(log_archive.c.dernier)
    begins = {row.chain: (row.dernier, bytes(row.hash)) for row in connection.execute(purged)}
    chains = sorted({*heads, *(site_id or 0 for site_id in known)})
    return {chain: begins.get(chain, (0, GENESIS)) for chain in chains}


def _hash_at(connection: Connection, chain: int, numero: int) -> bytes:
    """What the row after this one must follow on. Raises LookupError."""
    mine = (on_chain(chain), log.c.numero == numero)
    found = connection.execute(select(log.c.hash).where(*mine)).scalar_one_or_none()
    if found is None:
        raise LookupError(numero)
    return bytes(found)


def _verify(
    connection: Connection, chain: int, numero: int, previous: bytes, most: int | None = None
) -> tuple[int, Broken | None, int | None]:
    """How many rows were looked at, the first that does not hold, and the last number where `most` ended it."""
    rows = 0
    for row in rows_of(connection, chain, numero, most=most).mappings():
        rows += 1
        what = wrong(row, previous) if row["numero"] == numero + 1 else "missing"
        if what is not None:
            return rows, Broken(chain, numero + 1, what), None
        numero, previous = row["numero"], bytes(row["hash"])
    head = connection.execute(select(chain_head).where(chain_head.c.chain == chain)).first()
    if rows == most and head is not None and head.numero > numero:
        return rows, None, numero
    if head is None or (head.numero, bytes(head.hash)) != (numero, previous):
        return rows, Broken(chain, numero + 1, "end cut off"), None
    return rows, None, None


def rows_of(
    connection: Connection, chain: int, after: int = 0, until: int | None = None, most: int | None = None
) -> Result[Any]:
    """The entries of a chain in order, read bit by bit."""
    wanted = select(log).where(on_chain(chain), log.c.numero > after).order_by(log.c.numero)
    if until is not None:
        wanted = wanted.where(log.c.numero <= until)
    return connection.execution_options(yield_per=1000).execute(wanted.limit(most))


def on_chain(chain: int) -> ColumnElement[bool]:
    """The entries of one chain, in the words of its index."""
    return func.coalesce(log.c.site_id, text("0")) == chain


def line(row: Mapping[str, Any]) -> bytes:
    """An entry as it is kept outside: all that its hash covers, and nothing personal."""
    chained = [bytes(row["previous_hash"]).hex(), bytes(row["hash"]).hex()]
    return _encode([row["site_id"] or 0, row["numero"], *_facts(row), *chained])


def read_line(written: bytes) -> tuple[int, bytes, bytes]:
    """Number, previous hash and hash of a line that was kept outside. Raises ValueError when it was altered."""
    *said, previous, hashed = msgspec.json.decode(written)
    if hashlib.sha256(bytes.fromhex(previous) + _encode(said)).hexdigest() != hashed:
        raise ValueError("altered")
    return said[1], bytes.fromhex(previous), bytes.fromhex(hashed)


@dataclass(frozen=True)
class Anchor:
    """Where a chain is: kept elsewhere, it shows later that nothing before it was rewritten."""

    chain: int
    numero: int
    hash: str


def anchors(connection: Connection) -> list[Anchor]:
    """Where each chain is now."""
    rows = connection.execute(select(chain_head).order_by(chain_head.c.chain))
    return [Anchor(row.chain, row.numero, bytes(row.hash).hex()) for row in rows]


def denied(connection: Connection, kept: Sequence[Anchor]) -> Iterator[Broken]:
    """The anchors that the trail of now no longer passes through."""
    for anchor in kept:
        mine = (on_chain(anchor.chain), log.c.numero == anchor.numero)
        found = connection.execute(select(log.c.hash).where(*mine)).scalar_one_or_none()
        archived = (log_archive.c.chain == anchor.chain, log_archive.c.dernier >= anchor.numero)
        if found is None and connection.execute(select(log_archive.c.dernier).where(*archived)).first():
            continue
        if found is None or bytes(found).hex() != anchor.hash:
            yield Broken(anchor.chain, anchor.numero, "not the row of the anchor")


def wrong(row: RowMapping, previous: bytes) -> str | None:
    """What is wrong with an entry that should follow on `previous`; None where it holds."""
    if bytes(row["previous_hash"]) != previous:
        return "does not follow its predecessor"
    if _hash({**row, "previous_hash": bytes(row["previous_hash"])}) != bytes(row["hash"]):
        return "altered"
    personal, salt = row["personal"], row["salt"]
    if personal is not None and (
        salt is None or _commitment(bytes(salt), personal) != bytes(row["commitment"])
    ):
        return "personal data altered"
    return None
