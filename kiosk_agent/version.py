"""The version of this software, told to the controller."""

from functools import cache
from importlib.metadata import PackageNotFoundError, version


@cache
def software() -> str:
    """The installed version, or `unknown` when run from a folder that was never installed."""
    try:
        return version("poste-public-manager")
    except PackageNotFoundError:
        return "unknown"
