"""What travels on MQTT, in plain words. Codes and nonces are never shown, whoever looks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from ppm.instants import local
from protocol import codec, topics
from protocol.messages import (
    Accepted,
    Ack,
    Cleaned,
    Config,
    ControllerStatus,
    Desired,
    Ended,
    Ending,
    Extend,
    Heartbeat,
    Idle,
    Info,
    Noted,
    Refused,
    Resync,
    ShowMessage,
    Start,
    State,
    Status,
    Trouble,
    Waiting,
    Warned,
)
from protocol.version import MAJOR

REDACTED = ("code", "nonce")
HIDDEN = "(hidden)"


@dataclass(frozen=True)
class Seen:
    """One message: where it was, what it says in words, and its fields without codes and nonces."""

    topic: str
    site: str
    who: str
    words: str
    retained: bool
    is_heartbeat: bool
    fields: dict[str, Any]


def read(
    topic: str, payload: bytes, retained: bool, root: str = topics.DEFAULT_ROOT, zone: str = "UTC"
) -> Seen:
    """A message of the broker, as people and programs may see it. Never raises for what it says."""
    prefix = f"{root}/v{MAJOR}/{topics.CONTROLLER}/"
    if topic.startswith(prefix):
        return _of_controller(topic, topic.removeprefix(prefix).partition("/")[0], payload, retained)
    address = topics.parse(topic, root)
    if address is None:
        return Seen(topic, "", "", f"not of the protocol, {len(payload)} bytes", retained, False, {})
    place = (topic, address.site, address.poste)
    if not payload:
        return Seen(*place, f"{address.topic.name} is wiped", retained, False, {})
    try:
        message = codec.decode(address.topic, payload)
    except codec.BadMessage as bad:
        what = f"{address.topic.name} not understood: {bad.reason}, {bad.size} bytes"
        return Seen(*place, what, retained, False, {})
    beat = isinstance(message, Heartbeat)
    return Seen(*place, _words(message, zone), retained, beat, _fields(message))


def _of_controller(topic: str, site: str, payload: bytes, retained: bool) -> Seen:
    try:
        said = codec.decode_controller_status(payload)
    except codec.BadMessage as bad:
        return Seen(topic, site, "controller", f"not understood: {bad.reason}", retained, False, {})
    return Seen(topic, site, "controller", _controller(said), retained, False, _fields(said))


def _fields(message: Any) -> dict[str, Any]:
    fields = msgspec.to_builtins(message)
    assert isinstance(fields, dict)
    return {name: _kept(name, value) for name, value in fields.items()}


def _kept(name: str, value: Any) -> Any:
    if name in REDACTED:
        return HIDDEN
    if isinstance(value, dict):
        return {inner: _kept(inner, content) for inner, content in value.items()}
    return value


def _words(message: Any, zone: str) -> str:
    if isinstance(message, Config):
        return _config(message, zone)
    say = _SENTENCES.get(type(message))
    if say is not None:
        return say(message)
    return f"order: {type(message).__name__.lower()} ({message.id[:8]})"


def _controller(said: ControllerStatus) -> str:
    return f"{said.controller} {'drives this site' if said.online else 'is gone'}, term {said.term}"


def _status(said: Status) -> str:
    if said.online:
        return f"is there, connection {said.connection}"
    return f"is gone: {said.reason or 'no reason given'}"


def _state(said: State) -> str:
    if said.phase == "grace":
        return f"now in grace, {_time(said.grace_ms)} to save, rev {said.rev}"
    left = f", {_time(said.remaining_ms)} left" if said.remaining_ms is not None else ""
    return f"now {said.phase}{_session(said.session)}{left}, rev {said.rev}"


def _beat(said: Heartbeat) -> str:
    left = f", {_time(said.remaining_ms)} left" if said.remaining_ms is not None else ""
    return f"alive: {said.phase}{left}"


def _resync(said: Resync) -> str:
    outage = f", {_time(said.outage_ms)} lost" if said.outage_ms else ""
    return f"asks what to do ({said.why}): {said.phase}{_session(said.session)}, rev {said.rev}{outage}"


def _ack(said: Ack) -> str:
    what = f"rev {said.rev}" if said.id == "desired" else f"order {said.id[:8]}"
    why = f": {said.reason}" if said.reason else ""
    left = f", {_time(said.remaining_ms)} left" if said.remaining_ms is not None else ""
    return f"{said.status} {what}{why}{_session(said.session)}{left}"


def _desired(said: Desired) -> str:
    why = f" ({said.reason})" if said.reason else ""
    if said.phase == "grace":
        return (
            f"should be in grace{_session(said.session)}, {_time(said.grace_ms)} to save, rev {said.rev}{why}"
        )
    left = f", {_time(said.remaining_ms)} left" if said.session else ""
    return f"should be {said.phase}{_session(said.session)}{left}, rev {said.rev}{why}"


def _config(said: Config, zone: str) -> str:
    closed = f", closed until {local(said.next_opening, zone)}" if said.next_opening else ""
    return f"configuration {said.rev} of {said.site}: offline {said.offline}{closed}"


def _refused(said: Refused) -> str:
    wait = f", again in {said.retry_after_s} s" if said.retry_after_s else ""
    return f"answer: no, {said.reason}{wait}"


def _cleaned(said: Cleaned) -> str:
    left = f", left over: {', '.join(said.leftovers)}" if said.leftovers else ""
    items = sum(item.count for item in said.items)
    return f"event {said.n}: cleaned {items} thing{'' if items == 1 else 's'} in {_time(said.ms)}{left}"


def _session(session: str | None) -> str:
    return f" with session {session}" if session else ""


def _time(ms: int | None) -> str:
    if ms is None:
        return "?"
    if ms < 10_000:
        return f"{ms / 1000:.1f} s"
    minutes, seconds = divmod(round(ms / 1000), 60)
    hours, minutes = divmod(minutes, 60)
    return (
        f"{hours} h {minutes:02d} min"
        if hours
        else (f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s")
    )


_SENTENCES: Mapping[type, Callable[[Any], str]] = {
    Status: _status,
    State: _state,
    Heartbeat: _beat,
    Info: lambda said: f"runs {said.software} on {said.os}, protocol {said.protocol}",
    Start: lambda _said: f"asks to start with a code {HIDDEN}",
    Resync: _resync,
    Extend: lambda said: f"asks for {_time(said.seconds * 1000)} more{_session(said.session)}",
    Ending: lambda said: f"the visitor ends{_session(said.session)}",
    Ack: _ack,
    Desired: _desired,
    Accepted: lambda said: f"answer: yes, {_desired(said.desired)}",
    Refused: _refused,
    Waiting: lambda _said: "answer: the desk was asked",
    Noted: lambda said: f"events up to {said.n} are kept",
    Warned: lambda said: f"event {said.n}: warned, {_time(said.left_s * 1000)} left",
    Ended: lambda said: f"event {said.n}: locked by itself, {said.reason}",
    Cleaned: _cleaned,
    Idle: lambda said: f"event {said.n}: idle for {_time(said.idle_s * 1000)}, {said.outcome}",
    Trouble: lambda said: f"event {said.n}: trouble, {said.what}",
    ShowMessage: lambda said: f"order: show a message ({said.id[:8]})",
}
