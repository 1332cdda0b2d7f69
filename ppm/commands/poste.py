"""`ppm poste`."""

import click

from fleet.database.listing import LARGEST, Page
from fleet.domain.actor import SYSTEM
from fleet.usecases import commands, identities, orders, poste_views, postes
from fleet.usecases.orders import OrderFilter, OrderView
from fleet.usecases.poste_views import PosteFilter
from fleet.usecases.postes import NewPoste
from mosquitto.passwords import hash_password, new_password
from ppm import broker_files
from ppm import settings as table
from ppm.commands import output, poste_enrol
from ppm.commands.opening import opened, places, poste_id, site_id, zones
from ppm.setting_values import Settings
from ppm.words import say

_COLUMNS = {
    "id": "id", "slug": "slug", "nom": "name", "site": "site", "statut": "statut",
    "est_en_ligne": "online", "session_active": "session", "version_client": "software",
    "derniere_connexion": "last seen",
}  # fmt: skip
_ORDERS = {
    "poste": "poste", "site": "site", "op": "order", "texte": "text", "version": "software", "operateur": "operator",
    "created_at": "given", "expire_a": "until",
}  # fmt: skip


@click.group(commands=[poste_enrol.enrol, poste_enrol.revoke, poste_enrol.asking])
def poste() -> None:
    """Public computers, and their accounts at the broker."""


@poste.command()
@click.argument("slug")
@click.option("--site", "at", required=True, help="The site (slug or id).")
@click.option("--nom", help="What people call it; the slug by default.")
@click.option("--emplacement", default="", help="Where it stands.")
@click.option("--ip", help="Its IPv4 address.")
@click.option("--mac", help="Its MAC address, to wake it.")
@output.json_option
def create(
    slug: str, at: str, nom: str | None, emplacement: str, ip: str | None, mac: str | None, as_json: bool
) -> None:
    """Create a poste. Its slug is its name on MQTT: unique in the fleet, never given again."""
    with opened() as fleet:
        new = NewPoste(site_id(fleet, at), slug, nom or slug, emplacement, ip, mac)
        made = postes.create(fleet, SYSTEM, new)
    output.done(say("poste_created", slug=slug), {"id": made, "slug": slug}, as_json)


@poste.command("list")
@click.option("--site", "at", help="Of this site (slug or id).")
@output.json_option
def list_(at: str | None, as_json: bool) -> None:
    """Postes and what they do."""
    with opened() as fleet:
        which = PosteFilter(site_id=site_id(fleet, at) if at else None)
        found, total, offset = [], 1, 0
        while offset < total:
            page = poste_views.search(fleet, SYSTEM, which, Page(LARGEST, offset))
            found += page.resultats
            total, offset = page.total, offset + LARGEST
        clocks = zones(fleet)
    output.rows(found, _COLUMNS, as_json, clocks)


@poste.command()
@click.argument("slug")
@click.argument("op", type=click.Choice(commands.OPS))
@click.option("--text", help="What a message says.")
@click.option("--version", help="Which version an update installs.")
@click.option("--sha256", help="The digest of its file.")
@click.option("--when", type=click.Choice(["now", "back"]), default="now", show_default=True,
              help="back: keep it for a day for a poste that is away.")  # fmt: skip
@output.json_option
def order(
    slug: str, op: str, text: str | None, version: str | None, sha256: str | None, when: commands.When,
    as_json: bool,
) -> None:  # fmt: skip
    """Tell a poste to do something, once; wake starts one that is off (Wake-on-LAN)."""
    given = {"text": text, "version": version, "sha256": sha256}
    args = {name: value for name, value in given.items() if value is not None}
    with opened() as fleet:
        sent = commands.send(fleet, SYSTEM, commands.NewCommand(poste_id(fleet, slug), op, args, when))
    line = say("order_waits" if sent.waits else "order_sent", slug=slug, op=op)
    output.done(line, {"id": sent.id, "waits": sent.waits}, as_json)


@poste.command("orders")
@click.option("--site", "at", help="For postes of this site (slug or id).")
@click.option("--poste", "which", help="For this poste (slug or id).")
@output.json_option
def orders_(at: str | None, which: str | None, as_json: bool) -> None:
    """Orders that still wait for a poste that is away, the oldest first."""
    with opened() as fleet:
        where = OrderFilter(site_id(fleet, at) if at else None, poste_id(fleet, which) if which else None)
        found: list[OrderView] = []
        total = 1
        while len(found) < total:
            page = orders.search(fleet, SYSTEM, where, Page(LARGEST, len(found)))
            found += page.resultats
            total = page.total if page.resultats else 0
        clocks = zones(fleet)
    output.rows(found, _ORDERS, as_json, clocks)


@poste.command()
@click.argument("slug")
@output.json_option
def show(slug: str, as_json: bool) -> None:
    """One poste, as of now."""
    with opened() as fleet:
        found, clocks = poste_views.one(fleet, SYSTEM, poste_id(fleet, slug)), zones(fleet)
    output.facts(found, as_json, clocks)


@poste.command()
@click.argument("slugs", nargs=-1, required=True)
@click.option("--write", is_flag=True, help="Put it into the files of the broker in PPM_BROKER_DIR.")
@output.json_option
def credential(slugs: tuple[str, ...], write: bool, as_json: bool) -> None:
    """Make a new password for postes at the broker and print it, this once.

    Where `ppm broker follow` runs, the broker takes it at once. Without --write, the lines for the broker's own files
    are printed too; a broker reads its files again when told: systemctl reload mosquitto. The former password is over
    then.
    """
    made = {slug: new_password() for slug in slugs}
    settings = Settings.load()
    root = settings[table.MQTT_ROOT]
    lines = {slug: hash_password(password) for slug, password in made.items()}
    with opened() as fleet:
        sites = places(fleet)
        for slug in slugs:
            poste_id(fleet, slug)
        if write:
            identities.adopt(fleet, broker_files.hashes(settings[table.BROKER_DIR]))
        identities.keep(fleet, SYSTEM, lines)
        if write:
            broker_files.rewrite(settings[table.BROKER_DIR], identities.accounts(fleet), root)
    if as_json:
        output.as_json(
            [
                {"poste": slug, "site": sites[slug], "username": slug, "password": made[slug], "line": line}
                for slug, line in ((slug, f"{slug}:{kept}") for slug, kept in lines.items())
            ]
        )
        return
    for slug, password in made.items():
        click.echo(f"{slug}  {password}")
        if not write:
            click.echo(f"  postes.passwords: {slug}:{lines[slug]}")
