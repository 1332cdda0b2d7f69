"""Where Windows keeps things. Tests put it into a folder of theirs."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Places:
    """The folders that the clean-up looks into."""

    windows: Path = Path(r"C:\Windows")
    users: Path = Path(r"C:\Users")
    program_data: Path = Path(r"C:\ProgramData")

    @classmethod
    def here(cls) -> "Places":
        """As this machine names them."""
        return cls(
            Path(os.environ.get("SYSTEMROOT", cls.windows)),
            Path(os.environ.get("PUBLIC", cls.users / "Public")).parent,
            Path(os.environ.get("PROGRAMDATA", cls.program_data)),
        )

    @property
    def tasks(self) -> Path:
        """A file of XML for each task."""
        return self.windows / "System32" / "Tasks"

    def profiles_of(self, account: str) -> Iterator[Path]:
        """A profile that could not be read gets a name with something after it: `name.MACHINE.000`."""
        if self.users.is_dir():
            for folder in self.users.iterdir():
                if folder.name == account or folder.name.startswith(f"{account}."):
                    yield folder

    def shared(self, drives: Sequence[Path]) -> Iterator[Path]:
        """Where an ordinary account may write outside its profile, the roots of the drives included."""
        yield from (self.users / "Public", self.windows / "Temp", self.program_data)
        for drive in drives:
            if drive.is_dir():
                yield from (one for one in drive.iterdir() if not self._is_systems(one))

    def _is_systems(self, path: Path) -> bool:
        """What an ordinary account may not write to, or what is looked at by other means."""
        if path in (self.windows, self.users, self.program_data):
            return True
        return path.name.startswith("$") or path.name in ("Program Files", "Program Files (x86)", "Recovery")
