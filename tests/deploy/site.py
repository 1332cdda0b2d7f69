"""A site that the playbooks made: what its desk asks over HTTPS, and what a visitor does at its poste."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.deploy.lab import SITE, Lab
from tests.end_to_end.debian_poste import Screen, dress
from tests.support.debian import System
from tests.support.waiting import wait_until

SERVER, POSTE = "serveur", "saint-denis-01"
PPM = "/usr/local/sbin/ppm"
PKI = "/etc/poste-public/pki"
SECRETS = "/etc/poste-public/secrets"
NAME, ADDRESS = SITE["ppm_server_name"], SITE["ppm_server_address"]
LONG_S = 90


@dataclass
class Site:
    """The machines of a site, and what the technician knows of it."""

    lab: Lab
    server: System
    poste: System
    folder: Path
    played_s: float

    def __post_init__(self) -> None:
        self._ca = self.folder / "ca.crt"
        self._ca.write_text(self.server.do("cat", f"{PKI}/ca.crt") + "\n")

    # -------------------------------------------------------------- the desk, over HTTPS

    def curl(self, *words: str, name: str = NAME) -> tuple[int, str]:
        """What curl says, and with which code, from the technician's machine; it believes the site's CA alone."""
        told = ["curl", "--silent", "--show-error", "--max-time", "10", "--cacert", str(self._ca)]
        told += ["--resolve", f"{name}:443:{ADDRESS}", "--resolve", f"{name}:80:{ADDRESS}"]
        ran = self.lab.at_the_desk(*told, *words)
        return ran.returncode, ran.stdout + ran.stderr

    def asks(self, path: str, body: dict[str, Any] | None = None, token: str = "") -> Any:
        """What the API answers to the desk; it must."""
        words = ["--fail-with-body", f"https://{NAME}/api/{path}", "-H", "Content-Type: application/json"]
        words += ["-H", f"Authorization: Bearer {token}"] if token else []
        words += ["-d", json.dumps(body)] if body is not None else []
        code, said = self.curl(*words)
        assert code == 0, f"{path}: {said}"
        return json.loads(said)

    def login(self) -> str:
        """A token of the first administrator, whose password is in its file."""
        password = self.server.do("cat", f"{SECRETS}/administrateur.password")
        return str(self.asks("token/", {"login": "administrateur", "password": password})["access"])

    def session(self, number: int) -> dict[str, Any]:
        """A session, as the desk sees it now."""
        found: dict[str, Any] = self.asks(f"sessions/{number}/", token=self.login())
        return found

    def give_code(self, seconds: int) -> tuple[int, str]:
        """A session for whoever comes, and its code."""
        made = self.asks("sessions/", {"site": SITE["ppm_site"], "duree_initiale": seconds}, self.login())
        return made["id"], made["code_acces"]

    def is_ready(self) -> bool:
        """Whether all of the server is there."""
        code, _ = self.curl("--fail", f"https://{NAME}/api/health/ready")
        return code == 0

    def phase(self) -> str:
        """What the desk sees of the poste."""
        rows = json.loads(self.server.do(PPM, "poste", "list", "--json"))
        return next(f"{row['statut']} {row['est_en_ligne']}" for row in rows if row["slug"] == POSTE)

    def wait_free(self) -> None:
        wait_until(lambda: self.phase() == "disponible True", LONG_S, "a free poste")

    # -------------------------------------------------------------- the visitor

    def covered(self) -> bool:
        return Screen(self.poste).covered()

    def type_code(self, code: str) -> None:
        """Until the visitor's program runs."""
        Screen(self.poste).type_code(code, LONG_S)
        wait_until(self.runs, LONG_S, "the visitor's program")

    def runs(self) -> bool:
        """Does anything of the visitor's move? Its program notes 50 times a second when it is."""
        last = self.poste.run("tail", "-n", "1", "/ticks/ticks").stdout.strip()
        return (
            last.isdecimal() and time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000 - int(last) < 2_000
        )

    def begin(self, seconds: int) -> int:
        """A visitor sits down with a code of the desk."""
        self.wait_free()
        number, code = self.give_code(seconds)
        self.type_code(code)
        wait_until(lambda: self.session(number)["statut"] == "active", LONG_S, "active for the desk")
        return number

    def end(self, number: int) -> None:
        """The desk ends it, and the poste is free again."""
        self.asks(f"sessions/{number}/terminate/", {}, self.login())
        wait_until(self.covered, LONG_S, "the lock")
        self.wait_free()


def seat_a_visitor(poste: System) -> None:
    """A screen that nobody sees in the place of Xorg, fingers, and a desktop with a busy visitor."""
    packages = ("xvfb", "xdotool", "procps")
    poste.do(
        "apt-get",
        "install",
        "-y",
        "-q",
        "--no-install-recommends",
        *packages,
        DEBIAN_FRONTEND="noninteractive",
    )
    dress(poste)
    poste.sh("mkdir -p /ticks && chmod 777 /ticks")
    poste.do("systemctl", "restart", "ppm-kiosk")
