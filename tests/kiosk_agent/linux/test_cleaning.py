"""What a visitor left is gone, and what could not be wiped is told: on a real account, by a finder of its own."""

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kiosk_agent.platform.base import Attestation, PlatformError
from kiosk_agent.platform.linux import wiping
from kiosk_agent.platform.linux.cleaning import clean
from protocol import codec
from protocol.messages import Cleaned, CleanedItem
from tests.kiosk_agent.linux.leaving import KINDS
from tests.support.visitor import Place
from tests.support.waiting import eventually, wait_until

pytestmark = pytest.mark.timeout(180)
_ALONE = "processes that fork faster than they are counted"
"""It leaves others no time."""


def cleaned(place: Place) -> Attestation:
    return asyncio.run(clean(place.visitor.name, place.visitor.home, init=place.pid))


def is_busy(place: Place) -> bool:
    """Whether some process of the machine works in the home."""
    return any(os.path.realpath(one) == str(place.visitor.home) for one in Path("/proc").glob("[0-9]*/cwd"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_stranger_finds_nothing_of(kind: str, place: Place) -> None:
    what, plant = KINDS[kind]
    plant(place)
    # One look may miss all of those that are never there for long.
    wait_until(place.finds, 10, "something is left, else nothing would be proved")
    attested = cleaned(place)
    assert place.finds() == []
    assert attested.leftovers == ()
    assert what in {one for one, _, _ in attested.items} | {""}


def test_what_all_left_at_once_is_wiped_at_once_and_told_with_no_name(place: Place) -> None:
    for kind, (_, plant) in KINDS.items():
        if kind != _ALONE:
            plant(place)
    attested = cleaned(place)
    assert place.finds() == []
    assert attested.leftovers == ()
    assert {what for what, _ in KINDS.values()} - {""} <= {what for what, _, _ in attested.items}
    items = tuple(CleanedItem(what=what, count=count, bytes=size) for what, count, size in attested.items)
    said = codec.encode(Cleaned(n=1, boot="b", ms=attested.ms, items=items, leftovers=attested.leftovers))
    assert place.visitor.name.encode() not in said
    assert all(re.fullmatch("[a-z_]+", what) for what, _, _ in attested.items)


def test_a_mount_that_another_one_hides_keeps_nothing_from_being_wiped_and_told(place: Place) -> None:
    place.root(
        "mkdir -p /run/outer/inner && mount -t tmpfs one /run/outer/inner && mount -t tmpfs two /run/outer"
    )
    place.root("mkdir -m 1777 /run/screen /run/outer/open")
    place.user("touch /run/screen/mine /run/outer/open/mine")
    attested = cleaned(place)
    assert place.finds() == []
    assert [count for what, count, _ in attested.items if what == "run"] == [2]


def test_a_home_is_as_new_after_a_second_clean_up_too(place: Place) -> None:
    cleaned(place)
    attested = cleaned(place)
    assert place.finds() == []
    skeleton = len(list(Path("/etc/skel").iterdir()))
    assert [(what, count) for what, count, _ in attested.items] == [("home", skeleton)]


@pytest.mark.parametrize("busy", [False, True], ids=["", "that somebody of the machine still looks at"])
def test_a_home_of_memory_is_empty_and_as_large_as_before(busy: bool, place: Place) -> None:
    home, who = place.visitor.home, place.visitor
    place.root(f"mount -t tmpfs -o size=3m,mode=700,uid={who.uid},nosuid,nodev ppm-home {home}")
    place.user("head -c 100000 /dev/zero > ~/x")
    if busy:
        place.serve("sh", "-c", f"cd {home} && exec sleep 600")
        wait_until(lambda: is_busy(place), 5, "somebody looks")
    attested = cleaned(place)
    assert place.finds() == []
    options = place.root(f"findmnt -no SOURCE,SIZE,OPTIONS {home}")
    assert all(word in options for word in ("ppm-home", "3M", "nosuid", "nodev"))
    assert attested.items[-1] == ("home", 1, 100_000)
    assert attested.leftovers == ()


# ------------------------------------------------------------------ what is not the visitor's stays


def test_what_links_lead_to_is_not_followed(place: Place) -> None:
    place.root("mkdir -m 777 /media/decoy && touch /media/decoy/kept && chmod 666 /media/decoy/kept")
    for where in ("$HOME", "/tmp", "/var/tmp", f"/run/user/{place.visitor.uid}"):
        place.user(
            f"ln -s /etc {where}/etc && ln -s /media/decoy {where}/decoy && ln -s decoy/kept {where}/kept"
        )
    before = place.root("ls -lR /etc /media | sha256sum")
    assert cleaned(place).leftovers == ()
    assert place.finds() == []
    assert place.root("ls -lR /etc /media | sha256sum") == before


def test_a_stick_is_taken_out_with_all_that_is_on_it(place: Place) -> None:
    stick = f"/media/{place.visitor.name}/STICK"
    place.root(f"mkdir -p /var/log/disk {stick} && mount --bind /var/log/disk {stick}")
    place.root(f"chown {place.visitor.uid} {stick}")
    place.user(f"touch {stick}/photo.jpg && ln -s {stick} ~/stick")
    place.root(f"mkdir $HOME/drive && mount --bind {stick} $HOME/drive")
    cleaned(place)
    assert place.visitor.name not in place.root("cat /proc/mounts")
    assert place.root("ls /var/log/disk").strip() == "photo.jpg"


def test_what_others_keep_in_the_same_places_stays(place: Place) -> None:
    kept = "/tmp/a /var/tmp/b /dev/shm/c /run/d /var/mail/e /var/spool/cron/crontabs/root"
    place.root(f"touch {kept} && chown nobody /tmp/a /dev/shm/c && ipcmk --shmem 10 && ipcmk --queue")
    assert cleaned(place).leftovers == ()
    place.root(f"ls {kept}")
    assert place.root("ipcs -m -q | grep -c ^0x").strip() == "2"


_SWAP = """
import contextlib, os, sys
os.chdir(sys.argv[1])
while True:
    with contextlib.suppress(OSError):
        os.mkdir('swapped')
        open('swapped/kept', 'w').close()
        os.rename('swapped', 'aside')
        os.symlink(sys.argv[2], 'swapped')
        os.unlink('swapped')
        os.rename('aside', 'swapped')
    with contextlib.suppress(OSError):
        os.unlink('aside/kept')
        os.rmdir('aside')
"""


def test_a_folder_that_is_swapped_for_a_link_while_it_is_wiped_leads_nowhere(tmp_path: Path) -> None:
    decoy, home = tmp_path / "decoy", tmp_path / "home"
    decoy.mkdir()
    (decoy / "kept").touch()
    home.mkdir()
    with subprocess.Popen([sys.executable, "-c", _SWAP, str(home), str(decoy)]) as attacker:
        began = time.monotonic()
        kinds: set[bool] = set()
        # On a busy machine both must be met first, else nothing would be proved.
        while (lasted := time.monotonic() - began) < 3 or (len(kinds) < 2 and lasted < 60):
            kinds.add((home / "swapped").is_symlink())
            with wiping.Opened(None, str(home)) as folder:
                wiping.remove(folder, "swapped", wiping.Tally())
        attacker.kill()
    assert kinds == {False, True}
    assert (decoy / "kept").exists()


# ------------------------------------------------------------------ what resists is told


def test_a_file_on_a_disk_that_takes_no_writes_is_told_as_left(place: Place) -> None:
    place.user("touch /var/tmp/one /var/tmp/two && touch /tmp/three")
    place.root("mount -o remount,ro /var/tmp")
    assert cleaned(place).leftovers == ("var_tmp:2",)
    place.root("mount -o remount,rw /var/tmp")
    assert cleaned(place).leftovers == ()
    assert place.finds() == []


def test_a_file_that_this_machine_cannot_unlock_is_told_as_left_and_nobody_gets_that_home(
    place: Place,
) -> None:
    home = place.visitor.home
    place.user("mkdir ~/a && touch ~/a/stone ~/b")
    place.root("chattr +i ~/a/stone")
    words = ("-m", "kiosk_agent.platform.linux.cleaning", place.visitor.name, str(home), "/etc/skel")
    weak = ("setpriv", "--bounding-set=-linux_immutable", sys.executable, *words, str(place.pid))
    told = json.loads(place.outside(*weak))
    assert [one.split(":")[0] for one in told["leftovers"]] == ["home"]
    assert home.stat().st_uid == 0
    assert cleaned(place).leftovers == ()
    assert place.finds() == []


def test_who_cannot_look_attests_nothing(place: Place) -> None:
    place.root("mount --bind /bin/false /usr/bin/find")
    with pytest.raises(PlatformError, match="find"):
        cleaned(place)


@pytest.mark.parametrize(
    ("name", "home", "why"),
    [
        ("root", "/root", "account of the system"),
        ("www-data", "/var/www", "account of the system"),
        ("nobody-at-all", "/home/x", "there is no account"),
        (None, "/home", "is not the home of"),
    ],
)
def test_an_account_that_is_no_visitors_is_not_touched(
    name: str | None, home: str, why: str, place: Place
) -> None:
    with pytest.raises(PlatformError, match=why):
        asyncio.run(clean(name or place.visitor.name, Path(home), init=place.pid))


# ------------------------------------------------------------------ beside the agent


def look_slowly(place: Place) -> None:
    place.root(
        "printf '#!/bin/sh\\nsleep 15\\n' > /tmp/slow && chmod 755 /tmp/slow && mount --bind /tmp/slow /usr/bin/find"
    )


def is_cleaning(place: Place) -> bool:
    return f"linux.cleaning {place.visitor.name}" in place.outside("ps", "-wweo", "args=")


def test_the_agent_goes_on_meanwhile_and_may_give_it_up(place: Place) -> None:
    async def body() -> None:
        cleaning = asyncio.create_task(clean(place.visitor.name, place.visitor.home, init=place.pid))
        await eventually(lambda: is_cleaning(place), 10)
        for _ in range(100):
            await asyncio.sleep(0.01)
        assert not cleaning.done()
        assert is_cleaning(place)
        cleaning.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cleaning

    look_slowly(place)
    asyncio.run(body())
    assert not is_cleaning(place)


def test_an_agent_that_is_killed_takes_its_clean_up_along(place: Place) -> None:
    look_slowly(place)
    program = (
        "import asyncio, pathlib, sys; from kiosk_agent.platform.linux.cleaning import clean;"
        "asyncio.run(clean(sys.argv[1], pathlib.Path(sys.argv[2]), init=int(sys.argv[3])))"
    )
    words = (place.visitor.name, str(place.visitor.home), str(place.pid))
    with subprocess.Popen([sys.executable, "-c", program, *words]) as agent:
        try:
            wait_until(lambda: is_cleaning(place), 10, "cleaning")
            time.sleep(1)  # it has been others meanwhile
            assert is_cleaning(place)
        finally:
            agent.kill()
    wait_until(lambda: not is_cleaning(place), 2, "gone")
