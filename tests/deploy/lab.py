"""Fresh Debian machines on a network of their own, and a technician's desk with Ansible on the same network.

technician --- bridge --- server, poste, ...        each in a network namespace; nothing else reaches any of them
"""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import yaml

from tests.support.debian import System, debian
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]
ANSIBLE = ROOT / ".cache/deploy/bin"
_FRESH = (
    "python3", "python3-apt", "systemd-sysv", "dbus", "ca-certificates", "openssh-server", "iproute2",
)  # fmt: skip
"""What a machine has that Debian was just installed on: systemd, ssh, and the Python that Ansible wants."""
_NETWORK = "192.0.2"
SITE = {
    "ppm_server_name": "postes.mediatheque.example",
    "ppm_server_address": f"{_NETWORK}.10",
    "ppm_site": "saint-denis",
    "ppm_site_name": "Médiathèque de Saint-Denis",
    "ppm_packages_archive": str(ROOT / "build/deploy/packages.tar"),
}


_SPACES = Path("/run/netns")
"""Where `ip netns` mounts a folder of its own for all of them, and leaves it."""
_ON_THE_SERVER = ("servers", "dns_filters", "monitors")
CLOSED = "0.0.0.0 pub.example\n# a list as they are found\nmouchard.example # and why\n"


class Lab:
    """The network and the technician's desk; a context manager. Machines are made with `machine`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._prefix = f"ppm{os.getpid()}"
        self._machines: dict[str, System] = {}
        self._plugs: dict[str, str] = {}
        self.addresses: dict[str, str] = {}
        self.times: list[tuple[str, float]] = []

    def __enter__(self) -> Self:
        _ip("netns", "add", self.desk)
        _ip("-n", self.desk, "link", "set", "lo", "up")
        _ip("-n", self.desk, "link", "add", "lan", "type", "bridge")
        _ip("-n", self.desk, "link", "set", "lan", "up")
        _ip("-n", self.desk, "address", "add", f"{_NETWORK}.1/24", "dev", "lan")
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self._folder / "key")]
        subprocess.run(words, check=True)
        return self

    def __exit__(self, *_: object) -> None:
        for machine in self._machines.values():
            machine.__exit__(None, None, None)
        for name in [*self._machines, "desk"]:
            _ip("netns", "delete", f"{self._prefix}-{name}")
        if not any(_SPACES.iterdir()):
            subprocess.run(["umount", _SPACES], check=True)
            _SPACES.rmdir()

    @property
    def desk(self) -> str:
        """The technician's network namespace."""
        return f"{self._prefix}-desk"

    def machine(self, name: str, number: int) -> System:
        """A fresh Debian that is up, on the network at that address, and lets the technician in."""
        space, plug = f"{self._prefix}-{name}", f"plug{len(self._machines)}"
        _ip("netns", "add", space)
        _ip(
            "-n",
            self.desk,
            "link",
            "add",
            plug,
            "type",
            "veth",
            "peer",
            "name",
            "eth0",
            "netns",
            space,
        )
        _ip("-n", self.desk, "link", "set", plug, "master", "lan", "up")
        _ip("-n", space, "link", "set", "lo", "up")
        _ip("-n", space, "address", "add", f"{_NETWORK}.{number}/24", "dev", "eth0")
        _ip("-n", space, "link", "set", "eth0", "up")
        path = f"--network-namespace-path=/run/netns/{space}"
        made = System(self._folder / name, debian(_FRESH), path)
        self._machines[name] = made
        self._plugs[name] = plug
        self.addresses[name] = f"{_NETWORK}.{number}"
        made.__enter__()
        made.write("/root/.ssh/authorized_keys", (self._folder / "key.pub").read_text())
        return made

    def link(self, name: str, state: str) -> None:
        """Plug the cable of a machine in (`up`) or pull it (`down`)."""
        _ip("-n", self.desk, "link", "set", self._plugs[name], state)

    # -------------------------------------------------------------- the technician

    def play(
        self, playbook: str, *options: str, postes: Sequence[str] = (), server: str = "serveur"
    ) -> "Played":
        """Run a playbook; it must go well."""
        self._write_inventory(server, postes)
        began = time.monotonic()
        ran = self._run([str(ANSIBLE / "ansible-playbook"), playbook, *options])
        took = time.monotonic() - began
        self.times.append((" ".join(["ansible-playbook", playbook, *options]), took))
        with (self._folder / "ansible.log").open("a") as log:
            log.write(f"----- {playbook} {' '.join(options)}\n{ran.stdout}{ran.stderr}")
        assert ran.returncode == 0, f"{ran.stdout[-6_000:]}{ran.stderr}"
        return Played(ran.stdout, took)

    def at_the_desk(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """A command on the technician's machine."""
        return self._run(list(words))

    def _run(self, words: list[str]) -> "subprocess.CompletedProcess[str]":
        home = self._folder / "home"
        given = {
            "PATH": f"{ANSIBLE}:{os.environ['PATH']}", "HOME": str(home), "LANG": "C.UTF-8",
            "ANSIBLE_HOME": str(home), "ANSIBLE_INVENTORY": str(self._folder / "inventory.yml"), "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_HOST_KEY_CHECKING": "False", "ANSIBLE_SSH_CONTROL_PATH_DIR": f"/tmp/{self._prefix}-ssh",
            "ANSIBLE_PRIVATE_KEY_FILE": str(self._folder / "key"),
            "ANSIBLE_SSH_ARGS": "-o ControlMaster=auto -o ControlPersist=30s -o UserKnownHostsFile=/dev/null",
        }  # fmt: skip
        entered = ["ip", "netns", "exec", self.desk, *words]
        return subprocess.run(
            entered, cwd=ROOT / "ansible", env=given, capture_output=True, text=True, timeout=900,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def _write_inventory(self, server: str, postes: Sequence[str]) -> None:
        def hosts(names: Sequence[str]) -> Mapping[str, Any]:
            return {"hosts": {name: {"ansible_host": self.addresses[name]} for name in names}}

        closed = str(self._folder / "closed.txt")
        Path(closed).write_text(CLOSED)
        told = {
            "all": {
                # A container has the boot id of its host, by which Ansible would see that it has restarted.
                "vars": {
                    "ansible_user": "root",
                    "poste_restarts": False,
                    "dns_filter_lists": [closed],
                    **SITE,
                },
                "children": {"postes": hosts(postes), **{group: hosts([server]) for group in _ON_THE_SERVER}},
            }
        }
        (self._folder / "inventory.yml").write_text(yaml.safe_dump(told, allow_unicode=True))


class Played:
    """What a playbook did; `changed` by machine."""

    def __init__(self, said: str, seconds: float) -> None:
        self.said, self.seconds = said, seconds
        recap = said.partition("PLAY RECAP")[2].splitlines()[1:]
        lines = (line.split() for line in recap if "changed=" in line)
        self.changed = {words[0]: int(words[3].removeprefix("changed=")) for words in lines}


def reboot(machine: System) -> float:
    """Restart a machine as its owner would; how many seconds until it is up."""
    began = time.monotonic()
    machine.run("systemctl", "reboot")
    wait_until(lambda: not Path(f"/proc/{machine.pid}").exists(), 60, "a machine that goes down")
    machine.wait_up()
    return time.monotonic() - began


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)
