"""One act on many things: each for itself, with its own outcome, so that one refusal stops nothing."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from msgspec import Struct

from fleet.domain.errors import Forbidden, Invalid, Refused

MOST = 200
T = TypeVar("T", bound=str | int)


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of one of many: `fait`, or why not."""

    id: str | int
    fait: bool
    motif: str | None = None
    motif_texte: str | None = None


class Outcomes(Struct, frozen=True):
    """What became of each, in the order in which they were named."""

    total: int
    faits: int
    resultats: list[Outcome]


def each(items: Sequence[T], work: Callable[[T], object], most: int = MOST) -> Outcomes:
    """Do this for each, once. Raises Invalid for too many, Forbidden at once for whoever may do none of it."""
    once = list(dict.fromkeys(items))
    if len(once) > most:
        raise Invalid("ids", "valeur_invalide", regle=f"de 1 à {most} éléments")
    # In the order of the ids: with an Idempotency-Key all of it is one transaction, and two of them may cross.
    done = {item: _one(item, work) for item in sorted(once, key=lambda item: (isinstance(item, str), item))}
    results = [done[item] for item in once]
    return Outcomes(len(results), sum(one.fait for one in results), results)


def _one(item: T, work: Callable[[T], object]) -> Outcome:
    try:
        work(item)
    except Forbidden:
        raise
    except Refused as refusal:
        return Outcome(id=item, fait=False, motif=refusal.reason, motif_texte=refusal.said)
    return Outcome(id=item, fait=True)
