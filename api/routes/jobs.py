"""What is done by the clock."""

from litestar import Router, get, post
from litestar.params import FromPath

from api.calls import Call
from fleet.usecases import jobs
from fleet.usecases.jobs import JobList, RunAsked


@get("/", summary="Lister les tâches planifiées")
async def search(request: Call) -> JobList:
    """Each with its last run, its outcome and when it is due next."""
    zone = request.shared.settings.zone
    return await request.run(lambda fleet, actor: jobs.every(fleet, actor, zone))


@post("/{job:str}/run", status_code=202, summary="Lancer une tâche maintenant")
async def run(request: Call, job: FromPath[str]) -> RunAsked:
    """A controller takes it up at once; the list shows how it went."""
    return await request.run(lambda fleet, actor: jobs.ask(fleet, actor, job))


router = Router("/jobs", route_handlers=[search, run], tags=["jobs"])
