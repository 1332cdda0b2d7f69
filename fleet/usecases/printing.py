"""Pages to be read and printed: titles and tables, in one plain style. Nothing of them comes from elsewhere."""

import html
from collections.abc import Iterable, Sequence

STYLE = (
    "body{font:1rem/1.4 system-ui,sans-serif;margin:2rem;max-width:70rem}table{border-collapse:collapse;margin:.5rem 0}"
    "td,th{border:1px solid #888;padding:.2rem .6rem;text-align:left;vertical-align:top}section,tr{break-inside:avoid}"
    "thead{display:table-header-group}h2{break-after:avoid}"
)


def page(title: str, parts: Iterable[str]) -> str:
    """A whole page in French, of parts that are HTML."""
    said = html.escape(title)
    return (
        f'<!doctype html><html lang="fr"><head><meta charset="utf-8"><title>{said}</title>'
        f"<style>{STYLE}</style></head><body><h1>{said}</h1>{''.join(parts)}</body></html>"
    )


def heading(said: str) -> str:
    """The title of a part."""
    return f"<h2>{html.escape(said)}</h2>"


def paragraph(said: str) -> str:
    """A sentence or two."""
    return f"<p>{html.escape(said)}</p>"


def table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table, of which the first cell of a row names the row. Without rows there is none."""
    lines = "".join(_row(row) for row in rows)
    if not lines:
        return ""
    names = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in head)
    caption = f"<h3>{html.escape(title)}</h3>" if title else ""
    top = f"<thead><tr>{names}</tr></thead>" if names else ""
    return f"<section>{caption}<table>{top}<tbody>{lines}</tbody></table></section>"


def _row(cells: Sequence[str]) -> str:
    first, *others = (html.escape(cell) for cell in cells)
    return f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in others)}</tr>'
