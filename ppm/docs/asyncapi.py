"""docs/asyncapi.yaml: the wire as an AsyncAPI 3.0 document, operations of both sides and MQTT bindings."""

import json
from collections.abc import Iterator
from typing import Any

from ppm.docs import wire
from ppm.docs.examples import example_json
from ppm.docs.wire import Channel, Struct
from protocol import codec, topics
from protocol.version import MAJOR, PROTOCOL

HEADER = "# Written by `python -m ppm.docs` from protocol/. Do not edit.\n"
BINDING = "0.2.0"
KEEP_ALIVE_S = 15
Node = dict[str, Any]

_VERB = {True: "send", False: "receive"}
_REPLIES = {"Start": ("Accepted", "Refused"), "Resync": ("Accepted", "Refused"),
            "Extend": ("Waiting", "Refused"), "Ending": ("Accepted", "Refused")}  # fmt: skip


def render() -> str:
    """The whole text of the file."""
    import yaml  # a tool of developers: no program of ours needs it

    class Plain(yaml.SafeDumper):
        def ignore_aliases(self, _: Any) -> bool:
            return True

    text = yaml.dump(document(), Dumper=Plain, sort_keys=False, allow_unicode=True, width=100)
    return HEADER + str(text)


def document() -> Node:
    """The document as plain values."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Poste Public Manager",
            "version": f"{MAJOR}.{PROTOCOL}.0",
            "description": "What travels on MQTT between postes (public computers) and the controller. "
            "The rules that a payload alone cannot tell stand in docs/protocol.md.",
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": _servers(),
        "channels": {channel.key: _channel(channel) for channel in wire.channels()},
        "operations": dict(_operations()),
        "components": {
            "securitySchemes": _security(),
            "parameters": _parameters(),
            "messages": {struct.__name__: _message(struct) for struct in wire.payloads()},
            "schemas": wire.schemas(),
        },
    }


def _servers() -> Node:
    return {
        "postes": _server(
            "8883",
            "The listener of postes: the user name is the poste's id, and the broker takes it as client id. "
            "A second connection of the same poste ends the first.",
            "{poste}",
            {
                "topic": topics.STATUS.path("{site}", "{poste}", "{root}"),
                "qos": topics.STATUS.qos,
                "retain": topics.STATUS.retained,
                "message": '{"online":false,"boot":"b7f1c0de","connection":1,"reason":"lost"}',
            },
        ),
        "services": _server(
            "8884",
            "The listener of controllers and of the read-only observer. Client ids are their own.",
            "{client}",
            {
                "topic": topics.controller_status("{site}", "{root}"),
                "qos": 1,
                "retain": True,
                "message": '{"online":false,"controller":"controller-1","term":1795000000,"protocol":1}',
            },
        ),
    }


def _server(port: str, description: str, client_id: str, will: Node) -> Node:
    return {
        "host": "{host}:{port}",
        "protocol": "mqtt",
        "protocolVersion": "3.1.1",
        "description": description,
        "variables": {
            "host": {"default": "localhost", "description": "where the broker is"},
            "port": {"default": port, "description": "TLS by its settings; plain on a machine of its own"},
        },
        "security": [{"$ref": "#/components/securitySchemes/account"}],
        "bindings": {
            "mqtt": {
                "clientId": client_id,
                "cleanSession": True,
                "keepAlive": KEEP_ALIVE_S,
                "maximumPacketSize": codec.MAX_BYTES,
                "lastWill": will,
                "bindingVersion": BINDING,
            }
        },
    }


def _security() -> Node:
    return {
        "account": {
            "type": "userPassword",
            "description": "One account for each poste, controller and observer. The broker lets a poste "
            "write its own `up/` topics and read its own, its site's command and controller topics only.",
        }
    }


def _parameters() -> Node:
    slug = "1 to 63 of a-z, 0-9 and hyphens, none of them at either end"
    return {
        "root": {"description": "the root of all topics, a setting", "default": topics.DEFAULT_ROOT},
        "site": {"description": f"the site's slug: {slug}", "examples": ["le-port"]},
        "poste": {"description": f"the poste's slug, its user name too: {slug}", "examples": ["le-port-01"]},
    }


def _channel(channel: Channel) -> Node:
    names = [name for name in ("root", "site", "poste") if f"{{{name}}}" in channel.address]
    return {
        "address": channel.address,
        "title": channel.meaning,
        "description": f"QoS {channel.qos}, {'retained' if channel.retained else 'never retained'}, "
        f"published by the {channel.publisher} alone.",
        "messages": {s.__name__: _ref("messages", s.__name__) for s in channel.payloads},
        "parameters": {name: _ref("parameters", name) for name in names},
        "tags": [{"name": channel.publisher}],
    }


def _operations() -> Iterator[tuple[str, Node]]:
    for side in ("poste", "controller"):
        for channel in wire.channels():
            yield from _operations_of(side, channel)


def _operations_of(side: str, channel: Channel) -> Iterator[tuple[str, Node]]:
    verb = _VERB[side == channel.publisher]
    name = f"{side}{verb.capitalize()}{channel.key[0].upper()}{channel.key[1:]}"
    if channel.key != "upRequest":
        yield name, _operation(side, channel, None)
        return
    for struct in channel.payloads:  # each question has answers of its own
        yield f"{name}{struct.__name__}", _operation(side, channel, struct)


def _operation(side: str, channel: Channel, question: Struct | None) -> Node:
    node: Node = {
        "action": _VERB[side == channel.publisher],
        "channel": {"$ref": f"#/channels/{channel.key}"},
        "summary": f"{side}: {channel.meaning}",
        "tags": [{"name": side}],
        "messages": [_in(channel.key, s) for s in ((question,) if question else channel.payloads)],
        "bindings": {
            "mqtt": {"qos": channel.qos, "retain": channel.retained, "bindingVersion": BINDING},
        },
    }
    if question:
        node["reply"] = _reply(question)
    return node


def _reply(question: Struct) -> Node:
    return {
        "channel": {"$ref": "#/channels/downReply"},
        "messages": [
            {"$ref": f"#/channels/downReply/messages/{name}"} for name in _REPLIES[question.__name__]
        ],
    }


def _message(struct: Struct) -> Node:
    schema = wire.schemas()[struct.__name__]
    node: Node = {
        "name": struct.__name__,
        "title": struct.__name__,
        "summary": schema["description"],
        "contentType": "application/json",
        "payload": _ref("schemas", struct.__name__),
        "examples": [{"name": struct.__name__, "payload": json.loads(example_json(struct))}],
    }
    if "nonce" in schema["properties"]:
        node["correlationId"] = {
            "description": "an answer carries the nonce of its question",
            "location": "$message.payload#/nonce",
        }
    return node


def _in(channel: str, struct: Struct) -> Node:
    return {"$ref": f"#/channels/{channel}/messages/{struct.__name__}"}


def _ref(section: str, name: str) -> Node:
    return {"$ref": f"#/components/{section}/{name}"}
