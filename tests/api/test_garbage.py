"""A process that is an API looks once through what its first calls made, and never again."""

import subprocess
import sys

_LIVES = """
import gc
from api.app import settle
settle()
kept = [[number] for number in range(1_000)]
before = gc.get_freeze_count()
gc.collect()
after = gc.get_freeze_count()
kept.append([[number] for number in range(1_000)])
gc.collect()
print(after - before >= 1_000, gc.get_freeze_count() == after)
"""


def test_what_outlives_the_first_full_look_is_not_looked_at_again() -> None:
    said = subprocess.run([sys.executable, "-c", _LIVES], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["True", "True"]
