"""`ppm poste enrol`, `revoke` and `asking`: machines that become postes, on the server itself."""

from datetime import datetime

import click
from msgspec import Struct

from fleet.database.listing import LARGEST, Page
from fleet.domain.actor import SYSTEM
from fleet.usecases import enrolment, enrolment_requests, identities
from ppm import settings as table
from ppm.authority import pem_of
from ppm.commands import output
from ppm.commands.opening import opened, poste_id, zones
from ppm.setting_values import Settings
from ppm.words import say
from protocol.enrolment import command, fingerprint


class _Line(Struct, frozen=True):
    vue_a: datetime
    nom: str
    macs: tuple[str, ...]
    ip_address: str | None
    os: str


_COLUMNS = {"vue_a": "last seen", "nom": "name", "macs": "MAC", "ip_address": "address", "os": "system"}


@click.command()
@click.argument("slug")
@output.json_option
def enrol(slug: str, as_json: bool) -> None:
    """Open the enrolment of a poste: a token for one machine, good once, for 15 minutes, and what to type there.

    One that was open is over. The API must be set up to enrol: PPM_ENROL_BROKER_URL, PPM_ENROL_CA_FILE.
    """
    settings = Settings.load()
    pem, server = pem_of(settings.get(table.ENROL_CA_FILE)), settings[table.PUBLIC_URL]
    with opened() as fleet:
        made, clocks = enrolment.open_(fleet, SYSTEM, poste_id(fleet, slug)), zones(fleet)
    digest = fingerprint(pem) if pem else None
    if as_json:
        output.as_json(
            {
                "poste": made.poste, "jeton": made.jeton, "expire_a": made.expire_a, "serveur": server,
                "empreinte_ca": digest, "commande": command(server, digest),
            }
        )  # fmt: skip
        return
    click.echo(f"{command(server, digest)}\n{made.jeton}")
    click.echo(say("until", at=output.cell(made.expire_a, clocks.of(made))))


@click.command()
@click.argument("slug")
@output.json_option
def revoke(slug: str, as_json: bool) -> None:
    """Shut the machine of a poste out: where `ppm broker follow` runs it is cut at once, and its key is over."""
    with opened() as fleet:
        identities.revoke(fleet, SYSTEM, poste_id(fleet, slug))
    output.done(say("poste_revoked", slug=slug), {"poste": slug}, as_json)


@click.command()
@output.json_option
def asking(as_json: bool) -> None:
    """Machines that asked to be enrolled in the last day, the last one first. Only a token lets them in."""
    with opened() as fleet:
        found, clocks = enrolment_requests.search(fleet, SYSTEM, Page(LARGEST)).resultats, zones(fleet)
    lines = [
        _Line(one.vue_a, one.machine.nom, one.machine.macs, one.ip_address, one.machine.os) for one in found
    ]
    output.rows(lines, _COLUMNS, as_json, clocks)
