"""A private part does not outlive whoever started it."""

import subprocess
import sys
from pathlib import Path

import pytest

from ppm.parts import PartFailed
from ppm.parts.broker import Binary, PrivateBroker
from ppm.parts.process import Child, free_port
from tests.support.waiting import wait_until

_PARENT = """
import sys, time
from pathlib import Path
from ppm.parts.process import Child
child = Child(["sleep", "600"], Path(sys.argv[1]))
child.start()
print(child.pid, flush=True)
time.sleep(600)
"""


def runs(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] not in "XZ"


def test_a_part_dies_with_its_killed_parent(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _PARENT, str(tmp_path / "log")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        wait_until(lambda: Path(f"/proc/{pid}/comm").read_text() == "sleep\n")
        parent.kill()
    wait_until(lambda: not runs(pid))


def test_a_part_that_ends_at_once_says_why(tmp_path: Path) -> None:
    child = Child(["sh", "-c", "echo no such thing; exit 3"], tmp_path / "log")
    child.start()
    with pytest.raises(PartFailed, match="no such thing"):
        child.wait_ready(lambda: False, 5)


def test_a_broker_that_cannot_have_its_port_says_so(mosquitto_binary: Binary, tmp_path: Path) -> None:
    port = free_port()
    with (
        PrivateBroker(mosquitto_binary, tmp_path / "first", postes_port=port),
        pytest.raises(PartFailed, match="Address already in use"),
    ):
        PrivateBroker(
            mosquitto_binary, tmp_path / "second", postes_port=port, services_port=free_port()
        ).start()


def test_two_brokers_run_side_by_side(mosquitto_binary: Binary, tmp_path: Path) -> None:
    with (
        PrivateBroker(mosquitto_binary, tmp_path / "1") as one,
        PrivateBroker(mosquitto_binary, tmp_path / "2") as two,
    ):
        assert len({one.postes_port, one.services_port, two.postes_port, two.services_port}) == 4
