"""The local accounts of the public and their profiles."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kiosk_agent.platform.windows.calls import Value
from kiosk_agent.platform.windows.real import registry
from kiosk_agent.platform.windows.real.asking import HERE, asking, privileged

_PROFILES = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList"
_EXISTS, _MEMBER, _NO_USER = 2224, 1378, 2221
_ORDINARY = "S-1-5-32-545"
"""The group of ordinary users, whose name is in the language of the system."""


class RealAccounts:
    """Accounts of this machine."""

    def add_account(self, account: str, password: str, about: str) -> None:
        import win32net
        import win32netcon
        import win32security

        flags = win32netcon.UF_SCRIPT | win32netcon.UF_DONT_EXPIRE_PASSWD | win32netcon.UF_PASSWD_CANT_CHANGE
        user = {
            "name": account, "password": password, "priv": win32netcon.USER_PRIV_USER,
            "comment": about, "flags": flags,
        }  # fmt: skip
        with asking("account", _EXISTS):
            win32net.NetUserAdd(HERE, 1, user)
        self.set_password(account, password)
        with asking("account", _MEMBER):
            sid = win32security.ConvertStringSidToSid(_ORDINARY)
            group, _, _ = win32security.LookupAccountSid(None, sid)
            members: Any = [{"domainandname": account}]
            win32net.NetLocalGroupAddMembers(HERE, group, 3, members)

    def remove_account(self, account: str) -> None:
        import win32net

        with asking("account", _NO_USER):
            win32net.NetUserDel(HERE, account)

    def set_password(self, account: str, password: str) -> None:
        import win32net

        with asking("account"):
            win32net.NetUserSetInfo(HERE, account, 1003, {"password": password})

    def profile(self, sid: str) -> Path | None:
        folder = registry.read(rf"{_PROFILES}\{sid}", "ProfileImagePath")
        return Path(os.path.expandvars(str(folder))) if folder else None

    def make_profile(self, account: str, password: str, values: Sequence[Value]) -> None:
        """Windows makes the profile when it is loaded for the first time."""
        import win32profile
        import win32security

        with asking("profile"), privileged("SeBackupPrivilege", "SeRestorePrivilege"):
            token: Any = win32security.LogonUser(
                account, ".", password,
                win32security.LOGON32_LOGON_INTERACTIVE, win32security.LOGON32_PROVIDER_DEFAULT,
            )  # fmt: skip
            try:
                wanted: Any = {"UserName": account, "Flags": win32profile.PI_NOUI}
                hive = win32profile.LoadUserProfile(token, wanted)
                try:
                    for value in values:
                        registry.write(hive, value)
                finally:
                    win32profile.UnloadUserProfile(token, hive)
            finally:
                token.Close()

    def delete_profile(self, sid: str) -> None:
        import win32profile

        with asking("profile", registry.MISSING):
            win32profile.DeleteProfile(sid)
