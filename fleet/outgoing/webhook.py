"""A webhook: a POST whose sender and moment its receiver can check."""

import hashlib
import hmac
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import msgspec

from fleet.outgoing.settings import PATIENCE_S, NotDelivered, checked

TIMESTAMP, SIGNATURE = "X-PPM-Timestamp", "X-PPM-Signature"


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """`sha256=` and the HMAC of `timestamp`, a dot and the body, in hexadecimal."""
    made = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return f"sha256={made.hexdigest()}"


def post(url: str, secret: str, what: Mapping[str, Any], ca_file: Path | None = None) -> None:
    """Send it. Raises NotDelivered unless the receiver says 2xx: a redirection is not followed."""
    body, timestamp = msgspec.json.encode(what), str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "poste-public-manager",
        TIMESTAMP: timestamp,
        SIGNATURE: signature(secret, timestamp, body),
    }
    try:
        with (
            httpx.Client(verify=checked(ca_file), timeout=PATIENCE_S) as client,
            client.stream("POST", url, content=body, headers=headers) as answer,
        ):
            if not answer.is_success:  # what it says besides is not read: it may never end
                raise NotDelivered(f"HTTP {answer.status_code}")
    except httpx.HTTPError as error:
        raise NotDelivered(type(error).__name__) from error
