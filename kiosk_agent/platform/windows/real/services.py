"""The service that the agent is: made, started, removed."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kiosk_agent.platform.windows.calls import ServicePlan
from kiosk_agent.platform.windows.real.asking import asking

_EXISTS, _RUNS, _MISSING, _STOPPED = 1073, 1056, 1060, 1062
_STOP_S = 30
_FORGET_S = 86_400
"""After a day without a failure they are counted anew."""


class RealServices:
    """Services of this machine."""

    def add_service(self, plan: ServicePlan) -> None:
        import win32service

        command = subprocess.list2cmdline(plan.command)
        with asking("service"), _control() as control:
            with asking("service", _EXISTS):
                made = win32service.CreateService(
                    control, plan.name, plan.title, win32service.SERVICE_ALL_ACCESS,
                    win32service.SERVICE_WIN32_OWN_PROCESS, win32service.SERVICE_AUTO_START,
                    win32service.SERVICE_ERROR_NORMAL, command, None, False, None, None, None,
                )  # fmt: skip
                win32service.CloseServiceHandle(made)
            with _service(control, plan.name) as service:
                _change(service, plan, command)

    def start_service(self, name: str) -> None:
        import win32service

        with asking("service", _RUNS), _control() as control, _service(control, name) as service:
            win32service.StartService(service, None)

    def remove_service(self, name: str) -> None:
        import win32service
        import win32serviceutil

        with asking("service", _STOPPED, _MISSING):
            win32serviceutil.StopService(name)
            win32serviceutil.WaitForServiceStatus(name, win32service.SERVICE_STOPPED, _STOP_S)
        with asking("service", _MISSING), _control() as control, _service(control, name) as service:
            win32service.DeleteService(service)


def _change(service: Any, plan: ServicePlan, command: str) -> None:
    """Also what the one that is there already shall become. It is started again however it ended."""
    import win32service

    same = win32service.SERVICE_NO_CHANGE
    win32service.ChangeServiceConfig(
        service,
        same,
        win32service.SERVICE_AUTO_START,
        same,
        command,
        None,
        False,
        None,
        None,
        None,
        plan.title,
    )
    again = [(win32service.SC_ACTION_RESTART, after) for after in plan.again_after_ms]
    for what, how in (
        (win32service.SERVICE_CONFIG_DESCRIPTION, plan.about),
        (
            win32service.SERVICE_CONFIG_FAILURE_ACTIONS,
            {"ResetPeriod": _FORGET_S, "RebootMsg": None, "Command": None, "Actions": again},
        ),
        (win32service.SERVICE_CONFIG_FAILURE_ACTIONS_FLAG, True),
    ):
        win32service.ChangeServiceConfig2(service, what, how)


@contextmanager
def _control() -> Iterator[Any]:
    import win32service

    control = win32service.OpenSCManager(None, None, win32service.SC_MANAGER_ALL_ACCESS)
    try:
        yield control
    finally:
        win32service.CloseServiceHandle(control)


@contextmanager
def _service(control: Any, name: str) -> Iterator[Any]:
    import win32service

    service = win32service.OpenService(control, name, win32service.SERVICE_ALL_ACCESS)
    try:
        yield service
    finally:
        win32service.CloseServiceHandle(service)
