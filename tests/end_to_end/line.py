"""The line between a test and a part that it runs in another process: JSON values, one a line, both ways.

The test listens on a socket of the file system; a part that starts calls it. When the part dies, whatever killed
it, the kernel closes the line: that is the moment at which its machine locks.
"""

import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

Words = dict[str, Any]


class Line:
    """The test's end. `heard` and `ended` are called in a thread of the line."""

    def __init__(self, path: Path, heard: Callable[[Words], None], ended: Callable[[float], None]) -> None:
        self.path = path
        self.up = threading.Event()
        self._heard, self._ended = heard, ended
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._call: socket.socket | None = None
        self._thread = threading.Thread(target=self._serve, name=f"line {path.name}", daemon=True)

    def open(self) -> None:
        """Be there for whoever calls."""
        self._server.bind(str(self.path))
        self._server.listen(1)
        self._thread.start()

    def close(self) -> None:
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        if self._call is not None:
            with suppress(OSError):
                self._call.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._server.close()

    def say(self, **words: Any) -> None:
        """Tell the part. What nobody hears is lost."""
        call = self._call
        if call is not None:
            with suppress(OSError):
                call.sendall(json.dumps(words).encode() + b"\n")

    def _serve(self) -> None:
        while True:
            try:
                call, _ = self._server.accept()
            except OSError:
                return
            with call, call.makefile("rb") as lines:
                self._call = call
                self.up.set()
                with suppress(OSError):
                    for line in lines:
                        if line.endswith(b"\n"):
                            self._heard(json.loads(line))
                self._call = None
                self.up.clear()
                self._ended(time.monotonic())


class Speaker:
    """The part's end. Safe to use from several threads."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(path)
        self._lock = threading.Lock()

    def say(self, **words: Any) -> None:
        with self._lock:
            self._socket.sendall(json.dumps(words).encode() + b"\n")

    def listen(self, heard: Callable[[Words], None]) -> None:
        """Call `heard` with each value, in a thread, for as long as the test lives."""
        threading.Thread(target=self._listen, args=(heard,), name="line", daemon=True).start()

    def _listen(self, heard: Callable[[Words], None]) -> None:
        with self._socket.makefile("rb") as lines:
            for line in lines:
                heard(json.loads(line))
