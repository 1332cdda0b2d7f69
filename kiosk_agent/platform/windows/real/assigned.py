"""Assigned access, by the bridge from WMI to what manages devices (MDM_AssignedAccess). It heeds the system alone."""

import html
from typing import Any

from kiosk_agent.platform.base import PlatformError

_BRIDGE = r"winmgmts:{impersonationLevel=impersonate}!\\.\root\cimv2\mdm\dmmap"


class RealAssignedAccess:
    """That of this machine."""

    def assign_access(self, configuration: str) -> None:
        """The bridge wants the text escaped, although it is a text already."""
        import pythoncom
        import pywintypes
        import win32com.client

        pythoncom.CoInitialize()
        try:
            found: Any = list(win32com.client.GetObject(_BRIDGE).InstancesOf("MDM_AssignedAccess"))
            if not found:
                raise PlatformError("this edition of Windows has no assigned access", "assigned_access")
            found[0].Properties_("Configuration").Value = html.escape(configuration) or None
            found[0].Put_()
        except pywintypes.com_error as error:
            raise PlatformError(f"assigned access: {error}", "assigned_access") from error
        finally:
            pythoncom.CoUninitialize()
