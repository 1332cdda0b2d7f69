"""Who is there: status and heartbeats, by this receiver's monotonic clock. Pure.

A poste is present when its status says so and it was heard within 2.5 heartbeat periods. Wills may come late: an
offline of a lower connection of the same boot, or of another boot than the last birth, changes nothing.
"""

from dataclasses import dataclass, field

from protocol.messages import Heartbeat, Phase, State, Status

PERIOD_S = 20.0
SILENCE_S = 2.5 * PERIOD_S
UNLOCKED = ("active", "grace", "unlocking")


@dataclass
class Seen:
    """What is known of one poste. `online` and `heard` are None until it is heard; instants are monotonic seconds.

    It may be heard before its status is known: its `connection` is None until then.

    `worked` is when it was last heard with a session unlocked: what a lost session is counted to. When it
    `returned`, `away_since` keeps that until both sides have agreed: what it says then ends no absence.
    """

    online: bool | None = None
    boot: str | None = None
    connection: int | None = None
    heard: float | None = None
    worked: float | None = None
    returned: bool = False
    away_since: float | None = None
    term: int = 0
    rev: int = 0
    phase: Phase | None = None
    remaining_ms: int | None = None
    idle_s: int = 0
    load: float = 0.0


@dataclass
class Presence:
    """The postes of a site, by slug."""

    seen: dict[str, Seen] = field(default_factory=dict)

    def of(self, slug: str) -> Seen:
        """What is known of a poste."""
        one = self.seen.get(slug)
        if one is None:
            one = self.seen[slug] = Seen()
        return one

    def status(self, slug: str, told: Status, now: float) -> bool:
        """Take a status or a will. True when it changes whether the poste is there, or which boot it is."""
        one = self.of(slug)
        if one.boot is not None and _is_late(one, told):
            return False
        changed = one.online != told.online or one.boot != told.boot
        returns = one.boot not in (None, told.boot) or one.connection not in (None, told.connection)
        if returns and not one.returned:
            one.returned, one.away_since = True, one.worked
        one.online, one.boot, one.connection = told.online, told.boot, told.connection
        if told.online:
            one.heard = now
        return changed

    def heartbeat(self, slug: str, told: Heartbeat, now: float) -> bool:
        """Take a sign of life. True when the poste was not known to be there."""
        one = self.of(slug)
        one.heard = now
        if one.boot is not None and told.boot != one.boot:
            return False
        one.term, one.rev, one.phase = told.term, told.rev, told.phase
        one.remaining_ms, one.idle_s, one.load = told.remaining_ms, told.idle_s, told.load
        if told.phase in UNLOCKED:
            one.worked = now
        return self._back(one, told.boot)

    def state(self, slug: str, told: State) -> bool:
        """Take what a poste says it does. True when that is another phase than before."""
        one = self.of(slug)
        if one.boot is not None and told.boot != one.boot:
            return False
        changed = one.phase != told.phase
        one.term, one.rev, one.phase, one.remaining_ms = told.term, told.rev, told.phase, told.remaining_ms
        return changed

    def heard(self, slug: str, boot: str, now: float, *, worked: bool = False) -> bool:
        """Any other live message is a sign of life too. True when the poste was not known to be there."""
        one = self.of(slug)
        one.heard = now
        if worked:
            one.worked = now
        return self._back(one, boot)

    def is_of_this_start(self, slug: str, boot: str) -> bool:
        """Whether a boot is the machine's present one, as far as anybody knows."""
        return self.of(slug).boot in (None, boot)

    def last_worked(self, slug: str) -> float | None:
        """When a poste last worked, before its return if it has just returned; None when that is not known."""
        one = self.of(slug)
        return one.away_since if one.returned else one.worked

    def agreed(self, slug: str) -> None:
        """Both sides have agreed on what happened while it was away."""
        self.of(slug).returned = False

    def _back(self, one: Seen, boot: str) -> bool:
        if one.boot is not None and one.boot != boot:
            return False
        if one.online:
            return False
        one.online, one.boot = True, boot
        return True

    def silent(self, now: float) -> list[str]:
        """Take the postes that were not heard for too long as gone, and name them."""
        gone = [slug for slug, one in self.seen.items() if one.online and now - (one.heard or 0) > SILENCE_S]
        for slug in gone:
            self.seen[slug].online = False
        return gone

    def lose_all(self) -> list[str]:
        """The broker is lost: nobody knows who is there. Names those whose presence is in doubt now."""
        known = [slug for slug, one in self.seen.items() if one.online]
        for slug in known:
            self.seen[slug].online = None
        return known

    def highest_term(self, credible: int) -> int:
        """The highest term that any poste has told, as far as it is credible: a forged one would deafen all."""
        return max((one.term for one in self.seen.values() if one.term <= credible), default=0)


def _is_late(one: Seen, told: Status) -> bool:
    if told.boot == one.boot:
        return one.connection is not None and told.connection < one.connection
    return not told.online
