"""Scenes in which a controller stands still at a named step while somebody else dies."""

from collections.abc import Callable

from tests.end_to_end.part import Part
from tests.end_to_end.planting import Step
from tests.end_to_end.scenes import Case, Deed, Scene
from tests.end_to_end.stage import Room, Stage
from tests.end_to_end.steps import ACKED, ANSWERING, COMMIT, DUE, MARK, REPLY, START, STATE, TOLD


def _held(deed: Deed, step: Step) -> Case:
    return Case(deed, Step(step.when, step.at, step.within, step.nth, "hold"))


HELD = [
    _held("start", Step("before", COMMIT, START)),
    _held("start", Step("before", REPLY, ANSWERING)),
    _held("start", Step("before", MARK)),
    _held("start", Step("before", COMMIT, ACKED)),
    _held("add_time", Step("before", STATE)),
    _held("add_time", Step("before", MARK)),
    _held("suspend", Step("before", COMMIT, ACKED)),
    _held("resume", Step("before", STATE)),
    _held("terminate", Step("before", COMMIT, ACKED)),
    _held("terminate", Step("before", COMMIT, TOLD)),
    _held("message", Step("before", MARK)),
    _held("expire", Step("before", COMMIT, DUE)),
]


def held_scene(stage: Stage, room: Room, kill: Callable[[Part], float]) -> Scene:
    """A scene whose controller is held at its step until `kill` releases it. Gives when somebody died."""
    controller = stage.controller(f"controller-{room.slug}", room)
    controller.start()
    stage.start(room)

    def reached() -> float:
        controller.wait_reached(60)
        return kill(controller)

    return Scene(stage, room, room[0], controller, reached)
