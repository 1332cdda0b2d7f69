"""A page that was cut off comes back with how far it was told, and misses nothing."""

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from sqlalchemy import delete
from websockets.asyncio.client import ClientConnection

from api import events, missed
from api.events import Event
from api.limits import Limits
from api.live import Live
from fleet.database.audit import Entry
from fleet.database.tables import log
from fleet.domain.actor import SYSTEM
from fleet.domain.errors import Invalid
from fleet.usecases import operateurs, postes, sessions, sites
from fleet.usecases.fleet import Fleet
from fleet.usecases.operateurs import NewOperateur
from fleet.usecases.postes import NewPoste
from tests.api.conftest import PASSWORD
from tests.api.test_list_queries import counted
from tests.api.test_live import (
    Served,
    _come,
    _create,
    _many_notes,
    closed,
    flood_until_one_is_left,
    hear,
    served,
)
from tests.support.tampering import unguarded
from tests.support.waiting import eventually


class Page:
    """What a page knows: the position, as each message moves it, and what it heard."""

    def __init__(self) -> None:
        self.positions: dict[str, int] = {}
        self.heard: list[dict[str, Any]] = []

    async def take(self, socket: ClientConnection, how_many: int, kind: str, within_s: float = 5) -> None:
        """Hear so many more messages of a kind."""
        async with asyncio.timeout(within_s):
            while how_many:
                said = json.loads(await socket.recv())
                self.note(said)
                how_many -= said["type"] == kind

    def note(self, said: dict[str, Any]) -> None:
        self.heard.append(said)
        self.positions |= said.get("positions", {})
        if "numero" in said:
            self.positions[said["site"]] = said["numero"]

    @property
    def numbers(self) -> list[int]:
        return [said["numero"] for said in self.heard if said["type"] == "time_update"]

    @property
    def back(self) -> str:
        return "&apres=" + ",".join(f"{site}:{number}" for site, number in self.positions.items())


def test_what_happened_while_a_page_was_cut_off_is_told_in_order_and_once(fleet: Fleet, site_id: int) -> None:
    async def story() -> None:
        page, number = Page(), await asyncio.to_thread(_create, fleet, site_id)
        async with served(fleet) as api:
            token = f"?token={await api.token()}"
            async with api.page(f"/ws/sessions/{token}", login=None) as socket:
                await page.take(socket, 1, "connection_established")
                first = page.positions["st-denis"]
                await asyncio.to_thread(_many_notes, fleet, number, 3)
                await page.take(socket, 2, "time_update")  # the third is lost on its way
            await asyncio.to_thread(_many_notes, fleet, number, 1_200)
            async with api.page(f"/ws/sessions/{token}{page.back}", login=None, max_queue=None) as socket:
                writing = asyncio.create_task(asyncio.to_thread(_many_notes, fleet, number, 40))
                await page.take(socket, 1_241, "time_update", 15)
                await writing
        assert page.numbers == list(range(first + 1, first + 1_244))

    asyncio.run(story())


def test_each_process_goes_on_where_another_was_cut_off(fleet: Fleet, site_id: int) -> None:
    async def story() -> None:
        page, number = Page(), await asyncio.to_thread(_create, fleet, site_id)
        async with served(fleet) as one, one.page() as socket:
            await page.take(socket, 1, "connection_established")
        await asyncio.to_thread(sessions.add_time, fleet, SYSTEM, number, 900)
        async with served(fleet) as other:
            back = f"/ws/sessions/?token={await other.token()}{page.back}"
            async with other.page(back, login=None) as socket:
                assert (await hear(socket, "time_added"))["session"]["temps_ajoute"] == 900

    asyncio.run(story())


def test_a_page_that_comes_back_sees_how_the_postes_are(fleet: Fleet, site_id: int) -> None:
    async def story() -> None:
        page = Page()
        async with served(fleet) as api:
            async with api.page() as socket:
                await page.take(socket, 1, "connection_established")
            await asyncio.to_thread(_come, fleet, site_id)
            back = f"/ws/sessions/?token={await api.token()}{page.back}"
            async with api.page(back, login=None) as socket:
                seen = (await hear(socket, "presence"))["poste"]
                assert (seen["slug"], seen["est_en_ligne"]) == ("poste-1", True)

    asyncio.run(story())


def test_a_page_of_one_session_misses_nothing_of_that_one_and_hears_no_other(
    fleet: Fleet, site_id: int
) -> None:
    async def story() -> None:
        page = Page()
        mine, other = [await asyncio.to_thread(_create, fleet, site_id) for _ in range(2)]
        async with served(fleet) as api:
            query = f"/ws/sessions/{mine}/?token={await api.token()}"
            async with api.page(query, login=None) as socket:
                await page.take(socket, 1, "connection_established")
            await asyncio.to_thread(_many_notes, fleet, other, 50)
            await asyncio.to_thread(sessions.add_time, fleet, SYSTEM, mine, 60)
            async with api.page(query + page.back, login=None) as socket:
                await page.take(socket, 1, "time_added")
        assert {said["session"]["id"] for said in page.heard if "session" in said} == {mine}

    asyncio.run(story())


def test_what_is_committed_while_the_first_page_comes_reaches_it(
    fleet: Fleet, site_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = Live._begin

    def begin_late(self: Live) -> dict[int, int]:
        told = begun(self)
        _create(fleet, site_id)
        time.sleep(0.3)  # its news is there before the page is
        return told

    monkeypatch.setattr(Live, "_begin", begin_late)

    async def story() -> None:
        async with served(fleet) as api, api.page() as page:
            assert (await hear(page, "time_update"))["action"] == "generation_code"

    asyncio.run(story())


def test_a_page_that_another_process_told_more_hears_nothing_twice(
    fleet: Fleet, site_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    hearing, is_late = Live.hear, asyncio.Event()
    monkeypatch.setattr(Live, "hear", lambda self, news: None if is_late.is_set() else hearing(self, news))

    async def story() -> None:
        first, back, number = Page(), Page(), await asyncio.to_thread(_create, fleet, site_id)
        async with served(fleet) as api, api.page() as there:
            await first.take(there, 1, "connection_established")
            is_late.set()
            await asyncio.to_thread(_many_notes, fleet, number, 3)
            back.positions["st-denis"] = head = first.positions["st-denis"] + 3
            query = f"/ws/sessions/?token={await api.token()}{back.back}"
            async with api.page(query, login=None) as socket:
                await back.take(socket, 1, "connection_established")
                is_late.clear()
                await asyncio.to_thread(_many_notes, fleet, number, 1)
                await back.take(socket, 1, "time_update")
                await first.take(there, 4, "time_update")
        assert back.numbers == [head + 1]
        assert "reload" not in [said["type"] for said in back.heard]
        assert first.numbers == list(range(head - 2, head + 2))

    asyncio.run(story())


def test_after_a_gap_only_sites_where_something_happened_are_asked_for(fleet: Fleet, site_id: int) -> None:
    for number in range(20):
        sites.create(fleet, SYSTEM, f"site-{number}", {"nom": f"Site {number}"})

    async def story() -> None:
        async with served(fleet) as api, api.page() as page:
            await hear(page, "connection_established")
            with counted(fleet.database.engine) as said:
                await asyncio.to_thread(api.live._read, None)
            assert len(said) == 1

    asyncio.run(story())


@pytest.mark.parametrize("why", ["too much", "purged", "from the future", "unknown to the page"])
def test_a_page_that_is_too_far_behind_is_told_to_read_again(
    fleet: Fleet, site_id: int, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(missed, "MOST", 30)

    async def story() -> None:
        number = await asyncio.to_thread(_create, fleet, site_id)
        await asyncio.to_thread(_many_notes, fleet, number, 40)
        head = await asyncio.to_thread(_head, fleet, site_id)
        if why == "purged":
            await asyncio.to_thread(_purge, fleet, site_id, head - 5)
        back = {
            "too much": f"st-denis:{head - 31}",
            "purged": f"st-denis:{head - 7}",
            "from the future": f"st-denis:{head + 1}",
            "unknown to the page": "le-tampon:3",
        }[why]
        async with (
            served(fleet) as api,
            api.page(f"/ws/sessions/?token={await api.token()}&apres={back}", login=None) as socket,
        ):
            said = await hear(socket, "reload")
            assert (said["site"], said["numero"]) == ("st-denis", head)
            await asyncio.to_thread(_many_notes, fleet, number, 1)
            assert (await hear(socket, "time_update"))["numero"] == head + 1

    asyncio.run(story())


def _head(fleet: Fleet, site_id: int) -> int:
    with fleet.database.transaction() as tx:
        tx.record(Entry("modification_session", site_id))
    with fleet.database.read() as tx:
        return events.heads(tx)[site_id]


def _purge(fleet: Fleet, site_id: int, until: int) -> None:
    with fleet.database.transaction() as tx, unguarded(tx):
        tx.execute(delete(log).where(log.c.site_id == site_id, log.c.numero < until))


def test_a_page_comes_back_to_its_own_sites_only(fleet: Fleet, site_id: int) -> None:
    other = sites.create(fleet, SYSTEM, "le-tampon", {"nom": "Le Tampon"})
    postes.create(fleet, SYSTEM, NewPoste(other, "tampon-1", "T1"))
    operateurs.create(fleet, SYSTEM, NewOperateur("stranger", PASSWORD, "operateur", [other]))

    async def story() -> None:
        await asyncio.to_thread(_create, fleet, site_id)
        async with served(fleet) as api:
            token = await api.token("stranger")
            query = f"/ws/sessions/?token={token}&apres=st-denis:0,le-tampon:0"
            async with api.page(query, login=None) as socket:
                assert (await hear(socket, "connection_established"))["positions"] == {"le-tampon": 0}
                await asyncio.to_thread(_create, fleet, other)
                assert (await hear(socket, "time_update"))["site"] == "le-tampon"

    asyncio.run(story())


@pytest.mark.parametrize(
    "wrong", ["st-denis", "st-denis:x", "st-denis:-1", "st-denis:1,", "été:1", "a:1;b:2"]
)
def test_a_position_that_is_none_is_refused(fleet: Fleet, site_id: int, wrong: str) -> None:
    with pytest.raises(Invalid, match="site:numéro"):
        missed.position("apres", wrong)

    async def story() -> None:
        async with (
            served(fleet) as api,
            api.page(f"/ws/sessions/?token={await api.token()}&apres={wrong}", login=None) as socket,
        ):
            assert (await hear(socket, "error"))["reason"] == "valeur_invalide"
            assert await closed(socket) == 4422

    asyncio.run(story())


def test_a_position_of_many_sites_is_heard_in_the_first_message_and_by_a_stream(
    fleet: Fleet, site_id: int
) -> None:
    async def story() -> None:
        number = await asyncio.to_thread(_create, fleet, site_id)
        head = await asyncio.to_thread(_head, fleet, site_id)
        await asyncio.to_thread(_many_notes, fleet, number, 1)
        places = {"st-denis": head} | {
            f"mediatheque-{n}": 1_000_000 + n for n in range(missed.MOST_SITES - 1)
        }
        position = missed.written(places)
        async with served(fleet) as api:
            async with api.page(login=None) as page:
                greeting = {"type": "auth", "token": await api.token(), "apres": position}
                await page.send(json.dumps(greeting))
                assert (await hear(page, "time_update"))["numero"] == head + 1
            known = await _known(api) | {"Last-Event-ID": position}
            answer = await api.http.get("/events/?duree=0", headers=known)
            assert f"id: st-denis:{head + 1}" in answer.text

    asyncio.run(story())


def test_an_operator_has_only_so_many_pages_and_may_ask_only_so_much(
    fleet: Fleet, site_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.live.MOST_PAGES", 1)

    async def story() -> None:
        async with served(fleet) as api, api.page() as socket:
            await hear(socket, "connection_established")
            async with api.page() as second:
                assert (await hear(second, "error"))["reason"] == "trop_de_pages"
                assert await closed(second) == 4429
            stream = await api.http.get("/events/?duree=0", headers=await _known(api))
            assert (stream.status_code, stream.json()["reason"]) == (429, "trop_de_pages")
            async with api.page(login="reader") as other:
                await hear(other, "connection_established")

    asyncio.run(story())


def test_of_pages_that_come_at_once_only_so_many_are_let_in(
    fleet: Fleet, site_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.live.MOST_PAGES", 2)

    async def story() -> None:
        async with served(fleet) as api:
            address = f"/ws/sessions/?token={await api.token()}"
            async with contextlib.AsyncExitStack() as stack:
                coming = (
                    stack.enter_async_context(api.page(address, login=None, open_timeout=30))
                    for _ in range(6)
                )
                pages = await asyncio.gather(*coming)
                told = [json.loads(await page.recv()) for page in pages]
            found = [said.get("reason", said["type"]) for said in told]
            assert sorted(found) == ["connection_established"] * 2 + ["trop_de_pages"] * 4

    asyncio.run(story())


async def _known(api: Served, login: str = "desk") -> dict[str, str]:
    return {"Authorization": f"Bearer {await api.token(login)}"}


async def _events(answer: httpx.Response) -> AsyncIterator[tuple[str | None, dict[str, Any]]]:
    """The id and the words of each event, as a browser reads them."""
    fields: dict[str, str] = {}
    async for line in answer.aiter_lines():
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:
            yield fields.get("id"), json.loads(fields.pop("data"))
            fields.clear()


def test_a_stream_of_events_tells_the_same_as_the_websocket(fleet: Fleet, site_id: int) -> None:
    async def story() -> None:
        number = await asyncio.to_thread(_create, fleet, site_id)
        async with (
            served(fleet) as api,
            api.page() as socket,
            api.http.stream("GET", "/events/", headers=await _known(api)) as answer,
        ):
            await hear(socket, "connection_established")
            assert answer.headers["content-type"].startswith("text/event-stream")
            assert answer.headers["cache-control"] == "no-store, private"
            told = _events(answer)
            at, said = await anext(told)
            assert said["type"] == "connection_established"
            assert at == f"st-denis:{said['positions']['st-denis']}"
            await asyncio.to_thread(sessions.add_time, fleet, SYSTEM, number, 900)
            async with asyncio.timeout(5):
                while said["type"] != "time_added":
                    at, said = await anext(told)
            assert said == await hear(socket, "time_added")
            assert at == f"st-denis:{said['numero']}"

    asyncio.run(story())


def test_a_stream_goes_on_after_the_last_event_that_the_browser_saw(fleet: Fleet, site_id: int) -> None:
    async def story() -> None:
        number = await asyncio.to_thread(_create, fleet, site_id)
        async with served(fleet) as api:
            known = await _known(api)
            begun = await api.http.get("/events/?duree=0", headers=known)
            assert begun.text.endswith("\r\n\r\n")
            last = begun.text.split("id: ")[1].split("\r\n")[0]
            await asyncio.to_thread(_many_notes, fleet, number, 3)
            for asked in ({"headers": known | {"Last-Event-ID": last}}, {"params": {"apres": last}}):
                answer = await api.http.get("/events/", **_with(asked, known))
                told = [json.loads(line[6:]) for line in answer.text.split("\r\n") if line[:6] == "data: "]
                start = int(last.split(":")[1])
                assert [one["numero"] for one in told if "numero" in one] == [start + n for n in (1, 2, 3)]

    asyncio.run(story())


def _with(asked: dict[str, Any], known: dict[str, str]) -> dict[str, Any]:
    params = {"duree": 0} | asked.get("params", {})
    return {"headers": known | asked.get("headers", {}), "params": params}


def test_a_stream_whose_time_is_over_tells_what_waits_and_ends(
    fleet: Fleet, site_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came while it caught up."""
    told_first = missed.told

    async def told(shared: Any, reader: Any, after: Any) -> AsyncIterator[Event]:
        async for event in told_first(shared, reader, after):
            yield event
        reader.put(Event(site_id, None, b'{"type": "late"}'))

    monkeypatch.setattr(missed, "told", told)

    async def story() -> None:
        async with served(fleet) as api, asyncio.timeout(5):
            answer = await api.http.get("/events/?duree=0", headers=await _known(api))
            assert answer.text.count('"late"') == 1
            assert answer.text.count("\r\n: ") == 0

    asyncio.run(story())


def test_a_page_that_leaves_a_stream_is_forgotten(fleet: Fleet, site_id: int) -> None:
    async def story() -> None:
        async with served(fleet) as api:
            async with api.http.stream("GET", "/events/", headers=await _known(api)) as answer:
                await anext(_events(answer))
                assert len(api.live._readers) == 1
            await eventually(lambda: not api.live._readers, 5, "forgotten")

    asyncio.run(story())


def test_a_stream_that_is_not_read_is_cut_and_others_go_on(fleet: Fleet, site_id: int) -> None:
    async def story() -> None:
        async with served(fleet) as api, api.page(max_queue=None) as quick:
            await hear(quick, "connection_established")
            narrow = socket.create_connection(("127.0.0.1", api.port))
            narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            asked = (
                f"GET /api/events/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {await api.token()}\r\n\r\n"
            )
            narrow.sendall(asked.encode())
            await eventually(lambda: len(api.live._readers) == 2, 5, "there")
            await flood_until_one_is_left(api, site_id)
            number = await asyncio.to_thread(_create, fleet, site_id)
            assert (await hear(quick, "time_update", 5))["session"]["id"] == number
            assert len(api.live._readers) == 1
            narrow.close()

    asyncio.run(story())


def test_what_a_page_asks_counts_for_its_operator(fleet: Fleet, site_id: int) -> None:
    async def story() -> None:
        async with served(fleet) as api, api.page() as page:
            await hear(page, "connection_established")
            again = f"/ws/sessions/?token={await api.token()}"
            api.live._shared.limits = Limits(12)
            for _ in range(3):
                await page.send('{"type": "heartbeat"}')
            await hear(page, "heartbeat")
            await hear(page, "heartbeat")
            refused = await hear(page, "error")
            assert refused["reason"] == "trop_de_demandes"
            assert 1 <= refused["retry_after"] <= 5
            async with api.page(again, login=None) as second:
                assert await closed(second) == 4429

    asyncio.run(story())


def test_a_stream_ends_with_its_server_at_once(fleet: Fleet, site_id: int) -> None:
    async def story() -> float:
        loop = asyncio.get_running_loop()
        async with served(fleet) as api:
            asking = api.http.build_request("GET", "/events/", headers=await _known(api))
            answer = await api.http.send(asking, stream=True)
            told = _events(answer)
            await anext(told)
            api.live.stop()
            _, said = await anext(told)
            assert (said["type"], said["reason"]) == ("error", "service_indisponible")
            await answer.aclose()
            again = await api.http.send(
                api.http.build_request("GET", "/events/", headers=await _known(api)), stream=True
            )
            assert [said["type"] async for _, said in _events(again)][-1] == "error"
            began = loop.time()
        return loop.time() - began

    assert asyncio.run(story()) < 2


def test_a_stream_opens_by_a_ticket_of_one_session_and_not_for_strangers(fleet: Fleet, site_id: int) -> None:
    async def story() -> None:
        mine, other = [await asyncio.to_thread(_create, fleet, site_id) for _ in range(2)]
        async with served(fleet) as api:
            asked = await api.http.post("/auth/ws_ticket/", headers=await _known(api))
            address = f"/events/?duree=1&session={mine}&ticket={asked.json()['ticket']}"
            listening = asyncio.create_task(api.http.get(address))
            await eventually(lambda: len(api.live._readers) == 1, 5, "there")
            for number in (other, mine):
                await asyncio.to_thread(sessions.add_time, fleet, SYSTEM, number, 60)
            told = [
                json.loads(line[6:]) for line in (await listening).text.split("\r\n") if line[:4] == "data"
            ]
            assert [one["session"]["id"] for one in told if one["type"] == "time_added"] == [mine]
            assert (await api.http.get(address)).status_code == 401
            assert (await api.http.get("/events/?duree=0")).status_code == 401
            unknown = await api.http.get("/events/?duree=0&session=4711", headers=await _known(api))
            assert unknown.status_code == 404
            wrong = await api.http.get("/events/?duree=0&apres=x", headers=await _known(api))
            assert (wrong.status_code, wrong.json()["field"]) == (422, "apres")

    asyncio.run(story())
