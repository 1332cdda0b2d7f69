"""What a poste knows of itself: with no network, with several interfaces, with no screen."""

import json
import subprocess
import sys
from pathlib import Path

import msgspec

from kiosk_agent.platform import about
from kiosk_agent.platform.dry import DryPlatform
from protocol import codec, topics
from protocol.messages import Info

ROOT = Path(__file__).parents[2]
_TELL = """
import json, msgspec
from kiosk_agent.platform import about
told = about.machine(("lock",))
seen = {address: about.mac_of(address) for address in ("10.1.0.1", "10.2.0.1", "fd00::1", "127.0.0.1")}
print(json.dumps({"told": msgspec.to_builtins(told), "macs": seen}))
"""
_TWO_INTERFACES = """
ip link set lo up
ip link add first address 02:00:00:00:00:01 type veth peer name far-first
ip link add second address 02:00:00:00:00:02 type veth peer name far-second
ip addr add 10.1.0.1/24 dev first
ip addr add 10.2.0.1/24 dev second
ip -6 addr add fd00::1/64 dev second nodad
ip link set first up
ip link set second up
"""


def apart(preparation: str) -> dict[str, dict[str, object]]:
    """What a machine says that has no network but this one."""
    script = f'set -e\n{preparation}\nexec "$0" -c "$1"'
    done = subprocess.run(
        ["unshare", "--map-root-user", "--net", "sh", "-c", script, sys.executable, _TELL],
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    answer: dict[str, dict[str, object]] = json.loads(done.stdout)
    return answer


def test_a_machine_without_any_network_says_what_it_is() -> None:
    told = apart("")["told"]
    assert told["ip"] is None
    assert told["mac"] is None
    assert told["hostname"]
    assert "Linux" in str(told["os"])


def test_of_several_interfaces_the_one_that_has_the_address_is_told() -> None:
    macs = apart(_TWO_INTERFACES)["macs"]
    assert macs["10.1.0.1"] == "02:00:00:00:00:01"
    assert macs["10.2.0.1"] == macs["fd00::1"] == "02:00:00:00:00:02"
    assert macs["127.0.0.1"] is None, "the loopback has none"


def test_memory_disk_and_python_are_those_of_the_machine() -> None:
    told = DryPlatform().info()
    kib = next(line for line in Path("/proc/meminfo").read_text().splitlines() if "MemTotal" in line)
    assert abs(told.ram_bytes / (int(kib.split()[1]) * 1024) - 1) < 0.2
    assert 0 < told.disk_free_bytes <= told.disk_bytes
    assert told.python == ".".join(map(str, sys.version_info[:3]))


def test_screens_are_counted_as_the_kernel_lists_them(tmp_path: Path) -> None:
    for plug, status, modes in (
        ("card0-HDMI-A-1", "connected", "1920x1080\n1280x720\n"),
        ("card0-DP-1", "disconnected", ""),
        ("card0-VGA-1", "connected", ""),
    ):
        (tmp_path / plug).mkdir()
        (tmp_path / plug / "status").write_text(f"{status}\n")
        (tmp_path / plug / "modes").write_text(modes)
    (tmp_path / "card0").mkdir()
    assert about.screens(tmp_path) == ("1920x1080", "?")
    assert about.screens(tmp_path / "nothing") == ()


def test_the_longest_thing_that_a_machine_can_say_travels() -> None:
    told = msgspec.structs.replace(
        DryPlatform().info(), os="é" * 200, hostname="h" * 255, screens=("1" * 64,) * 16,
        capabilities=("c" * 64,) * 64,
    )  # fmt: skip
    payload = codec.encode(told)
    back: Info = codec.decode(topics.INFO, payload)
    assert back == told
