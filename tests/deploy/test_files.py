"""What the playbooks name, held against what it names."""

import re
from pathlib import Path
from typing import Any

import yaml

from kiosk_agent.platform.linux.install import PACKAGES

ROOT = Path(__file__).parents[2]
ROLES = ROOT / "ansible/roles"
_NOT_OF_AN_ARCHIVE = {"unattended-upgrades"}


def _installed(role: Path) -> set[str]:
    """The packages that a role installs, those of its defaults too."""
    defaults = role / "defaults/main.yml"
    known: dict[str, Any] = (yaml.safe_load(defaults.read_text()) if defaults.exists() else None) or {}
    names: set[str] = set()
    for tasks in role.glob("tasks/*.yml"):
        for task in yaml.safe_load(tasks.read_text()):
            asked = task.get("ansible.builtin.apt", {}).get("name", [])
            names |= set([asked] if isinstance(asked, str) else asked)
    plain = {name for name in names if "{" not in name}
    quoted = {word for name in names - plain for word in re.findall(r"'([a-z0-9.-]+)'", name)}
    lists = {word for name in names - plain for word in re.findall(r"\b[a-z_]+_packages\b", name)}
    return plain | quoted | {one for word in lists for one in known[word]}


def test_the_archive_of_packages_has_what_the_roles_install() -> None:
    lines = (ROOT / "ansible/packages.txt").read_text().splitlines()
    archived = {line for line in lines if not line.startswith("#")}
    installed = set().union(*(_installed(role) for role in ROLES.iterdir()))
    assert {"postgresql", "mosquitto", "openssl", "python3-venv"} <= installed
    assert archived == installed - _NOT_OF_AN_ARCHIVE
    assert not archived & set(PACKAGES) - {"python3"}, "named twice"


def test_what_is_watched_is_what_the_api_tells() -> None:
    told = set(re.findall(r'"(ppm_[a-z_]+)"', (ROOT / "api/routes/metrics.py").read_text()))
    for name in ("poste-public.rules.yml", "grafana.json"):
        text = (ROLES / "monitoring/files" / name).read_text()
        watched = set(re.findall(r"\bppm_[a-z_]+", text))
        assert watched
        assert watched <= told, f"{name}: {watched - told}"
