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
_SYSTEM, _ADMINISTRATORS = "S-1-5-18", "S-1-5-32-544"
_BROKEN = (109, 232, 233, 995, 6)
"""The other end is gone, or ours was closed while we waited."""
_CONNECTED = 535
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
            return Peer(pid, PUBLIC if account_of(pid) in self._sids else OTHER)
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


def account_of(pid: int) -> str:
    """The security identifier of the account that a process runs as."""
    import win32api
    import win32con
    import win32security

    process = win32api.OpenProcess(0x1000, False, pid)
    try:
        token = win32security.OpenProcessToken(process, win32con.TOKEN_QUERY)
        try:
            sid, _ = win32security.GetTokenInformation(token, win32security.TokenUser)
            return win32security.ConvertSidToStringSid(sid)
        finally:
            win32api.CloseHandle(token)
    finally:
        win32api.CloseHandle(process)


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
    return owner in (_SYSTEM, _ADMINISTRATORS)


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
