"""A Debian machine with systemd, really locked and really wiped.

machine.py     the Platform: what it asks of each of the others
cell.py        the kernel's own freezer around all that a visitor runs
session.py     starting and ending the visitor's session, through systemd
idle.py        for how long nobody touched the screen, from the X server
cleaning.py    what a visitor leaves, wiped and looked for again
install.py     accounts, units and settings onto a machine; files/ and site/ are what it copies
"""
