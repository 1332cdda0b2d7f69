"""docs/protocol.md: the rules in prose (protocol_rules.md), with the tables and examples of the code."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kiosk_agent import commands, events, link, offset, requests, talk
from kiosk_agent.broker import Broker
from ppm.docs import wire
from ppm.docs.examples import example_json
from ppm.docs.wire import Channel, Schema, Struct
from protocol import codec, topics, version

HEADER = (
    "<!-- Written by `python -m ppm.docs` from protocol/ and ppm/docs/protocol_rules.md. Do not edit. -->\n\n"
)
RULES = Path(__file__).with_name("protocol_rules.md")
_PLACE = re.compile(r"\{\{(\w+)\}\}")
_EXAMPLE = re.compile(r"^```json (\S+)\n(.*?)^```$", re.M | re.S)


def render() -> str:
    """The whole text of the file. Raises BadMessage if an example is not what its topic carries."""
    texts = {
        "topics": _topics(),
        "payloads": "\n".join(_payloads()),
        "parts": "\n".join(_parts()),
        "max_bytes": str(codec.MAX_BYTES),
        "major": str(version.MAJOR),
        "protocol": str(version.PROTOCOL),
        **_figures(),
    }
    page = HEADER + _PLACE.sub(lambda place: texts[place[1]], RULES.read_text(encoding="utf-8"))
    for _ in examples(page):
        pass
    return page


def _figures() -> dict[str, str]:
    """The figures of the rules, as our own poste has them."""
    ms = {
        "reconnect_longest_s": link.LONGEST_WAIT_MS,
        "request_first_s": requests.FIRST_MS,
        **{f"longest_{op}_s": requests.LONGEST_MS[op] for op in ("start", "resync", "extend")},
        "fresh_s": talk.FRESH_MS,
        "event_first_s": events.FIRST_MS,
        "event_longest_s": events.LONGEST_MS,
    }
    plain = {
        "reconnect_first_ms": link.FIRST_WAIT_MS,
        "steady_s": link.STEADY_S,
        "keepalive_s": Broker.keepalive_s,
        "samples": offset.KEPT,
        "slowest": offset.SLOWEST_MS // 1000,
        "doubt": offset.DOUBT_MS,
        "remembered": commands.REMEMBERED,
        "burst": events.BURST,
        "kept": events.KEPT,
    }
    seconds = {name: value / 1000 for name, value in ms.items()}
    return {name: f"{value:g}" for name, value in (seconds | plain).items()}


def examples(page: str) -> Iterator[tuple[str, Any]]:
    """Each example of the page: its topic's name and the message that it decodes to. Raises BadMessage."""
    by_name = {topic.name: topic for topic in topics.TOPICS}
    for name, text in _EXAMPLE.findall(page):
        if name == "_controller":
            yield name, codec.decode_controller_status(text.encode())
        else:
            yield name, codec.decode(by_name[name], text.encode())


def _topics() -> str:
    head = "| topic | publisher | QoS | retained | content |\n| --- | --- | --- | --- | --- |\n"
    return head + "\n".join(_topic_line(channel) for channel in wire.channels())


def _topic_line(channel: Channel) -> str:
    retained = "retained" if channel.retained else "never"
    payload = ", ".join(f"[{s.__name__}](#{s.__name__.lower()})" for s in channel.payloads)
    return (
        f"| `{channel.address}` | {channel.publisher} | {channel.qos} | {retained} "
        f"| {channel.meaning}: {payload} |"
    )


def _payloads() -> Iterator[str]:
    written: set[Struct] = set()
    for channel in wire.channels():
        fresh = [struct for struct in channel.payloads if struct not in written]
        if fresh:
            yield f"### On `{_name(channel)}`\n"
        for struct in fresh:
            written.add(struct)
            yield _payload(struct, _name(channel))


def _name(channel: Channel) -> str:
    """The name that examples of a channel are marked with: `up/status`, or `_controller`."""
    parts = channel.address.split("/")
    return topics.CONTROLLER if topics.CONTROLLER in parts else "/".join(parts[-2:])


def _payload(struct: Struct, name: str) -> str:
    text = json.dumps(json.loads(example_json(struct)), ensure_ascii=False)
    return f"{_section(struct)}\n```json {name}\n{text}\n```\n"


def _parts() -> Iterator[str]:
    for struct in wire.parts():
        yield _section(struct)


def _section(struct: Struct) -> str:
    schema = wire.schemas()[struct.__name__]
    told = wire.tag(struct)
    by = f" Told by `{told[0]}` = `{told[1]}`." if told else ""
    head = f"#### {struct.__name__}\n\n{schema['description']}{by}\n"
    rows = [_row(name, value, name in schema.get("required", ())) for name, value in _fields(schema)]
    if not rows:
        return head
    table = "| field | type and bounds | default | meaning |\n| --- | --- | --- | --- |\n"
    return head + "\n" + table + "\n".join(rows) + "\n"


def _fields(schema: Schema) -> list[tuple[str, Schema]]:
    return list(schema["properties"].items())


def _row(name: str, value: Schema, required: bool) -> str:
    default = "**required**" if required else f"`{json.dumps(value.get('default'), ensure_ascii=False)}`"
    return f"| `{name}` | {type_words(value)} | {default} | {value['description']} |"


def type_words(value: Schema) -> str:
    """The type of a field and its bounds, in words."""
    if "enum" in value:
        return ", ".join(f"`{word}`" for word in value["enum"])
    if "anyOf" in value:
        return " or ".join(type_words(one) for one in value["anyOf"])
    if "allOf" in value or "$ref" in value:
        name = (value.get("allOf") or [value])[0]["$ref"].rsplit("/", 1)[-1]
        return f"[{name}](#{name.lower()})"
    return _plain_words(value)


def _plain_words(value: Schema) -> str:
    match value["type"]:
        case "array":
            return f"list of at most {value['maxItems']}: {type_words(value['items'])}"
        case "integer" | "number":
            return f"{value['type']} {value['minimum']} to {value['maximum']}"
        case "string":
            return _string_words(value)
        case kind:
            return str(kind)


def _string_words(value: Schema) -> str:
    if value.get("format") == "date-time":
        return "instant (RFC 3339, with offset)"
    if "pattern" in value:
        return f"string `{wire.plain_pattern(value['pattern'])}`".replace("|", "\\|")
    least = f"{value['minLength']} to " if "minLength" in value else "at most "
    return f"string, {least}{value['maxLength']} characters"
