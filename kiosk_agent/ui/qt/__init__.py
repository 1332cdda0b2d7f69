"""The window, in Qt: a program of its own in the visitor's session, `python -m kiosk_agent.ui.qt SOCKET`.

Thin: what is to be seen comes from `ui.screen`, what happened goes to `ui.scene`. Only this package knows Qt.
"""
