"""`python -m kiosk_agent.ui.qt SOCKET`: the window. The agent starts it; it ends when that wants another."""

import argparse
import signal
import sys
from pathlib import Path
from typing import cast

from PySide6.QtWidgets import QApplication

from kiosk_agent.local.by_hand import beside
from kiosk_agent.ui.qt.by_hand import Hatch
from kiosk_agent.ui.qt.link import Link
from kiosk_agent.ui.qt.stand import Stand
from kiosk_agent.ui.scene import Scene
from kiosk_agent.words import Language


def main() -> int:
    """Stand before the visitor until the agent wants another window."""
    words = argparse.ArgumentParser(prog="kiosk_agent.ui.qt", description="The window of a poste.")
    words.add_argument("socket", help="where the agent is")
    words.add_argument("--language", choices=("fr", "en"), default="fr")
    words.add_argument("--logo", type=Path, help="a picture for the lock screen")
    given = words.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    application = QApplication(["poste"])
    application.setQuitOnLastWindowClosed(False)
    language = cast("Language", given.language)
    link = Link(given.socket)
    hatch = Hatch(beside(Path(given.socket)))
    stand = Stand(link, Scene(home=language, language=language), given.logo, hatch)
    link.unfit.connect(application.quit)
    stand.start()
    return application.exec()


if __name__ == "__main__":
    sys.exit(main())
