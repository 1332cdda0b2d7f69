"""The program of the Windows service, which `start.py` of the slots runs: `start.py FOLDER SETTINGS`."""

import os
import sys


def main() -> None:
    """Be the service until it is stopped."""
    os.environ.update(PPM_SETTINGS_FILE=sys.argv[1])
    from ppm import windows_kiosk

    windows_kiosk.main()


if __name__ == "__main__":
    main()
