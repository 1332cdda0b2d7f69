"""One visit each, broken at one step; many side by side on one stage, each with its verdict."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from tests.end_to_end.part import Part
from tests.end_to_end.planting import Step
from tests.end_to_end.poste import Poste
from tests.end_to_end.stage import Room, Stage
from tests.end_to_end.steps import LOCK

Deed = Literal["start", "add_time", "suspend", "resume", "terminate", "expire", "message", "end", "warn"]
AT_ONCE = 6
TIMED = {"expire": 3, "warn": 12}
"""Deeds of the clock: how long their sessions are, in seconds."""


@dataclass(frozen=True)
class Case:
    """What is done, and the step of it at which somebody dies."""

    deed: Deed
    step: Step

    def __str__(self) -> str:
        return f"{self.deed}: {self.step}"


@dataclass(frozen=True)
class Scene:
    """Where a case is played: `kill` kills whom it is about once the step has come, and starts it again."""

    stage: Stage
    room: Room
    poste: Poste
    planted: Part
    kill: Callable[[], float]
    certain: bool = True
    """Whether what was done must have happened: an operator whose call was lost cannot know."""


def prepare(scene: Scene, case: Case) -> int:
    """All that comes before the deed. Gives the session, 0 if there is none yet."""
    session = 0
    if case.deed not in ("start", *TIMED):
        session = scene.stage.begin(scene.room, scene.poste)
    if case.deed == "resume":
        assert scene.stage.act("suspend", session).ok
        scene.stage.settle([scene.poste])
    return session


def play(scene: Scene, case: Case, session: int) -> list[str]:
    """Play a prepared case to the end of the visit. Gives all that went wrong."""
    scene.planted.plant(case.step)
    session = _do(scene, case.deed, session)
    died_at = scene.kill()
    scene.stage.settle([scene.poste], since=died_at)
    wrong = scene.stage.wrong([scene.poste])
    return wrong + _finish(scene, case, session)


def _do(scene: Scene, deed: Deed, session: int) -> int:
    stage = scene.stage
    match deed:
        case "start":
            session, code = stage.create(scene.room)
            scene.poste.type_code(code)
        case "expire" | "warn":
            session = stage.begin(scene.room, scene.poste, TIMED[deed])
        case "add_time":
            stage.act("add_time", session, 60)
        case "suspend" | "resume" | "terminate":
            stage.act(deed, session)
        case "message":
            stage.show(scene.poste, f"Bonjour {session}")
        case "end":
            scene.poste.end_session()
    return session


def _finish(scene: Scene, case: Case, session: int) -> list[str]:
    """The visit goes on as if nothing had happened."""
    stage = scene.stage
    (statut,) = stage.rows("SELECT statut FROM session WHERE id = :id", id=session)[0]
    over = case.deed in ("terminate", "expire", "end")
    if over and case.deed == "expire":
        scene.poste.part.wait_for(lambda: not scene.poste.machine.unlocked, 10, "locked in the end")
    expected = {"suspend": "suspendue", "terminate": "terminee", "end": "terminee"}.get(case.deed, "active")
    # Before the agent has written that the visitor left, the session goes on: it can be ended again.
    certain = scene.certain and not (case.deed == "end" and case.step.at == LOCK)
    if case.deed != "expire" and statut != expected and certain:
        return [f"session {session} is {statut}, should be {expected}"]
    over = statut in ("terminee", "expiree")
    if not over:
        for what in ("add_time", "terminate"):
            answer = stage.act(what, session, *([60] if what == "add_time" else []))
            if not answer.ok:
                return [f"{what}: {answer}"]
            stage.settle([scene.poste])
    scene.poste.wait_free()
    stage.settle([scene.poste])
    return stage.wrong([scene.poste])


def play_all(
    cases: Iterable[Case], scene_of: Callable[[Case], Scene], at_once: int = AT_ONCE
) -> dict[Case, list[str]]:
    """The verdict on each case; what raised is its verdict too."""
    cases = list(cases)

    def prepared(case: Case) -> tuple[Scene, int] | str:
        try:
            scene = scene_of(case)
            return scene, prepare(scene, case)
        except AssertionError as failed:
            return str(failed)

    def verdict(case: Case, ready: tuple[Scene, int] | str) -> list[str]:
        if isinstance(ready, str):
            return [f"not even begun: {ready}"]
        try:
            return play(ready[0], case, ready[1])
        except AssertionError as failed:
            return [str(failed)]

    # One pool to the end: a part dies with the thread that started it.
    with ThreadPoolExecutor(at_once, thread_name_prefix="scene") as pool:
        begun = list(pool.map(prepared, cases))
        return dict(zip(cases, pool.map(verdict, cases, begun), strict=True))
