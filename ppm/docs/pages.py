"""Which documents are generated, and by which function: add a line here to add one."""

from collections.abc import Callable, Mapping
from pathlib import Path

from ppm.docs import api_page, asyncapi, commands_page, problems_page, protocol_page, settings_page

ROOT = Path(__file__).resolve().parents[2]

Render = Callable[[], str]

PAGES: Mapping[str, Render] = {
    "docs/protocol.md": protocol_page.render,
    "docs/asyncapi.yaml": asyncapi.render,
    "docs/api.md": api_page.render,
    "docs/problems.md": problems_page.render,
    "docs/commands.md": commands_page.render,
    "docs/settings.md": settings_page.render,
    ".env.example": settings_page.render_example,
}
"""Path from the top of the repository, and the function that gives the whole text of the file."""


def write(pages: Mapping[str, Render] = PAGES, root: Path = ROOT) -> list[str]:
    """Write the pages that are stale; their paths."""
    written = stale(pages, root)
    for path in written:
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(pages[path](), encoding="utf-8")
    return written


def stale(pages: Mapping[str, Render] = PAGES, root: Path = ROOT) -> list[str]:
    """The paths whose file is not what its function gives."""
    return [path for path, render in pages.items() if _read(root / path) != render()]


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None
