"""What a job says when it could not do its work; anything else that is raised is told by its kind alone."""

from fleet.domain.errors import FleetError


class JobFailed(FleetError):
    """The work could not be done; the message says why, without personal data."""
