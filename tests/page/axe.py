"""What axe-core, the accessibility checker, says of a page."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

_AXE = Path(__file__).parents[2] / "api" / "web" / "node_modules" / "axe-core" / "axe.min.js"
_RUN = """async (rules) => {
    const all = {resultTypes: ['violations'], rules: {'target-size': {enabled: true}}};
    const said = await axe.run(document, {...all, ...rules});
    const where = (one) => one.nodes.map((node) => node.html.slice(0, 200)).join(' | ');
    return said.violations.map((one) => `${one.id}: ${one.help} ${where(one)}`);
}"""
_COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
"""All that another theme can change."""
LOOKS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "light": ({"color_scheme": "light"}, {}),
    "dark": ({"color_scheme": "dark"}, _COLOURS),
    "more contrast, light": ({"color_scheme": "light", "contrast": "more"}, _COLOURS),
    "more contrast, dark": ({"color_scheme": "dark", "contrast": "more"}, _COLOURS),
}


def check_axe(page: Page, looks: Collection[str] = ("light", "dark")) -> None:
    """Fail if it finds anything wrong, in any of these themes (LOOKS has all)."""
    wrong = []
    if not page.evaluate("'axe' in window"):
        page.evaluate(_AXE.read_text())
    for name in looks:
        media, rules = LOOKS[name]
        page.emulate_media(reduced_motion="reduce", **media)
        wrong += [f"{name} {page.url}: {one}" for one in page.evaluate(_RUN, rules)]
    page.emulate_media(color_scheme="light", contrast="no-preference")
    assert not wrong, "\n".join(wrong)
