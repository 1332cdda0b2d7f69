"""What there is to see of a poste at one moment."""

from kiosk_agent.machine import Machine
from kiosk_agent.settings import Settings
from kiosk_agent.ui.face import View
from kiosk_agent.words import OF_FAULTS, Fault, Language, say


def view_of(machine: Machine, settings: Settings, now: int, fault: Fault = "") -> View:
    """The whole view, for a face."""
    lending, online = machine.lending, machine.voice.connection is not None
    countdown, by_hand = lending.held.countdown, lending.held.by_hand
    deadline, end = (countdown.deadline, countdown.end) if countdown else (None, None)
    if by_hand is not None:
        deadline = end = by_hand.until
    return View(
        poste=settings.poste, phase=lending.phase, online=online, checking="start" in machine.talk.requests,
        sentence=_sentence(machine, settings.language, now, fault), language=settings.language,
        session=lending.held.session, deadline=deadline, end=end, by_hand=by_hand is not None,
        remaining_ms=None if countdown else lending.remaining(now), config=lending.held.config,
        controller=machine.talk.controller_online, asking="extend" in machine.talk.requests,
        still_there=machine.idleness.asked_at is not None, answer_by=machine.idleness.answer_by,
        blocked_until=machine.talk.blocked_until if machine.talk.blocked_until > now else 0,
        fault="" if online else fault, server_ms=machine.offset.server_ms,
    )  # fmt: skip


def _sentence(machine: Machine, language: Language, now: int, fault: Fault) -> str:
    if machine.lending.held.by_hand is not None:
        return say("by_hand", language)
    match machine.lending.phase:
        case "cleaning" | "maintenance" as phase:
            return say(phase, language)
        case "suspended":
            return say("suspended", language, seconds=(machine.lending.remaining(now) or 0) // 1000)
        case "locked":
            return say(_locked(machine, fault), language)
        case "active" | "grace" if machine.idleness.asked_at is not None:
            return say("still_there", language)
    return ""


def _locked(machine: Machine, fault: Fault) -> str:
    if machine.voice.connection is None:
        return OF_FAULTS[fault]
    if "start" in machine.talk.requests:
        return "checking"
    return "welcome" if machine.talk.controller_online else "no_controller"
