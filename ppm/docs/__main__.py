"""`python -m ppm.docs [--check]`: write the generated documents, or fail naming those that are stale."""

import argparse
import sys

from ppm.docs import pages


def main() -> int:
    """The exit code: 1 when `--check` found a stale page."""
    arguments = argparse.ArgumentParser(prog="python -m ppm.docs", description=__doc__)
    arguments.add_argument("--check", action="store_true", help="write nothing, fail if a page is stale")
    if arguments.parse_args().check:
        return _check()
    for path in pages.write():
        print(f"written: {path}")
    return 0


def _check() -> int:
    names = pages.stale()
    for path in names:
        print(f"stale: {path} (type: python -m ppm.docs)", file=sys.stderr)
    return 1 if names else 0


if __name__ == "__main__":
    sys.exit(main())
