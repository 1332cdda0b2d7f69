"""What every use case works with: the database, the keys of the codes, and how refusals are kept."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import select

from fleet.database.audit import Entry
from fleet.database.engine import Database, Transaction
from fleet.database.leases import Lease
from fleet.database.tables import alert, batch, booking, poste, queue, session, site
from fleet.domain.actor import Actor
from fleet.domain.errors import Forbidden, Foreign, Invalid, NotFound, Refused
from fleet.usecases.sealing import CodeKeys

FLOOD_S = 60.0
READING = "lecture"
FOREIGN = "hors_de_portee"
"""Why, in the trail, of what is answered as not found."""
_PLACES = {
    "site": site.c.id,
    "session": session.c.site_id,
    "poste": poste.c.site_id,
    "lot": batch.c.site_id,
    "ticket": queue.c.site_id,
    "reservation": booking.c.site_id,
    "alerte": alert.c.site_id,
}
"""Of which site a thing is."""


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
            with self.guarded(actor, action), self.database.transaction(lease) as tx:
                yield tx, about
        except (Invalid, NotFound):
            raise
        except Refused as refusal:
            self.keep_refusal(actor, action, about, refusal, lease)
            raise

    @contextmanager
    def guarded(self, actor: Actor, action: str = READING) -> Iterator[None]:
        """What is asked in the block of another site is kept in that site's audit trail, once the block is left."""
        try:
            yield
        except Foreign as refusal:
            # A number that somebody made up is no site, and gets no trail.
            if refusal.thing != "site" or self.about("site", refusal.site_id).site_id is not None:
                about = About(refusal.site_id, **_named(refusal.thing, refusal.number))
                self.keep_refusal(actor, action, about, refusal)
            raise

    def require_site(self, actor: Actor, site_id: int, action: str = READING) -> None:
        """Raise Foreign, kept in the audit trail of the site, for one that is not the actor's."""
        with self.guarded(actor, action):
            actor.require_site(site_id)

    def require(self, actor: Actor, role: str, action: str, **of: int | None) -> None:
        """Raise Forbidden, kept in the audit trail like any refusal, unless the actor's role is at least this one.

        `of` is what it is about (one of _PLACES, by its number): the trail is that of its site.
        """
        try:
            actor.require(role)
        except Forbidden as refusal:
            abouts = (self.about(thing, number) for thing, number in of.items())
            self.keep_refusal(actor, action, next(abouts, About()), refusal)
            raise

    def about(self, thing: str, number: int | None) -> About:
        """A thing and its site; nothing where there is no such thing."""
        where = _PLACES[thing]
        with self.database.glance() as tx:
            row = tx.execute(select(where).where(where.table.c.id == number)).first()
        return About() if row is None else About(row[0], **_named(thing, number))

    def keep_refusal(
        self, actor: Actor, action: str, about: About, refusal: Refused, lease: Lease | None = None
    ) -> None:
        """Write a refusal to the audit trail; of a flood of the same, one now and then that counts the others.

        Of who has no right to something, all that they try at one site is the same: else they could fill the trail.
        """
        is_denied = isinstance(refusal, Foreign | Forbidden)
        which = () if is_denied else (about.session_id, about.poste_id)
        kind = (actor.operateur_id, actor.poste_id, about.site_id, which, action, refusal.reason)
        missed = self._flood(kind)
        if missed is None:
            return
        facts: dict[str, object] = {"tentative": action, "motif": refusal.reason}
        if isinstance(refusal, Foreign):
            facts |= {"motif": FOREIGN, "chose": refusal.thing, "numero": refusal.number}
        elif refusal.details:
            facts["phrase"] = refusal.fr
        if actor.poste_id is not None:
            facts["par_poste"] = actor.poste_id
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


def _named(thing: str, number: int | None) -> dict[str, int | None]:
    """The columns of an entry that name a thing."""
    return {f"{thing}_id": number} if thing in ("session", "poste") else {}
