"""What runs: listed, frozen, ended, and started as somebody else."""

import ctypes
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from kiosk_agent.platform.base import PlatformError
from kiosk_agent.platform.windows.calls import Process
from kiosk_agent.platform.windows.real.asking import asking, library

_GONE = 87
"""No process has this number (any more)."""
_TERMINATE, _SUSPEND_RESUME, _ASK = 0x0001, 0x0800, 0x1000
_STILL_RUNS = 259
_ENDED_MS = 2_000
_LONGEST_PATH = 32_768
_SUSPENDED, _DETACHED, _UNICODE = 0x4, 0x8, 0x400
DESKTOP = r"winsta0\default"


class RealPrograms:
    """Processes of this machine."""

    def __init__(self) -> None:
        self._started: dict[int, Any] = {}

    def processes(self) -> Sequence[Process]:
        import win32security
        import win32ts

        with asking("processes"):
            found: Any = win32ts.WTSEnumerateProcesses(win32ts.WTS_CURRENT_SERVER_HANDLE)
            return [
                _told(pid, session, win32security.ConvertSidToStringSid(sid))
                for session, pid, _, sid in found
                if sid is not None
            ]

    def freeze(self, pid: int) -> None:
        _move(pid, "NtSuspendProcess", "freeze")

    def thaw(self, pid: int) -> None:
        _move(pid, "NtResumeProcess", "thaw")

    def end(self, pid: int) -> None:
        import win32event
        import win32process

        with asking("end", _GONE), _open(pid, _TERMINATE | 0x100000) as handle:
            win32process.TerminateProcess(handle, 1)
            win32event.WaitForSingleObject(handle, _ENDED_MS)

    def start(
        self, session: int, command: Sequence[str], environment: Mapping[str, str], *, confined: bool
    ) -> int:
        """Begun only once it is confined: nothing of it runs before."""
        import win32api
        import win32process
        import win32profile
        import win32ts

        with asking("start"):
            token = win32ts.WTSQueryUserToken(session)
            try:
                theirs = {**win32profile.CreateEnvironmentBlock(token, False), **environment}
                look = win32process.STARTUPINFO()
                look.lpDesktop = DESKTOP
                none: Any = None
                process, thread, pid, _ = win32process.CreateProcessAsUser(
                    token, none, subprocess.list2cmdline(command), none, none, False,
                    _SUSPENDED | _DETACHED | _UNICODE, theirs, theirs.get("USERPROFILE", none), look,
                )  # fmt: skip
            finally:
                win32api.CloseHandle(token)
            if confined:
                _confine(process)
            win32process.ResumeThread(thread)
            win32api.CloseHandle(thread)
            self._started[int(pid)] = process
            return int(pid)

    def exit_code(self, pid: int) -> int | None:
        import win32process

        code = 0
        with asking("exit_code", _GONE):
            if (kept := self._started.get(pid)) is not None:
                code = win32process.GetExitCodeProcess(kept)
            else:
                with _open(pid, _ASK) as handle:
                    code = win32process.GetExitCodeProcess(handle)
        if code == _STILL_RUNS:
            return None
        self._started.pop(pid, None)
        return code


@contextmanager
def _open(pid: int, access: int) -> Iterator[int]:
    import win32api

    handle = win32api.OpenProcess(access, False, pid)
    try:
        yield handle
    finally:
        win32api.CloseHandle(handle)


def _told(pid: int, session: int, sid: str) -> Process:
    """With its path and its beginning, where Windows tells us those."""
    import pywintypes

    try:
        with _open(pid, _ASK) as handle:
            return Process(pid, session, sid, _path(int(handle)), _begun(int(handle)))
    except pywintypes.error:
        return Process(pid, session, sid)


def _path(handle: int) -> str:
    kernel = library("kernel32")
    room = ctypes.c_ulong(_LONGEST_PATH)
    text = ctypes.create_unicode_buffer(_LONGEST_PATH)
    done = kernel.QueryFullProcessImageNameW(ctypes.c_void_p(handle), 0, text, ctypes.byref(room))
    return text.value if done else ""


def _begun(handle: int) -> int:
    """In tenths of microseconds since 1601, as Windows counts."""
    times = [ctypes.c_ulonglong() for _ in range(4)]
    done = library("kernel32").GetProcessTimes(ctypes.c_void_p(handle), *(ctypes.byref(one) for one in times))
    return times[0].value if done else 0


def _move(pid: int, how: str, reason: str) -> None:
    """NtSuspendProcess and NtResumeProcess: no documented call does this to a whole process at once."""
    with asking(reason, _GONE), _open(pid, _SUSPEND_RESUME) as handle:
        status = getattr(library("ntdll"), how)(ctypes.c_void_p(int(handle)))
        if status < 0:
            raise PlatformError(f"{how} says {status & 0xFFFFFFFF:#x}", reason)


def _confine(process: Any) -> None:
    """A job whose processes make no other desktop, where no window of ours would be, and end no session."""
    import win32job

    limits = win32job.JOB_OBJECT_UILIMIT_DESKTOP | win32job.JOB_OBJECT_UILIMIT_EXITWINDOWS
    job: Any = win32job.CreateJobObject(None, "")  # type: ignore[func-returns-value]  # the stub errs
    win32job.SetInformationJobObject(
        job, win32job.JobObjectBasicUIRestrictions, {"UIRestrictionsClass": limits}
    )
    win32job.AssignProcessToJobObject(job, process)
