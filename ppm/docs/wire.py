"""What the code of `protocol` says of the wire, as values that both documents are written from."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

import msgspec

from ppm.docs.meanings import meaning
from protocol import messages, topics

Struct = type[msgspec.Struct]
Schema = dict[str, Any]
SCHEMAS = "#/components/schemas/{name}"


@dataclass(frozen=True)
class Channel:
    """One address and what is published there."""

    key: str
    address: str
    publisher: Literal["poste", "controller"]
    qos: Literal[0, 1]
    retained: bool
    payloads: tuple[Struct, ...]
    meaning: str


def channels() -> Iterator[Channel]:
    """Every channel of the wire, in the order of `protocol.topics`."""
    for topic in topics.TOPICS:
        yield _channel(topic, _key(topic.name), topic.path("{site}", "{poste}", "{root}"), topic.meaning)
    yield _channel(
        topics.COMMAND,
        "everyPosteCommand",
        topics.all_postes_command("{site}", "{root}"),
        "a one-shot action for every poste of a site; each answers for itself",
    )
    yield Channel(
        "controllerStatus",
        topics.controller_status("{site}", "{root}"),
        "controller",
        1,
        True,
        (messages.ControllerStatus,),
        "who drives the site; also the controller's last will",
    )


def _channel(topic: topics.Topic, key: str, address: str, meaning: str) -> Channel:
    structs = get_args(topic.payload) or (topic.payload,)
    return Channel(key, address, topic.publisher, topic.qos, topic.retained, structs, meaning)


def _key(name: str) -> str:
    direction, noun = name.split("/")
    return direction + noun.capitalize()


def payloads() -> tuple[Struct, ...]:
    """Every payload, each once, in the order of the channels."""
    return tuple(dict.fromkeys(struct for channel in channels() for struct in channel.payloads))


def parts() -> tuple[Struct, ...]:
    """The objects that payloads contain."""
    known = schemas()
    return tuple(getattr(messages, name) for name in known if getattr(messages, name) not in payloads())


def schemas() -> dict[str, Schema]:
    """A JSON schema for each payload and each object within one, with the meaning of every field."""
    _, found = msgspec.json.schema_components(payloads(), ref_template=SCHEMAS)
    return {name: _described(name, schema) for name, schema in found.items()}


def _described(name: str, schema: Schema) -> Schema:
    schema["description"] = " ".join(schema["description"].split())
    properties: dict[str, Schema] = schema["properties"]
    for field, value in properties.items():
        properties[field] = _field(value, meaning(name, field))
    return schema


def _field(value: Schema, description: str) -> Schema:
    if "$ref" in value:  # draft 07 ignores what stands beside a $ref
        return {"description": description, "allOf": [{"$ref": value.pop("$ref")}], **value}
    return {"description": description, **{key: value[key] for key in value if key != "description"}}


def tag(struct: Struct) -> tuple[str, str] | None:
    """The field that tells this payload from its siblings on the same topic, and its value."""
    config = struct.__struct_config__
    return (config.tag_field, str(config.tag)) if config.tag_field and config.tag is not None else None


def plain_pattern(pattern: str) -> str:
    """The pattern without the look-ahead that only Python needs."""
    return re.sub(r"\(\?!\\n\)$", "", pattern)
