"""Enrolments opened on the server itself, for who has no page yet."""

from pathlib import Path

from fleet.database.engine import Database
from fleet.usecases import enrolment_requests
from fleet.usecases.fleet import Fleet
from fleet.usecases.sealing import CodeKeys
from protocol.enrolment import Machine, fingerprint
from tests.ppm.conftest import Ppm
from tests.support.certificates import own_certificate

URL = "https://postes.example.re"


def test_an_enrolment_is_opened_by_a_command_that_says_what_to_type(ppm: Ppm, tmp_path: Path) -> None:
    ppm("site", "create", "annexe", "--nom", "Annexe")
    ppm("poste", "create", "annexe-01", "--site", "annexe")
    certificate, _ = own_certificate(tmp_path)
    settings = {"PPM_PUBLIC_URL": URL, "PPM_ENROL_CA_FILE": str(certificate)}
    told = ppm("poste", "enrol", "annexe-01", **settings)
    line, token, _ = told.out.splitlines()
    assert line == f"ppm kiosk enrol {URL} --ca-sha256 {fingerprint(certificate.read_text())}"
    again = ppm("poste", "enrol", "annexe-01", "--json", PPM_PUBLIC_URL=URL).json
    assert (again["commande"], again["empreinte_ca"]) == (f"ppm kiosk enrol {URL}", None)
    assert again["jeton"] != token
    wrong = ppm("poste", "enrol", "annexe-01", PPM_PUBLIC_URL=URL, PPM_ENROL_CA_FILE=str(tmp_path / "none"))
    assert (wrong.code, "PPM_ENROL_CA_FILE" in wrong.err) == (1, True)


def test_a_machine_is_revoked_by_a_command(ppm: Ppm) -> None:
    ppm("site", "create", "annexe", "--nom", "Annexe")
    ppm("poste", "create", "annexe-01", "--site", "annexe")
    assert ppm("poste", "revoke", "annexe-01").code == 1
    ppm("poste", "credential", "annexe-01")
    assert ppm("poste", "revoke", "annexe-01").out == "poste annexe-01: its machine is revoked\n"


def test_machines_that_ask_are_listed(ppm: Ppm, usual: dict[str, str]) -> None:
    database = Database(usual["PPM_DATABASE_URL"])
    machine = Machine(nom="pc-3[/x]", empreinte="0a" * 32, macs=("aa:bb:cc:dd:ee:ff",), os="Debian")
    enrolment_requests.ask(Fleet(database, CodeKeys.from_secret(b"0" * 32)), machine, "10.0.0.9")
    database.close()
    (seen,) = ppm("poste", "asking", "--json").json
    assert (seen["nom"], seen["macs"], seen["ip_address"]) == ("pc-3[/x]", ["aa:bb:cc:dd:ee:ff"], "10.0.0.9")
    told = ppm("poste", "asking").out
    assert all(one in told for one in ("pc-3[/x]", "aa:bb:cc:dd:ee:ff"))
