"""The window's side of the local socket. Without its agent a window is locked, and looks for it again."""

import os
import sys
from time import monotonic

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtNetwork import QLocalSocket

from kiosk_agent.local import frames, messages
from kiosk_agent.local.peer import UnknownPeer, of_descriptor
from kiosk_agent.platform.windows.real.pipes import is_systems

AGAIN_MS = 250
SILENT_S = 3.0
"""An agent that says nothing for this long was stopped or hangs: locked until it speaks."""


class Link(QObject):
    """`heard` carries each word of the agent; `lost` comes once when it is gone, `unfit` when it wants us gone.

    On Windows the same class is the end of a named pipe.
    """

    heard = Signal(object)
    lost = Signal()
    unfit = Signal()

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path
        self._socket = QLocalSocket(self)
        self._lines = frames.words()
        self._here = False
        self._heard_at = 0.0
        self._socket.connected.connect(self._connected)
        self._socket.readyRead.connect(self._read)
        self._socket.disconnected.connect(self._gone)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._look)

    def start(self) -> None:
        self._timer.start(AGAIN_MS)
        self._look()

    def ask(self, line: messages.Asked) -> None:
        """Ask the agent; without one nothing is asked."""
        if self._here:
            self._socket.write(frames.encode(line))
            self._socket.flush()

    def _look(self) -> None:
        if self._here and monotonic() - self._heard_at > SILENT_S:
            self._socket.abort()
            self._gone()
        elif self._socket.state() == QLocalSocket.LocalSocketState.UnconnectedState:
            self._lines = frames.words()
            self._socket.connectToServer(self._path)

    def _connected(self) -> None:
        if not _may_be_agent(self._socket):
            self._socket.abort()
            return
        self._here, self._heard_at = True, monotonic()
        self.ask(messages.Hello(version=messages.VERSION))

    def _read(self) -> None:
        self._heard_at = monotonic()
        try:
            words = self._lines.feed(bytes(self._socket.readAll().data()))
        except frames.BadLine:
            self._socket.abort()
            self._gone()
            return
        for word in words:
            self._take(word)

    def _take(self, word: messages.Word) -> None:
        match word:
            case messages.Ping():
                self.ask(messages.Pong(n=word.n))
            case messages.Unfit():
                self.unfit.emit()
            case _:
                self.heard.emit(word)

    def _gone(self) -> None:
        if self._here:
            self._here = False
            self.lost.emit()


def _may_be_agent(connection: QLocalSocket) -> bool:
    """Root, or our own account; on Windows the system. Nobody else may tell this window that the machine is lent."""
    if sys.platform == "win32":
        return is_systems(int(connection.socketDescriptor()))
    try:
        return of_descriptor(int(connection.socketDescriptor())).uid in (0, os.getuid())
    except UnknownPeer:
        return False
