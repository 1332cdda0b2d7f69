"""How one poste is set up."""

from dataclasses import dataclass
from pathlib import Path

from kiosk_agent.broker import Broker
from kiosk_agent.words import Language
from protocol.topics import DEFAULT_ROOT


@dataclass(frozen=True)
class Settings:
    """The poste's place, its broker and its folder. `durable` false spares the disk (simulated postes)."""

    site: str
    poste: str
    broker: Broker
    folder: Path
    root: str = DEFAULT_ROOT
    language: Language = "fr"
    heartbeat_s: float = 20.0
    durable: bool = True
