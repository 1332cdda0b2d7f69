"""The machine that the figures are of, and whether it is idle enough to measure on."""

import os
import platform
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

from bench.figures import p50

IDLE = 0.15
"""The share of all cores that others may use for a figure to count."""
_LIBRARIES = ("aiomqtt", "paho-mqtt", "sqlalchemy", "psycopg2-binary", "msgspec", "litestar", "django")


def cpu_seconds(pid: int) -> float:
    """What a process has used of the processor, all its threads together."""
    return time.clock_gettime((~pid << 3) | 2)


def busy_share(seconds: float = 1.0) -> float:
    """How busy all cores are together, 0 to 1."""
    idle, total = _jiffies()
    time.sleep(seconds)
    idle_after, total_after = _jiffies()
    return 1 - (idle_after - idle) / max(1, total_after - total)


def _jiffies() -> tuple[int, int]:
    first = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    counts = [int(one) for one in first[:8]]
    return counts[3] + counts[4], sum(counts)


def fdatasync_ms(folder: Path | None = None) -> float:
    """What it costs to have a small write on the disk, in the median."""
    with tempfile.TemporaryFile(dir=folder) as file:
        taken = []
        for _ in range(200):
            os.write(file.fileno(), bytes(512))
            begun = time.perf_counter()
            os.fdatasync(file.fileno())
            taken.append((time.perf_counter() - begun) * 1000)
    return p50(taken)


def describe() -> dict[str, str]:
    """Processor, versions and the cost of a durable write."""
    return {
        "processor": f"{_model()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "libraries": ", ".join(f"{name} {version(name)}" for name in _LIBRARIES),
        "fdatasync": f"{fdatasync_ms():.2f} ms",
    }


def _model() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
