"""What is on the screen at one moment: words, icons and tones, ready to be drawn. No Qt, no clock."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from kiosk_agent.ui.face import View
from kiosk_agent.ui.labels import day, hour, hours, label, moment
from kiosk_agent.ui.scene import Scene
from kiosk_agent.words import OF_FAULTS, Fault, Language, clock_face, duration, say

Tone = Literal["free", "use", "pause", "soon", "clean", "care", "off", "alarm"]
"""One of the colours that the states of a poste have everywhere."""
SOON_MS = 300_000
DIGITS_MS = 600_000
"""Below this the time left is shown to the second."""
_REASONS: Mapping[Fault, str] = {
    "certificate": "certificat_refuse",
    "expired": "certificat_perime",
    "own_expired": "certificat_du_poste_perime",
    "denied": "acces_refuse",
}
"""The reason of each fault, for staff."""


@dataclass(frozen=True)
class Lock:
    """The screen of a machine that nobody uses. `icon` and `tone` say what the sentence says.

    `reason` is for staff and `hint` for who has no code yet, in small print. `may_type`: there is a field;
    `may_send`: what is in it may be sent. `alert`: what a screen reader says when it changes.
    """

    language: Language
    contrast: bool
    large: bool
    site: str
    poste: str
    clock: str
    date: str
    icon: str
    tone: Tone
    sentence: str
    detail: str = ""
    reason: str = ""
    hint: str = ""
    may_type: bool = False
    may_send: bool = False
    send: str = ""
    info: str = ""
    shout: str = ""
    alert: str = ""


@dataclass(frozen=True)
class Note:
    """Something that slides in: a warning, an answer, a message. `stays` until it was read.

    `spoken`: the text without the seconds that are counted in it, for who hears it.
    """

    icon: str
    tone: Tone
    text: str
    title: str = ""
    stays: bool = False
    spoken: str = ""


@dataclass(frozen=True)
class Menu:
    """What the pill opens to. `sure` asks whether to end; `line` says what is not as it should be."""

    title: str
    until: str
    ask: str
    may_ask: bool
    end: str
    size: str
    line: str = ""
    sure: str = ""
    yes: str = ""
    no: str = ""


@dataclass(frozen=True)
class InUse:
    """What lies over the work of a visitor. `collapsed`: of the time only the icon is seen."""

    language: Language
    contrast: bool
    large: bool
    time: str
    spoken: str
    icon: str
    tone: Tone
    banner: str = ""
    notes: tuple[Note, ...] = ()
    menu: Menu | None = None
    shout: str = ""
    collapsed: bool = False
    alert: str = ""


Screen = Lock | InUse


def screen(scene: Scene, now: int, wall: datetime) -> Screen:
    """`now` is ms of the boot clock, `wall` what the clock on the wall shows, with its zone."""
    if scene.in_use and scene.view is not None:
        return _in_use(scene, scene.view, now, wall)
    return _lock(scene, now, wall)


# ---------------------------------------------------------------- locked


@dataclass(frozen=True)
class _State:
    icon: str
    tone: Tone
    sentence: str
    detail: str = ""
    reason: str = ""
    hint: str = ""
    may_type: bool = False
    may_send: bool = False
    counts: bool = False


def _lock(scene: Scene, now: int, wall: datetime) -> Lock:
    view, language = scene.view, scene.language
    state = _state(scene, now, wall)
    config = view.config if view else None
    paused = view is not None and view.phase == "suspended"
    return Lock(
        language=language, contrast=scene.contrast, large=scene.large,
        site=config.site if config else "", poste=label("poste", language, poste=view.poste) if view else "",
        clock=f"{wall:%H:%M}", date=day(wall, language),
        icon=state.icon, tone=state.tone, sentence=state.sentence, detail=state.detail, reason=state.reason,
        hint=state.hint, alert="" if state.counts else state.sentence,
        may_type=state.may_type, may_send=state.may_send, send=label("resume" if paused else "start", language),
        info=_info(view, language), shout=_shout(scene, now),
    )  # fmt: skip


def _state(scene: Scene, now: int, wall: datetime) -> _State:
    view, language = scene.view, scene.language
    if view is None:
        return _State("hourglass", "off", label("no_agent", language))
    if view.phase == "maintenance":
        return _State("wrench", "care", say("maintenance", language))
    if view.phase == "cleaning":
        return _State("broom", "clean", say("cleaning", language))
    if view.checking:
        return _State(
            "hourglass", "use", say("checking" if view.online else "trying", language), may_type=True
        )
    if scene.said is not None or now < view.blocked_until:
        return _answered(scene, view, now)
    return _waiting(view, language, wall)


def _answered(scene: Scene, view: View, now: int) -> _State:
    """A refusal stays until something is typed, and as long as nothing may be sent."""
    said, language = scene.said, scene.language
    wait_s = -(-(view.blocked_until - now) // 1000)
    wait = label("again_in", language, seconds=wait_s) if wait_s > 0 else ""
    if said is None:
        return _State("alert", "alarm", wait, may_type=True, counts=True)
    refused = said.reason is not None
    return _State(
        "alert" if refused else "message", "alarm" if refused else "care", said.text(language), detail=wait,
        reason=said.reason or "", may_type=True, may_send=wait_s <= 0,
    )  # fmt: skip


def _waiting(view: View, language: Language, wall: datetime) -> _State:
    if not view.online or not view.controller:
        return _cut_off(view, language)
    if view.phase == "suspended":
        left_s = (view.remaining_ms or 0) // 1000
        return _State(
            "pause", "pause", say("suspended", language, seconds=left_s), may_type=True, may_send=True
        )
    opening = view.config.next_opening if view.config else None
    if opening is not None and opening > wall:
        when = moment(opening.astimezone(wall.tzinfo), wall, language)
        return _State("clock", "care", label("closed", language, when=when), may_type=True, may_send=True)
    welcome, hint = say("welcome", language), label("code_help", language)
    return _State("circle-check", "free", welcome, hint=hint, may_type=True, may_send=True)


def _cut_off(view: View, language: Language) -> _State:
    """Nobody can be asked. What a technician has to mend has its reason below, in small print."""
    key, reason = "no_controller", ""
    if view.fault:
        key, reason = OF_FAULTS[view.fault], _REASONS[view.fault]
    elif view.phase == "suspended" and not view.online:
        key = "offline_suspended"
    elif not view.online:
        key = "no_network"
    return _State("plug-off", "off", say(key, language), reason=reason, may_type=True, may_send=True)


def _info(view: View | None, language: Language) -> str:
    """The notice of the site, as it was written there, and its hours."""
    if view is None or view.config is None:
        return ""
    parts = (("notice", view.config.notice), ("hours", hours(view.config.hours, language)))
    return "\n\n".join(f"{label(key, language)}\n{text}" for key, text in parts if text)


def _shout(scene: Scene, now: int) -> str:
    if scene.view is None or now >= scene.identify_until:
        return ""
    return label("poste", scene.language, poste=scene.view.poste)


# ---------------------------------------------------------------- in use


def _in_use(scene: Scene, view: View, now: int, wall: datetime) -> InUse:
    language = scene.language
    left_ms = max(0, (view.deadline or now) - now)
    soon = left_ms <= SOON_MS or view.phase == "grace"
    in_grace = view.phase == "grace"
    end_s = _seconds_to(view.end or now, now)
    notes = _notes(scene, view, now)
    alerts = [label("save_now", language)] * in_grace + [one.spoken or one.text for one in notes]
    return InUse(
        language=language, contrast=scene.contrast, large=scene.large,
        time=clock_face(end_s * 1000) if in_grace else _left(left_ms, language),
        spoken=label("pill", language, seconds=end_s if in_grace else left_ms // 1000),
        icon="hourglass" if soon else "clock", tone="soon" if soon else "use",
        banner=_banner(view, end_s, language),
        notes=notes, menu=_menu(scene, view, left_ms, wall) if scene.menu else None,
        shout=_shout(scene, now), collapsed=scene.collapsed and not soon, alert=" ".join(alerts),
    )  # fmt: skip


def _banner(view: View, end_s: int, language: Language) -> str:
    if view.by_hand:
        return f"{say('by_hand', language)} {say('locks_in', language, seconds=end_s)}"
    return say("grace", language, seconds=end_s) if view.phase == "grace" else ""


def _seconds_to(moment_ms: int, now: int) -> int:
    return max(0, -(-(moment_ms - now) // 1000))


def _left(left_ms: int, language: Language) -> str:
    """`1 h 12` and `12 min` while that is enough, `09:58` in the last ten minutes."""
    if left_ms <= DIGITS_MS:
        return clock_face(left_ms)
    return duration(-(-left_ms // 60_000) * 60, language)


def _notes(scene: Scene, view: View, now: int) -> tuple[Note, ...]:
    language = scene.language
    notes = [
        Note("message", "use", one.text(language), label("from_desk", language), stays=True)
        for one in scene.unread[:1]
    ]
    if view.still_there:
        notes.append(_still_there(view, language, now))
    elif scene.note is not None:
        refused = scene.note.reason is not None
        icon: str = "alert" if refused else "hourglass" if scene.warns else "message"
        tone: Tone = "soon" if refused or scene.warns else "use"
        notes.append(Note(icon, tone, scene.note.text(language)))
    return tuple(notes)


def _still_there(view: View, language: Language, now: int) -> Note:
    asked = say("still_there", language)
    if not view.answer_by:
        return Note("person", "soon", asked)
    left_s = _seconds_to(view.answer_by, now)
    return Note("person", "soon", say("still_there_ends", language, seconds=left_s), spoken=asked)


def _menu(scene: Scene, view: View, left_ms: int, wall: datetime) -> Menu:
    language = scene.language
    until = hour(wall + timedelta(milliseconds=left_ms), language)
    return Menu(
        title=label("menu", language), until=label("until", language, when=until),
        ask=label("asked" if view.asking else "ask_time", language),
        may_ask=not (view.asking or view.by_hand),
        size=label("larger" if scene.collapsed else "smaller", language), line=_line(view, language),
        end=label("end", language), sure=label("end_sure", language) if scene.ending else "",
        yes=label("end_yes", language), no=label("end_no", language),
    )  # fmt: skip


def _line(view: View, language: Language) -> str:
    if not view.online:
        return say("offline_goes_on", language)
    return label("menu_key", language) if view.controller else say("no_controller", language)
