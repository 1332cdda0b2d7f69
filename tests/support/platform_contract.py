"""What every platform must do, as a program: `python -m tests.support.platform_contract dry|linux`; 0 if it does.

A program, since the real ones need a machine of their own.
"""

import asyncio
import sys
import time
from collections.abc import Callable

from kiosk_agent.platform.base import Platform, PlatformError
from kiosk_agent.platform.dry import DryPlatform

QUICK_S = 0.5
"""No act but the clean-up may keep the agent's loop for longer: its window would be taken for lost at 1.9 s."""


async def keeps_the_contract(platform: Platform) -> None:
    """Raises AssertionError where it does not."""
    assert len(platform.boot_id()) == 16
    assert platform.boot_id() == platform.boot_id()
    assert {"lock", "clean", "message"} <= set(platform.info().capabilities)
    for _ in range(2):
        _quick(lambda: platform.lock())
        _quick(lambda: platform.lock())
        _quick(lambda: platform.unlock("1"))
        _quick(lambda: platform.unlock("1"))
        platform.warn(60, "Il reste une minute.")
        platform.show("Bonjour")
        assert isinstance(platform.idle_s(), int)
        assert platform.idle_s() >= 0
        assert platform.load() >= 0
        await asyncio.sleep(0.5)
        _quick(lambda: platform.lock())
        attested = await platform.clean()
        assert attested.leftovers == (), attested
        assert attested.ms >= 0
        again = await platform.clean()
        assert again.leftovers == (), again
    try:
        platform.update("99.0", "0" * 64)
    except PlatformError as error:
        assert error.reason  # noqa: PT017 - what is raised is what is looked at
    else:
        raise AssertionError("it installed what does not exist")


def _quick(act: Callable[[], None]) -> None:
    began = time.monotonic()
    act()
    assert time.monotonic() - began < QUICK_S


def main(kind: str) -> None:
    if kind == "dry":
        asyncio.run(keeps_the_contract(DryPlatform(clean_s=0.01)))
        return
    from kiosk_agent.platform.linux.machine import of_this

    asyncio.run(keeps_the_contract(of_this("visiteur")))


if __name__ == "__main__":
    main(sys.argv[1])
