"""The API in a process of its own, served as a deployment serves it: `python -m bench.api_process FILE`."""

import asyncio
import json
import secrets
import sys
from pathlib import Path
from typing import Any

import uvloop

from api.app import create_app, serve, settle
from api.settings import ApiSettings
from fleet.database.engine import Database
from fleet.usecases.fleet import Fleet
from fleet.usecases.sealing import CodeKeys


async def _run(told: dict[str, Any]) -> None:
    database = Database(told["database"])
    fleet = Fleet(database, CodeKeys.from_secret(bytes.fromhex(told["secret"])))
    secret = told.get("jwt_secret") or secrets.token_hex(32)
    app, ready = create_app(fleet, ApiSettings(secret, requests_per_minute=0)), asyncio.Event()
    settle()
    serving = asyncio.create_task(serve(app, "127.0.0.1", told["http_port"], ready))
    await ready.wait()
    print("serving", flush=True)
    await serving
    database.close()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(json.loads(Path(sys.argv[1]).read_text())))
