"""Old agents work with a new controller: what protocol 1 put on the wire is understood for ever."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.protocol.wire_types import as_object, carried, decoders

FROZEN = sorted(Path(__file__).with_name("frozen").glob("*.json"))
EACH_FILE = pytest.mark.parametrize("path", FROZEN, ids=lambda path: path.stem)


def read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


@EACH_FILE
@pytest.mark.parametrize("form", ["full", "least"])
def test_an_old_payload_means_what_it_meant(path: Path, form: str) -> None:
    frozen = read(path)
    message = decoders()[frozen["topic"]](json.dumps(frozen[form]).encode())
    assert type(message).__name__ == frozen["message"]
    assert _within(frozen[form], as_object(message))


def _within(old: Any, new: Any) -> bool:
    """Whether everything of the old value stands in the new one, which may have more fields."""
    if isinstance(old, dict):
        return isinstance(new, dict) and all(key in new and _within(old[key], new[key]) for key in old)
    return bool(old == new)


def test_every_message_of_the_wire_has_been_frozen() -> None:
    frozen = {(content["topic"], content["message"]) for content in map(read, FROZEN)}
    assert {(topic, struct.__name__) for topic, struct in carried()} <= frozen
