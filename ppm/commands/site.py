"""`ppm site`."""

import json
from pathlib import Path
from typing import Any

import click

from fleet.database.listing import LARGEST, Page
from fleet.domain.actor import SYSTEM
from fleet.usecases import sites
from ppm import settings as table
from ppm.commands import output
from ppm.commands.opening import opened, site_id, zones
from ppm.setting_values import Settings
from ppm.words import say

_COLUMNS = {
    "id": "id", "slug": "slug", "nom": "name", "zone": "zone", "nombre_postes": "postes", "ouvert": "open",
    "horaires_definis": "hours set",
}  # fmt: skip
_file = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)


@click.group()
def site() -> None:
    """Places that have postes."""


@site.command()
@click.argument("slug")
@click.option("--nom", required=True, help="What people call it.")
@click.option("--zone", help="Its time zone; PPM_ZONE by default.")
@output.json_option
def create(slug: str, nom: str, zone: str | None, as_json: bool) -> None:
    """Create a site. Its slug never changes: it is part of every topic."""
    fields = {"nom": nom, "zone": zone or Settings.load()[table.ZONE]}
    with opened() as fleet:
        made = sites.create(fleet, SYSTEM, slug, fields)
    output.done(say("site_is", slug=slug, nom=nom), {"id": made, "slug": slug}, as_json)


@site.command("list")
@output.json_option
def list_(as_json: bool) -> None:
    """All sites."""
    with opened() as fleet:
        found, clocks = sites.search(fleet, SYSTEM, Page(limit=LARGEST)), zones(fleet)
    output.rows(found.resultats, _COLUMNS, as_json, clocks)


@site.command()
@click.argument("slug")
@output.json_option
def show(slug: str, as_json: bool) -> None:
    """One site, whole."""
    with opened() as fleet:
        found, clocks = sites.one(fleet, SYSTEM, site_id(fleet, slug)), zones(fleet)
    output.facts(found, as_json, clocks)


@site.command()
@click.argument("slug")
@click.option("--nom", help="What people call it.")
@click.option("--zone", help="Its time zone, such as Indian/Reunion.")
@click.option("--horaires", type=_file, help="Opening hours: a JSON file, - for the standard input.")
@click.option("--exceptions", type=_file, help="Days that differ: a JSON file, - for the standard input.")
@click.option(
    "--politique", multiple=True, metavar="RULE=VALUE", help="A rule, as grace_s=30; may be repeated."
)
@click.option("--notice", type=_file, help="What visitors are told of their data: a text file.")
@click.option("--charte", type=_file, help="The rules of the house: a text file.")
@output.json_option
def edit(slug: str, politique: tuple[str, ...], as_json: bool, **given: Any) -> None:
    """Change a site. New hours cut the sessions that would run past them."""
    fields = {name: _value(name, value) for name, value in given.items() if value is not None}
    if politique:
        fields["politique"] = dict(_rule(one) for one in politique)
    if not fields:
        raise click.UsageError("nothing to change was given")
    with opened() as fleet:
        known = site_id(fleet, slug)
        sites.edit(fleet, SYSTEM, known, fields)
    line = say("site_changed", slug=slug, fields=", ".join(sorted(fields)))
    output.done(line, {"id": known, "slug": slug}, as_json)


def _value(name: str, given: Any) -> Any:
    if not isinstance(given, Path):
        return given
    with click.open_file(str(given), encoding="utf-8") as file:
        text = file.read()
    return text if name in ("notice", "charte") else _json(f"--{name}", text)


def _rule(given: str) -> tuple[str, Any]:
    name, equals, value = given.partition("=")
    if not equals:
        raise click.UsageError("--politique is RULE=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _json(option: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise click.UsageError(f"{option}: not JSON ({error})") from None
