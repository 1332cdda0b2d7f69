"""One-time tickets: how a page opens its WebSocket without putting its access token into an address."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert

from fleet.database.tables import ws_ticket as table
from fleet.domain.actor import Actor
from fleet.usecases.fleet import Fleet
from fleet.usecases.passwords import digest

TTL = timedelta(seconds=30)


@dataclass(frozen=True)
class Redeemed:
    """Whose ticket it was, of which generation, and until when its holder was logged in."""

    operateur_id: int
    generation: int
    good_until: datetime


def issue(fleet: Fleet, actor: Actor, good_until: datetime) -> str:
    """A ticket for an operator who is logged in until then. Good once, for TTL."""
    ticket = secrets.token_urlsafe(32)
    with fleet.database.transaction() as tx:
        mine = table.c.operateur_id == actor.operateur_id
        tx.execute(delete(table).where(mine, table.c.expires_at <= tx.now))
        values = {
            "operateur_id": actor.operateur_id,
            "generation": actor.generation,
            "good_until": good_until,
        }
        tx.execute(insert(table).values(token_hash=digest(ticket), expires_at=tx.now + TTL, **values))
    return ticket


def redeem(fleet: Fleet, ticket: str) -> Redeemed | None:
    """Use a ticket; None for one that is unknown, used or over. Whatever the process, it works once."""
    with fleet.database.transaction() as tx:
        row = tx.execute(delete(table).where(table.c.token_hash == digest(ticket)).returning(table)).first()
        if row is None or row.expires_at <= tx.now:
            return None
        return Redeemed(row.operateur_id, row.generation, row.good_until)
