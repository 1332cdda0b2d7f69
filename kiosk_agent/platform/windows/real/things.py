"""What lies about: files and their owners, drives, documents that wait for a printer, tasks."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kiosk_agent.platform.base import PlatformError
from kiosk_agent.platform.windows.calls import PrintJob
from kiosk_agent.platform.windows.real.asking import asking
from kiosk_agent.platform.windows.real.system import run

_NO_FILE = (2, 3)
_NO_JOB = 87
_MOST_JOBS = 10_000


class RealThings:
    """Things on this machine."""

    def owner(self, path: Path) -> str:
        import pywintypes
        import win32security

        what = win32security.OWNER_SECURITY_INFORMATION
        try:
            told = win32security.GetNamedSecurityInfo(str(path), win32security.SE_FILE_OBJECT, what)
            return win32security.ConvertSidToStringSid(told.GetSecurityDescriptorOwner())
        except pywintypes.error as error:
            if error.winerror in _NO_FILE:
                raise FileNotFoundError(str(path)) from error
            raise PlatformError(f"owner: {error}", "owner") from error

    def fixed_drives(self) -> Sequence[Path]:
        import win32file

        return [Path(f"{one}\\") for one in _drives((win32file.DRIVE_FIXED,))]

    def removable_drives(self) -> Sequence[str]:
        """A drive whose medium was ejected keeps its letter, and tells nothing of a volume."""
        import win32file

        return [one for one in _drives((win32file.DRIVE_REMOVABLE, win32file.DRIVE_CDROM)) if _holds(one)]

    def eject(self, drive: str) -> None:
        """What keeps a file open on it loses it: a volume that can't be locked is dismounted all the same."""
        import pywintypes
        import win32con
        import win32file
        import winioctlcon

        with asking("media"):
            volume: Any = win32file.CreateFile(
                rf"\\.\{drive}", win32con.GENERIC_READ | win32con.GENERIC_WRITE,
                win32con.FILE_SHARE_READ | win32con.FILE_SHARE_WRITE, None, win32con.OPEN_EXISTING, 0, None,
            )  # fmt: skip
            try:
                with contextlib.suppress(pywintypes.error):
                    win32file.DeviceIoControl(volume, winioctlcon.FSCTL_LOCK_VOLUME, None, None)
                win32file.DeviceIoControl(volume, winioctlcon.FSCTL_DISMOUNT_VOLUME, None, None)
                win32file.DeviceIoControl(volume, winioctlcon.IOCTL_STORAGE_EJECT_MEDIA, None, None)
            finally:
                win32file.CloseHandle(volume)

    def print_jobs(self, account: str) -> Sequence[PrintJob]:
        import win32print

        with asking("print_jobs"):
            names = [one["pPrinterName"] for one in win32print.EnumPrinters(_LOCAL_PRINTERS, None, 4)]
            return [job for name in names for job in _waiting(name, account)]

    def cancel_print(self, job: PrintJob) -> None:
        import win32print

        with asking("print_jobs", _NO_JOB):
            printer = win32print.OpenPrinter(job.printer)
            try:
                win32print.SetJob(printer, job.number, 0, None, win32print.JOB_CONTROL_DELETE)
            finally:
                win32print.ClosePrinter(printer)

    def delete_task(self, name: str) -> None:
        run(["schtasks.exe", "/Delete", "/TN", name, "/F"], "tasks")


_LOCAL_PRINTERS = 2 | 4
"""PRINTER_ENUM_LOCAL and PRINTER_ENUM_CONNECTIONS."""


def _waiting(name: str, account: str) -> list[PrintJob]:
    import win32print

    printer = win32print.OpenPrinter(name)
    try:
        found: Any = win32print.EnumJobs(printer, 0, _MOST_JOBS, 2)
        theirs = [one for one in found if (one["pUserName"] or "").casefold() == account.casefold()]
        return [PrintJob(name, int(one["JobId"]), int(one["Size"])) for one in theirs]
    finally:
        win32print.ClosePrinter(printer)


def _drives(kinds: tuple[int, ...]) -> list[str]:
    import win32api
    import win32file

    with asking("drives"):
        roots = [one for one in win32api.GetLogicalDriveStrings().split("\0") if one]
        return [root.rstrip("\\") for root in roots if win32file.GetDriveType(root) in kinds]


def _holds(drive: str) -> bool:
    import pywintypes
    import win32api

    try:
        win32api.GetVolumeInformation(f"{drive}\\")
    except pywintypes.error:
        return False
    return True
