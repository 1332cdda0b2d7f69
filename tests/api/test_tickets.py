"""A page opens its WebSocket by a ticket that is good once, and hears when its operator is logged out."""

import asyncio
from datetime import timedelta

from sqlalchemy import update

from fleet.database.tables import ws_ticket
from fleet.domain.actor import SYSTEM
from fleet.usecases import logins, tickets
from fleet.usecases.fleet import Fleet
from tests.api.conftest import count
from tests.api.test_live import Served, closed, hear, served


async def _ticket(api: Served, login: str = "desk") -> str:
    headers = {"Authorization": f"Bearer {await api.token(login)}"}
    answer = await api.http.post("/auth/ws_ticket/", headers=headers)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["expires_in"], answer.headers["cache-control"]) == (30, "no-store")
    return str(answer.json()["ticket"])


def test_a_ticket_opens_one_page_and_no_second_one(fleet: Fleet, site_id: int) -> None:
    async def story() -> None:
        async with served(fleet) as api:
            ticket = await _ticket(api)
            async with api.page(f"/ws/sessions/?ticket={ticket}", login=None) as page:
                assert (await hear(page, "connection_established"))["operateur"]
                async with api.page(f"/ws/sessions/?ticket={ticket}", login=None) as again:
                    assert await closed(again) == 4401
        assert count(fleet, "SELECT count(*) FROM ws_ticket") == 0

    asyncio.run(story())


def test_a_ticket_is_over_after_its_time_and_with_its_login(fleet: Fleet, site_id: int) -> None:
    async def story() -> None:
        async with served(fleet) as api:
            old = await _ticket(api)
            with fleet.database.transaction() as tx:
                tx.execute(update(ws_ticket).values(expires_at=tx.now - timedelta(seconds=1)))
            revoked = await _ticket(api, "reader")
            number = count(fleet, "SELECT id FROM operateur WHERE login = 'reader'")
            await asyncio.to_thread(logins.revoke_all, fleet, SYSTEM, number)
            for ticket in (old, revoked, "made-up"):
                async with api.page(f"/ws/sessions/?ticket={ticket}", login=None) as page:
                    assert await closed(page) == 4401

    asyncio.run(story())


def test_a_page_is_closed_when_its_login_is_revoked(fleet: Fleet, site_id: int) -> None:
    async def story() -> None:
        async with (
            served(fleet) as api,
            api.page(f"/ws/sessions/?ticket={await _ticket(api)}", login=None) as page,
        ):
            await hear(page, "connection_established")
            number = count(fleet, "SELECT id FROM operateur WHERE login = 'desk'")
            await asyncio.to_thread(logins.revoke_all, fleet, SYSTEM, number)
            assert await closed(page) == 4401

    asyncio.run(story())


def test_no_ticket_is_in_the_database(fleet: Fleet, site_id: int) -> None:
    async def story() -> None:
        async with served(fleet) as api:
            ticket = await _ticket(api)
            with fleet.database.read() as tx:
                stored = bytes(tx.execute(ws_ticket.select()).one().token_hash)
            assert ticket.encode() not in stored
            assert tickets.redeem(fleet, ticket) is not None

    asyncio.run(story())
