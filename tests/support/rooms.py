"""A site with postes and people in a database, and what happens there, in few words."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row, insert, select, update

from fleet.database import leases, outbox, tables
from fleet.database.engine import Database, Transaction
from fleet.database.leases import Lease
from fleet.database.outbox import Wanted
from fleet.domain.actor import OPERATEUR, Actor
from fleet.domain.errors import Refused
from fleet.usecases import acks, kiosk, sessions
from fleet.usecases.fleet import Fleet
from fleet.usecases.sealing import CodeKeys
from protocol import messages

BOOT = "boot-1"
KEYS = CodeKeys.from_secret(b"a secret of the tests, 32 bytes!")
_numbers = itertools.count(1)


class Undone(Exception):
    """Raised by tests to undo a transaction."""


@dataclass
class Room:
    """A site, its postes (all online, at BOOT), and its lease."""

    fleet: Fleet
    site_id: int
    postes: list[int]
    lease: Lease
    actor: Actor = field(default_factory=lambda: Actor(role=OPERATEUR, ip="192.0.2.7"))

    @contextmanager
    def tx(self) -> Iterator[Transaction]:
        """A transaction, committed at its end."""
        with self.fleet.database.transaction() as tx:
            yield tx

    def person(self, **fields: Any) -> int:
        """A member of the public who has given consent."""
        now = datetime.now(UTC)
        values = {
            "nom": "Payet",
            "prenom": "Marie",
            "consentement_rgpd": True,
            "created_at": now,
            "updated_at": now,
        }
        with self.tx() as tx:
            made = tx.execute(
                insert(tables.utilisateur).values(**values | fields).returning(tables.utilisateur.c.id)
            )
            return int(made.scalar_one())

    def new(
        self, seconds: int = 3600, *, poste: int | None = None, person: int | None = None
    ) -> sessions.Created:
        """A session that waits for its code."""
        wanted = sessions.NewSession(self.site_id, seconds, poste, person)
        return sessions.create(self.fleet, self.actor, wanted)

    def type(self, code: str, poste: int, *, request: str | None = None, boot: str = BOOT) -> kiosk.Yes:
        """A visitor types a code at a poste."""
        asked = messages.Start(id=request or f"q-{next(_numbers)}", nonce="n", boot=boot, code=code)
        return kiosk.start(self.fleet, self.lease, poste, asked)

    def done(self, poste: int, session_id: int, left_ms: int, *, rev: int | None = None) -> list[Wanted]:
        """The poste acknowledges what it was told, with its own measure."""
        ack = messages.Ack(
            id=acks.DESIRED,
            boot=BOOT,
            status="done",
            term=self.lease.term,
            rev=self.wanted(poste).rev if rev is None else rev,
            session=str(session_id),
            remaining_ms=left_ms,
        )
        return acks.applied(self.fleet, self.lease, [(poste, ack)])

    def running(self, seconds: int = 3600, *, poste: int | None = None, person: int | None = None) -> int:
        """A session that runs at a poste, confirmed."""
        where = poste or self.postes[0]
        made = self.new(seconds, person=person)
        self.type(made.code, where)
        self.done(where, made.session_id, seconds * 1000)
        return made.session_id

    def resync(self, poste: int, *, heard: datetime | None = None, **told: Any) -> kiosk.Yes:
        """The poste says what it does."""
        said = {"id": f"r-{next(_numbers)}", "nonce": "n", "boot": BOOT, "term": 1, "phase": "locked", **told}
        said.setdefault("rev", self.wanted(poste).rev)
        return kiosk.resync(self.fleet, self.lease, poste, messages.Resync(**said), heard)

    def pass_time(self, session_id: int, **duration: float) -> None:
        """Let a session be older by so much."""
        with self.tx() as tx:
            row = tx.execute(select(tables.session).where(tables.session.c.id == session_id)).one()
            moved = {
                column: getattr(row, column) - timedelta(**duration)
                for column in (
                    "debut_session",
                    "fin_prevue",
                    "confirmer_avant",
                    "suspendue_depuis",
                    "suspendue_jusqu_a",
                    "code_expire_a",
                )
                if getattr(row, column) is not None
            }
            tx.execute(update(tables.session).where(tables.session.c.id == session_id).values(**moved))

    def rules(self, **policy: Any) -> None:
        """Change the policy of the site."""
        with self.tx() as tx:
            mine = update(tables.site).where(tables.site.c.id == self.site_id)
            tx.execute(mine.values(politique=policy, config_rev=tables.site.c.config_rev + 1))

    def hours(
        self, week: dict[str, Any], exceptions: dict[str, Any] | None = None, zone: str = "UTC"
    ) -> None:
        """Change the opening hours of the site."""
        with self.tx() as tx:
            mine = update(tables.site).where(tables.site.c.id == self.site_id)
            values = {"horaires": week, "exceptions": exceptions or {}, "zone": zone}
            tx.execute(mine.values(**values, config_rev=tables.site.c.config_rev + 1))

    def at_noon(self) -> None:
        """Move the site to where it is noon, so that the local day does not change during a test."""
        west = datetime.now(UTC).hour - 12
        self.hours({}, zone=f"Etc/GMT{west:+d}")

    def closes_in(self, seconds: int) -> datetime:
        """Let the site be open until so many seconds from now, to the minute (which it gives)."""
        closing = (datetime.now(UTC) + timedelta(seconds=seconds)).replace(second=0, microsecond=0)
        begin = closing - timedelta(hours=6)
        spans: dict[str, Any] = {begin.date().isoformat(): [[f"{begin:%H:%M}", "24:00"]]}
        if begin.date() == closing.date():
            spans[begin.date().isoformat()] = [[f"{begin:%H:%M}", f"{closing:%H:%M}"]]
        elif closing.time() != datetime.min.time():
            spans[closing.date().isoformat()] = [["00:00", f"{closing:%H:%M}"]]
        self.hours({"0": []}, spans)
        return closing

    def presence(self, poste: int, **values: Any) -> None:
        """Change what was heard of a poste."""
        with self.tx() as tx:
            tx.execute(update(tables.presence).where(tables.presence.c.poste_id == poste).values(**values))

    def row(self, session_id: int) -> Row[Any]:
        """The session as stored."""
        with self.fleet.database.read() as tx:
            return tx.execute(select(tables.session).where(tables.session.c.id == session_id)).one()

    def wanted(self, poste: int) -> Wanted:
        """What the poste should do."""
        with self.fleet.database.read() as tx:
            return outbox.of_poste(tx, poste)

    def ledger(self, session_id: int) -> list[tuple[str, int]]:
        """What was granted to a session: kind and milliseconds, in order."""
        octroi = tables.grant
        wanted = select(octroi.c.genre, octroi.c.montant_ms).where(octroi.c.session_id == session_id)
        with self.fleet.database.read() as tx:
            return [(row.genre, row.montant_ms) for row in tx.execute(wanted.order_by(octroi.c.id))]

    def log(self, action: str | None = None) -> list[Row[Any]]:
        """The audit trail of the site, or its entries of one action."""
        wanted = select(tables.log).where(tables.log.c.site_id == self.site_id).order_by(tables.log.c.numero)
        if action is not None:
            wanted = wanted.where(tables.log.c.action == action)
        with self.fleet.database.read() as tx:
            return list(tx.execute(wanted).all())

    def refusal(self, action: Any, *args: Any, **kwargs: Any) -> str:
        """The reason why something is refused. Fails when it is not."""
        try:
            action(*args, **kwargs)
        except Refused as refused:
            return refused.reason
        raise AssertionError("it was not refused")


def make_room(database: Database, postes: int = 3, **policy: Any) -> Room:
    """A site that is always open, with postes that are there."""
    number, now = next(_numbers), datetime.now(UTC)
    stamps = {"created_at": now, "updated_at": now}
    with database.transaction() as tx:
        site = {
            "slug": f"site-{number}",
            "nom": f"Site {number}",
            "zone": "Indian/Reunion",
            "politique": policy,
        }
        made = insert(tables.site).values(**site, **stamps).returning(tables.site.c.id)
        site_id = int(tx.execute(made).scalar_one())
        ids = [_add_poste(tx, site_id, f"p{number}-{n}", stamps) for n in range(1, postes + 1)]
        lease = leases.acquire(tx.connection, site_id, "tests", tx.now)
    assert lease is not None
    return Room(Fleet(database, KEYS), site_id, ids, lease)


def _add_poste(tx: Transaction, site_id: int, slug: str, stamps: dict[str, datetime]) -> int:
    poste = {"slug": slug, "site_id": site_id, "nom": slug, **stamps}
    made = tx.execute(insert(tables.poste).values(**poste).returning(tables.poste.c.id))
    poste_id = int(made.scalar_one())
    tx.execute(insert(tables.desired).values(poste_id=poste_id, site_id=site_id))
    heard = {"online": True, "boot": BOOT, "connection": 1, "derniere_connexion": stamps["created_at"]}
    tx.execute(insert(tables.presence).values(poste_id=poste_id, **heard))
    return poste_id
