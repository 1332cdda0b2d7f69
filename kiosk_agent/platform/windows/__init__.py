"""The same seam on Windows.

    calls.py     what is asked of Windows, and nothing else; real/ answers with pywin32, a fake in the tests
    machine.py   the Platform: lock, unlock, clean, idle, power
    lock.py      the visitor's programs stand still; cleaning.py wipes and looks again
    seats.py     two accounts of the public take turns, so that one is wiped while nobody is in it
    window.py    the window is started in the visitor's session; service.py hosts the agent; install.py

Nothing of this has run on a real Windows: docs/windows.md says what that means. It imports on every system.
"""
