"""The registry of the machine, of one account, and the part that ends with the machine's run."""

from typing import Any

from kiosk_agent.platform.windows.calls import Value
from kiosk_agent.platform.windows.real.asking import asking

MISSING = 2
SINCE_START = r"SOFTWARE\Poste Public Manager\Since Start"
_STRING, _NUMBER = 1, 4
_VOLATILE = 1


def write(root: Any, value: Value, *, volatile: bool = False) -> None:
    """Below a key that is open; None: below HKEY_LOCAL_MACHINE."""
    import win32api
    import win32con

    with asking("registry"):
        access = win32con.KEY_SET_VALUE | win32con.KEY_WOW64_64KEY
        key, _ = win32api.RegCreateKeyEx(
            root or _machine(), value.key, access, None, _VOLATILE if volatile else 0
        )
        try:
            kind = _NUMBER if isinstance(value.value, int) else _STRING
            win32api.RegSetValueEx(key, value.name, 0, kind, value.value)
        finally:
            win32api.RegCloseKey(key)


def read(key_name: str, name: str) -> str | int | None:
    """Below HKEY_LOCAL_MACHINE; None where there is none."""
    import win32api
    import win32con

    found: str | int | None = None
    with asking("registry", MISSING):
        access = win32con.KEY_QUERY_VALUE | win32con.KEY_WOW64_64KEY
        key = win32api.RegOpenKeyEx(_machine(), key_name, access)
        try:
            found = win32api.RegQueryValueEx(key, name)[0]
        finally:
            win32api.RegCloseKey(key)
    return found


def erase(key_name: str, name: str) -> None:
    """One that is not there is fine."""
    import win32api
    import win32con

    with asking("registry", MISSING):
        access = win32con.KEY_SET_VALUE | win32con.KEY_WOW64_64KEY
        key = win32api.RegOpenKeyEx(_machine(), key_name, access)
        try:
            win32api.RegDeleteValue(key, name)
        finally:
            win32api.RegCloseKey(key)


def _machine() -> Any:
    import win32con

    return win32con.HKEY_LOCAL_MACHINE
