"""What falls due at a site beside its sessions, done by the controller that drives it: who waits is called to a free
poste, a call or a request for time dies, a booking comes near or is missed.

Nothing polls: `due` tells the next instant, and news of the site tells the rest.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, text, update

from fleet.database import places
from fleet.database.audit import Entry
from fleet.database.engine import Transaction
from fleet.database.leases import Lease
from fleet.database.news import EXTENSIONS
from fleet.database.tables import booking, extension, presence, queue
from fleet.domain import booking as booking_rules
from fleet.domain.queue import ABANDONNEE, ABSENTE, APPELEE, EN_FILE, WAITING
from fleet.usecases import poste_views
from fleet.usecases.fleet import Fleet
from fleet.usecases.presence import PRESENCE

_JUST = timedelta(seconds=5)
_open = text("demande.statut = 'ouverte'")
_promised = text("reservation.statut = 'prevue'")


@dataclass(frozen=True)
class Due:
    """When `settle` has something to do next, and whether a poste that is freed would be news to somebody."""

    at: datetime | None
    somebody_waits: bool


def settle(fleet: Fleet, lease: Lease) -> Due:
    """Do what is due at a site. Gives when to come back."""
    with fleet.database.transaction(lease) as tx:
        site_id = lease.site_id
        _let_requests_die(tx, site_id)
        _forget_missed_bookings(tx, site_id)
        _say_what_is_near(tx, site_id)
        _forget_yesterday(tx, site_id)
        _end_calls(tx, site_id)
        _call(tx, site_id)
        return _due(tx, site_id)


def _let_requests_die(tx: Transaction, site_id: int) -> None:
    dead = update(extension).where(extension.c.site_id == site_id, _open, extension.c.expire_a <= tx.now)
    if tx.execute(dead.values(statut="perimee")).rowcount:
        tx.tell(site_id, EXTENSIONS)


def _forget_missed_bookings(tx: Transaction, site_id: int) -> None:
    missed = (
        update(booking)
        .where(booking.c.site_id == site_id, _promised, booking.c.debut <= tx.now - booking_rules.LATE)
        .values(statut=booking_rules.ABSENTE, nom="", updated_at=tx.now, version=booking.c.version + 1)
        .returning(booking.c.id, booking.c.poste_id, booking.c.utilisateur_id)
    )
    for row in tx.execute(missed).all():
        facts = {"reservation": row.id}
        tx.record(
            Entry(
                "reservation_manquee",
                site_id,
                poste_id=row.poste_id,
                utilisateur_id=row.utilisateur_id,
                metadata=facts,
            )
        )
        tx.tell(site_id, PRESENCE)


def _say_what_is_near(tx: Transaction, site_id: int) -> None:
    """The statut of a poste follows from the time: nothing else is committed when a booking of it comes near."""
    near = tx.now + booking_rules.NEAR
    just = (booking.c.debut <= near, booking.c.debut > near - _JUST)
    if tx.execute(select(booking.c.id).where(booking.c.site_id == site_id, _promised, *just)).first():
        tx.tell(site_id, PRESENCE)


def _forget_yesterday(tx: Transaction, site_id: int) -> None:
    """Who still waited when the day ended waits no more, and the name is not kept."""
    today = places.site(tx, site_id).hours.local_date(tx.now)
    left = (queue.c.site_id == site_id, queue.c.statut.in_(WAITING), queue.c.jour < today)
    gone = tx.execute(select(queue).where(*left).order_by(queue.c.id).with_for_update())
    for row in gone.all():
        _move(tx, row, "fin_de_journee", statut=ABANDONNEE, prenom="", poste_id=None, expire_a=None)


def _end_calls(tx: Transaction, site_id: int) -> None:
    """Who did not come loses the place; whose poste was lost meanwhile waits again, as the first."""
    called = select(queue).where(queue.c.site_id == site_id, queue.c.statut == APPELEE).with_for_update()
    rows = tx.execute(called.order_by(queue.c.id)).all()
    kept = poste_views.callable_postes(tx, site_id, [row.poste_id for row in rows]) if rows else set()
    for row in rows:
        if row.expire_a <= tx.now:
            _move(tx, row, "absence", statut=ABSENTE, prenom="", poste_id=None, expire_a=None)
        elif row.poste_id not in kept:
            _move(tx, row, "poste_perdu", statut=EN_FILE, poste_id=None, expire_a=None, appelee_a=None)


def _call(tx: Transaction, site_id: int) -> None:
    waiting = (
        select(queue)
        .where(queue.c.site_id == site_id, queue.c.statut == EN_FILE)
        .order_by(queue.c.rang)
        .with_for_update()
    )
    rows: Iterator[Any] = iter(tx.execute(waiting).all())
    first = next(rows, None)
    if first is None:
        return
    hold = timedelta(seconds=places.site(tx, site_id).policy.queue_hold_s)
    for poste_id in poste_views.free(tx, site_id):
        if first is None:
            return
        until = tx.now + hold
        _move(tx, first, "appel", statut=APPELEE, poste_id=poste_id, appelee_a=tx.now, expire_a=until)
        first = next(rows, None)


def _move(tx: Transaction, row: Any, deed: str, **values: Any) -> None:
    stamps = {"updated_at": tx.now, "version": queue.c.version + 1}
    tx.execute(update(queue).where(queue.c.id == row.id).values(**values, **stamps))
    facts = {"ticket": row.id, "numero": row.numero, "fait": deed}
    poste_id = values.get("poste_id") or row.poste_id
    tx.record(
        Entry(
            "file_attente",
            row.site_id,
            poste_id=poste_id,
            utilisateur_id=row.utilisateur_id,
            metadata=facts,
        )
    )
    tx.tell(row.site_id, PRESENCE)


def _due(tx: Transaction, site_id: int) -> Due:
    calls = select(func.min(queue.c.expire_a)).where(queue.c.site_id == site_id, queue.c.statut == APPELEE)
    requests = select(func.min(extension.c.expire_a)).where(extension.c.site_id == site_id, _open)
    promises = select(func.min(booking.c.debut)).where(booking.c.site_id == site_id, _promised)
    coming = promises.where(booking.c.debut > tx.now + booking_rules.NEAR)
    instants = [tx.execute(one).scalar_one() for one in (calls, requests, promises, coming)]
    instants[2] = instants[2] and instants[2] + booking_rules.LATE
    instants[3] = instants[3] and instants[3] - booking_rules.NEAR
    instants.append(_when_one_counts_as_lost(tx, site_id))
    waits = select(queue.c.id).where(queue.c.site_id == site_id, queue.c.statut.in_(WAITING)).limit(1)
    somebody = tx.execute(waits).first() is not None
    if somebody:
        instants.append(places.site(tx, site_id).hours.day_bounds(tx.now)[1])
    return Due(min((one for one in instants if one is not None), default=None), somebody)


def _when_one_counts_as_lost(tx: Transaction, site_id: int) -> datetime | None:
    """Of the postes that somebody is called to. Time alone does it: nothing is committed then."""
    gone = (presence.c.online.is_(False), presence.c.since > tx.now - poste_views.DEBOUNCE)
    first = (
        select(func.min(presence.c.since))
        .join(queue, queue.c.poste_id == presence.c.poste_id)
        .where(queue.c.site_id == site_id, queue.c.statut == APPELEE, *gone)
    )
    since: datetime | None = tx.execute(first).scalar_one()
    return since and since + poste_views.DEBOUNCE
