"""`python -m ppm.docs [--check | --openapi FILE]`: write the generated documents, or fail naming stale ones."""

import argparse
import json
import sys
from pathlib import Path

from ppm.docs import api_page, pages


def main() -> int:
    """The exit code: 1 when `--check` found a stale page."""
    arguments = argparse.ArgumentParser(prog="python -m ppm.docs", description=__doc__)
    arguments.add_argument("--check", action="store_true", help="write nothing, fail if a page is stale")
    arguments.add_argument(
        "--openapi", type=Path, help="write the API's OpenAPI document here, and nothing else"
    )
    asked = arguments.parse_args()
    if asked.openapi:
        return _write_openapi(asked.openapi)
    if asked.check:
        return _check()
    for path in pages.write():
        print(f"written: {path}")
    return 0


def _write_openapi(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(api_page.document(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return 0


def _check() -> int:
    names = pages.stale()
    for path in names:
        print(f"stale: {path} (type: python -m ppm.docs)", file=sys.stderr)
    return 1 if names else 0


if __name__ == "__main__":
    sys.exit(main())
