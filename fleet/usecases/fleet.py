"""What every use case works with: the database, the keys of the codes, and how refusals are kept."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from fleet.database.audit import Entry
from fleet.database.engine import Database, Transaction
from fleet.database.leases import Lease
from fleet.domain.actor import Actor
from fleet.domain.errors import Forbidden, Invalid, NotFound, Refused
from fleet.usecases.sealing import CodeKeys

FLOOD_S = 60.0


@dataclass
class About:
    """What a use case turned out to be about, for the audit entry of its refusal."""

    site_id: int | None = None
    session_id: int | None = None
    poste_id: int | None = None
    utilisateur_id: int | None = None


@dataclass
class Fleet:
    """The memory of the deployment and its code keys. Safe to share between threads."""

    database: Database
    keys: CodeKeys
    _floods: dict[tuple[object, ...], tuple[float, int]] = field(default_factory=dict)

    @contextmanager
    def attempt(
        self, actor: Actor, action: str, lease: Lease | None = None
    ) -> Iterator[tuple[Transaction, About]]:
        """A transaction whose refusal is committed to the audit trail, though nothing else is."""
        about = About()
        try:
            with self.database.transaction(lease) as tx:
                yield tx, about
        except (Invalid, NotFound):
            raise
        except Refused as refusal:
            self.keep_refusal(actor, action, about, refusal, lease)
            raise

    def require(self, actor: Actor, role: str, action: str) -> None:
        """Raise Forbidden, kept in the audit trail like any refusal, unless the actor's role is at least this one."""
        try:
            actor.require(role)
        except Forbidden as refusal:
            self.keep_refusal(actor, action, About(), refusal)
            raise

    def keep_refusal(
        self, actor: Actor, action: str, about: About, refusal: Refused, lease: Lease | None = None
    ) -> None:
        """Write a refusal to the audit trail; of a flood of the same, one now and then that counts the others."""
        kind = (actor.operateur_id, about.session_id, about.poste_id, action, refusal.reason)
        missed = self._flood(kind)
        if missed is None:
            return
        facts: dict[str, object] = {"tentative": action, "motif": refusal.reason}
        if refusal.details:
            facts["phrase"] = refusal.fr
        if missed:
            facts["autres_refus"] = missed
        with self.database.transaction(lease) as tx:
            tx.record(
                Entry(
                    "refus",
                    about.site_id,
                    operateur_id=actor.operateur_id,
                    session_id=about.session_id,
                    poste_id=about.poste_id,
                    utilisateur_id=about.utilisateur_id,
                    metadata=facts,
                    personal={"ip": actor.ip} if actor.ip else None,
                )
            )

    def _flood(self, kind: tuple[object, ...]) -> int | None:
        """How many refusals of a kind went unwritten since the last one; None while this one should too."""
        now = time.monotonic()
        since, missed = self._floods.get(kind, (-FLOOD_S, 0))
        if now - since < FLOOD_S:
            self._floods[kind] = (since, missed + 1)
            return None
        if len(self._floods) > 10_000:
            self._floods.clear()
        self._floods[kind] = (now, 0)
        return missed
