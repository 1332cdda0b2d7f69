"""What a job says when it could not do its work; anything else that is raised is told by its kind alone."""

from typing import Any

from fleet.domain.errors import Refused

LONGEST_SAYING = 300


class JobFailed(Refused):
    """The work could not be done; the reason says why, without personal data."""


def outcome(failed: Refused) -> dict[str, Any]:
    """What is kept of a run that failed: the sentence, and what it is made of."""
    return {"erreur": failed.fr[:LONGEST_SAYING], "motif": failed.reason, "details": dict(failed.details)}
