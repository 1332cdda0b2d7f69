"""What machines that enrol are told: where their broker is, and which authority to believe."""

from pathlib import Path

from api.settings import ForMachines
from ppm import settings as table
from ppm.setting import SettingError
from ppm.setting_values import Settings
from protocol.enrolment import certificates


def for_machines(settings: Settings) -> ForMachines | None:
    """What a machine is told; None where none is enrolled. Raises SettingError."""
    where = settings.get(table.ENROL_BROKER_URL)
    if where is None:
        return None
    host = f"[{where.host}]" if ":" in where.host else where.host
    broker = f"{'mqtts' if where.tls else 'mqtt'}://{host}:{where.port}"
    return ForMachines(broker, settings[table.MQTT_ROOT], pem_of(settings.get(table.ENROL_CA_FILE)))


def pem_of(file: Path | None) -> str | None:
    """The certificates of PPM_ENROL_CA_FILE; None without it. Raises SettingError where there is none in it."""
    if file is None:
        return None
    try:
        return certificates(file.read_text(encoding="ascii"))
    except (OSError, ValueError) as error:
        raise SettingError(table.ENROL_CA_FILE.name, f"{file}: {error}") from None
