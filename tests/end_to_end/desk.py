"""The desk: an operator's program that calls the real API over HTTP, as any careful client would.

Every call has an Idempotency-Key. What was not answered, because the API died or its database did, is asked again
with the same key until there is an answer: that call must be done once, however often it was asked for.
"""

import secrets
import threading
import time
from dataclasses import dataclass
from typing import Any

import httpx

from tests.end_to_end.part import Part

LOGIN = "desk"
PASSWORD = "correct horse battery staple"
PATIENCE_S = 30.0
"""How long a call is repeated before nobody knows what became of it."""
REPEAT_S = 0.1
_TIMEOUT_S = 12.0
_UNANSWERED = (httpx.NetworkError, httpx.TimeoutException, httpx.RemoteProtocolError)


@dataclass(frozen=True)
class Answer:
    """What became of a call: its result, a refusal with its reason, an error of the API, or nobody knows (`lost`)."""

    result: Any = None
    refused: str | None = None
    failed: str | None = None
    lost: bool = False

    @property
    def ok(self) -> bool:
        """Whether the operator was told that it is done."""
        return self.refused is None and self.failed is None and not self.lost


class Desk:
    """An operator at the API that `part` serves. Safe to use from several threads."""

    def __init__(self, part: Part, port: int) -> None:
        self.part = part
        self.failures: list[str] = []
        """What the API answered that no API may answer."""
        self._client = httpx.Client(
            base_url=f"http://127.0.0.1:{port}/api", timeout=_TIMEOUT_S, trust_env=False
        )
        self._token = "none-yet"
        self._one_login = threading.Lock()

    def close(self) -> None:
        self._client.close()

    def post(self, path: str, body: dict[str, Any] | None = None) -> Answer:
        """Have this done once, however often it must be asked for."""
        key, until = secrets.token_hex(8), time.monotonic() + PATIENCE_S
        while (answer := self._ask(path, body, key)).lost and time.monotonic() < until:
            time.sleep(REPEAT_S)
        if answer.failed is not None:
            self.failures.append(f"POST {path}: {answer.failed}")
        return answer

    def see(self, path: str) -> Any:
        """What the desk is shown there."""
        told = self._client.get(path, headers={"Authorization": f"Bearer {self._token}"})
        if told.status_code == httpx.codes.UNAUTHORIZED and self._log_in(self._token) is None:
            return self.see(path)
        return told.raise_for_status().json()

    def _ask(self, path: str, body: dict[str, Any] | None, key: str) -> Answer:
        used = self._token
        try:
            told = self._send(path, body, key)
            if told.status_code == httpx.codes.UNAUTHORIZED:
                if (refused := self._log_in(used)) is not None:
                    return _answer(refused)
                told = self._send(path, body, key)
        except _UNANSWERED:
            return Answer(lost=True)
        return _answer(told)

    def _send(self, path: str, body: dict[str, Any] | None, key: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._token}", "Idempotency-Key": key}
        return self._client.post(path, json=body, headers=headers)

    def _log_in(self, used: str) -> httpx.Response | None:
        """Get a token in the place of that one. Gives the answer that had none."""
        with self._one_login:
            if self._token != used:
                return None
            told = self._client.post("/token/", json={"login": LOGIN, "password": PASSWORD})
            if not told.is_success:
                return told
            self._token = told.json()["access"]
            return None


def _answer(told: httpx.Response) -> Answer:
    if told.is_success:
        return Answer(result=told.json() if told.content else None)
    if told.status_code == httpx.codes.SERVICE_UNAVAILABLE:
        return Answer(lost=True)
    if told.is_server_error:
        return Answer(failed=f"{told.status_code} {told.text}")
    reason = told.json()["reason"]
    # Our own call, which an API that is gone or slow still has in its hands: what it comes to is not known yet.
    return Answer(lost=True) if reason == "demande_en_cours" else Answer(refused=reason)
