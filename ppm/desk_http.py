"""The desk where simulated visitors get their codes: an operator of the real API."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from random import Random
from types import TracebackType
from typing import Any, Self

import httpx

from ppm.simulator.visitors import DeskError

log = logging.getLogger(__name__)
_TIMEOUT_S = 10.0


class HttpDesk:
    """An operator logged in to the API; an async context manager. What fails raises DeskError."""

    def __init__(self, api: str, login: str, password: str) -> None:
        self._client = httpx.AsyncClient(base_url=f"{api}/api", timeout=_TIMEOUT_S, trust_env=False)
        self._who = {"login": login, "password": password}
        self._tokens: dict[str, str] = {}
        self._one_login = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def create_session(self, site: str, minutes: float) -> str:
        """Make a session on any free poste of a site. Returns its code."""
        made = await self.call("POST", "/sessions/", {"site": site, "duree_initiale": round(minutes * 60)})
        return str(made["code_acces"])

    async def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """What the API answers, logging in when that is needed. Raises DeskError."""
        answer = await self._send(method, path, body)
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            await self._log_in(answer.request.headers.get("Authorization"))
            answer = await self._send(method, path, body)
        if answer.is_error:
            raise DeskError(f"{method} {path}: {answer.status_code} {_reason(answer)}")
        return answer.json() if answer.content else None

    async def _send(self, method: str, path: str, body: dict[str, Any] | None) -> httpx.Response:
        access = self._tokens.get("access")
        headers = {"Authorization": f"Bearer {access}"} if access else {}
        try:
            return await self._client.request(method, path, json=body, headers=headers)
        except httpx.HTTPError as error:
            raise DeskError(f"{method} {path}: {type(error).__name__}") from None

    async def _log_in(self, used: str | None) -> None:
        async with self._one_login:
            if used != f"Bearer {self._tokens.get('access')}" and self._tokens:
                return  # Somebody else was quicker: there is a newer token already.
            answer = await self._send("POST", "/token/", self._who)
            if answer.is_error:
                raise DeskError(f"login: {answer.status_code} {_reason(answer)}")
            self._tokens = answer.json()


class Attendant:
    """Somebody at the desk who gives more time, pauses and goes on, at random, so that something happens."""

    def __init__(self, desk: HttpDesk, site: str, every_s: float = 15.0, seed: int = 0) -> None:
        self._desk, self._site, self._every_s = desk, site, every_s
        self._rng = Random(f"attendant-{seed}")

    async def run(self) -> None:
        """Tend the sessions until cancelled."""
        while True:
            await asyncio.sleep(self._rng.uniform(0.5, 1.5) * self._every_s)
            try:
                await self._tend()
            except DeskError as error:  # a session that ended meanwhile takes no time
                log.info("attendant_refused", extra={"error": str(error)})

    async def _tend(self) -> None:
        found = await self._desk.call("GET", f"/sessions/actives/?site={self._site}")
        running = [one["id"] for one in found["resultats"] if one["statut"] == "active"]
        if running:
            deed: Callable[[int], Awaitable[None]] = self._rng.choice((self._extend, self._pause))
            await deed(self._rng.choice(running))

    async def _extend(self, session: int) -> None:
        await self._desk.call("POST", f"/sessions/{session}/add_time/", {"seconds": 60})

    async def _pause(self, session: int) -> None:
        await self._desk.call("POST", f"/sessions/{session}/suspend/")
        await asyncio.sleep(self._rng.uniform(3.0, 8.0))
        await self._desk.call("POST", f"/sessions/{session}/resume/")


def _reason(answer: httpx.Response) -> str:
    try:
        problem = answer.json()
    except ValueError:
        return ""
    return str(problem.get("detail") or problem.get("title") or "") if isinstance(problem, dict) else ""
