"""What the images hold, and that the services of the compose file do their work in it."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from ppm.parts.postgres import PrivatePostgres
from tests.deploy.images import ROOT, Composed, Image, build, context
from tests.support.debian import Door
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.deploy, pytest.mark.timeout(900)]
NAME = "postes.example"


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Image]]:
    folder = tmp_path_factory.mktemp("images")
    yield build(folder)
    shutil.rmtree(folder, ignore_errors=True)


def test_an_image_gets_the_programs_and_no_secret_of_this_folder() -> None:
    names = {str(path.relative_to(ROOT)) for path in context()}
    assert {re.sub(r"-[\d.]+tar$", "", name) for name in names} == {
        "build/deploy/server", "ansible/roles/certificates/files/poste-public-certificates", "docker/setup.sh",
        "docker/nginx.conf",
    }  # fmt: skip


def test_the_services_serve_the_page_by_https_and_the_broker_by_tls(
    images: dict[str, Image], postgres: PrivatePostgres, tmp_path: Path
) -> None:
    tmp_path.chmod(0o755)
    secrets = tmp_path / "secrets"
    shutil.copytree(ROOT / "docker", tmp_path / "docker", ignore=shutil.ignore_patterns("secrets"))
    subprocess.run(["sh", str(tmp_path / "docker/secrets.sh")], check=True)
    shutil.move(tmp_path / "docker/secrets", secrets)
    secrets.chmod(0o755)
    url = postgres.create_database("composed")
    port = int(re.search(r":(\d+)/", url)[1])  # type: ignore[index]
    (secrets / "database_url").write_text(url.replace(f":{port}/", ":5432/"))
    made = Composed(images, tmp_path, SERVER_NAME=NAME, SERVER_ADDRESS="127.0.0.1")
    with made.network(), Door(made.pid, 5432, port):
        made.run("setup")
        made.run("setup")
        made.run("api", "ppm", "site", "create", "accueil", "--nom", "Accueil")
        with made.started("broker", "controller", "api", "proxy"):
            for name in ("broker", "api", "controller"):
                wait_until(partial(made.is_healthy, name), 60, f"a healthy {name}")
            asked = ["nsenter", "--target", str(made.pid), "--net", "curl", "-sS", "--fail-with-body"]
            asked += ["--cacert", str(tmp_path / "pki/ca.crt"), "--resolve", f"{NAME}:8443:127.0.0.1"]
            wait_until(
                lambda: subprocess.run([*asked, f"https://{NAME}:8443/api/health/ready"]).returncode == 0,
                60,
                "ready",
            )
            page = subprocess.run(
                [*asked, f"https://{NAME}:8443/"], capture_output=True, text=True, check=True
            )
            assert "<!doctype html>" in page.stdout.lower()
            made.run("controller", "ppm", "doctor")
    assert {images[name].user for name in ("server", "broker", "proxy")} == {"10001"}
    assert all(service["read_only"] for name, service in made.services.items() if name != "database")
    assert (tmp_path / "pki/server.key").stat().st_mode & 0o077 == 0
