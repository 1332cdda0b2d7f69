"""Says what a machine still has of a visitor: `python3 finder.py NAME UID HOME`. It imports nothing of ours."""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

SYSTEM = ("/dev", "/etc", "/home", "/media", "/mnt", "/opt", "/run", "/srv", "/tmp", "/var")
SKELETON = "/etc/skel"
SPOKEN_OF = ("/var/spool", "/var/mail", "/var/lib/systemd", "/run", "/var/log")


def said(*words: str) -> list[str]:
    """The lines of a program's answer."""
    return (
        subprocess.run(words, check=False, capture_output=True).stdout.decode(errors="replace").splitlines()
    )


def processes(uid: str) -> Iterator[str]:
    for line in said("ps", "-e", "-L", "-o", "ruid=,euid=,suid=,stat=,comm="):
        real, effective, saved, state, name = line.split(None, 4)
        if uid in (real, effective, saved) and state[0] != "Z":
            yield f"a process, {name}"


def files(uid: str, home: str) -> Iterator[str]:
    runtime = f"/run/user/{uid}"
    for top in SYSTEM:
        for folder, folders, names in os.walk(top):
            folders[:] = [name for name in folders if f"{folder}/{name}" not in (home, "/dev/pts")]
            for name in folders + names:
                path = f"{folder}/{name}"
                with contextlib.suppress(OSError):
                    if os.lstat(path).st_uid == int(uid) and path != runtime:
                        yield f"a file, {path!r}"


def named(name: str, uid: str) -> Iterator[str]:
    for top in SPOKEN_OF:
        for folder, folders, names in os.walk(top):
            for one in folders + names:
                if folder != "/run/user" and (name in one or uid in one.split(".")):
                    yield f"a name, {folder}/{one}"
            for one in names:
                path = f"{folder}/{one}"
                if Path(path).is_file() and name.encode() in Path(path).read_bytes():
                    yield f"the account's name in {path}"


def journals(uid: str) -> Iterator[str]:
    for folder, _, names in os.walk("/var/log"):
        yield from (f"a journal, {folder}/{one}" for one in names if one.startswith(f"user-{uid}"))


def in_home(home: str, uid: str) -> Iterator[str]:
    yield from (f"in the home: {line}" for line in said("diff", "-r", "--no-dereference", SKELETON, home))
    listed = said("getfacl", "--absolute-names", "--omit-header", "--numeric", home)
    if [line for line in listed if line] != ["user::rwx", "group::---", "other::---"]:
        yield f"others may enter the home: {listed}"
    yield from (f"not the visitor's, {line!r}" for line in said("find", home, "!", "-uid", uid))


def mounted(name: str, home: str) -> Iterator[str]:
    for line in Path("/proc/self/mounts").read_text().splitlines():
        where = line.split()[1]
        if f"/{name}/" in f"{where}/" and where != home:
            yield f"a mount, {where}"


def in_kernel(uid: str) -> Iterator[str]:
    for kind in ("-m", "-s", "-q"):  # the place has queues of its own: all that is there is the visitor's
        yield from (f"ipcs {kind}: {line}" for line in said("ipcs", kind) if line.startswith("0x"))
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["mount", "-t", "mqueue", "queues", folder], check=True)
        yield from (f"a message queue, {name}" for name in sorted(Path(folder).iterdir()))
        subprocess.run(["umount", folder], check=True)
    for line in said("setpriv", f"--reuid={uid}", "--clear-groups", "keyctl", "rlist", "@u"):
        yield from (f"key {key}" for key in line.split() if key.isdigit())


def printed(name: str) -> Iterator[str]:
    yield from (f"a print job, {line}" for line in said("lpstat", "-W", "all", "-o") if line)


def main(name: str, uid: str, home: str) -> None:
    for found in (
        *processes(uid), *files(uid, home), *named(name, uid), *journals(uid), *in_home(home, uid),
        *mounted(name, home), *in_kernel(uid), *printed(name),
    ):  # fmt: skip
        print(found)


if __name__ == "__main__":
    main(*sys.argv[1:])
