"""Which disks are a visitor's: told from a folder like the kernel's, since nobody plugs in a stick here."""

from pathlib import Path

import pytest

from kiosk_agent.platform.linux import mounts
from kiosk_agent.platform.linux.mounts import Mount


@pytest.fixture
def block(tmp_path: Path) -> Path:
    """A fixed disk sda, a stick sdb with a partition, a card mmcblk0 and a disk on USB, sdc."""
    block, real = tmp_path / "block", tmp_path / "devices"
    block.mkdir()
    for disk, where, removable in (
        ("sda", "pci/ata1", 0), ("sdb", "pci/usb1/1-2", 1), ("mmcblk0", "pci/sdhci", 1), ("sdc", "pci/usb2/2-1", 0),
    ):  # fmt: skip
        folder = real / where / disk
        folder.mkdir(parents=True)
        (folder / "removable").write_text(f"{removable}\n")
        part = folder / (f"{disk}p1" if disk[-1].isdigit() else f"{disk}1")
        part.mkdir()
        (part / "partition").write_text("1\n")
        for one in (folder, part):
            (block / one.name).symlink_to(one)
    return block


def mount(source: str, where: str) -> Mount:
    return Mount(Path(where), "vfat", source, ("rw",), ("rw",))


@pytest.mark.parametrize(
    ("source", "removable"),
    [
        ("/dev/sda1", False),
        ("/dev/sdb1", True),
        ("/dev/sdb", True),
        ("/dev/mmcblk0p1", True),
        ("/dev/sdc1", True),
        ("/dev/mapper/home", False),
        ("tmpfs", False),
    ],
)
def test_a_disk_that_can_be_pulled_out_is_known(source: str, removable: bool, block: Path) -> None:
    assert mounts.is_removable(source, block) is removable


def test_all_media_are_taken_out_the_innermost_first_wherever_they_are(block: Path) -> None:
    table = [
        mount("/dev/sda1", "/"), mount("/dev/sdb1", "/mnt"), mount("/dev/mapper/luks", "/media/public/SECRET"),
        mount("/dev/sdc1", "/media/public/SECRET/inner"), mount("/dev/sda2", "/media/other/DISK"),
    ]  # fmt: skip
    taken = [str(one.where) for one in mounts.media("public", table, block)]
    assert taken == ["/media/public/SECRET/inner", "/media/public/SECRET", "/mnt"]


@pytest.mark.parametrize("where", ["/", "/run/live/medium", "/boot/efi"])
def test_a_machine_that_lives_on_a_stick_keeps_it(where: str, block: Path) -> None:
    table = [mount("/dev/sdb1", where), mount("/dev/sdb2", "/srv"), mount("/dev/sdc1", "/mnt")]
    (block / "sdb2").symlink_to(block / "sdb1")
    assert [str(one.where) for one in mounts.media("public", table, block)] == ["/mnt"]


def test_a_name_with_a_space_is_read_as_it_is(tmp_path: Path) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(
        r"36 35 98:0 / /media/public/MY\040STICK rw,nosuid shared:1 master:2 - vfat /dev/sdb1 rw,uid=1000"
        "\n"
    )
    (one,) = mounts.mounts(table)
    assert (str(one.where), one.kind, one.source) == ("/media/public/MY STICK", "vfat", "/dev/sdb1")
    assert (one.flags, one.options) == (("rw", "nosuid"), ("rw", "uid=1000"))
