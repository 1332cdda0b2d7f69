"""One example of every payload: part of one visit, so that they can be read in a row."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from protocol import codec, messages
from protocol.version import PROTOCOL

_Fields = dict[str, Any]
_BOOT = "b7f1c0de"
_SESSION = "41"
_TERM = 1795000000
_NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
_ASK: _Fields = {"id": "q-17", "nonce": "n-5f0a", "boot": _BOOT}
_ANSWER: _Fields = {"id": "q-17", "nonce": "n-5f0a", "server_time": _NOW}
_EVENT: _Fields = {"boot": _BOOT, "session": _SESSION}
_ORDER: _Fields = {"id": "c-88", "term": _TERM, "issued_at": _NOW, "ttl_ms": 30_000, "boot": _BOOT}

_DESIRED = messages.Desired(
    term=_TERM,
    rev=12,
    phase="active",
    computed_at=_NOW,
    session=_SESSION,
    remaining_ms=3_600_000,
    grace_ms=60_000,
)

_ALL: tuple[msgspec.Struct, ...] = (
    messages.Status(online=True, boot=_BOOT, connection=1),
    messages.Info(
        protocol=PROTOCOL,
        software="0.1.0",
        os="Debian 12",
        hostname="poste-01",
        ip="192.168.10.21",
        mac="00:16:3e:00:00:15",
        capabilities=("wake",),
        python="3.11.2",
        ram_bytes=8_201_048_064,
        disk_bytes=250_059_350_016,
        disk_free_bytes=203_113_627_648,
        screens=("1920x1080",),
    ),
    messages.State(
        boot=_BOOT, seq=4, term=_TERM, rev=12, phase="active", session=_SESSION, remaining_ms=3_599_980
    ),
    messages.Heartbeat(
        boot=_BOOT, term=_TERM, rev=12, phase="active", remaining_ms=3_580_000, idle_s=3, load=0.4
    ),
    messages.Start(**_ASK, code="K7MWPA"),
    messages.Resync(**_ASK, term=_TERM, rev=11, phase="locked", connection=1),
    messages.Extend(**_ASK, session=_SESSION),
    messages.Ending(**_ASK, session=_SESSION, remaining_ms=1_200_000),
    messages.Ack(
        id="desired",
        boot=_BOOT,
        status="done",
        term=_TERM,
        rev=12,
        session=_SESSION,
        remaining_ms=3_599_980,
    ),
    messages.Warned(**_EVENT, n=1, left_s=300),
    messages.Ended(**_EVENT, n=2, reason="expired"),
    messages.Cleaned(
        **_EVENT, n=3, ms=1_840, items=(messages.CleanedItem(what="files", count=14, bytes=52_113),)
    ),
    messages.Idle(**_EVENT, n=4, idle_s=900, outcome="asked"),
    messages.Trouble(**_EVENT, n=5, what="ui_crashed", detail="restarted after 2 s"),
    _DESIRED,
    messages.Config(rev=3, site="Médiathèque du Port", idle_s=900, notice="Bienvenue", hours="9 h - 17 h"),
    messages.Accepted(**_ANSWER, desired=_DESIRED),
    messages.Refused(
        **_ANSWER,
        reason="code_inconnu",
        fr="Ce code n'est pas valable.",
        en="This code is not valid.",
    ),
    messages.Waiting(**_ANSWER, fr="L'accueil a été prévenu.", en="The desk has been told."),
    messages.Noted(boot=_BOOT, n=3, server_time=_NOW),
    messages.ShowMessage(**_ORDER, args=messages.MessageArgs(text="On ferme dans dix minutes.")),
    messages.Identify(**_ORDER),
    messages.Lock(**_ORDER),
    messages.Reboot(**_ORDER),
    messages.Shutdown(**_ORDER),
    messages.Clean(**_ORDER),
    messages.AskResync(**_ORDER),
    messages.Update(**_ORDER, args=messages.UpdateArgs(version="0.2.0", sha256="0123456789abcdef" * 4)),
    messages.ControllerStatus(
        online=True, controller="controller-1", term=_TERM, protocol=PROTOCOL, software="0.1.0", run="5d1e"
    ),
)
_BY_STRUCT = {type(example): example for example in _ALL}


def example(struct: type[msgspec.Struct]) -> msgspec.Struct:
    """The example of a payload. Raises KeyError where none was written."""
    return _BY_STRUCT[struct]


def example_json(struct: type[msgspec.Struct]) -> str:
    """The example as it travels: what the codec gives."""
    return codec.encode(example(struct)).decode()
