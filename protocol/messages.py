"""Every payload, as frozen values. The docstrings are the documentation of the wire.

JSON, UTF-8. Durations end in `_ms` or `_s` and are whole numbers; instants are RFC 3339 in UTC. Unknown
fields are ignored. What a receiver may rely on beyond the types is said field by field.
"""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

# Python's `$` also matches before a last newline, JSON Schema's does not: the look-ahead makes them agree.
END = r"$(?!\n)"
SLUG_PATTERN = r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?" + END
WARNINGS_S = (300, 120, 60, 30, 10)
"""When a visitor is warned, in seconds before the deadline, unless the desired session says otherwise."""

Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._:-]{1,64}" + END, description="an id chosen by its sender")]
Boot = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9-]{1,64}" + END, description="names one start of the machine")
]
Word = Annotated[str, Meta(max_length=64)]
Text = Annotated[str, Meta(max_length=2_000)]
Count = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Millis = Annotated[int, Meta(ge=0, le=366 * 86_400_000)]
Seconds = Annotated[int, Meta(ge=0, le=366 * 86_400)]
Instant = Annotated[datetime, Meta(tz=True)]

Phase = Literal["locked", "unlocking", "active", "suspended", "grace", "cleaning", "maintenance"]
DesiredPhase = Literal["locked", "active", "grace", "suspended", "maintenance"]


class Message(Struct, frozen=True, kw_only=True, omit_defaults=False):
    """The root of all payloads."""


# ---------------------------------------------------------------- up: what a poste says


class Status(Message, frozen=True, kw_only=True):
    """Presence. The will says `online: false` with the boot and connection that it belongs to.

    `connection` rises by one at each connect within one `boot`. `reason` tells why it is offline: `lost`
    (the will), `stopping` (said before a clean stop).
    """

    online: bool
    boot: Boot
    connection: Count
    reason: Word | None = None


class Info(Message, frozen=True, kw_only=True):
    """What the machine is: protocol and software version, system, addresses, memory, disk, what it can do.

    `ip` and `mac` are of the interface by which the poste reaches the broker. `screens` has the size of each screen
    that is plugged in, `?` for one that tells none. 0 or nothing: the system does not say.
    """

    protocol: Count
    software: Word
    os: Annotated[str, Meta(max_length=200)] = ""
    hostname: Annotated[str, Meta(max_length=255)] = ""
    ip: Annotated[str, Meta(max_length=45)] | None = None
    mac: Annotated[str, Meta(max_length=17)] | None = None
    capabilities: Annotated[tuple[Word, ...], Meta(max_length=64)] = ()
    python: Word = ""
    ram_bytes: Count = 0
    disk_bytes: Count = 0
    disk_free_bytes: Count = 0
    screens: Annotated[tuple[Word, ...], Meta(max_length=16)] = ()


class State(Message, frozen=True, kw_only=True):
    """What the poste really does. `seq` rises with each State of one boot.

    `remaining_ms` is the time to the deadline as of publication; in phase `grace` it is 0 and `grace_ms`
    tells what is left of the grace.
    """

    boot: Boot
    seq: Count
    term: Count
    rev: Count
    phase: Phase
    session: Id | None = None
    remaining_ms: Millis | None = None
    grace_ms: Millis | None = None


class Heartbeat(Message, frozen=True, kw_only=True):
    """A sign of life, every 20 s +-20 %. It never carries a code."""

    boot: Boot
    term: Count
    rev: Count
    phase: Phase
    remaining_ms: Millis | None = None
    idle_s: Seconds = 0
    load: Annotated[float, Meta(ge=0, le=100_000)] = 0.0


class _Request(Message, frozen=True, kw_only=True, tag_field="op"):
    id: Id
    nonce: Id
    boot: Boot


class Start(_Request, frozen=True, kw_only=True, tag="start"):
    """A visitor typed a code."""

    code: Annotated[str, Meta(min_length=1, max_length=32)]


class Resync(_Request, frozen=True, kw_only=True, tag="resync"):
    """The poste says what it does and asks what it should do.

    `why`: `connected`, `boot` (a new start of the machine), `restarted` (the agent, within one boot),
    `unsolicited` (a desired session it may not apply by itself), `stale` (one that may be old), `asked`.
    `remaining_ms` is its own measure: while locked the time left at the lock, with `measured_rev` the rev that it held
    until then. `outage_ms` is how long the session was locked by a fault (agent dead, or link cut under the offline
    rule `suspend`) and not yet credited, told with the `connection` that ended it.
    """

    term: Count
    rev: Count
    phase: Phase
    why: Word = "connected"
    session: Id | None = None
    remaining_ms: Millis | None = None
    outage_ms: Millis = 0
    connection: Count = 0
    measured_rev: Count | None = None


class Extend(_Request, frozen=True, kw_only=True, tag="extend"):
    """The visitor asks the desk for more time."""

    session: Id
    seconds: Seconds = 900


class Ending(_Request, frozen=True, kw_only=True, tag="ending"):
    """The visitor ends the session; `why` is `idle` when nobody was there to answer, else `visitor`."""

    session: Id
    remaining_ms: Millis | None = None
    rev: Count | None = None
    why: Word = "visitor"


Request = Start | Resync | Extend | Ending

AckStatus = Literal["accepted", "done", "refused", "expired", "superseded"]


class Ack(Message, frozen=True, kw_only=True):
    """What became of a command (its `id`) or of a desired session (`id` is `desired`).

    For a desired session `done` means applied: (`term`, `rev`) is what the poste now holds, `remaining_ms`
    its own measure at that moment (when it locked: the time left at the lock, and `measured_rev` the rev that
    it held until then: what was granted later is not in it). `refused` names its `reason`, `ending` among
    them: the poste has begun to clean and takes no more time.
    """

    id: Id
    boot: Boot
    status: AckStatus
    term: Count
    rev: Count
    reason: Word | None = None
    session: Id | None = None
    remaining_ms: Millis | None = None
    measured_rev: Count | None = None


class _Event(Message, frozen=True, kw_only=True, tag_field="kind"):
    n: Count
    boot: Boot
    age_ms: Millis = 0
    session: Id | None = None


class Warned(_Event, frozen=True, kw_only=True, tag="warned"):
    """The visitor was warned `left_s` seconds before the deadline."""

    left_s: Seconds


class Ended(_Event, frozen=True, kw_only=True, tag="ended"):
    """The poste locked by itself: the grace ended, or the offline rule bit."""

    reason: Word
    remaining_ms: Millis = 0
    rev: Count | None = None


class CleanedItem(Message, frozen=True, kw_only=True):
    """One kind of thing that was wiped."""

    what: Word
    count: Count
    bytes: Count = 0


class Cleaned(_Event, frozen=True, kw_only=True, tag="cleaned"):
    """The clean-up's attestation: what was wiped, how long it took, and what a second look found left."""

    ms: Millis
    items: Annotated[tuple[CleanedItem, ...], Meta(max_length=64)] = ()
    leftovers: Annotated[tuple[Word, ...], Meta(max_length=64)] = ()


class Idle(_Event, frozen=True, kw_only=True, tag="idle"):
    """Nobody touched the poste for `idle_s`; `outcome` is `asked`, `stayed` or `ended`."""

    idle_s: Seconds
    outcome: Word


class Trouble(_Event, frozen=True, kw_only=True, tag="trouble"):
    """Something a human should know: `ui_crashed`, `tampering`, `state_lost`, `unlocked_by_hand`...

    `unlocked_by_hand`: a technician opened the machine without the server; `detail` tells for how long at most, why.
    `locked_after_hand`: how long that lasted, and what ended it. The phase is `maintenance` meanwhile.
    """

    what: Word
    detail: Annotated[str, Meta(max_length=500)] = ""


Event = Warned | Ended | Cleaned | Idle | Trouble


# ---------------------------------------------------------------- down: what the controller says


class Desired(Message, frozen=True, kw_only=True):
    """The desired state, whole. A poste applies it only if (`term`, `rev`) is higher than what it holds.

    The deadline is `remaining_ms` after `computed_at`; the session ends `grace_ms` after the deadline. In
    phase `grace` `remaining_ms` is 0 and `grace_ms` is what is left. `warnings` are seconds before the
    deadline. With `waits` no time runs before the poste has unlocked: the deadline is `remaining_ms` after that.
    """

    term: Count
    rev: Count
    phase: DesiredPhase
    computed_at: Instant
    session: Id | None = None
    remaining_ms: Millis = 0
    grace_ms: Millis = 0
    warnings: Annotated[tuple[Seconds, ...], Meta(max_length=16)] = WARNINGS_S
    reason: Word | None = None
    waits: bool = False


class Config(Message, frozen=True, kw_only=True):
    """What the lock screen and the offline rules need. `rev` rises with each change of the site.

    `offline` is the site's rule for a lost link: `continue` to the deadline, or `suspend` (lock after
    `offline_after_ms`). `next_opening` is set while the site is closed. After `idle_s` without a touch
    (0: never) the poste asks whether somebody is there, and `idle` tells what follows: nothing (`warn`), or the end.
    """

    rev: Count
    site: Annotated[str, Meta(max_length=200)]
    offline: Literal["continue", "suspend"] = "continue"
    offline_after_ms: Millis = 5_000
    idle_s: Seconds = 0
    idle: Literal["off", "warn", "end"] = "end"
    languages: Annotated[tuple[Word, ...], Meta(max_length=8)] = ("fr", "en")
    notice: Text = ""
    hours: Text = ""
    next_opening: Instant | None = None
    logo_hash: Word | None = None


class _Answer(Message, frozen=True, kw_only=True, tag_field="status"):
    id: Id
    nonce: Id
    server_time: Instant


class Accepted(_Answer, frozen=True, kw_only=True, tag="accepted"):
    """Yes: `desired` is the state to apply. Only this may unlock, on the nonce of the poste's own request."""

    desired: Desired


class Refused(_Answer, frozen=True, kw_only=True, tag="refused"):
    """No: a reason code and a sentence for the visitor; try again after `retry_after_s` where that helps."""

    reason: Word
    fr: Text
    en: Text
    retry_after_s: Seconds | None = None


class Waiting(_Answer, frozen=True, kw_only=True, tag="waiting"):
    """The desk was asked. A later desired session brings the time, or a later Refused the reason."""

    fr: Text
    en: Text


class Noted(Message, frozen=True, kw_only=True, tag_field="status", tag="noted"):
    """Every event of `boot` up to number `n` is kept: forget them."""

    boot: Boot
    n: Count
    server_time: Instant


Reply = Accepted | Refused | Waiting | Noted


class NoArgs(Message, frozen=True, kw_only=True):
    """This command takes nothing."""


class _Command(Message, frozen=True, kw_only=True, tag_field="op"):
    """`boot` names the start of the machine that it is aimed at (absent: any, for a whole site).

    It is dead `ttl_ms` after `issued_at`. The poste remembers the last 256 ids and does none of them twice.
    """

    id: Id
    term: Count
    issued_at: Instant
    ttl_ms: Millis
    boot: Boot | None = None


class _Plain(_Command, frozen=True, kw_only=True):
    args: NoArgs = NoArgs()


class MessageArgs(Message, frozen=True, kw_only=True):
    """What to show to the visitor, as the desk typed it."""

    text: Annotated[str, Meta(min_length=1, max_length=500)]


class ShowMessage(_Command, frozen=True, kw_only=True, tag="message"):
    """Show a message from the desk."""

    args: MessageArgs


class Identify(_Plain, frozen=True, kw_only=True, tag="identify"):
    """Show large which poste this is."""


class Lock(_Plain, frozen=True, kw_only=True, tag="lock"):
    """Lock the screen now; the session itself is changed by a desired session."""


class Reboot(_Plain, frozen=True, kw_only=True, tag="reboot"):
    """Restart the machine."""


class Shutdown(_Plain, frozen=True, kw_only=True, tag="shutdown"):
    """Stop the machine."""


class Clean(_Plain, frozen=True, kw_only=True, tag="clean"):
    """Clean a free poste again."""


class AskResync(_Plain, frozen=True, kw_only=True, tag="resync"):
    """Say what you do: send a Resync."""


class UpdateArgs(Message, frozen=True, kw_only=True):
    """Which software to install, and its SHA-256. `downgrade`: also if it is older than what runs."""

    version: Word
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}" + END)]
    downgrade: bool = False


class Update(_Command, frozen=True, kw_only=True, tag="update"):
    """Install another version of the agent, while nobody is at the poste.

    `accepted` says that it was taken; `done` comes from the new version, or `refused` with the reason, `rolled_back`
    among them: it did not come up, and the version of before runs again.
    """

    args: UpdateArgs


Command = ShowMessage | Identify | Lock | Reboot | Shutdown | Clean | AskResync | Update


class ControllerStatus(Message, frozen=True, kw_only=True):
    """Who drives a site. The will says `online: false`."""

    online: bool
    controller: Word
    term: Count
    protocol: Count
    software: Word = ""
    run: Word = ""
