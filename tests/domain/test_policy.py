"""What a site allows: stored, shown, changed field by field."""

from dataclasses import fields
from typing import Any

import pytest

from fleet.domain import policy
from fleet.domain.errors import Invalid
from fleet.domain.policy import Policy
from fleet.domain.policy_words import MEANINGS


def test_the_default_policy_is_what_the_product_promises() -> None:
    default = policy.from_json(None)
    assert (default.sessions_per_day, default.code_lifetime_s, default.grace_s) == (3, 86_400, 60)
    assert default == policy.from_json({}) == Policy()


def test_a_policy_survives_being_stored() -> None:
    changed = policy.changed(
        Policy(), {"grace_s": 0, "minutes_per_day": 90, "minutes_per_day_by_category": {"enfant": 30}}
    )
    assert policy.from_json(policy.to_json(changed)) == changed


def test_a_field_of_another_version_is_ignored() -> None:
    assert policy.from_json({"grace_s": 5, "from_the_future": 1}) == Policy(grace_s=5)


@pytest.mark.parametrize("field", sorted(policy.to_json(Policy())))
def test_each_field_refuses_what_it_cannot_be_and_names_itself(field: str) -> None:
    nonsense: tuple[Any, ...] = ("x", -1, 1.5, True, [], {"enfant": 0}, {"enfant": True}, 10**9)
    for value in nonsense:
        with pytest.raises(Invalid) as invalid:
            policy.changed(Policy(), {field: value})
        assert invalid.value.field == f"politique.{field}"


@pytest.mark.parametrize(
    "changes",
    [
        {"sessions_per_day": None},
        {"minutes_per_day": None},
        {"minutes_per_week": None},
        {"grace_s": 600},
        {"longest_session_s": 60},
        {"offline": "suspend"},
        {"resume_after_reboot": "automatic"},
        {"idle_s": 0},
        {"minutes_per_day_by_category": {}},
    ],
)
def test_what_lies_within_the_bounds_is_taken(changes: dict[str, Any]) -> None:
    changed = policy.to_json(policy.changed(Policy(), changes))
    assert {key: changed[key] for key in changes} == changes


@pytest.mark.parametrize("field", ["grace_s", "longest_session_s", "offline"])
def test_what_must_be_set_cannot_be_emptied(field: str) -> None:
    with pytest.raises(Invalid):
        policy.changed(Policy(), {field: None})


def test_an_unknown_rule_is_refused() -> None:
    with pytest.raises(Invalid) as invalid:
        policy.changed(Policy(), {"free_coffee": 1})
    assert invalid.value.field == "politique.free_coffee"


def test_every_rule_has_a_meaning_and_knows_what_it_may_be() -> None:
    told = policy.rules()
    assert {one.name for one in told} == {field.name for field in fields(Policy)} == set(MEANINGS)
    for one in told:
        assert one.choices or one.low is not None or one.name == "minutes_per_day_by_category", one.name
