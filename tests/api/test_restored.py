"""What the API makes of what was given out before its database was put back."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from litestar.testing import TestClient
from sqlalchemy import select

from api.app import create_app
from fleet.database.tables import log, operateur
from fleet.domain.actor import LECTEUR, SYSTEM
from fleet.domain.errors import Refused
from fleet.jobs import backup, restore
from fleet.jobs.settings import Backups
from fleet.usecases import logins, operateurs
from fleet.usecases.fleet import Fleet
from fleet.usecases.logins import Credentials
from fleet.usecases.operateurs import NewOperateur
from tests.api.conftest import PASSWORD, SETTINGS, Desk


@pytest.fixture
def desk(fleet: Fleet, site_id: int) -> Iterator[Desk]:
    """Rights are read anew with each call."""
    app = create_app(fleet, replace(SETTINGS, rights_ttl_s=0))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield Desk(fleet, client, site_id)


def generation(desk: Desk, login: str) -> tuple[int, int]:
    with desk.fleet.database.read() as tx:
        row = tx.execute(select(operateur).where(operateur.c.login == login)).one()
    return row.id, row.generation


def access(desk: Desk, login: str) -> str:
    number, of = generation(desk, login)
    return desk.shared.tokens.make(number, of, datetime.now(UTC))


def status(desk: Desk, token: str) -> int:
    bearer = {"Authorization": f"Bearer {token}"}
    return desk.client.get("/api/auth/me/", headers=bearer).status_code


def back(desk: Desk, path: Path) -> None:
    restore.restore(desk.fleet.database, path, secret=None, fingerprints={}, force=True)


def new_reader(desk: Desk, login: str) -> int:
    return operateurs.create(desk.fleet, SYSTEM, NewOperateur(login, PASSWORD, LECTEUR, [desk.site_id]))


def test_no_token_of_before_a_restore_is_good_after_it(desk: Desk, tmp_path: Path) -> None:
    stays = logins.authenticate(desk.fleet, Credentials("desk", PASSWORD)).refresh_token
    path = backup.make(desk.fleet.database, Backups(tmp_path), "test")
    tokens = [access(desk, "desk")]
    for _ in range(3):
        logins.revoke_all(desk.fleet, SYSTEM, generation(desk, "desk")[0])
        tokens.append(access(desk, "desk"))
    late = new_reader(desk, "late")
    tokens.append(access(desk, "late"))
    assert [status(desk, one) for one in tokens] == [401, 401, 401, 200, 200]
    back(desk, path)
    assert new_reader(desk, "other") == late
    assert [status(desk, one) for one in tokens] == [401] * 5
    with pytest.raises(Refused, match="Reconnectez-vous"):
        logins.rotate(desk.fleet, stays)
    assert [status(desk, access(desk, who)) for who in ("desk", "other")] == [200, 200]


def test_a_token_between_two_restores_of_one_backup_is_over_too(desk: Desk, tmp_path: Path) -> None:
    path = backup.make(desk.fleet.database, Backups(tmp_path), "test")
    back(desk, path)
    between = access(desk, "desk")
    back(desk, path)
    assert status(desk, between) == 401


def test_a_restore_tells_in_the_journal_that_it_has_logged_everybody_out(desk: Desk, tmp_path: Path) -> None:
    back(desk, backup.make(desk.fleet.database, Backups(tmp_path), "test"))
    with desk.fleet.database.read() as tx:
        told = tx.execute(select(log.c.metadata).where(log.c.action == "restauration")).scalar_one()
        everybody = len(tx.execute(select(operateur.c.id)).all())
    assert told["operateurs_deconnectes"] == everybody > 1
