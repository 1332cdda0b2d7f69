"""Lines of the audit trail as they are counted: by what the rules refused."""

from typing import Any

from sqlalchemy import func

from fleet.database.tables import log

REFUSALS = ("refus", "echec_code")
REFUSED = "refuse"
"""How often the rules said no: a line may stand for several times, which `refus` counts once."""


def reason() -> Any:
    """Why the rules said no."""
    return func.coalesce(log.c.metadata["motif"].as_string(), log.c.action)


def times() -> Any:
    """How many refusals a line stands for."""
    return 1 + func.coalesce(log.c.metadata["autres_refus"].as_integer(), 0)
