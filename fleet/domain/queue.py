"""Waiting for the next free poste: the states of a ticket, and how long it may still take."""

from collections.abc import Sequence

EN_FILE, APPELEE, SERVIE, ABANDONNEE, ABSENTE = "en_file", "appelee", "servie", "abandonnee", "absente"
STATUTS = (EN_FILE, APPELEE, SERVIE, ABANDONNEE, ABSENTE)
WAITING = (EN_FILE, APPELEE)
TURNOVER_MS = 60_000
"""What passes between two visitors: the grace, the clean-up, the way to the seat."""


def waits_ms(frees_ms: Sequence[int], durations_ms: Sequence[int]) -> list[int | None]:
    """How long each of a queue may wait: `frees_ms` tells when each poste is free, `durations_ms` what each wants.

    None for everybody when there is no poste at all.
    """
    if not frees_ms:
        return [None] * len(durations_ms)
    frees, waits = sorted(frees_ms), list[int | None]()
    for wanted in durations_ms:
        soonest = frees.pop(0)
        waits.append(soonest)
        frees.append(soonest + wanted + TURNOVER_MS)
        frees.sort()
    return waits
