"""What a consent that is taken back takes along."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, delete

from fleet.database import erasing
from fleet.database.engine import Transaction
from fleet.database.register import CONSENT
from fleet.database.tables import photo
from fleet.domain import optional_fields
from fleet.domain.actor import Actor
from fleet.domain.session import Session
from fleet.usecases import withdrawals

REASON = "consentement_retire"


def taken_back(tx: Transaction, actor: Actor, row: Row[Any], waiting: Sequence[Session]) -> dict[str, Any]:
    """Forget what rested on somebody's consent alone, and withdraw what they hold. Gives what changes in the row."""
    tx.forget(CONSENT, row.id)
    erasing.hold_back_answers(tx)
    withdrawals.give_back(tx, actor, row.id, waiting, REASON)
    tx.execute(delete(photo).where(photo.c.utilisateur_id == row.id))
    rested = dict.fromkeys((*optional_fields.RESTS_ON_CONSENT, "date_consentement", "version_notice"))
    gone = {**rested, "consentement_rgpd": False}
    return {name: value for name, value in gone.items() if getattr(row, name) != value}
