"""What goes wrong beside a page: it hears again, and an operator who is gone hears nothing any more."""

import asyncio
from typing import Any

import psycopg2
import pytest

from api.live import Live
from fleet.database import follow
from fleet.database.engine import Database
from fleet.database.follow import EVERYTHING
from fleet.database.listing import Page
from fleet.database.news import News
from fleet.domain.actor import SYSTEM
from fleet.usecases import operateurs
from fleet.usecases.fleet import Fleet
from fleet.usecases.operateurs import OperateurEdit
from tests.api.test_live import _create, closed, hear, served
from tests.support.waiting import eventually


@pytest.mark.parametrize("step", ["_read", "_look"])
def test_an_unexpected_error_is_logged_and_nothing_is_lost_to_a_page(
    fleet: Fleet,
    site_id: int,
    step: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    worked, failures = getattr(Live, step), [ValueError("Marie Payet")]

    def failing(self: Live, *asked: Any) -> Any:
        found = worked(self, *asked)
        if failures:
            raise failures.pop()
        return found

    async def story() -> None:
        async with served(fleet) as api, api.page() as page:
            await hear(page, "connection_established")
            monkeypatch.setattr(Live, step, failing)
            number = await asyncio.to_thread(_create, fleet, site_id)
            api.live.hear(EVERYTHING)
            assert (await hear(page, "time_update", 4))["session"]["id"] == number
            await eventually(lambda: "live_failed" in caplog.text, 5, "logged")

    asyncio.run(story())
    said = "".join(str(vars(record)) for record in caplog.records)
    assert failures == []
    assert "live_failed" in said
    assert "Payet" not in said


def test_the_page_of_an_operator_who_is_no_longer_active_is_closed(fleet: Fleet, site_id: int) -> None:
    desk = operateurs.search(fleet, SYSTEM, Page()).resultats
    number = next(one.id for one in desk if one.login == "desk")

    async def story() -> None:
        async with served(fleet) as api, api.page() as page, api.page(login="reader") as other:
            await hear(page, "connection_established")
            await hear(other, "connection_established")
            change = OperateurEdit(active=False)
            await asyncio.to_thread(operateurs.edit, fleet, SYSTEM, number, change)
            assert await closed(page) == 4401
            made = await asyncio.to_thread(_create, fleet, site_id)
            assert (await hear(other, "time_update"))["session"]["id"] == made

    asyncio.run(story())


class _Heard:
    """What a listener was told; `all` counts how often it began anew."""

    def __init__(self) -> None:
        self.told: list[tuple[News, ...]] = []
        self.more = asyncio.Event()

    def __call__(self, news: tuple[News, ...]) -> None:
        self.told.append(news)
        self.more.set()

    async def until(self, how_many: int) -> None:
        async with asyncio.timeout(10):
            while len(self.told) < how_many:
                await self.more.wait()
                self.more.clear()


def test_a_listener_that_gets_no_answer_listens_anew(
    fleet: Fleet, site_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not fleet.database.is_postgresql:
        return
    monkeypatch.setattr(follow, "PROBE_S", 0.1)
    monkeypatch.setattr(follow, "ANSWER_S", 0.0)

    async def story() -> None:
        heard = _Heard()
        following = asyncio.create_task(follow.follow(fleet.database, heard))
        await heard.until(2)
        following.cancel()
        assert heard.told == [EVERYTHING, EVERYTHING]

    asyncio.run(story())


def test_a_listener_that_is_answered_goes_on(
    fleet: Fleet, site_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not fleet.database.is_postgresql:
        return
    monkeypatch.setattr(follow, "PROBE_S", 0.02)

    async def story() -> None:
        heard = _Heard()
        following = asyncio.create_task(follow.follow(fleet.database, heard))
        await heard.until(1)
        await asyncio.sleep(0.5)
        await asyncio.to_thread(_create, fleet, site_id)
        await heard.until(2)
        following.cancel()
        assert heard.told.count(EVERYTHING) == 1

    asyncio.run(story())


def test_a_database_that_is_not_there_is_no_listener() -> None:
    nobody = Database("postgresql+psycopg2://ppm:x@127.0.0.1:1/nothing")
    with pytest.raises(psycopg2.OperationalError):
        follow._listening(nobody)
