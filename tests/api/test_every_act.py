"""Every act that the API knows, done once: each change has its line in the trail, and no log says a name."""

from dataclasses import replace

import pytest
from sqlalchemy import select, update

from fleet.database.tables import poste, session
from fleet.domain.actor import SYSTEM
from fleet.usecases import postes, sessions
from tests.api import fuzz_world
from tests.api.conftest import Desk, count
from tests.api.fuzz_world import Act, World
from tests.api.rights import RIGHTS
from tests.api.test_fuzz import answered

NO_CHANGE = {
    "POST /api/auth/totp",
    "POST /api/auth/ws_ticket",
    "POST /api/enrolement/demandes",
    "POST /api/logs/search",
    "POST /api/postes/{poste}/heartbeat",
    "POST /api/sessions/validate-code",
    "POST /api/sessions/validate_code",
    "POST /api/token/refresh",
    "POST /api/token/verify",
}
"""Acts that leave the deployment as it was: a look, a sign of life, a key or a token that is not used yet, a
machine that asks to be seen."""
NAMES = ("Payet", "Marie", "Hoarau", "Ida", "Léa")
STRANGERS = ("httpx", "httpcore", "asyncio", "sqlalchemy")
"""Loggers of the test's own client, and of libraries that nobody turns up."""


@pytest.fixture
def acts(desk: Desk) -> dict[str, Act]:
    """All of them, each with something to change."""
    assert desk.shared.settings.releases is not None
    world = World(desk.fleet, desk.site_id, desk.shared.tokens, desk.shared.settings.releases)
    made = fuzz_world.acts(world)
    cut = world.after(sessions.start, sessions.suspend)
    back = made["POST /api/postes/{poste}/marquer_disponible"].path["poste"]
    with desk.fleet.database.transaction() as tx:
        tx.execute(update(session).where(session.c.id == cut).values(motif_fin="coupure_reseau"))
        number = tx.execute(select(poste.c.id).where(poste.c.slug == back)).scalar_one()
    postes.set_statut(desk.fleet, SYSTEM, number, "maintenance")
    renamed = replace(made["PUT /api/sites/{site}"], body={"nom": "Ailleurs"})
    return made | {"PUT /api/sites/{site}": renamed}


def test_every_change_has_its_line_in_the_trail_and_no_log_says_a_name(
    desk: Desk, acts: dict[str, Act], caplog: pytest.LogCaptureFixture
) -> None:
    desk.token("admin")
    caplog.set_level("DEBUG")
    untold = set()
    for name in RIGHTS:
        before = count(desk.fleet, "SELECT count(*) FROM log")
        answer = answered(desk, name, acts.get(name, Act()))
        assert answer.is_success, (name, answer.text)
        if not name.startswith("GET ") and count(desk.fleet, "SELECT count(*) FROM log") == before:
            untold.add(name)
    assert untold == NO_CHANGE
    said = [str(vars(record)) for record in caplog.records if record.name.split(".")[0] not in STRANGERS]
    assert len(said) >= len(RIGHTS)
    assert [line for line in said if any(word in line for word in NAMES)] == []
