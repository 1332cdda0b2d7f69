"""An endpoint that does nothing, served as our API is: `python -m bench.empty_process FILE`."""

import asyncio
import json
import secrets
import sys
from pathlib import Path
from types import SimpleNamespace

import uvloop
from litestar import Litestar, get
from litestar.datastructures import State

from api.app import serve
from api.settings import ApiSettings


@get("/", sync_to_thread=False)
def nothing() -> dict[str, bool]:
    """Yes."""
    return {"ok": True}


if __name__ == "__main__":
    shared = SimpleNamespace(settings=ApiSettings(secrets.token_hex(32)))
    empty = Litestar([nothing], state=State({"shared": shared}), logging_config=None, openapi_config=None)
    port = json.loads(Path(sys.argv[1]).read_text())["http_port"]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(empty, "127.0.0.1", port))
