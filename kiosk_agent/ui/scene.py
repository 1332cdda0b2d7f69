"""All that the window knows, and what each word of the agent or touch of the visitor makes of it. No Qt, no clock.

`now` is ms of the boot clock.
"""

from dataclasses import dataclass, replace

from kiosk_agent.local import messages
from kiosk_agent.ui.face import Said, View
from kiosk_agent.words import Language, say

NOTE_MS = 8_000
"""How long a warning or an answer stays; it leaves by itself."""
IDENTIFY_MS = 15_000
JUST_MS = 1_000
"""What was said so shortly before the screen changed belongs to the new one."""
SAID_MS = 60_000
"""How long a sentence stays on the lock that is no refusal: the next visitor is not met with it."""
CUT_MS = 2_000
"""A link that is lost for longer than this is told to who is at work."""
MOST_UNREAD = 5


@dataclass(frozen=True)
class Scene:
    """What there is to show, and how this visitor wants it shown. `home` is the language of the poste.

    `view` None: the agent is not there. `note` leaves at `note_until`, and is a warning if it `warns`; `unread`
    are messages of the desk. `cut_at`: since when the link is lost, as long as nobody was told. `collapsed`: of
    the countdown only its icon is seen.
    """

    home: Language = "fr"
    language: Language = "fr"
    contrast: bool = False
    large: bool = False
    view: View | None = None
    said: Said | None = None
    said_at: int = 0
    note: Said | None = None
    note_until: int = 0
    warns: bool = False
    cut_at: int | None = None
    unread: tuple[Said, ...] = ()
    identify_until: int = 0
    menu: bool = False
    ending: bool = False
    collapsed: bool = False

    @property
    def in_use(self) -> bool:
        return self.view is not None and self.view.in_use


# ---------------------------------------------------------------- the agent


def heard(scene: Scene, word: messages.Word, now: int) -> Scene:
    """The agent said something."""
    match word:
        case messages.Shown():
            return _seen(scene, word.view, now)
        case messages.Told():
            return _told(scene, word.said, now)
        case messages.Warned():
            seconds = word.left_s
            warning = Said(say("warning", "fr", seconds=seconds), say("warning", "en", seconds=seconds))
            return replace(scene, note=warning, note_until=now + NOTE_MS, warns=True)
        case messages.Identify():
            return replace(scene, identify_until=now + IDENTIFY_MS)
    return scene


def lost(scene: Scene) -> Scene:
    """The agent is not there any more: locked, whatever was before."""
    return replace(scene, view=None, note=None, said=None, menu=False, ending=False, cut_at=None)


def passed(scene: Scene, now: int) -> Scene:
    """Time has passed: what was to leave by itself leaves."""
    if scene.note is not None and now >= scene.note_until:
        scene = replace(scene, note=None)
    if scene.said is not None and scene.said.reason is None and now >= scene.said_at + SAID_MS:
        scene = replace(scene, said=None)
    if scene.cut_at is not None and now >= scene.cut_at + CUT_MS:
        return _tell_cut(scene, now)
    return scene


def _tell_cut(scene: Scene, now: int) -> Scene:
    """The network is gone while somebody is at work: what becomes of the session, once."""
    config = scene.view.config if scene.view else None
    key = "offline_will_pause" if config and config.offline == "suspend" else "offline_goes_on"
    told = Said(say(key, "fr"), say(key, "en"))
    return replace(scene, note=told, note_until=now + NOTE_MS, warns=True, cut_at=None)


def _seen(scene: Scene, view: View, now: int) -> Scene:
    before, after = scene.in_use, view.in_use
    scene = replace(scene, view=view, cut_at=_cut_at(scene, view, now))
    if before and not after:
        return _locked(scene, view, now)
    if after and not before:
        return _opened(scene, view, now)
    if view.phase == "grace" and scene.note is not None and scene.note_until - now > NOTE_MS - JUST_MS:
        return replace(scene, note=None)  # the banner says it
    return scene


def _cut_at(scene: Scene, view: View, now: int) -> int | None:
    if view.online or not view.in_use:
        return None
    return now if scene.view is None or scene.view.online else scene.cut_at


def _locked(scene: Scene, view: View, now: int) -> Scene:
    """The next visitor finds the poste as it was; who is only paused finds it as they left it."""
    said = scene.note if now - scene.said_at <= JUST_MS else None
    scene = replace(scene, said=said, note=None, menu=False, ending=False, collapsed=False)
    if view.phase == "suspended":
        return scene
    return replace(scene, language=scene.home, contrast=False, large=False, unread=())


def _opened(scene: Scene, view: View, now: int) -> Scene:
    scene = replace(scene, said=None, note=None, menu=False, ending=False)
    if view.deadline is None or view.phase != "active":
        return scene
    seconds = max(0, round((view.deadline - now) / 1000))
    seconds = round(seconds / 60) * 60 if seconds >= 120 else seconds
    hello = Said(say("opened", "fr", seconds=seconds), say("opened", "en", seconds=seconds))
    return replace(scene, note=hello, note_until=now + NOTE_MS, warns=False)


def _told(scene: Scene, said: Said, now: int) -> Scene:
    if said.by_desk:
        return replace(scene, unread=(*scene.unread, said)[-MOST_UNREAD:])
    if scene.in_use:
        return replace(scene, note=said, note_until=now + NOTE_MS, said_at=now, warns=False)
    return replace(scene, said=said, said_at=now)


# ---------------------------------------------------------------- the visitor


def typed(scene: Scene) -> Scene:
    """A new code is being typed: what was said of the last one is over."""
    return replace(scene, said=None) if scene.said is not None else scene


def other_language(scene: Scene) -> Scene:
    return replace(scene, language="en" if scene.language == "fr" else "fr")


def toggled(scene: Scene, what: str) -> Scene:
    """`contrast`, `large`, `collapsed` or `menu` turned on or off."""
    match what:
        case "contrast":
            return replace(scene, contrast=not scene.contrast)
        case "large":
            return replace(scene, large=not scene.large)
        case "collapsed":
            return replace(scene, collapsed=not scene.collapsed, menu=False)
    return replace(scene, menu=not scene.menu, ending=False)


def wants_to_end(scene: Scene, *, sure: bool = True) -> Scene:
    """The visitor pressed `terminer`, and is asked; or thought better of it."""
    return replace(scene, ending=sure)


def read(scene: Scene) -> Scene:
    """The oldest message of the desk was read."""
    return replace(scene, unread=scene.unread[1:])
