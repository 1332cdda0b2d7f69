"""A room of 200 postes that all change every second, for ten minutes: no long task, no growing memory."""

import os
import threading
import time
from collections import Counter
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, CDPSession, Page

from tests.page.browsers import chromium, log_in
from tests.page.house import House, housed

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]
POSTES = 200
MINUTES = float(os.environ.get("PPM_BUSY_MINUTES", "10"))
LONGEST_TASK_MS = 100
MOST_GROWTH = 1.15


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A large room."""
    with housed(tmp_path_factory.mktemp("large"), postes=POSTES) as house:
        yield house


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The browser that people have: what is measured here is what they wait for."""
    with chromium(whole=True) as browser:
        yield browser


class Turmoil:
    """Postes that go into maintenance and come back, all of them every second or as quickly as the API can."""

    def __init__(self, house: House) -> None:
        self.changes = 0
        self._house = house
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Turmoil":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        with self._house.client() as client:
            for action in self._turns():
                began = time.monotonic()
                for start in range(0, POSTES, 100):
                    body = {"action": action, "postes": self._house.slugs[start : start + 100]}
                    answer = client.post("/postes/bulk/", json=body, timeout=60)
                    if answer.status_code == 401:
                        return
                    answer.raise_for_status()
                    self.changes += answer.json()["faits"]
                self._over.wait(max(0.0, 1 - (time.monotonic() - began)))

    def _turns(self) -> Iterator[str]:
        while not self._over.is_set():
            yield "maintenance"
            yield "disponible"


def _heap(cdp: CDPSession) -> float:
    cdp.send("HeapProfiler.collectGarbage")
    metrics = {one["name"]: one["value"] for one in cdp.send("Performance.getMetrics")["metrics"]}
    return float(metrics["JSHeapUsedSize"])


def _long_tasks(page: Page) -> list[float]:
    found: list[float] = page.evaluate("window.longTasks.splice(0)")
    return found


def test_two_hundred_postes_that_change_every_second_neither_block_nor_fill_the_page(
    house: House, browser: Browser
) -> None:
    page = browser.new_page(locale="fr-FR")
    told: Counter[bool] = Counter()
    page.on(
        "websocket", lambda line: line.on("framereceived", lambda said: told.update(['"presence"' in said]))
    )
    page.goto(house.url)
    log_in(page, house.login, house.password)
    page.locator("[data-poste]").nth(POSTES - 1).wait_for()
    page.evaluate(
        """() => {
        window.longTasks = [];
        new PerformanceObserver((list) => window.longTasks.push(...list.getEntries().map((one) => one.duration)))
            .observe({type: "longtask"});
    }"""
    )
    cdp = page.context.new_cdp_session(page)
    cdp.send("Performance.enable")
    tasks: list[float] = []
    with Turmoil(house) as turmoil:
        page.wait_for_timeout(20_000)
        before, began = _heap(cdp), time.monotonic()
        tasks.clear()
        _long_tasks(page)
        while time.monotonic() - began < MINUTES * 60:
            page.wait_for_timeout(5_000)
            tasks += _long_tasks(page)
        after = _heap(cdp)
        took = time.monotonic() - began
    looks, changes = told[True] / (took + 20), turmoil.changes / (took + 20)
    print(
        f"{changes:.0f} changes a second, {looks:.0f} looks of postes; longest task {max(tasks, default=0):.0f} ms"
    )
    print(f"heap {before / 1e6:.1f} MB, then {after / 1e6:.1f} MB")
    assert looks >= POSTES, "the room was too quiet to say anything"
    assert max(tasks, default=0) <= LONGEST_TASK_MS
    assert after <= before * MOST_GROWTH
