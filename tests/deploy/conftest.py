"""One site for all the tests of this folder: making it is what takes the time."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.lab import Lab
from tests.deploy.site import POSTE, SERVER, Site, seat_a_visitor
from tests.support.waiting import wait_until


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server and a poste, from fresh machines to a lock before the visitor, by one playbook; all times at the end."""
    folder: Path = tmp_path_factory.mktemp("site")
    with Lab(folder) as lab:
        server, poste = lab.machine(SERVER, 10), lab.machine(POSTE, 101)
        played = lab.play("site.yml", postes=[POSTE])
        seat_a_visitor(poste)
        made = Site(lab, server, poste, folder, played.seconds)
        wait_until(made.covered, 90, "a lock")
        yield made
        print("\nseconds")
        for what, took in lab.times:
            print(f"{took:8.1f}  {what}")
