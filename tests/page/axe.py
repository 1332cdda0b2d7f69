"""What axe-core, the accessibility checker, says of a page."""

from pathlib import Path

from playwright.sync_api import Page

_AXE = Path(__file__).parents[2] / "api" / "web" / "node_modules" / "axe-core" / "axe.min.js"
_RUN = """async () => (await axe.run(document, {resultTypes: ['violations']})).violations
    .map(one => one.id + ': ' + one.help + ' ' + one.nodes.map(node => node.html.slice(0, 200)).join(' | '))"""


def check_axe(page: Page) -> None:
    """Fail if it finds anything wrong, in the light theme or in the dark one."""
    wrong = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.evaluate(_AXE.read_text())
        wrong += [f"{scheme} {page.url}: {one}" for one in page.evaluate(_RUN)]
    page.emulate_media(color_scheme="light")
    assert not wrong, "\n".join(wrong)
