"""Windows itself, by pywin32 and, where that has no word for it, by ctypes. Each call imports what it needs."""

from kiosk_agent.platform.windows.real.accounts import RealAccounts
from kiosk_agent.platform.windows.real.assigned import RealAssignedAccess
from kiosk_agent.platform.windows.real.programs import RealPrograms
from kiosk_agent.platform.windows.real.services import RealServices
from kiosk_agent.platform.windows.real.sessions import RealSessions
from kiosk_agent.platform.windows.real.system import RealSystem
from kiosk_agent.platform.windows.real.things import RealThings


class Win32(
    RealSessions, RealAccounts, RealPrograms, RealThings, RealServices, RealSystem, RealAssignedAccess
):  # fmt: skip
    """The machine that this program runs on."""
