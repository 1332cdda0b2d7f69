"""What the rules say no with.

FleetError
├── Refused          a rule says no: `reason` is a code of `reasons`, the message its French sentence
│   ├── Invalid      one field of the input breaks a rule
│   ├── NotFound     there is no such thing, or not for this actor
│   │   └── Foreign  it is there, at a site that is not the actor's: only the audit trail tells the two apart
│   └── Forbidden    the actor's role does not allow it
└── LeaseLost        this controller no longer drives the site; it must stop
"""

from fleet.domain import reasons


class FleetError(Exception):
    """The root of what this package raises on purpose."""


class Refused(FleetError):
    """A rule says no. `reason` is its code; `details` fill the sentence; `retry_after_s` when to try again."""

    def __init__(self, reason: str, *, retry_after_s: int | None = None, **details: object) -> None:
        self.reason = reason
        self.retry_after_s = retry_after_s
        self.details = details if retry_after_s is None else {"retry_after_s": retry_after_s, **details}
        super().__init__(self.fr)

    @property
    def fr(self) -> str:
        """The sentence for people, in French."""
        return reasons.sentence(self.reason, "fr", self.details)

    @property
    def said(self) -> str:
        """The sentence in the language of whoever is answered."""
        return reasons.sentence(self.reason, details=self.details)

    @property
    def en(self) -> str:
        """The sentence for people, in English."""
        return reasons.sentence(self.reason, "en", self.details)


class Invalid(Refused):
    """One field of the input breaks a rule; `field` names it."""

    def __init__(self, field: str, reason: str, **details: str | int) -> None:
        self.field = field
        super().__init__(reason, retry_after_s=None, **details)


class NotFound(Refused):
    """There is no such thing, or it belongs to a site that is not the actor's."""

    def __init__(self, thing: str) -> None:
        self.thing = thing
        super().__init__("introuvable", thing=thing)


class Foreign(NotFound):
    """The thing is out of the actor's reach: at `site_id` (None: the deployment), by its `number` if it has one."""

    def __init__(self, thing: str, site_id: int | None, number: int | None = None) -> None:
        self.site_id = site_id
        self.number = number
        super().__init__(thing)


class Forbidden(Refused):
    """The actor's role does not allow it."""

    def __init__(self, reason: str = "role_insuffisant") -> None:
        super().__init__(reason)


class LeaseLost(FleetError):
    """Another controller drives this site: nothing was changed, and this one must stop."""
