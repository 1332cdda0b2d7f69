"""What the controller reads of the outbox, and what it marks there."""

from collections.abc import Sequence
from dataclasses import dataclass

from fleet.database import leases, outbox, places
from fleet.database.leases import Lease
from fleet.database.outbox import Numbered, Order, Wanted
from fleet.usecases.fleet import Fleet


@dataclass(frozen=True)
class Place:
    """A site with its postes (slug to id), as its driver knows them."""

    site: places.Site
    postes: dict[str, int]


def place(fleet: Fleet, site_id: int) -> Place:
    """A site and its postes. Raises NotFound."""
    with fleet.database.read() as tx:
        return Place(places.site(tx, site_id), places.postes(tx, site_id))


def unsent(
    fleet: Fleet, lease: Lease, most: int, *, states: bool = True, orders: bool = True
) -> tuple[list[Wanted], list[Order]]:
    """What the broker does not have yet: desired states and commands, at most so many of each that is asked for."""
    with fleet.database.glance() as tx:
        return (
            outbox.unsent(tx, lease.site_id, most) if states else [],
            outbox.unsent_commands(tx, lease.site_id, most) if orders else [],
        )


def revs(fleet: Fleet, site_id: int) -> list[Numbered]:
    """How far every poste of a site is."""
    with fleet.database.read() as tx:
        return outbox.numbers(tx, site_id)


def some(fleet: Fleet, poste_ids: Sequence[int]) -> list[Wanted]:
    """What some postes should do."""
    with fleet.database.read() as tx:
        return outbox.of_postes(tx, poste_ids)


def sent(fleet: Fleet, lease: Lease, states: Sequence[tuple[int, int]], commands: Sequence[str]) -> None:
    """The broker has acknowledged these (poste, rev) and these commands."""
    with fleet.database.transaction(lease) as tx:
        outbox.mark_sent(tx, states)
        outbox.mark_ordered(tx, commands)


def unsendable(fleet: Fleet, lease: Lease, command_id: str, statut: str, motif: str) -> None:
    """A command that will never leave, and why."""
    with fleet.database.transaction(lease) as tx:
        outbox.mark_command(tx, command_id, statut, motif)


def raise_term(fleet: Fleet, lease: Lease, floor: int) -> Lease | None:
    """Raise the term of the lease to at least `floor`: postes have seen higher ones than ours."""
    with fleet.database.transaction(lease) as tx:
        return leases.raised(tx.connection, lease, tx.now, floor)
