"""docs/protocol.md and docs/asyncapi.yaml say what the code does: nothing less, nothing more."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
import yaml
from msgspec import inspect

from ppm.docs import pages, protocol_page
from protocol import messages, topics
from tests.protocol.wire_types import Struct, carried, decoders, described, fields

DOCS = pages.ROOT / "docs"
SCHEMA = Path(__file__).with_name("asyncapi") / "3.0.0.json"
MESSAGES = tuple(dict.fromkeys(struct for _, struct in carried()))
PARTS = (messages.CleanedItem, messages.MessageArgs, messages.UpdateArgs, messages.NoArgs)
EACH_STRUCT = pytest.mark.parametrize("struct", MESSAGES + PARTS, ids=lambda struct: struct.__name__)
EACH_MESSAGE = pytest.mark.parametrize("struct", MESSAGES, ids=lambda struct: struct.__name__)


@cache
def the_page() -> str:
    return (DOCS / "protocol.md").read_text(encoding="utf-8")


@cache
def the_yaml() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((DOCS / "asyncapi.yaml").read_text(encoding="utf-8"))
    return document


def the_channels() -> set[tuple[str, str, int, bool, frozenset[str]]]:
    """Address, publisher, QoS, retained and messages of every channel, from the code."""
    found = set()
    for topic in topics.TOPICS:
        names = frozenset(s.__name__ for name, s in carried() if name == topic.name)
        where = [topic.path("{site}", "{poste}", "{root}")]
        where += [topics.all_postes_command("{site}", "{root}")] if topic is topics.COMMAND else []
        found |= {(path, topic.publisher, topic.qos, topic.retained, names) for path in where}
    status = topics.controller_status("{site}", "{root}")
    return found | {(status, "controller", 1, True, frozenset({"ControllerStatus"}))}


# ---------------------------------------------------------------- the generator


def test_the_generated_documents_are_fresh() -> None:
    assert pages.stale() == []


def test_a_stale_page_is_named_and_written_once(tmp_path: Path) -> None:
    known = {"docs/a.md": lambda: "a", "docs/b.md": lambda: "b"}
    assert pages.write(known, tmp_path) == ["docs/a.md", "docs/b.md"]
    (tmp_path / "docs/b.md").write_text("old")
    assert pages.stale(known, tmp_path) == ["docs/b.md"]
    assert pages.write(known, tmp_path) == ["docs/b.md"]
    assert pages.stale(known, tmp_path) == []


# ---------------------------------------------------------------- docs/protocol.md


def test_the_page_lists_every_topic_and_no_other() -> None:
    line = re.compile(r"^\| `(\{root\}\S+)` \| (\w+) \| (\d) \| (retained|never) \| [^|]*: (\[.*) \|$", re.M)
    found = {
        (path, publisher, int(qos), kept == "retained", frozenset(re.findall(r"\[(\w+)\]", names)))
        for path, publisher, qos, kept, names in line.findall(the_page())
    }
    assert found == the_channels()


def test_the_page_describes_every_payload_and_no_other() -> None:
    titles = re.findall(r"^#### (\w+)$", the_page(), re.M)
    assert sorted(titles) == sorted(struct.__name__ for struct in MESSAGES + PARTS)


@EACH_STRUCT
def test_the_page_has_every_field_and_no_other(struct: Struct) -> None:
    names = re.findall(r"^\| `(\w+)` \|", _section(struct), re.M)
    kind = described(struct)
    tag = [kind.tag_field] if kind.tag_field else []
    assert sorted(names) == sorted([*tag, *(field.encode_name for field in kind.fields)])


@EACH_STRUCT
def test_the_page_tells_type_bounds_and_default_of_every_field(struct: Struct) -> None:
    for field in fields(struct):
        row = next(line for line in _section(struct).splitlines() if line.startswith(f"| `{field.name}` |"))
        for word in _words(field.type):
            assert word in row
        if field.required:
            assert "**required**" in row
        else:
            assert f"`{_default(field)}`" in row


def _default(field: inspect.Field) -> str:
    value = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    return json.dumps(msgspec.to_builtins(value), ensure_ascii=False)


def _section(struct: Struct) -> str:
    _, _, rest = the_page().partition(f"\n#### {struct.__name__}\n")
    return re.split(r"^##", rest, maxsplit=1, flags=re.M)[0]


def _words(kind: inspect.Type) -> list[str]:
    """What a reader must find of a type."""
    match kind:
        case inspect.Metadata(type=inner):
            return _words(inner)
        case inspect.UnionType(types=types):
            return [word for one in types for word in _words(one)]
        case inspect.VarTupleType(item_type=item, max_length=most):
            return [f"list of at most {most}", *_words(item)]
        case inspect.LiteralType(values=values):
            return [f"`{value}`" for value in values]
        case inspect.StructType(cls=cls):
            return [f"[{cls.__name__}]"]
        case inspect.StrType(pattern=pattern) if pattern:
            return [pattern.removesuffix(messages.END)]
        case _:
            return [_plain_word(kind)]


def _plain_word(kind: inspect.Type) -> str:
    match kind:
        case inspect.IntType(ge=least, le=most):
            return f"integer {least} to {most}"
        case inspect.FloatType(ge=least, le=most):
            return f"number {least} to {most}"
        case inspect.StrType(min_length=least, max_length=most):
            return f"{least} to {most} char" if least else f"at most {most} char"
        case _:
            return {"DateTimeType": "RFC 3339", "NoneType": "null", "BoolType": "boolean"}[
                type(kind).__name__
            ]


def test_every_example_of_the_page_decodes_and_every_payload_has_one() -> None:
    seen = {type(message) for _, message in protocol_page.examples(the_page())}
    assert seen == set(MESSAGES)


def test_every_json_block_of_the_page_names_its_topic() -> None:
    marked = len(list(protocol_page.examples(the_page())))
    assert the_page().count("```json") == marked


def test_every_link_of_the_page_leads_somewhere() -> None:
    anchors = {title.lower() for title in re.findall(r"^#+ (\w+)$", the_page(), re.M)}
    assert set(re.findall(r"\]\(#([^)]+)\)", the_page())) <= anchors
    assert all((DOCS / name).exists() for name in re.findall(r"\]\(([\w./]+)\)", the_page()))


# ---------------------------------------------------------------- docs/asyncapi.yaml


def test_the_document_is_asyncapi_3() -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    errors = jsonschema.Draft7Validator(schema).iter_errors(the_yaml())
    assert [f"{error.json_path}: {error.message[:200]}" for error in errors] == []


def test_a_fault_in_the_document_would_be_seen() -> None:
    validator = jsonschema.Draft7Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    for spoil in (
        {"asyncapi": "2.6.0"},
        {"servers": {"postes": {"host": "x"}}},
        {"operations": {"x": {"action": "shout", "channel": {"$ref": "#/channels/upAck"}}}},
        {
            "servers": {
                "s": {"host": "x", "protocol": "mqtt", "bindings": {"mqtt": {"qos": "?", "lastWill": 1}}}
            }
        },
    ):
        assert not validator.is_valid(the_yaml() | spoil)


def test_the_vendored_schema_is_whole() -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    known = set(schema["definitions"])
    used = {ref.split("#")[0] for ref in _refs(schema, leave_out=("examples", "example")) if ref[0] != "#"}
    assert used <= known


def test_every_reference_of_the_document_resolves() -> None:
    for ref in _refs(the_yaml()):
        assert _resolve(ref) is not None, ref


def _refs(value: Any, leave_out: tuple[str, ...] = ()) -> list[str]:
    if isinstance(value, list):
        return [ref for item in value for ref in _refs(item, leave_out)]
    if not isinstance(value, dict):
        return []
    own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
    return own + [ref for key in value if key not in leave_out for ref in _refs(value[key], leave_out)]


def _resolve(ref: str) -> Any:
    node: Any = the_yaml()
    for step in ref.removeprefix("#/").split("/"):
        node = node[step]
    return node


def test_the_document_has_every_channel_and_no_other() -> None:
    found = set()
    for key, channel in the_yaml()["channels"].items():
        publishers = {
            (name.partition("Send")[0], op["bindings"]["mqtt"]["qos"], op["bindings"]["mqtt"]["retain"])
            for name, op in the_yaml()["operations"].items()
            if op["action"] == "send" and op["channel"]["$ref"] == f"#/channels/{key}"
        }
        [(publisher, qos, retain)] = publishers
        found.add((channel["address"], publisher, qos, retain, frozenset(channel["messages"])))
    assert found == the_channels()


def test_what_one_side_sends_the_other_receives() -> None:
    sides = {"send": set[str](), "receive": set[str]()}
    for operation in the_yaml()["operations"].values():
        flags = json.dumps([operation["bindings"], operation["channel"], operation["messages"]])
        sides[operation["action"]].add(flags)
    assert sides["send"] == sides["receive"]


def test_an_operation_carries_messages_of_its_channel() -> None:
    for operation in the_yaml()["operations"].values():
        known = operation["channel"]["$ref"] + "/messages/"
        assert all(message["$ref"].startswith(known) for message in operation["messages"])


def test_the_parameters_of_a_channel_are_those_of_its_address() -> None:
    for channel in the_yaml()["channels"].values():
        assert re.findall(r"\{(\w+)\}", channel["address"]) == list(channel["parameters"])


def test_the_document_has_every_message_and_schema_and_no_other() -> None:
    components = the_yaml()["components"]
    assert sorted(components["messages"]) == sorted(struct.__name__ for struct in MESSAGES)
    assert sorted(components["schemas"]) == sorted(struct.__name__ for struct in MESSAGES + PARTS)


@EACH_STRUCT
def test_a_schema_has_every_field_and_bound_and_no_other(struct: Struct) -> None:
    schema = the_yaml()["components"]["schemas"][struct.__name__]
    kind = described(struct)
    tag = {kind.tag_field} if kind.tag_field else set()
    assert set(schema["properties"]) == tag | {field.name for field in kind.fields}
    assert set(schema.get("required", ())) == tag | {field.name for field in kind.fields if field.required}
    for field in kind.fields:
        text = json.dumps(schema["properties"][field.name])
        for bound in _bounds(field.type):
            assert bound in text


def _bounds(kind: inspect.Type) -> list[str]:
    match kind:
        case inspect.Metadata(type=inner):
            return _bounds(inner)
        case inspect.UnionType(types=types):
            return [bound for one in types for bound in _bounds(one)]
        case inspect.VarTupleType(item_type=item, max_length=most):
            return [f'"maxItems": {most}', *_bounds(item)]
        case inspect.IntType(ge=least, le=most) | inspect.FloatType(ge=least, le=most):
            return [f'"minimum": {least}', f'"maximum": {most}']
        case inspect.LiteralType(values=values):
            return [json.dumps(value) for value in values]
        case inspect.StrType(pattern=pattern) if pattern:
            return [f'"pattern": {json.dumps(pattern)}']
        case inspect.StrType(max_length=most):
            return [f'"maxLength": {most}']
        case _:
            return []


@EACH_MESSAGE
def test_the_example_of_a_message_fits_its_schema_and_decodes(struct: Struct) -> None:
    [example] = the_yaml()["components"]["messages"][struct.__name__]["examples"]
    schemas = {"components": {"schemas": the_yaml()["components"]["schemas"]}}
    jsonschema.Draft7Validator(
        schemas | {"allOf": [{"$ref": f"#/components/schemas/{struct.__name__}"}]}
    ).validate(example["payload"])
    topic = next(name for name, carries in carried() if carries is struct)
    decoded = decoders()[topic](json.dumps(example["payload"]).encode())
    assert type(decoded) is struct


def test_the_wills_of_the_document_are_messages() -> None:
    wills = {name: server["bindings"]["mqtt"]["lastWill"] for name, server in the_yaml()["servers"].items()}
    poste = decoders()["up/status"](wills["postes"]["message"].encode())
    controller = decoders()["_controller"](wills["services"]["message"].encode())
    assert not poste.online
    assert not controller.online
    assert [(will["qos"], will["retain"]) for will in wills.values()] == [(1, True)] * 2
