"""Scenes in which somebody dies: one for each victim, with who kills it and how it comes back.

The controller, the agent and the API die by themselves, at the step that is planted in them. The broker and the
database are killed from outside, while a controller stands still at its step.
"""

from collections.abc import Callable

from ppm.parts.postgres import PrivatePostgres
from tests.end_to_end.part import Part
from tests.end_to_end.poste import Poste
from tests.end_to_end.scenes import Scene
from tests.end_to_end.stage import Room, Stage

REACHED_S = 60
"""A step comes when its deed has come so far: a visit may have to begin before."""


def of_controller(stage: Stage, room: Room, faults: tuple[str, ...] = ()) -> Scene:
    """The room's controller dies."""
    controller = stage.controller(f"controller-{room.slug}", room, faults=faults)
    controller.start()
    stage.start(room)

    def killed() -> float:
        died_at = controller.wait_dead(REACHED_S)
        controller.start()
        controller.wait_driving(room.site_id)
        return died_at

    return Scene(stage, room, room[0], controller, killed)


def of_agent(stage: Stage, room: Room, poste: Poste) -> Scene:
    """The agent of a poste dies; a controller drives the room already."""
    stage.start([poste])
    return Scene(stage, room, poste, poste.part, lambda: _again(poste.part))


def of_api(stage: Stage, room: Room, poste: Poste) -> Scene:
    """The API dies; the room works already. The desk asks again what was not answered."""
    api = stage.open_desk().part
    return Scene(stage, room, poste, api, lambda: _again(api))


def of_broker(stage: Stage, room: Room) -> Scene:
    """The room's broker dies, with all that it retained."""

    def kill() -> float:
        died_at = stage.now()
        room.broker.kill9()
        room.broker.start()
        return died_at

    return held_controller(stage, room, kill)


def of_database(stage: Stage, room: Room, postgres: PrivatePostgres) -> Scene:
    """The database dies, under everybody."""

    def kill() -> float:
        died_at = stage.now()
        postgres.kill9()
        postgres.start()
        return died_at

    return held_controller(stage, room, kill)


def held_controller(stage: Stage, room: Room, kill: Callable[[], float]) -> Scene:
    """The room's controller is held at its step while `kill` kills somebody else, and gives when that one died."""
    controller = stage.controller(f"controller-{room.slug}", room)
    controller.start()
    stage.start(room)

    def reached() -> float:
        controller.wait_reached(REACHED_S)
        try:
            return kill()
        finally:
            controller.release()

    return Scene(stage, room, room[0], controller, reached)


def _again(part: Part) -> float:
    died_at = part.wait_dead(REACHED_S)
    part.start()
    return died_at
