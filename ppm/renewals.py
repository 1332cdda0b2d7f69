"""How a poste of these settings gets other versions of itself."""

from kiosk_agent.updating.fetch import Server
from kiosk_agent.updating.renewal import Renewal, Source
from kiosk_agent.version import software
from ppm import settings as table
from ppm.setting_values import Settings


def of(settings: Settings) -> Renewal | None:
    """None where there are no slots. Raises SettingError."""
    folder = settings.get(table.SLOTS_DIR)
    if folder is None:
        return None
    server = Server(settings[table.API_URL], settings[table.POSTE_KEY], settings.get(table.BROKER_CA_FILE))
    return Renewal(Source(server, settings[table.RELEASE_PUBLIC_KEY], folder), software())
