"""Lines of the audit trail as they are counted: of a period, in the gaps between closed weeks, by what they say."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import CTE, CompoundSelect, func, select, union_all

from fleet.database import rollups
from fleet.database.engine import Transaction
from fleet.database.tables import log

REFUSALS = ("refus", "echec_code")
REFUSED = "refuse"
"""How often the rules said no: a line may stand for several times, which `refus` counts once."""


def lines(
    tx: Transaction, gap: CTE, columns: Callable[[Any], Sequence[Any]], only: Sequence[str] = ()
) -> CompoundSelect[Any]:
    """The columns of the lines in the gaps, of sites and, where it is among them, of the deployment itself."""
    parts = []
    for itself in (False, True):
        rows, joined = rollups.rows_within(tx, log, "created_at", gap, itself=itself)
        part = select(*columns(rows.c)).select_from(joined)
        parts.append(part.where(rows.c.action.in_(only)) if only else part)
    return union_all(*parts)


def reason(line: Any) -> Any:
    """Why the rules said no."""
    return func.coalesce(line.metadata["motif"].as_string(), line.action)


def times(line: Any) -> Any:
    """How many refusals a line stands for."""
    return 1 + func.coalesce(line.metadata["autres_refus"].as_integer(), 0)
