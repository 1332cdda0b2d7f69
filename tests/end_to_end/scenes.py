"""One visit each, broken at one step; many side by side on one stage, each with its verdict."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from tests.end_to_end.desk import Answer
from tests.end_to_end.part import Part
from tests.end_to_end.planting import Step
from tests.end_to_end.poste import Poste
from tests.end_to_end.stage import SETTLE_S, Room, Stage
from tests.end_to_end.steps import LOCK

Deed = Literal["start", "add_time", "suspend", "resume", "terminate", "expire", "message", "end", "warn"]
GREETING = "Bonjour"
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


def prepare(scene: Scene, case: Case) -> int:
    """All that comes before the deed. Gives the session, 0 if there is none yet."""
    session = 0
    if case.deed not in ("start", *TIMED):
        session = scene.stage.begin(scene.room, scene.poste)
    if case.deed == "resume":
        assert scene.stage.act("suspend", session).ok
        scene.stage.settle([scene.poste])
    return session


def play(scene: Scene, case: Case, session: int, within_s: float = SETTLE_S) -> list[str]:
    """Play a prepared case to the end of the visit. Gives all that went wrong."""
    scene.planted.plant(case.step)
    # Who does it does not wait for the death: a desk whose API died asks again until there is one.
    with ThreadPoolExecutor(1, thread_name_prefix="deed") as hands:
        doing = hands.submit(_do, scene, case.deed, session)
        try:
            died_at = scene.kill()
        except AssertionError as failed:
            raise AssertionError(f"{failed}; who did it: {doing.exception()}") from None
        session = doing.result()
    scene.stage.settle([scene.poste], since=died_at, within_s=within_s)
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
            _done(stage.act("add_time", session, seconds=60))
        case "suspend" | "resume" | "terminate":
            _done(stage.act(deed, session))
        case "message":
            _done(stage.show(scene.poste, GREETING))
        case "end":
            scene.poste.end_session()
    return session


def _done(answer: Answer) -> None:
    assert answer.ok, f"the desk got no yes: {answer}"


def _finish(scene: Scene, case: Case, session: int) -> list[str]:
    """The visit goes on as if nothing had happened."""
    stage = scene.stage
    (statut,) = stage.rows("SELECT statut FROM session WHERE id = :id", id=session)[0]
    over = case.deed in ("terminate", "expire", "end")
    if over and case.deed == "expire":
        scene.poste.part.wait_for(lambda: not scene.poste.machine.unlocked, 10, "locked in the end")
    expected = {"suspend": "suspendue", "terminate": "terminee", "end": "terminee"}.get(case.deed, "active")
    # Before the agent has written that the visitor left, the session goes on: it can be ended again.
    certain = not (case.deed == "end" and case.step.at == LOCK)
    if case.deed != "expire" and statut != expected and certain:
        return [f"session {session} is {statut}, should be {expected}"]
    if (
        case.deed == "message"
        and scene.planted is not scene.poste.part
        and not scene.poste.machine.shown[GREETING]
    ):
        return ["the message was not shown"]
    over = statut in ("terminee", "expiree")
    if not over:
        for what in ("add_time", "terminate"):
            answer = stage.act(what, session, **({"seconds": 60} if what == "add_time" else {}))
            if not answer.ok:
                return [f"{what}: {answer}"]
            stage.settle([scene.poste])
    scene.poste.wait_free()
    stage.settle([scene.poste])
    return stage.wrong([scene.poste])


def play_all(
    cases: Iterable[Case],
    scene_of: Callable[[Case], Scene],
    at_once: int = AT_ONCE,
    within_s: float = SETTLE_S,
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
            return play(ready[0], case, ready[1], within_s)
        except AssertionError as failed:
            ready[0].stage.keep_logs()
            return [str(failed)]

    # One pool to the end: a part dies with the thread that started it.
    with ThreadPoolExecutor(at_once, thread_name_prefix="scene") as pool:
        begun = list(pool.map(prepared, cases))
        return dict(zip(cases, pool.map(verdict, cases, begun), strict=True))
