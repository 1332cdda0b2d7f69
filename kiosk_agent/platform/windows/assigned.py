"""Assigned access: which programs visitors may start, by the site's own file in Microsoft's format.

The file has one profile with a list of allowed programs, and how the start menu looks. For whom it is, and that our
window may run too, is written into it here: a visitor's account could not start the window otherwise.
"""

import hashlib
from pathlib import Path
from xml.etree import ElementTree

from kiosk_agent.platform.base import PlatformError
from kiosk_agent.platform.windows import seats
from kiosk_agent.platform.windows.calls import Value, Windows

_ROOT = "http://schemas.microsoft.com/AssignedAccess"
_NAMES = {
    "": f"{_ROOT}/2017/config", "v2": f"{_ROOT}/201810/config", "v3": f"{_ROOT}/2020/config",
    "v4": f"{_ROOT}/2021/config", "v5": f"{_ROOT}/2022/config",
}  # fmt: skip
_OURS = f"{{{_NAMES['']}}}"
_HEAD = '<?xml version="1.0" encoding="utf-8"?>\n'
_KEY, _MARK = r"SOFTWARE\Poste Public Manager Kept", "AssignedAccess"
"""Not in the key whose values end with the machine's run."""


def ours(text: str, interpreter: str) -> str:
    """The site's profile for the accounts of the public, with our window allowed. Raises PlatformError."""
    for prefix, name in _NAMES.items():
        ElementTree.register_namespace(prefix, name)
    try:
        root = ElementTree.fromstring(text.encode())  # noqa: S314 - the administrator's own file
    except ElementTree.ParseError as error:
        raise _refused(f"the file cannot be read: {error}") from None
    profiles = root.findall(f"{_OURS}Profiles/{_OURS}Profile")
    if len(profiles) != 1 or not profiles[0].get("Id"):
        raise _refused("the file must have one profile, with its Id")
    allowed = profiles[0].find(f"{_OURS}AllAppsList/{_OURS}AllowedApps")
    if allowed is None:
        raise _refused("the profile must have a list of allowed programs: one program alone is no desktop")
    if all(app.get("DesktopAppPath", "").casefold() != interpreter.casefold() for app in allowed):
        allowed.append(ElementTree.Element(f"{_OURS}App", {"DesktopAppPath": interpreter}))
    for before in root.findall(f"{_OURS}Configs"):
        root.remove(before)
    root.append(_configs(profiles[0].get("Id", "")))
    return f"{_HEAD}{ElementTree.tostring(root, encoding='unicode')}"


def hold_to(windows: Windows, file: Path | None, interpreter: str) -> bool:
    """Have Windows hold visitors to this file, from their next log-on on; None: to none of ours any more.

    True if that was news. What somebody else assigned is left alone while there is no file. Raises PlatformError.
    """
    wanted = ours(_read(file), interpreter) if file is not None else ""
    mark = hashlib.sha256(wanted.encode()).hexdigest() if wanted else None
    if windows.machine_value(_KEY, _MARK) == mark:
        return False
    windows.assign_access(wanted)
    if mark is None:
        windows.unset_for_machine(Value(_KEY, _MARK, ""))
    else:
        windows.set_for_machine(Value(_KEY, _MARK, mark))
    return True


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise _refused(f"{file}: {error}") from None


def _configs(profile: str) -> ElementTree.Element:
    configs = ElementTree.Element(f"{_OURS}Configs")
    for name in seats.PUBLIC:
        one = ElementTree.SubElement(configs, f"{_OURS}Config")
        ElementTree.SubElement(one, f"{_OURS}Account").text = name
        ElementTree.SubElement(one, f"{_OURS}DefaultProfile", {"Id": profile})
    return configs


def _refused(why: str) -> PlatformError:
    return PlatformError(f"assigned access: {why}", "assigned_access")
