"""The poste's own folder: what must survive a dead agent, and what must survive a power cut.

    state.json      what is held; written in one step before anyone is let in, synced right after
    events.jsonl    what happened and was not noted yet; a first line with the last number given when it was written
    commands.json   the commands that were taken
    alive           a mapped page (no write call): when the agent was last seen alive, and the numbers it has used

Nothing here stops the agent: what cannot be read is named in `Memory.troubles`, what cannot be written
raises StoreError.
"""

import mmap
import os
import struct
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import msgspec

from kiosk_agent.memory import Happened, Held, Memory, Taken

T = TypeVar("T")
_ALIVE = struct.Struct("<16sqqq")
"""The boot (its first 16 bytes), the last moment alive in ms, the number of connections, that of the last event."""
_BLOCK = 4096
_LINES_MORE = 500
"""How many lines of events that were noted or dropped may stay in the file before it is written anew."""


class StoreError(Exception):
    """The poste's folder cannot be written."""


class _Ledger(msgspec.Struct):
    boot: str
    last: int


class Store:
    """The files of one poste during one life of its agent. A context manager, entered by `open`."""

    def __init__(self, folder: Path, boot: str, *, durable: bool = True) -> None:
        self._folder = folder
        self._boot = boot
        self._durable = durable
        self._page: mmap.mmap | bytearray = bytearray(_ALIVE.size)
        self._alive_at = 0
        self._last_event = 0
        self._lines: int | None = None
        self.held_unsynced = False
        """Is what is held written, but maybe not on the disk yet?"""
        self.would_unlock = False
        """Does the state on the disk say that the machine is lent?"""
        self.connection = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(self._page, mmap.mmap):
            self._page.close()

    # -------------------------------------------------------------- reading

    def load(self) -> Memory:
        """All that is found; never raises."""
        memory = Memory()
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._map()
        except OSError:
            memory.troubles.append("alive")
        memory.held = self._read("state.json", Held, memory, "state")
        self.would_unlock = memory.held is not None and memory.held.countdown is not None
        memory.commands = self._read("commands.json", list[Taken], memory, "commands") or []
        self._read_events(memory)
        self._read_alive(memory)
        return memory

    def _read(self, name: str, kind: type[T], memory: Memory, trouble: str) -> T | None:
        try:
            return msgspec.json.decode((self._folder / name).read_bytes(), type=kind)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError, ValueError):
            memory.troubles.append(trouble)
            return None

    def _read_events(self, memory: Memory) -> None:
        """What can be read of the events: a line that was cut short by a full disk costs no other."""
        try:
            first, *lines = (self._folder / "events.jsonl").read_bytes().splitlines() or [b""]
        except FileNotFoundError:
            return
        except OSError:
            memory.troubles.append("events")
            return
        ledger = _decoded(first, _Ledger)
        found = [_decoded(line, Happened) for line in lines]
        memory.events = [one for one in found if one is not None]
        if (ledger is None and first) or None in found:
            memory.troubles.append("events")
        else:
            self._lines = len(lines)
        own = [one.event.n for one in memory.events if one.event.boot == self._boot]
        memory.last_event = max([ledger.last if ledger and ledger.boot == self._boot else 0, *own])

    def _read_alive(self, memory: Memory) -> None:
        boot, alive_at, connection, last_event = _ALIVE.unpack_from(self._page)
        if boot == self._mark_of_boot():
            memory.alive_at, self.connection = alive_at, connection
            self._alive_at = alive_at
            memory.last_event = max(memory.last_event, last_event)
        if boot.strip(b"\0") and memory.held is None and "state" not in memory.troubles:
            memory.troubles.append("state")  # an agent was here, and always leaves one
        memory.connection = self.connection
        self._last_event = memory.last_event

    def _map(self) -> None:
        descriptor = os.open(self._folder / "alive", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            page = os.pread(descriptor, _ALIVE.size, 0).ljust(_ALIVE.size, b"\0")
            # Written whole first: on a full disk this raises, where writing to the mapped page would kill us.
            os.pwrite(descriptor, page, 0)
            self._page = mmap.mmap(descriptor, _ALIVE.size)
        finally:
            os.close(descriptor)

    def _mark_of_boot(self) -> bytes:
        return self._boot.encode()[:16].ljust(16, b"\0")

    # -------------------------------------------------------------- marks

    def mark_alive(self, now: int) -> None:
        """The agent lives at this moment. Costs a write to memory; survives the agent, not the machine."""
        self._alive_at = now
        _ALIVE.pack_into(self._page, 0, self._mark_of_boot(), now, self.connection, self._last_event)

    def next_connection(self) -> int:
        """The number of the connection that is about to be made, never given twice within a boot."""
        self.connection += 1
        self.mark_alive(self._alive_at)
        return self.connection

    # -------------------------------------------------------------- writing

    def save_held(self, held: Held) -> None:
        """Have it outlive the agent. `sync_held` has it outlive the machine too, which no visitor needs to wait for."""
        self._overwrite("state.json", msgspec.json.encode(held))
        self.held_unsynced = self._durable
        self.would_unlock = held.countdown is not None

    def sync_held(self) -> None:
        """Have what is held on the disk, if it is not. Raises StoreError."""
        if not self.held_unsynced:
            return
        self.held_unsynced = False
        try:
            with (self._folder / "state.json").open("rb") as file:
                self._sync(file.fileno())
        except FileNotFoundError:
            return  # forgotten meanwhile
        except OSError as error:
            raise StoreError(str(error)) from error

    def save_commands(self, taken: list[Taken]) -> None:
        self._replace("commands.json", msgspec.json.encode(taken))

    def forget_held(self) -> None:
        """Nothing held is better than what is no longer true: found missing, it is as a state that was lost."""
        try:
            (self._folder / "state.json").unlink(missing_ok=True)
            self.would_unlock = False
        except OSError as error:
            raise StoreError(str(error)) from error

    def save_events(self, kept: list[Happened]) -> None:
        """Write all events anew."""
        self._lines = None
        lines = [msgspec.json.encode(_Ledger(self._boot, self._last_event)), *map(msgspec.json.encode, kept)]
        self._replace("events.jsonl", b"\n".join(lines) + b"\n")
        self._lines = len(kept)

    def add_event(self, one: Happened, kept: list[Happened]) -> None:
        """Add an event to the file, or write anew all that are kept where the file is not fit or too long."""
        self._last_event = max(self._last_event, one.event.n)
        self.mark_alive(self._alive_at)
        if self._lines is None or one.event.n == 1 or self._lines >= len(kept) + _LINES_MORE:
            self.save_events(kept)
            return
        lines, self._lines = self._lines, None
        try:
            with (self._folder / "events.jsonl").open("ab") as file:
                file.write(msgspec.json.encode(one) + b"\n")
                file.flush()
                self._sync(file.fileno())
        except OSError as error:
            raise StoreError(str(error)) from error
        self._lines = lines + 1

    def _overwrite(self, name: str, content: bytes) -> None:
        """One write in place, which neither a kill nor a full disk cuts in two: a new file takes ten times as long.

        Blanks fill it up to what was there. Cut by a power cut it cannot be read, which is a trouble that is told.
        """
        wanted = -(-len(content) // _BLOCK) * _BLOCK
        try:
            with (self._folder / name).open("r+b", buffering=0) as file:
                size = os.fstat(file.fileno()).st_size
                if size >= wanted:
                    file.write(content.ljust(size))
                    return
        except FileNotFoundError:
            pass
        except OSError as error:
            raise StoreError(str(error)) from error
        self._replace(name, content.ljust(wanted))

    def _replace(self, name: str, content: bytes) -> None:
        """One write, one sync, one rename. The folder is not synced: after a power cut the boot is another."""
        new = self._folder / f"{name}.new"
        try:
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                self._sync(descriptor)
            new.replace(self._folder / name)
        except OSError as error:
            raise StoreError(str(error)) from error

    def _sync(self, descriptor: int) -> None:
        if self._durable:
            os.fsync(descriptor)


def _decoded(line: bytes, kind: type[T]) -> T | None:
    try:
        return msgspec.json.decode(line, type=kind)
    except (msgspec.DecodeError, ValueError):
        return None
