"""Two fresh Debian machines become a site by the playbooks; then it is used, and things go wrong.

In this order, on the same machines: each test leaves a site that works.
"""

import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.lab import reboot
from tests.deploy.site import ADDRESS, LONG_S, NAME, PKI, POSTE, PPM, SECRETS, SERVER, Site
from tests.deploy.versions import wheelhouse
from tests.support.debian import System
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.deploy, pytest.mark.timeout(1200)]
UNITS = (
    "ppm-api", "ppm-controller", "mosquitto", "nginx", "postgresql@15-main", "poste-public-certificates",
)  # fmt: skip
EXPOSED = 3.0
"""What `systemd-analyze security` may say of a unit of the server at most."""


_PLAIN = """
import socket, sys
with socket.create_connection((sys.argv[1], 8883)) as link:
    link.settimeout(5)
    link.sendall(bytes.fromhex("100d00044d51545404020014000161"))
    try:
        print(link.recv(4).hex() or "nothing")
    except ConnectionResetError:
        print("nothing")
"""
"""A CONNECT of MQTT without TLS, and what comes back: at most an alert of TLS."""


_KNOCK = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), 2).close()
except TimeoutError:
    print("silent")
except OSError as error:
    print(type(error).__name__)
else:
    print("open")
"""
"""Connect, and say what comes of it."""


_LOOK_UP = """
import socket, struct, sys
name = b"".join(bytes([len(word)]) + word.encode() for word in sys.argv[2].split(".")) + bytes(1)
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
    link.settimeout(3)
    link.sendto(struct.pack("!6H", 7, 0x100, 1, 0, 0, 0) + name + struct.pack("!2H", 1, 1), (sys.argv[1], 53))
    try:
        answer = link.recv(512)
    except TimeoutError:
        print("no answer")
    else:
        found = struct.unpack("!6H", answer[:12])[3]
        print(answer[3] & 15, socket.inet_ntoa(answer[-4:]) if found else "-")
"""
"""Ask a name server for an address; its code (3: there is no such name) and what it says."""


def test_a_second_run_changes_nothing(site: Site) -> None:
    assert site.lab.play("site.yml", postes=[POSTE]).changed == {SERVER: 0, POSTE: 0}


def test_a_dry_run_changes_nothing_and_says_so(site: Site) -> None:
    assert site.lab.play("site.yml", "--check", postes=[POSTE]).changed == {SERVER: 0, POSTE: 0}


def test_the_page_and_the_api_come_by_https_and_nothing_by_http(site: Site) -> None:
    wait_until(site.is_ready, LONG_S, "a server that is ready")
    code, page = site.curl(f"https://{NAME}/")
    assert (code, "<!doctype html>" in page.lower()) == (0, True)
    _, sent_on = site.curl("--head", f"http://{NAME}/api/health/live")
    assert "301" in sent_on.splitlines()[0]
    assert f"location: https://{NAME}/api/health/live" in sent_on.lower()


def test_who_does_not_know_the_ca_or_calls_another_name_is_not_connected(site: Site) -> None:
    unknown = site.lab.at_the_desk("curl", "-sS", "--resolve", f"{NAME}:443:{ADDRESS}", f"https://{NAME}/")
    assert unknown.returncode == 60, unknown.stderr
    code, said = site.curl("https://autre.example/", name="autre.example")
    assert code == 60, said
    code, said = site.curl("--tls-max", "1.1", "--tlsv1.0", f"https://{NAME}/")
    assert code == 35, said


def test_only_ssh_names_the_page_and_the_broker_by_tls_are_open_to_the_network(site: Site) -> None:
    lines = site.server.do("ss", "-Hltn").splitlines()
    listening = [line.split()[3].rpartition(":") for line in lines]
    outside = {int(port) for address, _, port in listening if address not in ("127.0.0.1", "[::1]")}
    assert outside == {22, 53, 80, 443, 8883}
    words = ["openssl", "s_client", "-connect", f"{ADDRESS}:8883", "-CAfile", str(site.folder / "ca.crt")]
    words += ["-verify_return_error", "-brief"]
    told = site.lab.at_the_desk(*words, "-verify_hostname", NAME)
    assert "Verification: OK" in told.stderr, told.stderr
    assert site.lab.at_the_desk(*words, "-verify_hostname", "autre.example").returncode != 0
    assert site.lab.at_the_desk(*words, "-tls1_1", "-verify_hostname", NAME).returncode != 0
    answer = site.lab.at_the_desk(sys.executable, "-c", _PLAIN, ADDRESS)
    assert answer.stdout.startswith(("nothing", "1503")), answer.stdout + answer.stderr


def test_what_listens_by_mistake_is_not_reached_from_the_network(site: Site) -> None:
    def knocked(address: str, port: int) -> str:
        return site.lab.at_the_desk(sys.executable, "-c", _KNOCK, address, str(port)).stdout.strip()

    def listens(machine: System) -> bool:
        return machine.run("python3", "-c", _KNOCK, "127.0.0.1", "9999").stdout.strip() == "open"

    addresses = [site.lab.addresses[name] for name in (SERVER, POSTE)]
    machines = (site.server, site.poste)
    for machine in machines:
        machine.do("systemd-run", "--unit=stray", "python3", "-m", "http.server", "9999")
        wait_until(partial(listens, machine), LONG_S, "it listens")
    assert [knocked(address, 9999) for address in addresses] == ["silent", "silent"]
    assert [knocked(ADDRESS, port) for port in (22, 53, 80, 443, 8883)] == ["open"] * 5
    assert [knocked(addresses[1], port) for port in (22, 443, 8883)] == ["open", "silent", "silent"]
    for machine in machines:
        machine.do("systemctl", "stop", "stray")


def test_the_name_server_knows_the_server_and_nothing_that_is_closed(site: Site) -> None:
    def asked(name: str) -> str:
        return site.lab.at_the_desk(sys.executable, "-c", _LOOK_UP, ADDRESS, name).stdout.strip()

    assert asked(NAME) == f"0 {ADDRESS}"
    assert [asked(name) for name in ("pub.example", "images.pub.example", "mouchard.example")] == ["3 -"] * 3
    assert asked("ouvert.example") != "3 -", (
        "what is not closed is asked of others, whom this network does not reach"
    )


def test_prometheus_reads_the_numbers_of_the_server_over_tls(site: Site) -> None:
    def found(query: str) -> list[dict[str, Any]]:
        url = f"http://127.0.0.1:9090/api/v1/query?query={query}"
        fetch = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1]).read().decode())"
        rows: list[dict[str, Any]] = json.loads(site.server.do("python3", "-c", fetch, url))["data"]["result"]
        return rows

    wait_until(lambda: found("ppm_site_driven==1"), LONG_S, "numbers")
    assert [row["value"][1] for row in found("up")] == ["1"]
    rules = json.loads(
        site.server.sh("promtool query instant http://127.0.0.1:9090 'ALERTS{alertstate=\"firing\"}' -o json")
    )
    assert rules == [], rules


def test_the_units_of_the_server_are_closed_in(site: Site) -> None:
    for unit in UNITS:
        said = site.server.do("systemd-analyze", "security", "--no-pager", f"{unit}.service").splitlines()[-1]
        exposed = float(said.rpartition(": ")[2].split()[0])
        print(f"{exposed:5.1f}  {unit}")
        assert exposed <= EXPOSED, said
    assert site.server.do("systemctl", "--failed", "--no-legend") == ""
    assert site.poste.do("systemctl", "--failed", "--no-legend") == ""


def test_no_secret_is_in_a_log_a_process_list_or_a_file_for_all_to_read(site: Site) -> None:
    names = site.server.do("ls", SECRETS).split()
    assert {"code", "jwt", "backup", "metrics", "controller.password"} <= set(names)
    assert set(site.server.sh(f"stat -c %a {SECRETS} {SECRETS}/* {PKI}/ca.key").split()) == {"700", "600"}
    secrets = {name: site.server.do("cat", f"{SECRETS}/{name}") for name in names}
    secrets["poste"] = site.poste.do("cat", "/etc/poste-public/password")
    places = "/etc /opt/poste-public /var/log /var/lib /run /tmp"
    for machine in (site.server, site.poste):
        for name, secret in secrets.items():
            machine.write("/root/wanted", secret.splitlines()[0])
            found = machine.run(
                "sh", "-c",
                f"find {places} -xdev -type f -perm /o=r -size -2000k -print0 2>/dev/null"
                " | xargs -0 grep -lFf /root/wanted --; grep -lFf /root/wanted /proc/[0-9]*/cmdline;"
                " journalctl --no-pager | grep -Ff /root/wanted; grep -rlFf /root/wanted /var/log",
            )  # fmt: skip
            machine.do("rm", "/root/wanted")
            assert found.stdout == "", f"{name}: {found.stdout}"
    assert not [
        name for name, secret in secrets.items() if secret in (site.folder / "ansible.log").read_text()
    ]


def test_the_services_cannot_change_the_schema(site: Site) -> None:
    asked = "runuser -u poste-public -- psql -X -h /run/postgresql -U ppm ppm -c"
    assert site.server.run("sh", "-c", f"{asked} 'SELECT count(*) FROM poste'").returncode == 0
    for words in ("DROP TABLE poste", "ALTER TABLE log DISABLE TRIGGER ALL", "CREATE TABLE mine (id int)"):
        refused = site.server.run("sh", "-c", f"{asked} '{words}'")
        assert refused.returncode != 0, words
    other = site.server.run(
        "sh", "-c", "runuser -u nobody -- psql -X -h /run/postgresql -U ppm ppm -c 'SELECT 1'"
    )
    assert "Peer authentication failed" in other.stderr


def test_a_visit_over_tls_from_the_code_to_a_poste_that_is_free_again(site: Site) -> None:
    number = site.begin(600)
    site.end(number)
    assert site.session(number)["statut"] == "terminee"
    assert site.poste.run("pgrep", "-u", "visiteur").stdout == ""


def test_the_server_restarts_while_somebody_sits_there_and_takes_no_time_from_him(site: Site) -> None:
    number = site.begin(900)
    before = site.session(number)
    took = reboot(site.server)
    wait_until(site.is_ready, LONG_S, "a server that is ready")
    site.lab.times.append(("restart of the server, until it is up", took))
    assert site.runs(), "the visitor went on"
    after = site.session(number)
    assert (after["statut"], after["fin_prevue"]) == ("active", before["fin_prevue"])
    assert site.server.do("systemctl", "--failed", "--no-legend") == ""
    wait_until(lambda: site.phase() == "occupe True", LONG_S, "the poste is back")
    site.end(number)


def test_a_poste_whose_cable_is_out_locks_at_its_end_and_tells_it_later(site: Site) -> None:
    number = site.begin(75)
    site.lab.link(POSTE, "down")
    assert site.runs()
    wait_until(site.covered, 75 + 60 + 30, "the lock, at the end and its grace")
    site.lab.link(POSTE, "up")
    site.wait_free()
    assert site.session(number)["statut"] == "expiree"


def test_a_new_certificate_is_read_without_losing_a_connection(site: Site) -> None:
    def served() -> str:
        words = (
            f"openssl s_client -connect {ADDRESS}:8883 </dev/null 2>/dev/null | openssl x509 -noout -serial"
        )
        return site.lab.at_the_desk("sh", "-c", words).stdout

    def connections() -> str:
        return site.server.do("ss", "-Htn", "state", "established", "sport", "=", ":8883")

    before, connected = served(), connections()
    assert connected
    site.server.do("sed", "-i", "s/^RENEW_DAYS=.*/RENEW_DAYS=400/", f"{PKI}/certificates.conf")
    site.server.do("systemctl", "start", "poste-public-certificates")
    wait_until(lambda: served() not in ("", before), LONG_S, "the broker shows the new one")
    assert connections() == connected
    assert site.is_ready()
    assert site.lab.play("site.yml", postes=[POSTE]).changed[SERVER] == 1, "the days are as they were again"


def test_another_version_and_the_way_back_while_somebody_sits_there(site: Site, tmp_path: Path) -> None:
    number = site.begin(1800)
    due = site.session(number)["fin_prevue"]
    site.lab.play("upgrade.yml", "-e", f"ppm_wheelhouse={wheelhouse(tmp_path, '0.2.0')}", postes=[POSTE])
    assert site.server.do(PPM, "--version") == "0.2.0"
    assert site.runs(), "the visitor went on"
    assert site.session(number)["fin_prevue"] == due
    site.lab.play("rollback.yml", postes=[POSTE])
    assert site.server.do(PPM, "--version") == "0.1.0"
    assert site.runs(), "the visitor went on"
    assert site.session(number)["fin_prevue"] == due
    site.end(number)


def test_after_a_fire_another_server_goes_on_from_the_backup_and_postes_find_it(site: Site) -> None:
    number = site.begin(1800)
    kept = site.folder / "kept"
    site.lab.play("backup.yml", "-e", f"backup_into={kept}", postes=[POSTE])
    assert {path.stat().st_mode & 0o077 for path in (kept, *kept.iterdir())} == {0}, "closed to others"
    site.lab.link(SERVER, "down")
    site.server = site.lab.machine("secours", 10)
    site.lab.play("restore.yml", "-e", f"restore_from={kept}", server="secours")
    wait_until(site.is_ready, LONG_S, "a server that is ready")
    assert site.session(number)["statut"] == "suspendue", "what ran is paused as of the backup"
    site.lab.play("site.yml", "--limit", "secours", server="secours")  # the filter of names and Prometheus
    wait_until(lambda: site.phase().endswith("True"), LONG_S, "the poste has found it by its name")
    site.server.do(PPM, "audit", "verify")
    site.end(number)
    site.end(site.begin(300))
    assert json.loads(site.server.do(PPM, "poste", "list", "--json"))[0]["slug"] == POSTE
