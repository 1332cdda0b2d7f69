"""The cases in which a controller stands still at a named step while somebody else dies."""

from tests.end_to_end.planting import Step
from tests.end_to_end.scenes import Case, Deed
from tests.end_to_end.steps import ACKED, ANSWERING, COMMIT, DUE, MARK, REPLY, START, STATE, TOLD


def held(deed: Deed, step: Step) -> Case:
    """The case in which it stands still at that step."""
    return Case(deed, Step(step.when, step.at, step.within, step.nth, "hold"))


HELD = [
    held("start", Step("before", COMMIT, START)),
    held("start", Step("before", REPLY, ANSWERING)),
    held("start", Step("before", MARK)),
    held("start", Step("before", COMMIT, ACKED)),
    held("add_time", Step("before", STATE)),
    held("add_time", Step("before", MARK)),
    held("suspend", Step("before", COMMIT, ACKED)),
    held("resume", Step("before", STATE)),
    held("terminate", Step("before", COMMIT, ACKED)),
    held("terminate", Step("before", COMMIT, TOLD)),
    held("message", Step("before", MARK)),
    held("expire", Step("before", COMMIT, DUE)),
]
