"""Accessibility by axe-core: what it finds wrong on a page as it is shown."""

from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

_AXE = Path(__file__).parents[2] / "api/web/node_modules/axe-core/axe.min.js"


@cache
def _script() -> str:
    return _AXE.read_text(encoding="utf-8")


def check_axe(page: Page) -> None:
    """Fail the test for any violation, and name it with its elements."""
    page.evaluate(_script())
    found: dict[str, Any] = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    wrong = [
        f"{one['id']}: {one['help']}: {', '.join(str(node['target']) for node in one['nodes'][:4])}"
        for one in found["violations"]
    ]
    assert not wrong, "\n".join(wrong)
