"""The program of the Windows service: `python -I windows_entry.py PACKAGES SETTINGS`.

Started by the interpreter below the environment, which is told here where the packages are.
"""

import os
import site
import sys


def main() -> None:
    """Be the service until it is stopped."""
    packages, settings = sys.argv[1:3]
    site.addsitedir(packages)
    os.environ.update({"PPM_SETTINGS_FILE": settings})
    from ppm import windows_kiosk

    windows_kiosk.main()


if __name__ == "__main__":
    main()
