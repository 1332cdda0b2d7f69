"""Private copies of the parts that others make: a Mosquitto and a PostgreSQL of one's own, on free ports.

    PartError
      PartMissing     the program is not here; the message says what to install
      PartFailed      it did not start, or not in time; the message ends with what it said

A private part runs as a child, listens on the loopback only, and dies with the thread that started it.
"""

from ppm.parts.process import PartError, PartFailed, PartMissing

__all__ = ["PartError", "PartFailed", "PartMissing"]
