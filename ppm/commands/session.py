"""`ppm session`: what the desk does, from a terminal on the server."""

import click

from fleet.database.listing import LARGEST, Page
from fleet.domain.actor import SYSTEM
from fleet.domain.session import STATUTS
from fleet.usecases import session_views, sessions
from fleet.usecases.session_views import SessionFilter
from fleet.usecases.sessions import NewSession
from ppm.commands import output
from ppm.commands.numbers import IDENTIFIER, MINUTES, SIGNED_MINUTES
from ppm.commands.opening import opened, poste_id, site_id, zones
from ppm.words import say

_COLUMNS = {
    "id": "id", "site": "site", "poste": "poste", "statut": "statut", "temps_restant": "left (s)",
    "duree_totale": "total (s)", "fin_prevue": "deadline", "motif_fin": "reason",
}  # fmt: skip


@click.group()
def session() -> None:
    """Visitors' turns: create, extend, pause, end."""


@session.command()
@click.option("--site", "at", required=True, help="The site (slug or id).")
@click.option("--minutes", type=MINUTES, required=True, help="How long.")
@click.option("--poste", help="At this poste only (slug or id); else at any free one of the site.")
@click.option("--utilisateur", type=IDENTIFIER, help="The id of the visitor; else anonymous.")
@click.option("--notes", default="", help="For the staff.")
@output.json_option
def create(
    at: str, minutes: float, poste: str | None, utilisateur: int | None, notes: str, as_json: bool
) -> None:
    """Create a session and print its code, this once."""
    with opened(codes=True) as fleet:
        where = poste_id(fleet, poste) if poste else None
        new = NewSession(site_id(fleet, at), round(minutes * 60), where, utilisateur, notes)
        made = sessions.create(fleet, SYSTEM, new)
    line = say("session_code", number=made.session_id, code=f"{made.code[:3]} {made.code[3:]}")
    output.done(line, {"id": made.session_id, "code": made.code}, as_json)


@session.command("list")
@click.option("--site", "at", help="Of this site (slug or id).")
@click.option("--statut", "statuts", multiple=True, type=click.Choice(STATUTS), help="May be repeated.")
@click.option("--limit", type=click.IntRange(1, LARGEST), default=50, show_default=True, help="How many.")
@output.json_option
def list_(at: str | None, statuts: tuple[str, ...], limit: int, as_json: bool) -> None:
    """Sessions, newest first."""
    with opened() as fleet:
        which = SessionFilter(statuts=statuts, site_id=site_id(fleet, at) if at else None)
        found, clocks = session_views.search(fleet, SYSTEM, which, Page(limit=limit)), zones(fleet)
    output.rows(found.resultats, _COLUMNS, as_json, clocks)


@session.command()
@click.argument("number", type=IDENTIFIER)
@output.json_option
def show(number: int, as_json: bool) -> None:
    """One session, as of now."""
    with opened() as fleet:
        found, clocks = session_views.one(fleet, SYSTEM, number), zones(fleet)
    output.facts(found, as_json, clocks)


@session.command("add-time")
@click.argument("number", type=IDENTIFIER)
@click.option("--minutes", type=SIGNED_MINUTES, required=True, help="How much; less than 0 takes time away.")
@output.json_option
def add_time(number: int, minutes: float, as_json: bool) -> None:
    """Give more time, or take some away."""
    with opened() as fleet:
        sessions.add_time(fleet, SYSTEM, number, round(minutes * 60))
    _tell(number, as_json)


@session.command()
@click.argument("number", type=IDENTIFIER)
@output.json_option
def suspend(number: int, as_json: bool) -> None:
    """Pause: the poste locks, the time left is kept."""
    with opened() as fleet:
        sessions.suspend(fleet, SYSTEM, number)
    _tell(number, as_json)


@session.command()
@click.argument("number", type=IDENTIFIER)
@output.json_option
def resume(number: int, as_json: bool) -> None:
    """Let a paused session run again."""
    with opened() as fleet:
        sessions.resume(fleet, SYSTEM, number)
    _tell(number, as_json)


@session.command()
@click.argument("number", type=IDENTIFIER)
@output.json_option
def end(number: int, as_json: bool) -> None:
    """End it now, whatever is left; one that has not begun is cancelled."""
    with opened() as fleet:
        sessions.terminate(fleet, SYSTEM, number)
    _tell(number, as_json)


def _tell(number: int, as_json: bool) -> None:
    with opened() as fleet:
        now = session_views.one(fleet, SYSTEM, number)
    line = say("session_now", number=number, statut=now.statut, s=now.temps_restant)
    output.done(line, {"id": number, "statut": now.statut, "temps_restant": now.temps_restant}, as_json)
