"""What a page is told first: where it begins, and what it missed while it was cut off.

A position is the last number of the trail that a page was told, for each site that it sees: numbers have no gaps and
are given in the order of the commits, so nothing lies between what was told and what is told next.
"""

import re
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial

import msgspec

from api import events
from api.events import Event
from api.live import Reader
from api.state import Shared
from fleet.domain.errors import Invalid

MOST = 5_000
"""Who missed more of a site reads its lists again, which costs less than hearing it all."""
Position = Mapping[str, int]
MOST_SITES = 1_000
LONGEST = 32_768
"""A position of so many sites, as text."""
_PART = re.compile(r"([a-z0-9-]{1,63}):([0-9]{1,18})", re.ASCII)
_encode = msgspec.json.Encoder().encode


def position(field: str, text: str) -> Position:
    """Read `st-denis:120,le-tampon:4`. Raises Invalid, which names the field."""
    parts = [_PART.fullmatch(part) for part in text.split(",")] if text else []
    found = [part.groups() for part in parts if part is not None]
    if len(found) < len(parts) or len(found) > MOST_SITES:
        raise Invalid(field, "valeur_invalide", regle="site:numéro, séparés par des virgules")
    return {slug: int(number) for slug, number in found}


def written(told: Position) -> str:
    """The same as text."""
    return ",".join(f"{slug}:{number}" for slug, number in told.items())


async def told(shared: Shared, reader: Reader, after: Position | None) -> AsyncIterator[Event]:
    """What this page is told before what is in its queue. `after`: where it was cut off, None for a new page."""
    sites = await shared.work.run(lambda: _sites(shared, reader))
    ends = {slug: reader.told.get(site_id, 0) for slug, site_id in sites.items()}
    begin = ends if after is None else {slug: after[slug] for slug in sites if slug in after}
    yield _established(reader, begin)
    if after is not None:
        for slug, site_id in sites.items():
            async for event in _missed(shared, reader, site_id, slug, after.get(slug), ends[slug]):
                yield event
        for event in await shared.work.run(lambda: _looks(shared, reader, sites.values())):
            yield event


def _sites(shared: Shared, reader: Reader) -> dict[str, int]:
    with shared.fleet.database.read() as tx:
        return {slug: number for number, slug in events.slugs(tx).items() if reader.hears(number)}


def _established(reader: Reader, begin: Position) -> Event:
    said = {
        "type": "connection_established",
        "operateur": reader.actor.operateur_id,
        "positions": begin,
        "at": datetime.now(UTC),
    }
    return Event(0, None, _encode(said), position=begin)


async def _missed(
    shared: Shared, reader: Reader, site_id: int, slug: str, after: int | None, end: int
) -> AsyncIterator[Event]:
    """What a site's trail tells this page from one number to another, or that it must read its lists again."""
    if after is None or not 0 <= end - after <= MOST:
        yield _reload(site_id, slug, end)
        return
    while after < end:
        page = await shared.work.run(partial(_page, shared, reader, site_id, after, end))
        if page is None:
            yield _reload(site_id, slug, end)
            return
        found, after = page
        for event in found:
            if reader.wants(event):
                yield event


def _page(
    shared: Shared, reader: Reader, site_id: int, after: int, end: int
) -> tuple[list[Event], int] | None:
    """Some of it, and up to where; None when the trail does not go back so far any more."""
    with shared.fleet.database.read() as tx:
        if not events.is_kept(tx, site_id, after + 1):
            return None
        found, last, more = events.since(tx, site_id, after, end, reader.session_id)
        return found, last if more else end


def _looks(shared: Shared, reader: Reader, sites: Iterable[int]) -> list[Event]:
    """How the postes look now: what time alone changed meanwhile is in no trail."""
    with shared.fleet.database.read() as tx:
        return [event for event in events.presence(tx, sites, {}) if reader.wants(event)]


def _reload(site_id: int, slug: str, end: int) -> Event:
    said = {"type": "reload", "site": slug, "numero": end}
    return Event(site_id, None, _encode(said), position={slug: end})
