"""What pages see without asking, on a real server; and the server itself."""

import asyncio
import contextlib
import json
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from api.app import create_app, serve
from api.events import TYPES, Event
from api.live import Live
from fleet.database import leases
from fleet.database.audit import Entry
from fleet.database.engine import Database
from fleet.domain.actor import SYSTEM
from fleet.usecases import operateurs, plans, postes, sessions, sites
from fleet.usecases.fleet import Fleet
from fleet.usecases.operateurs import NewOperateur, OperateurEdit
from fleet.usecases.postes import NewPoste
from fleet.usecases.sessions import NewSession
from ppm.parts.postgres import PrivatePostgres
from ppm.parts.process import free_port
from tests.api.conftest import PASSWORD, SETTINGS

SOON_S = 1.0


class Served:
    """The API on a port of this machine."""

    def __init__(self, fleet: Fleet, port: int, live: Live) -> None:
        self.fleet, self.port, self.live = fleet, port, live
        self.http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}/api", timeout=10)

    async def token(self, login: str = "desk") -> str:
        answer = await self.http.post("/token/", json={"login": login, "password": PASSWORD})
        return str(answer.json()["access"])

    @contextlib.asynccontextmanager
    async def page(
        self, path: str = "/ws/sessions/", login: str | None = "desk", **more: Any
    ) -> AsyncIterator[ClientConnection]:
        query = f"?token={await self.token(login)}" if login else ""
        async with connect(f"ws://127.0.0.1:{self.port}{path}{query}", **more) as page:
            yield page


@contextlib.asynccontextmanager
async def served(fleet: Fleet) -> AsyncIterator[Served]:
    app, port, ready = create_app(fleet, SETTINGS), free_port(), asyncio.Event()
    task = asyncio.create_task(serve(app, "127.0.0.1", port, ready))
    await asyncio.wait_for(ready.wait(), 10)
    api = Served(fleet, port, app.state.live)
    try:
        yield api
    finally:
        await api.http.aclose()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def hear(page: ClientConnection, kind: str, within_s: float = SOON_S + 1) -> dict[str, Any]:
    """The next message of a kind, soon."""
    async with asyncio.timeout(within_s):
        while True:
            said: dict[str, Any] = json.loads(await page.recv())
            if said["type"] == kind:
                return said


async def closed(page: ClientConnection) -> int | None:
    """How the other side ends the conversation."""
    with contextlib.suppress(ConnectionClosed):
        async with asyncio.timeout(8):
            while True:
                await page.recv()
    return page.close_code


async def flood_until_one_is_left(api: Served, site_id: int) -> None:
    """Tell so much that only the page that reads stays."""
    large = Event(site_id, None, json.dumps({"type": "filler", "x": "y" * 60_000}).encode())
    for _ in range(1000):
        api.live.tell([large])
        await asyncio.sleep(0.001)
        if len(api.live._readers) == 1:
            return


def _create(fleet: Fleet, site_id: int, **more: Any) -> int:
    return sessions.create(fleet, SYSTEM, NewSession(site_id, 3600, **more)).session_id


@pytest.fixture
def elsewhere(fleet: Fleet, database_url: str) -> Iterator[Fleet]:
    """Another program on the same database; on SQLite, which is one process, the same one."""
    if not fleet.database.is_postgresql:
        yield fleet
        return
    other = Database(database_url, pool_size=2)
    yield Fleet(other, fleet.keys)
    other.close()


def test_a_page_hears_within_a_second_what_another_program_commits(
    fleet: Fleet, site_id: int, elsewhere: Fleet
) -> None:
    async def story() -> None:
        async with served(fleet) as api, api.page() as page:
            assert (await hear(page, "connection_established"))["operateur"]
            number = await asyncio.to_thread(_create, elsewhere, site_id)
            loop = asyncio.get_running_loop()
            start = loop.time()
            made = await hear(page, "time_update")
            assert loop.time() - start < SOON_S
            assert (made["action"], made["session"]["id"]) == ("generation_code", number)
            assert "code_acces" not in json.dumps(made)
            await asyncio.to_thread(sessions.add_time, elsewhere, SYSTEM, number, 900)
            added = await hear(page, "time_added")
            assert (added["session"]["temps_ajoute"], added["details"]["secondes"]) == (900, 900)
            assert added["numero"] == made["numero"] + 1
            await asyncio.to_thread(sessions.terminate, elsewhere, SYSTEM, number)
            assert (await hear(page, "session_terminated"))["session"]["statut"] == "terminee"

    asyncio.run(story())


def test_a_page_hears_the_life_of_a_session_by_its_kinds(fleet: Fleet, site_id: int) -> None:
    acts = (
        (sessions.start, "session_started", "active"),
        (sessions.suspend, "time_update", "suspendue"),
        (sessions.resume, "time_update", "active"),
        (sessions.terminate, "session_terminated", "terminee"),
    )

    async def story() -> None:
        await asyncio.to_thread(_come, fleet, site_id)
        number = await asyncio.to_thread(_create, fleet, site_id, poste_id=1)
        async with served(fleet) as api, api.page() as page:
            await hear(page, "connection_established")
            for act, kind, statut in acts:
                await asyncio.to_thread(act, fleet, SYSTEM, number)
                assert (await hear(page, kind))["session"]["statut"] == statut

    asyncio.run(story())


def test_whatever_happens_is_told_by_its_kind(fleet: Fleet, site_id: int) -> None:
    def happen(action: str, number: int) -> None:
        with fleet.database.transaction() as tx:
            tx.record(Entry(action, site_id, session_id=number))

    async def story() -> None:
        number = await asyncio.to_thread(_create, fleet, site_id)
        async with served(fleet) as api, api.page() as page:
            await hear(page, "connection_established")
            for action, kind in TYPES.items():
                await asyncio.to_thread(happen, action, number)
                said = await hear(page, kind)
                assert (said["action"], said["session"]["id"]) == (action, number)

    asyncio.run(story())
    assert set(TYPES.values()) >= {"session_started", "session_terminated", "time_added", "warning", "error"}


def test_a_page_hears_who_comes_and_goes(fleet: Fleet, site_id: int, elsewhere: Fleet) -> None:
    async def story() -> None:
        async with served(fleet) as api, api.page() as page:
            await hear(page, "connection_established")
            await asyncio.to_thread(_come, elsewhere, site_id)
            seen = (await hear(page, "presence"))["poste"]
            assert (seen["slug"], seen["est_en_ligne"], seen["statut"]) == ("poste-1", True, "disponible")

    asyncio.run(story())


def test_a_page_hears_what_changes_the_room_itself(fleet: Fleet, site_id: int) -> None:
    def change() -> None:
        made = postes.create(fleet, SYSTEM, NewPoste(site_id, "neuf", "Neuf"))
        postes.edit(fleet, SYSTEM, made, {"nom": "Neuf, au fond"})
        plans.place(fleet, SYSTEM, site_id, {made: plans.Position(1.0, 2.0)})
        postes.remove(fleet, SYSTEM, made)
        sites.edit(fleet, SYSTEM, site_id, {"nom": "Saint-Denis, centre"})

    async def story() -> None:
        async with served(fleet) as api, api.page() as page:
            await hear(page, "connection_established")
            await asyncio.to_thread(change)
            told = [await hear(page, "room_update") for _ in range(3)]
        assert [one["action"] for one in told] == [
            "modification_plan",
            "suppression_poste",
            "modification_site",
        ]
        assert {one["site"] for one in told} == {"st-denis"}

    asyncio.run(story())


def _come(fleet: Fleet, site_id: int) -> None:
    with fleet.database.transaction() as tx:
        tx.connection.exec_driver_sql("UPDATE presence SET online = true, boot = 'b' WHERE poste_id = 1")
        tx.tell(site_id, "presence")


def test_a_page_of_one_session_hears_of_that_one_only(fleet: Fleet, site_id: int) -> None:
    async def story() -> None:
        numbers = [await asyncio.to_thread(_create, fleet, site_id) for _ in range(2)]
        async with served(fleet) as api, api.page(f"/ws/sessions/{numbers[0]}/") as page:
            await hear(page, "connection_established")
            await asyncio.to_thread(sessions.add_time, fleet, SYSTEM, numbers[1], 60)
            await asyncio.to_thread(sessions.add_time, fleet, SYSTEM, numbers[0], 120)
            assert (await hear(page, "time_added"))["session"]["id"] == numbers[0]
            await page.send('{"type": "get_time"}')
            assert (await hear(page, "time_update"))["session"]["temps_restant"] == 3720

    asyncio.run(story())


def test_a_page_hears_nothing_of_other_sites(fleet: Fleet, site_id: int) -> None:
    other = sites.create(fleet, SYSTEM, "le-tampon", {"nom": "Le Tampon"})
    postes.create(fleet, SYSTEM, NewPoste(other, "tampon-1", "T1"))
    operateurs.create(fleet, SYSTEM, NewOperateur("stranger", PASSWORD, "operateur", [other]))

    async def story() -> None:
        async with served(fleet) as api, api.page(login="stranger") as page:
            await hear(page, "connection_established")
            foreign = await asyncio.to_thread(_create, fleet, site_id)
            own = await asyncio.to_thread(_create, fleet, other)
            assert (await hear(page, "time_update"))["session"]["id"] == own
            await page.send(json.dumps({"type": "get_time", "session": foreign}))
            assert (await hear(page, "error"))["reason"] == "introuvable"
            async with api.page(f"/ws/sessions/{foreign}/", login="stranger") as refused:
                assert await closed(refused) == 4404

    asyncio.run(story())


def test_a_page_hears_that_its_operator_may_do_something_else_now(fleet: Fleet, site_id: int) -> None:
    number = operateurs.create(fleet, SYSTEM, NewOperateur("changes", PASSWORD, "operateur", [site_id]))

    async def story() -> None:
        async with served(fleet) as api, api.page(login="changes") as page:
            await hear(page, "connection_established")
            await asyncio.to_thread(operateurs.edit, fleet, SYSTEM, number, OperateurEdit(role="lecteur"))
            assert await hear(page, "rights") == {"type": "rights"}

    asyncio.run(story())


def test_a_page_says_who_it_is_in_its_address_or_its_first_message(fleet: Fleet, site_id: int) -> None:
    async def story() -> None:
        async with served(fleet) as api:
            async with api.page(login=None) as page:
                await page.send(json.dumps({"type": "auth", "token": await api.token()}))
                await hear(page, "connection_established")
                await page.send('{"type": "heartbeat"}')
                await hear(page, "heartbeat")
                await page.send("not json")
                error = await hear(page, "error")
                assert error["reason"] == "demande_invalide"
                assert error["detail"].startswith(
                    "Cette demande n’est pas comprise. Attendu\u202f: heartbeat, "
                )
                assert error["detail"].endswith(".")
            for first in ('{"type": "auth", "token": "x"}', '{"type": "heartbeat"}', "{"):
                async with api.page(login=None) as page:
                    await page.send(first)
                    assert (await hear(page, "error"))["reason"] == "jeton_refuse"
                    assert await closed(page) == 4401

    asyncio.run(story())


def test_a_page_of_a_foreign_site_on_the_web_is_not_let_in(fleet: Fleet, site_id: int) -> None:
    async def story() -> None:
        async with served(fleet) as api:
            with pytest.raises(InvalidStatus):
                async with api.page(origin="https://evil.example"):
                    pass
            async with api.page(origin=f"http://127.0.0.1:{api.port}") as page:
                await hear(page, "connection_established")

    asyncio.run(story())


def test_a_page_that_does_not_keep_up_is_dropped_and_others_are_not(fleet: Fleet, site_id: int) -> None:
    async def story() -> None:
        async with served(fleet) as api:
            narrow = socket.create_connection(("127.0.0.1", api.port))
            narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            async with api.page(sock=narrow, max_queue=1) as slow, api.page(max_queue=None) as quick:
                await hear(quick, "connection_established")
                await flood_until_one_is_left(api, site_id)
                number = await asyncio.to_thread(_create, fleet, site_id)
                async with asyncio.timeout(5):
                    while (said := json.loads(await quick.recv()))["type"] != "time_update":
                        pass
                assert said["session"]["id"] == number
                assert len(api.live._readers) == 1
                slow.transport.abort()

    asyncio.run(story())


def test_a_slow_page_is_told_1013(fleet: Fleet, site_id: int) -> None:
    async def story() -> None:
        async with served(fleet) as api, api.page() as page:
            await hear(page, "connection_established")
            event = Event(site_id, None, b'{"type": "filler"}')
            api.live.tell([event] * (SETTINGS.queue + 50))
            assert await closed(page) == 1013
            assert not api.live._readers

    asyncio.run(story())


def test_a_burst_of_commits_reaches_a_page_that_keeps_up(fleet: Fleet, site_id: int) -> None:
    async def story() -> None:
        number = await asyncio.to_thread(_create, fleet, site_id)
        async with served(fleet) as api, api.page(max_queue=None) as page:
            await hear(page, "connection_established")
            await asyncio.to_thread(_many_notes, fleet, number, 600)
            numeros: list[int] = []
            async with asyncio.timeout(15):
                while len(numeros) < 600:
                    said = json.loads(await page.recv())
                    numeros += [said["numero"]] if said["type"] == "time_update" else []
            assert numeros == list(range(numeros[0], numeros[0] + 600))

    asyncio.run(story())


def _many_notes(fleet: Fleet, number: int, how_many: int) -> None:
    with fleet.database.transaction() as tx:
        for _ in range(how_many):
            tx.record(Entry("modification_session", 1, session_id=number))


def test_the_token_in_the_address_of_a_page_is_not_logged(
    fleet: Fleet, site_id: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> str:
        async with served(fleet) as api:
            token = await api.token()
            async with connect(f"ws://127.0.0.1:{api.port}/ws/sessions/?token={token}") as page:
                await hear(page, "connection_established")
            return token

    caplog.set_level("INFO")
    token = asyncio.run(story())
    assert not any(token in record.getMessage() for record in caplog.records if "client" not in record.name)


def test_serving_beside_other_tasks_leaves_the_signals_alone(fleet: Fleet, site_id: int) -> None:
    async def story() -> Any:
        async with served(fleet) as api:
            assert (await api.http.get("/health/live/")).status_code == 200
            return signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)

    before = signal.getsignal(signal.SIGTERM)
    assert asyncio.run(story())[0] == before


def test_a_taken_port_is_an_error_of_the_caller(fleet: Fleet, site_id: int) -> None:
    async def story() -> None:
        async with served(fleet) as api:
            with pytest.raises(OSError, match="in use"):
                await serve(create_app(fleet, SETTINGS), "127.0.0.1", api.port)

    asyncio.run(story())


def test_ready_wants_the_schema_and_a_controller_for_each_site(fleet: Fleet, site_id: int) -> None:
    async def story() -> None:
        async with served(fleet) as api:
            answer = await api.http.get("/health/ready/")
            assert (answer.status_code, answer.json()["sites"]) == (503, {"st-denis": False})
            await asyncio.to_thread(_drive, fleet, site_id)
            answer = await api.http.get("/health/ready/")
            assert (answer.status_code, answer.json()["sites"]) == (200, {"st-denis": True})

    asyncio.run(story())


def _drive(fleet: Fleet, site_id: int) -> None:
    with fleet.database.transaction() as tx:
        leases.acquire(tx.connection, site_id, "here", tx.now)


def test_without_postgresql_the_api_says_503_and_recovers_with_it(
    own_postgres: PrivatePostgres, make_fleet: Callable[[str], Fleet]
) -> None:
    fleet = make_fleet(own_postgres.create_database("down"))

    async def story() -> None:
        async with served(fleet) as api:
            headers = {"Authorization": f"Bearer {await api.token()}"}
            assert (await api.http.get("/sites/", headers=headers)).status_code == 200
            own_postgres.kill9()
            for path in ("/sites/", "/health/ready/"):
                answer = await api.http.get(path, headers=headers)
                assert (answer.status_code, answer.json()["reason"]) == (503, "service_indisponible")
                assert answer.headers["retry-after"]
            assert (await api.http.get("/health/live/")).status_code == 200
            await asyncio.to_thread(own_postgres.start)
            assert (await api.http.get("/sites/", headers=headers)).status_code == 200
            async with api.page() as page:
                await hear(page, "connection_established")
                number = await asyncio.to_thread(_create, fleet, 1)
                assert (await hear(page, "time_update", 8))["session"]["id"] == number

    asyncio.run(story())
