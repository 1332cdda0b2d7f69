"""A poste that awaits a technician: a clean-up left something, so no visitor sits down before somebody looked."""

from collections.abc import Sequence

from sqlalchemy import update

from fleet.database import alerts
from fleet.database.engine import Transaction
from fleet.database.tables import desired

LEFTOVERS = "restes"


def begin(tx: Transaction, site_id: int, poste_id: int, leftovers: Sequence[str]) -> None:
    """Keep visitors away, and raise the alert."""
    tx.execute(update(desired).where(desired.c.poste_id == poste_id).values(needs_care=LEFTOVERS))
    details = {"restes": list(leftovers)}
    alerts.begin(tx, alerts.LEFTOVERS, str(poste_id), site_id=site_id, poste_id=poste_id, details=details)


def end(tx: Transaction, poste_id: int) -> bool:
    """It is cared for: clean at last, or put back in service by a person. True when it was awaited."""
    awaited = (desired.c.poste_id == poste_id, desired.c.needs_care.is_not(None))
    done = tx.execute(update(desired).where(*awaited).values(needs_care=None)).rowcount == 1
    if done:
        alerts.end(tx, alerts.LEFTOVERS, str(poste_id))
    return done
