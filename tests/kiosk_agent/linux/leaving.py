"""What a visitor may leave behind, one function each: its name is the sentence."""

import sys
from collections.abc import Callable

from tests.support.visitor import Place

KINDS: dict[str, tuple[str, Callable[[Place], object]]] = {}
"""By sentence: what the clean-up calls it, and how it is left."""


def left(what: str) -> Callable[[Callable[[Place], object]], Callable[[Place], object]]:
    """A kind of thing that is left, and the word of the attestation for it."""

    def keep(plant: Callable[[Place], object]) -> Callable[[Place], object]:
        KINDS[plant.__name__.replace("_", " ")] = (what, plant)
        return plant

    return keep


# ------------------------------------------------------------------ the home


@left("home")
def a_letter_in_the_documents(place: Place) -> None:
    place.user("mkdir ~/Documents && echo 'Dear sir' > ~/Documents/letter.odt")


@left("home")
def a_browser_profile_with_its_cookies(place: Place) -> None:
    place.user("mkdir -p ~/.mozilla/firefox/x.default ~/.config/chromium/Default")
    place.user("touch ~/.mozilla/firefox/x.default/cookies.sqlite ~/.config/chromium/Default/Cookies")


@left("home")
def a_keyring_and_the_things_of_flatpak_and_snap(place: Place) -> None:
    place.user(
        "mkdir -p ~/.local/share/keyrings ~/.var/app/org.x ~/snap/x && touch ~/.local/share/keyrings/k"
    )


@left("home")
def another_start_of_every_shell(place: Place) -> None:
    place.user("echo 'read -p Password: word' >> ~/.bashrc")


@left("home")
def a_home_that_everybody_may_read(place: Place) -> None:
    place.user("chmod 777 ~ && setfacl -m u:nobody:rwx -d -m u:nobody:rwx ~ && touch ~/x")


@left("home")
def folders_that_nobody_may_enter(place: Place) -> None:
    place.user("mkdir -p ~/a/b && touch ~/a/b/c && chmod 0 ~/a/b/c ~/a/b ~/a")


@left("home")
def folders_deeper_than_a_path_can_be_long(place: Place) -> None:
    place.python(
        "import os\nos.chdir(os.environ['HOME'])\nfor _ in range(3000): os.mkdir('deep'); os.chdir('deep')"
    )


@left("home")
def names_that_are_no_text(place: Place) -> None:
    place.python("import os\nfor name in (b'\\xff', b'a\\nb', b'-rf', b' '):"
                 " open(os.fsencode(os.environ['HOME']) + b'/' + name, 'w')")  # fmt: skip


@left("home")
def a_file_and_a_folder_that_were_made_immutable(place: Place) -> None:
    place.user("mkdir ~/stone && touch ~/stone/one")
    place.root(f"chattr +i {place.visitor.home}/stone/one {place.visitor.home}/stone && chattr +a $HOME")


@left("home")
def a_file_of_an_id_within_a_container(place: Place) -> None:
    first = place.root(f"sed -n 's/^{place.visitor.name}:\\([0-9]*\\):.*/\\1/p' /etc/subuid").strip()
    place.root(f"mkdir /tmp/layer && touch $HOME/x /tmp/layer/y && chown {first} $HOME/x /tmp/layer/y")


# ------------------------------------------------------------------ elsewhere on the disk


@left("tmp")
def a_download_in_tmp(place: Place) -> None:
    place.user("mkdir -p /tmp/a/b && echo secret > /tmp/a/b/download && chmod 0 /tmp/a")


@left("tmp")
def sockets_of_x_and_ice(place: Place) -> None:
    place.root("mkdir -m 1777 /tmp/.X11-unix /tmp/.ICE-unix")
    place.python(
        "import socket\nfor path in ('/tmp/.X11-unix/X7', '/tmp/.ICE-unix/77'):"
        " socket.socket(socket.AF_UNIX).bind(path)"
    )


@left("var_tmp")
def a_cache_of_flatpak_in_var_tmp(place: Place) -> None:
    place.user("mkdir /var/tmp/flatpak-cache-XYZ && touch /var/tmp/flatpak-cache-XYZ/x")


@left("dev_shm")
def a_named_semaphore_and_memory_in_dev_shm(place: Place) -> None:
    place.user("echo memory > /dev/shm/mine && touch /dev/shm/sem.mine")


@left("runtime")
def sockets_in_the_folder_of_the_login(place: Place) -> None:
    place.user(
        f"mkdir /run/user/{place.visitor.uid}/pulse && touch /run/user/{place.visitor.uid}/pulse/native"
    )


@left("run")
def a_detached_screen(place: Place) -> None:
    place.root("mkdir -m 1777 /run/screen")
    place.user(f"mkdir /run/screen/S-{place.visitor.name}")


@left("var_lib")
def a_file_in_a_folder_that_is_open_to_all(place: Place) -> None:
    place.root("mkdir -m 755 /var/lib/systemd/open && mkdir -m 1777 /var/lib/systemd/open/all")
    place.user("touch /var/lib/systemd/open/all/mine")


# ------------------------------------------------------------------ what comes back later


@left("timed_jobs")
def a_job_of_cron(place: Place) -> None:
    place.user("echo '* * * * * touch /tmp/back' | crontab -")


@left("timed_jobs")
def a_job_of_at(place: Place) -> None:
    place.user("echo 'touch /tmp/back' | at now + 1 hour")


@left("traces")
def services_that_linger_after_the_login(place: Place) -> None:
    place.root(f"mkdir -p /var/lib/systemd/linger && touch /var/lib/systemd/linger/{place.visitor.name}")


@left("traces")
def a_sudo_that_asks_for_no_password(place: Place) -> None:
    place.root(f"mkdir -p /run/sudo/ts && touch /run/sudo/ts/{place.visitor.name}")


# ------------------------------------------------------------------ what others keep of the visitor


@left("traces")
def mail(place: Place) -> None:
    place.root(
        f"echo From > /var/mail/{place.visitor.name} && chown root:mail /var/mail/{place.visitor.name}"
    )


@left("traces")
def the_memory_of_a_program_that_crashed(place: Place) -> None:
    name = f"core.firefox.{place.visitor.uid}.b7f1c0de.77.1.zst"
    place.root(f"mkdir -p /var/lib/systemd/coredump && touch /var/lib/systemd/coredump/{name}")


@left("traces")
def a_journal_of_the_own_services(place: Place) -> None:
    place.root(f"mkdir -p /var/log/journal/m && touch /var/log/journal/m/user-{place.visitor.uid}.journal")


@left("print_jobs")
def a_document_that_waits_for_paper(place: Place) -> None:
    """CUPS with the settings of Debian, which has the job in its memory only for half a minute."""
    place.root("mkdir -p /run/cups")
    place.serve("cupsd", "-f")
    place.root("for _ in $(seq 100); do lpstat -r | grep -q 'is running' && exit 0; sleep 0.1; done; exit 1")
    place.root("lpadmin -p paper -E -v ipp://127.0.0.1:9/ && cupsdisable paper")
    place.user("echo secret > ~/secret.txt && lp -d paper ~/secret.txt")


@left("print_jobs")
def a_document_of_a_print_service_that_does_not_run(place: Place) -> None:
    """As CUPS writes it: root's files, and the account as an IPP attribute of the first."""
    name = place.visitor.name.encode()
    ipp = b"\x42\x00\x19job-originating-user-name" + len(name).to_bytes(2, "big") + name
    place.root("mkdir -p -m 710 /var/spool/cups && cat > /var/spool/cups/c00017", input=ipp)
    place.root("echo %PDF > /var/spool/cups/d00017-001")


# ------------------------------------------------------------------ in the kernel


@left("shared_memory")
def shared_memory(place: Place) -> None:
    place.user("ipcmk --shmem 65536")


@left("semaphores")
def semaphores(place: Place) -> None:
    place.user("ipcmk --semaphore 3")


@left("queues")
def a_queue(place: Place) -> None:
    place.user("ipcmk --queue")


@left("queues")
def a_message_queue(place: Place) -> None:
    place.python(
        "import ctypes, os\nassert ctypes.CDLL(None).mq_open(b'/mine', os.O_CREAT | os.O_RDWR, 0o600, None) > 0"
    )


@left("")
def a_key_that_the_kernel_keeps(place: Place) -> None:
    place.user("keyctl add user password-of-a-drive secret @u")


# ------------------------------------------------------------------ what runs, what is put in


_DAEMON = """
import os, signal, sys, time
for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}: signal.signal(number, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        print('runs', flush=True)
        time.sleep(3600)
"""
_HEADLESS = """
import ctypes, threading, time
def stay(): print('runs', flush=True); time.sleep(3600)
threading.Thread(target=stay).start()
ctypes.CDLL(None).pthread_exit(None)
"""
_STORM = """
import os, time
print('runs', flush=True)
for _ in range(60): os.fork() if _ < 5 else None
while True:
    if os.fork(): os._exit(0)
"""


@left("processes")
def a_daemon_that_hears_no_signal(place: Place) -> None:
    place.start(sys.executable, "-c", _DAEMON)


@left("processes")
def a_process_whose_first_thread_has_ended(place: Place) -> None:
    place.start(sys.executable, "-c", _HEADLESS)


@left("processes")
def a_process_that_was_stopped(place: Place) -> None:
    place.start("bash", "-c", "echo runs; kill -STOP $$")


@left("processes")
def processes_that_fork_faster_than_they_are_counted(place: Place) -> None:
    place.start(sys.executable, "-c", _STORM)


@left("processes")
def a_process_that_is_root_in_a_world_of_its_own(place: Place) -> None:
    place.start(
        "unshare", "--user", "--map-root-user", "--pid", "--fork", "sh", "-c", "echo runs; sleep 3600"
    )


@left("mounts")
def a_stick_that_is_still_plugged_in(place: Place) -> None:
    stick = f"/media/{place.visitor.name}/STICK"
    place.root(f"mkdir -p {stick} && mount -t tmpfs -o uid={place.visitor.uid} stick {stick}")
    place.user(f"touch {stick}/photo.jpg")
