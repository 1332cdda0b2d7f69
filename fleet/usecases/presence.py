"""What the controller hears of postes, kept in batches: who is there, since when, doing what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import select, text, update

from fleet.database import alerts
from fleet.database.audit import Entry
from fleet.database.engine import Transaction
from fleet.database.leases import Lease
from fleet.database.sql import any_of
from fleet.database.tables import poste, presence
from fleet.usecases.fleet import Fleet
from protocol.messages import Info

PRESENCE = "presence"


@dataclass(frozen=True)
class Change:
    """A poste came, went, or nobody knows any more (`online` None). `heard_at` None: not heard, only told of."""

    poste_id: int
    online: bool | None
    boot: str | None
    connection: int
    heard_at: datetime | None


@dataclass(frozen=True)
class Beat:
    """The last heartbeat of a poste."""

    poste_id: int
    heard_at: datetime | None
    phase: str | None
    rev: int
    remaining_ms: int | None
    idle_s: int
    load: float


@dataclass(frozen=True)
class _Update:
    """One way to update many rows of presence, in the words of each database."""

    sets: tuple[str, ...]
    typed: str = ""

    def postgresql(self) -> str:
        sets = ", ".join(self.sets)
        return (
            f"UPDATE presence SET {sets} FROM json_to_recordset(%s)"  # noqa: S608 (constants of this file)
            f" AS v (poste_id bigint, heard_at timestamptz{self.typed}) WHERE presence.poste_id = v.poste_id"
        )

    def sqlite(self) -> str:
        sets = ", ".join(self.sets).replace("v.", ":")
        return f"UPDATE presence SET {sets} WHERE poste_id = :poste_id"  # noqa: S608 (constants of this file)


_CHANGED = _Update(
    (
        "derniere_connexion = coalesce(v.heard_at, derniere_connexion)",
        "online = v.online",
        "boot = v.boot",
        "connection = v.connection",
    ),
    ", online boolean, boot text, connection bigint",
)
_BEATS = _Update(
    (
        "derniere_connexion = coalesce(v.heard_at, derniere_connexion)",
        "phase = v.phase",
        "rev = v.rev",
        "remaining_ms = v.remaining_ms",
        "idle_s = v.idle_s",
        "load = v.load",
    ),
    ", phase text, rev bigint, remaining_ms bigint, idle_s integer, load double precision",
)


def changed(fleet: Fleet, lease: Lease, changes: Sequence[Change]) -> None:
    """Keep who came and who went; each real change has its audit entry."""
    with fleet.database.transaction(lease) as tx:
        ids = [change.poste_id for change in changes]
        wanted = select(presence.c.poste_id, presence.c.online).where(any_of(tx, presence.c.poste_id, ids))
        before = {row.poste_id: row.online for row in tx.execute(wanted)}
        moved = [one for one in changes if one.poste_id in before and before[one.poste_id] is not one.online]
        _update(tx, _CHANGED, changes)
        gone = [one.poste_id for one in moved]
        tx.execute(update(presence).where(any_of(tx, presence.c.poste_id, gone)).values(since=tx.now))
        for one in moved:
            if one.online or before[one.poste_id]:
                action = "connexion_poste" if one.online else "deconnexion_poste"
                tx.record(Entry(action, lease.site_id, poste_id=one.poste_id))
        if moved:
            tx.tell(lease.site_id, PRESENCE)


def beats(fleet: Fleet, lease: Lease, heard: Sequence[Beat]) -> None:
    """Keep the last heartbeats."""
    with fleet.database.transaction(lease) as tx:
        _update(tx, _BEATS, heard)


def phases(fleet: Fleet, lease: Lease, heard: Sequence[Beat]) -> None:
    """Keep what postes have just begun to do, and let those who watch know."""
    with fleet.database.transaction(lease) as tx:
        _update(tx, _BEATS, heard)
        tx.tell(lease.site_id, PRESENCE)


def infos(fleet: Fleet, lease: Lease, told: Mapping[int, Info]) -> None:
    """Keep what machines say they are, where that is news: a controller that starts hears them all."""
    rows = [
        {"poste_id": poste_id, "software": one.software, "info": msgspec.to_builtins(one)}
        for poste_id, one in told.items()
    ]
    with fleet.database.transaction(lease) as tx:
        if tx.is_postgresql:
            tx.connection.exec_driver_sql(_INFOS, (msgspec.json.encode(rows).decode(),))
            return
        for row in rows:
            values = {"version_client": row["software"], "info": row["info"]}
            tx.execute(update(presence).where(presence.c.poste_id == row["poste_id"]).values(values))


_INFOS = """
UPDATE presence SET version_client = v.software, info = v.info
FROM json_to_recordset(%s) AS v (poste_id bigint, software text, info jsonb)
WHERE presence.poste_id = v.poste_id AND presence.info IS DISTINCT FROM v.info
"""


def twins(fleet: Fleet, lease: Lease, told: Mapping[int, Sequence[str]], over: Sequence[int]) -> None:
    """Raise an alert for each poste that two machines say they are, with what these say of themselves; end those that
    are over."""
    with fleet.database.transaction(lease) as tx:
        for poste_id, machines in told.items():
            facts = {"machines": list(machines)}
            site_id = lease.site_id
            alerts.begin(tx, alerts.TWINS, str(poste_id), site_id=site_id, poste_id=poste_id, details=facts)
        for poste_id in over:
            alerts.end(tx, alerts.TWINS, str(poste_id))


def twinned(fleet: Fleet, site_id: int) -> list[str]:
    """The slugs of postes of which two machines were heard lately, as an earlier controller has found."""
    with fleet.database.read() as tx:
        keys = alerts.open_keys(tx, alerts.TWINS)
        mine = select(poste.c.id, poste.c.slug).where(poste.c.site_id == site_id)
        return [row.slug for row in tx.execute(mine) if str(row.id) in keys]


def heard(fleet: Fleet, site_id: int) -> dict[int, datetime]:
    """When each poste of a site was last heard, by the database's clock."""
    with fleet.database.read() as tx:
        wanted = text(
            "SELECT presence.poste_id, derniere_connexion FROM presence JOIN poste ON poste.id = poste_id"
            " WHERE site_id = :site AND derniere_connexion IS NOT NULL"
        ).columns(presence.c.poste_id, presence.c.derniere_connexion)
        return {row[0]: row[1] for row in tx.execute(wanted, {"site": site_id})}


def _update(tx: Transaction, how: _Update, rows: Sequence[Change] | Sequence[Beat]) -> None:
    if not rows:
        return
    if tx.is_postgresql:
        tx.connection.exec_driver_sql(how.postgresql(), (msgspec.json.encode(rows).decode(),))
    else:
        tx.execute(text(how.sqlite()), [{**vars(row), "heard_at": _stored(row.heard_at)} for row in rows])


def _stored(instant: datetime | None) -> str | None:
    return None if instant is None else instant.replace(tzinfo=None).isoformat(" ", "microseconds")
