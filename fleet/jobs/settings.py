"""What the jobs of a deployment are told."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path


@dataclass(frozen=True)
class Keep:
    """How long each class of data is kept. `people` counts from somebody's last visit."""

    sessions: timedelta = timedelta(days=365)
    terminal: timedelta = timedelta(days=365)
    people: timedelta = timedelta(days=365)
    logs: timedelta = timedelta(days=365)
    technical: timedelta = timedelta(days=30)


@dataclass(frozen=True)
class Backups:
    """Where backups go, how many are kept, and what encrypts them; `fingerprints` name the secrets beside them."""

    folder: Path
    keep: int = 14
    secret: str | None = None
    fingerprints: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class JobSettings:
    """The settings of all jobs. Without a folder, what would write there says so and does nothing."""

    zone: str = "Indian/Reunion"
    keep: Keep = field(default_factory=Keep)
    archives: Path | None = None
    backups: Backups | None = None
    software: str = ""
