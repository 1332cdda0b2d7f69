"""The clean-up of a poste that runs Linux: wipe what a visitor left, look again, attest.

It is a process of its own, run by root, so that it can be given up at any moment and that nothing of it stays in the
agent. It works in the machine's own mounts and queues, whatever its service was shut away from.
A technician may run it: `python -m kiosk_agent.platform.linux.cleaning ACCOUNT HOME`.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from kiosk_agent.platform.base import Attestation, PlatformError
from kiosk_agent.platform.linux import home as homes
from kiosk_agent.platform.linux import kernel, looking, memory, mounts, places, printing, processes, traces
from kiosk_agent.platform.linux.account import Account, account_of
from kiosk_agent.platform.linux.wiping import Tally

INIT = 1
"""The process whose mounts and queues are the machine's."""
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_NAMESPACES = ("ipc", "mnt")
Item = tuple[str, int, int]


async def clean(
    account: str, home: Path, *, skeleton: Path = homes.SKELETON, init: int = INIT
) -> Attestation:
    """Wipe what the visitor of this account left and look again. Raises PlatformError; to cancel it ends it."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, account, home, skeleton, str(init),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={"PATH": _PATH, "LC_ALL": "C.UTF-8", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}, cwd="/",
        start_new_session=True,
    )  # fmt: skip
    try:
        said, complaint = await child.communicate()
    finally:
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            await child.wait()
    if child.returncode:
        last = complaint.decode(errors="replace").strip().splitlines()[-1:]
        raise PlatformError(f"the clean-up ended with {child.returncode}: {' '.join(last)}", "clean_failed")
    return _attestation(said)


def wipe(account: Account, skeleton: Path) -> list[Item]:
    """Wipe, and tell what. A step that cannot does not keep the others from it: the second look tells."""
    done: list[Item] = []

    def step(what: str, work: Callable[[], Tally]) -> None:
        with contextlib.suppress(OSError):
            tally = work()
            if tally.count:
                done.append((what, tally.count, tally.bytes))

    for place in places.TIMED:
        step("timed_jobs", lambda place=place: places.sweep(place, account))  # type: ignore[misc]
    step("traces", lambda: traces.remove_traces(account))
    traces.end_sessions(account)
    killed, zombies = processes.end_all(account)
    done += [(what, count, 0) for what, count in (("processes", killed), ("zombies", zombies)) if count]
    step("mounts", lambda: _unmount(account))
    step("shared_memory", lambda: memory.remove_shared_memory(account))
    step("semaphores", lambda: memory.remove_semaphores(account))
    step("queues", lambda: memory.remove_queues(account))
    memory.clear_keys(account)
    step("print_jobs", lambda: printing.cancel(account.name))
    step("runtime", lambda: places.empty_runtime(account))
    for place in places.WRITABLE:
        step(places.word(place), lambda place=place: places.sweep(place, account))  # type: ignore[misc]
    step("home", lambda: homes.renew(account, skeleton))
    return done


def _unmount(account: Account) -> Tally:
    """Take media out untouched, and away with the empty folders that they were mounted on."""
    media = mounts.media(account.name, mounts.mounts())
    done = Tally(sum(mounts.unmount(one) for one in media))
    for one in media:
        if one.where.is_relative_to("/media") or one.where.is_relative_to("/run/media"):
            with contextlib.suppress(OSError):
                one.where.rmdir()
    return done


def _attestation(said: bytes) -> Attestation:
    told = json.loads(said)
    items = tuple((what, count, size) for what, count, size in told["items"])
    return Attestation(told["ms"], items, tuple(told["leftovers"]))


def _go_where_the_machine_is(init: int) -> None:
    for name in _NAMESPACES:
        wanted = f"/proc/{init}/ns/{name}"
        if Path(wanted).readlink() != Path(f"/proc/self/ns/{name}").readlink():
            kernel.enter(wanted)


def main(name: str, home: str, skeleton: str = str(homes.SKELETON), init: str = str(INIT)) -> None:
    """Clean and print the attestation."""
    began = time.monotonic()
    kernel.end_with_the_agent()
    _go_where_the_machine_is(int(init))
    account = account_of(name, Path(home))
    items = wipe(account, Path(skeleton))
    left = looking.look(account, Path(skeleton))
    leftovers = [f"{what}:{count}" for what, count in left.items() if count]
    ms = round((time.monotonic() - began) * 1000)
    print(json.dumps({"ms": ms, "items": items, "leftovers": leftovers}))  # noqa: T201 (its answer)


if __name__ == "__main__":
    main(*sys.argv[1:])
