"""The named pipe of the agent: who may open it, and who did."""

import ctypes
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from kiosk_agent.local.peer import Peer
from kiosk_agent.local.pipes import PipeEnd
from kiosk_agent.platform.windows.real.asking import library

_ROOM = 65_536
_SYSTEM, ADMINISTRATORS, AT_THE_MACHINE = "S-1-5-18", "S-1-5-32-544", "S-1-5-4"
_BROKEN = (109, 232, 233, 995, 6)
"""The other end is gone, or ours was closed while we waited."""
_CONNECTED = 535
_WAIT_MS = 2_000
PUBLIC, OTHER = 0, -1
"""Windows has no numbers for accounts: one for those of the public, one for all others."""


def name(poste: str) -> str:
    """Where the window of a poste finds its agent."""
    return rf"\\.\pipe\poste-public-{poste}"


class NamedPipes:
    """Each end of it may be opened by the system and by the accounts with these security identifiers."""

    def __init__(self, path: str, sids: tuple[str, ...]) -> None:
        self._path = path
        self._sids = sids
        self._closed = threading.Event()
        self._waiting: NamedPipeEnd | None = None
        self._first = True
        self._lock = threading.Lock()

    def accept(self) -> PipeEnd | None:
        """The first end of a name is refused when somebody else has that name already."""
        with self._lock:
            if self._closed.is_set():
                return None
            end = self._waiting = NamedPipeEnd(self._created(), self._sids)
        end.connected()
        with self._lock:
            self._waiting = None
            return None if self._closed.is_set() else end

    def close(self) -> None:
        with self._lock:
            self._closed.set()
            if self._waiting is not None:
                self._waiting.close()

    def _created(self) -> Any:
        import pywintypes
        import win32con
        import win32pipe

        first, self._first = self._first, False
        mode = win32pipe.PIPE_ACCESS_DUPLEX | win32con.FILE_FLAG_OVERLAPPED
        if first:
            mode |= win32pipe.FILE_FLAG_FIRST_PIPE_INSTANCE
        kind = win32pipe.PIPE_TYPE_BYTE | win32pipe.PIPE_WAIT | win32pipe.PIPE_REJECT_REMOTE_CLIENTS
        try:
            return win32pipe.CreateNamedPipe(
                self._path, mode, kind, win32pipe.PIPE_UNLIMITED_INSTANCES, _ROOM, _ROOM, 0,
                _rules(self._sids),
            )  # fmt: skip
        except pywintypes.error as error:
            raise OSError(error.winerror, str(error)) from error


class NamedPipeEnd:
    """One connection. Reading and writing at once needs overlapped calls: a plain read holds up the write."""

    def __init__(self, handle: Any, sids: tuple[str, ...]) -> None:
        self._handle = handle
        self._sids = sids
        self._lock = threading.Lock()
        self._closed = False

    def connected(self) -> None:
        """Wait for somebody."""
        import win32pipe

        _done(self._handle, partial(win32pipe.ConnectNamedPipe, self._handle))

    @property
    def peer(self) -> Peer:
        import pywintypes
        import win32pipe

        try:
            pid = int(win32pipe.GetNamedPipeClientProcessId(self._handle))
            sid, administers = account_of(pid)
            return Peer(pid, PUBLIC if sid in self._sids else OTHER, administers)
        except pywintypes.error:
            return Peer(0, OTHER)

    def read(self) -> bytes:
        import win32file

        room = win32file.AllocateReadBuffer(_ROOM)
        count = _done(self._handle, partial(win32file.ReadFile, self._handle, room))
        return bytes(room[:count])

    def write(self, data: bytes) -> None:
        import win32file

        rest = data
        while rest:
            count = _done(self._handle, partial(win32file.WriteFile, self._handle, rest))
            if not count:
                raise BrokenPipeError("the window is gone")
            rest = rest[count:]

    def close(self) -> None:
        import pywintypes
        import win32file
        import win32pipe

        with self._lock:
            if self._closed:
                return
            self._closed = True
        library("kernel32").CancelIoEx(ctypes.c_void_p(int(self._handle)), None)
        with suppress(pywintypes.error):  # nobody may be connected yet
            win32pipe.DisconnectNamedPipe(self._handle)
        win32file.CloseHandle(self._handle)


def account_of(pid: int) -> tuple[str, bool]:
    """The security identifier of the account that a process runs as, and whether it may administer the machine.

    An administrator's process that was not told to be one has that group only to be denied things by it.
    """
    import win32api
    import win32con
    import win32security

    process = win32api.OpenProcess(0x1000, False, pid)
    try:
        token = win32security.OpenProcessToken(process, win32con.TOKEN_QUERY)
        try:
            sid, _ = win32security.GetTokenInformation(token, win32security.TokenUser)
            groups = win32security.GetTokenInformation(token, win32security.TokenGroups)
            enabled = {
                win32security.ConvertSidToStringSid(group)
                for group, how in groups
                if how & win32security.SE_GROUP_ENABLED
            }
            return win32security.ConvertSidToStringSid(sid), ADMINISTRATORS in enabled
        finally:
            win32api.CloseHandle(token)
    finally:
        win32api.CloseHandle(process)


def ask_system(name: str, line: bytes, longest: int) -> bytes:
    """Ask the system at a pipe of this name, and nobody else who took the name. Its line. Raises OSError.

    Whoever answers may see who asks, and not act in their name.
    """
    import pywintypes
    import win32con
    import win32file
    import win32pipe

    try:
        win32pipe.WaitNamedPipe(name, _WAIT_MS)
        end: Any = win32file.CreateFile(
            name, win32con.GENERIC_READ | win32con.GENERIC_WRITE, 0, None, win32con.OPEN_EXISTING,
            win32con.SECURITY_SQOS_PRESENT | win32file.SECURITY_IDENTIFICATION, None,
        )  # fmt: skip
        try:
            if not is_systems(int(end)):
                raise PermissionError(f"{name} is not the agent's")
            win32file.WriteFile(end, line)
            return _line(end, longest)
        finally:
            win32file.CloseHandle(end)
    except pywintypes.error as error:
        raise OSError(error.winerror, str(error)) from error


def _line(end: Any, longest: int) -> bytes:
    import win32file

    said = b""
    while not said.endswith(b"\n") and len(said) < longest:
        _, piece = win32file.ReadFile(end, longest)
        said += bytes(piece)
    return said


def is_systems(handle: int) -> bool:
    """Whether the system made the pipe that this is an end of: no visitor can give the system what is theirs."""
    import pywintypes
    import win32security

    try:
        told = win32security.GetSecurityInfo(
            handle, win32security.SE_KERNEL_OBJECT, win32security.OWNER_SECURITY_INFORMATION
        )
    except pywintypes.error:
        return False
    owner = win32security.ConvertSidToStringSid(told.GetSecurityDescriptorOwner())
    return owner in (_SYSTEM, ADMINISTRATORS)


def _rules(sids: tuple[str, ...]) -> Any:
    """All rights for the system; reading and writing, and no more instances of it, for the accounts.

    0x12019b is FILE_GENERIC_READ and FILE_GENERIC_WRITE less FILE_CREATE_PIPE_INSTANCE.
    """
    import win32security

    rules = "".join(f"(A;;0x12019b;;;{sid})" for sid in sids)
    made = win32security.SECURITY_ATTRIBUTES()
    made.SECURITY_DESCRIPTOR = win32security.ConvertStringSecurityDescriptorToSecurityDescriptor(
        f"O:SYD:P(A;;GA;;;SY){rules}", win32security.SDDL_REVISION_1
    )
    return made


def _done(handle: Any, begin: Callable[[Any], Any]) -> int:
    """Begin an overlapped call and wait for its end; how many bytes it moved, 0 when the pipe is at its end."""
    import pywintypes
    import win32event
    import win32file

    overlapped: Any = pywintypes.OVERLAPPED()
    overlapped.hEvent = win32event.CreateEvent(None, True, False, None)
    try:
        if begin(overlapped) == _CONNECTED:
            return 0
        return win32file.GetOverlappedResult(handle, overlapped, True)
    except pywintypes.error as error:
        if error.winerror in _BROKEN:
            return 0
        raise OSError(error.winerror, str(error)) from error
