"""Who sits at the machine: WTS, and the automatic log-on of Winlogon."""

from collections.abc import Sequence

from kiosk_agent.platform.windows.calls import Seat, Value
from kiosk_agent.platform.windows.real import registry
from kiosk_agent.platform.windows.real.asking import HERE, asking

WINLOGON = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\Winlogon"
_SECRET = "DefaultPassword"  # noqa: S105 - the name under which Winlogon looks for it
_GONE = (2, 7022)
"""No such session, as WTS says it in its two ways."""


class RealSessions:
    """Sessions of this machine."""

    def seats(self) -> Sequence[Seat]:
        import win32api
        import win32ts

        with asking("sessions"):
            screen = win32ts.WTSGetActiveConsoleSessionId()  # type: ignore[no-untyped-call]
            machine = win32api.GetComputerName()
            found = win32ts.WTSEnumerateSessions(win32ts.WTS_CURRENT_SERVER_HANDLE)
            numbers = [int(one["SessionId"]) for one in found]
            return [
                Seat(number, account, number == screen)
                for number in numbers
                if (account := _account(number, machine))
            ]

    def log_off(self, session: int) -> None:
        import win32ts

        with asking("log_off", *_GONE):
            win32ts.WTSLogoffSession(win32ts.WTS_CURRENT_SERVER_HANDLE, session, True)

    def sid(self, account: str) -> str:
        import win32api
        import win32security

        with asking("no_account"):
            found, _, _ = win32security.LookupAccountName(None, f"{win32api.GetComputerName()}\\{account}")
            return win32security.ConvertSidToStringSid(found)

    def next_account(self) -> str | None:
        if registry.read(WINLOGON, "AutoAdminLogon") != "1":
            return None
        named = registry.read(WINLOGON, "DefaultUserName")
        return str(named) if named else None

    def log_on_next(self, account: str, password: str) -> None:
        """The password goes where only the system reads; a plain one would win over it."""
        import win32api

        _keep_secret(password)
        for name in (_SECRET, "AutoLogonCount"):
            registry.erase(WINLOGON, name)
        for name, value in (
            ("DefaultUserName", account),
            ("DefaultDomainName", win32api.GetComputerName()),
            ("AutoAdminLogon", "1"),
            ("ForceAutoLogon", "1"),
        ):
            registry.write(None, Value(WINLOGON, name, value))

    def stop_logging_on(self) -> None:
        for name in ("AutoAdminLogon", "ForceAutoLogon"):
            registry.write(None, Value(WINLOGON, name, "0"))
        _keep_secret(None)


def _account(session: int, machine: str) -> str:
    """A local account by its name, one of a domain with the domain before it; empty when nobody is logged on."""
    import win32ts

    server = win32ts.WTS_CURRENT_SERVER_HANDLE
    name = win32ts.WTSQuerySessionInformation(server, session, win32ts.WTSUserName)
    domain = win32ts.WTSQuerySessionInformation(server, session, win32ts.WTSDomainName)
    return name if not name or domain.casefold() == machine.casefold() else f"{domain}\\{name}"


def _keep_secret(password: str | None) -> None:
    import win32security

    with asking("log_on_next", registry.MISSING):
        policy = win32security.LsaOpenPolicy(HERE or "", win32security.POLICY_CREATE_SECRET)
        try:
            win32security.LsaStorePrivateData(policy, _SECRET, password)
        finally:
            win32security.LsaClose(policy)  # type: ignore[arg-type]  # the stub wants a number
