"""A window without a picture: says hello, answers pings, notes what it hears in a file. Standard library only."""

import json
import socket
import sys


def main(path: str, notes: str) -> None:
    with socket.socket(socket.AF_UNIX) as line, open(notes, "a", buffering=1) as noted:  # noqa: PTH123
        line.connect(path)
        line.sendall(b'{"kind":"hello","version":2}\n')
        for raw in line.makefile("rb"):
            word = json.loads(raw)
            noted.write(word["kind"] + "\n")
            if word["kind"] == "ping":
                line.sendall(json.dumps({"kind": "pong", "n": word["n"]}).encode() + b"\n")
            elif word["kind"] == "unfit":
                return


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
