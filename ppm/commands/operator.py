"""`ppm operator`. Passwords come from a prompt or the standard input: a command line is for all to see."""

import sys

import click

from fleet.database.listing import LARGEST, Page
from fleet.domain.actor import ADMINISTRATEUR, OPERATEUR, ROLES, SYSTEM
from fleet.usecases import logins, operateurs, second_factor
from fleet.usecases.operateurs import NewOperateur, OperateurEdit
from ppm.cli import CommandFailed
from ppm.commands import output
from ppm.commands.opening import opened, operator_id, site_id, zones
from ppm.words import say

_COLUMNS = {
    "id": "id", "login": "login", "role": "role", "sites": "sites", "actif": "active",
    "derniere_connexion": "last login",
}  # fmt: skip


@click.group()
def operator() -> None:
    """Members of staff with an account."""


@operator.command()
@click.argument("login")
@click.option("--role", type=click.Choice(ROLES), default=OPERATEUR, show_default=True)
@click.option("--site", "sites", multiple=True, help="A site of theirs (slug or id); may be repeated.")
@output.json_option
def create(login: str, role: str, sites: tuple[str, ...], as_json: bool) -> None:
    """Create an operator; the password is asked, or read from the standard input."""
    if role != ADMINISTRATEUR and not sites:
        raise click.UsageError(f"an {role} works at one site at least: --site")
    with opened() as fleet:
        ids = [site_id(fleet, one) for one in sites]
        made = operateurs.create(fleet, SYSTEM, NewOperateur(login, _password(), role, ids))
    output.done(
        say("operator_is", login=login, role=role), {"id": made, "login": login, "role": role}, as_json
    )


@operator.command("list")
@output.json_option
def list_(as_json: bool) -> None:
    """All operators."""
    with opened() as fleet:
        found, clocks = operateurs.search(fleet, SYSTEM, Page(limit=LARGEST)), zones(fleet)
    output.rows(found.resultats, _COLUMNS, as_json, clocks)


@operator.command()
@click.argument("login")
@output.json_option
def password(login: str, as_json: bool) -> None:
    """Give an operator another password, asked or read from the standard input; logs them out."""
    with opened() as fleet:
        known = operator_id(fleet, login)
        operateurs.edit(fleet, SYSTEM, known, OperateurEdit(password=_password()))
    output.done(say("operator_password", login=login), {"id": known, "login": login}, as_json)


@operator.command()
@click.argument("login")
@click.option("--undo", is_flag=True, help="Let the operator in again.")
@output.json_option
def disable(login: str, undo: bool, as_json: bool) -> None:
    """Keep an operator out, from now on."""
    with opened() as fleet:
        known = operator_id(fleet, login)
        operateurs.edit(fleet, SYSTEM, known, OperateurEdit(active=undo))
    line = say("operator_active" if undo else "operator_disabled", login=login)
    output.done(line, {"id": known, "login": login, "active": undo}, as_json)


@operator.command("totp-off")
@click.argument("login")
@output.json_option
def totp_off(login: str, as_json: bool) -> None:
    """Take the second factor from an operator who has lost it."""
    with opened() as fleet:
        known = operator_id(fleet, login)
        second_factor.remove(fleet, SYSTEM, known)
    output.done(say("operator_one_factor", login=login), {"id": known, "login": login}, as_json)


@operator.command()
@click.argument("login")
@output.json_option
def logout(login: str, as_json: bool) -> None:
    """End every login of an operator, on every machine."""
    with opened() as fleet:
        known = operator_id(fleet, login)
        logins.revoke_all(fleet, SYSTEM, known)
    output.done(say("operator_out", login=login), {"id": known, "login": login}, as_json)


def _password() -> str:
    if sys.stdin.isatty():
        typed: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        return typed
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise CommandFailed("no password on the standard input")
    return line
