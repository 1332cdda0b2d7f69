"""The values of the registry that make a machine of the public. Each says what it takes away."""

from kiosk_agent.platform.windows.calls import Value

_POLICIES = r"Software\Microsoft\Windows\CurrentVersion\Policies"
_WINLOGON = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\Winlogon"
_KEYS = r"Control Panel\Accessibility"
NO_SHELL = r"C:\Windows\System32\rundll32.exe"
"""What is started at log-on in place of the desktop: a program that does nothing and ends."""


def account() -> tuple[Value, ...]:
    """For each account of the public, in its own part of the registry."""
    return (
        # "custom user interface": no desktop at log-on, and so none before a code was typed
        Value(rf"{_POLICIES}\System", "Shell", NO_SHELL),
        # what Ctrl-Alt-Del offers
        Value(rf"{_POLICIES}\System", "DisableTaskMgr", 1),
        Value(rf"{_POLICIES}\System", "DisableLockWorkstation", 1),
        Value(rf"{_POLICIES}\System", "DisableChangePassword", 1),
        Value(rf"{_POLICIES}\Explorer", "NoLogoff", 1),
        Value(rf"{_POLICIES}\Explorer", "NoClose", 1),
        # the ways around
        Value(rf"{_POLICIES}\System", "DisableRegistryTools", 1),
        Value(r"Control Panel\Desktop", "ScreenSaveActive", "0"),
        # five times shift and its like open a program over the lock
        Value(rf"{_KEYS}\StickyKeys", "Flags", "506"),
        Value(rf"{_KEYS}\Keyboard Response", "Flags", "122"),
        Value(rf"{_KEYS}\ToggleKeys", "Flags", "58"),
        # what is copied stays on this machine and ends with the session
        Value(r"Software\Microsoft\Clipboard", "EnableClipboardHistory", 0),
        Value(r"Software\Microsoft\Clipboard", "EnableCloudClipboard", 0),
    )


def machine() -> tuple[Value, ...]:
    """For the whole machine."""
    return (
        # no other account by Ctrl-Alt-Del, no notice and no picture before the log-on
        Value(rf"{_POLICIES}\System", "HideFastUserSwitching", 1),
        Value(rf"{_POLICIES}\System", "EnableFirstLogonAnimation", 0),
        Value(rf"{_POLICIES}\System", "ShutdownWithoutLogon", 0),
        Value(r"SOFTWARE\Policies\Microsoft\Windows\Personalization", "NoLockScreen", 1),
        Value(r"SOFTWARE\Policies\Microsoft\Windows\OOBE", "DisablePrivacyExperience", 1),
        Value(r"SOFTWARE\Policies\Microsoft\Windows\System", "AllowClipboardHistory", 0),
        Value(r"SOFTWARE\Policies\Microsoft\Windows\System", "AllowCrossDeviceClipboard", 0),
        # Shift does not hold up the automatic log-on
        Value(_WINLOGON, "IgnoreShiftOverride", "1"),
        # a stop is a stop: what is remembered until the machine stops is forgotten then
        Value(r"SYSTEM\CurrentControlSet\Control\Session Manager\Power", "HiberbootEnabled", 0),
    )


def hidden(account: str) -> Value:
    """Not among the accounts that the sign-in screen offers."""
    return Value(rf"{_WINLOGON}\SpecialAccounts\UserList", account, 0)
