"""What a site allows. One value per site, edited as a whole; every rule reads it from here."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from fleet.domain.errors import Invalid
from fleet.domain.policy_words import MEANINGS

DAY_S = 86_400


@dataclass(frozen=True)
class Policy:
    """The rules of a site. Durations in seconds; None means no limit."""

    longest_session_s: int = 4 * 3600
    sessions_per_day: int | None = 3
    minutes_per_day: int | None = None
    minutes_per_week: int | None = None
    minutes_per_day_by_category: tuple[tuple[str, int], ...] = ()
    code_lifetime_s: int = DAY_S
    grace_s: int = 60
    longest_suspension_s: int = 1800
    offline: str = "continue"
    offline_after_s: int = 5
    outage_credit_max_s: int = 3600
    resume_after_reboot: str = "code"
    idle_s: int = 0
    idle: str = "end"
    wrong_codes_alarm: int | None = 20
    wrong_codes_window_s: int = 600
    queue_hold_s: int = 300

    def minutes_today(self, category: str | None) -> int | None:
        """The minutes per day of a person of this category."""
        return dict(self.minutes_per_day_by_category).get(category or "", self.minutes_per_day)


_CHOICES = {
    "idle": ("off", "warn", "end"),
    "offline": ("continue", "suspend"),
    "resume_after_reboot": ("code", "automatic"),
}
_OPTIONAL = ("sessions_per_day", "minutes_per_day", "minutes_per_week", "wrong_codes_alarm")
_BOUNDS = {
    "longest_session_s": (60, DAY_S),
    "sessions_per_day": (1, 1000),
    "minutes_per_day": (1, 1440),
    "minutes_per_week": (1, 10_080),
    "code_lifetime_s": (60, 366 * DAY_S),
    "grace_s": (0, 600),
    "longest_suspension_s": (10, DAY_S),
    "offline_after_s": (1, 600),
    "outage_credit_max_s": (0, DAY_S),
    "idle_s": (0, DAY_S),
    "wrong_codes_alarm": (2, 100_000),
    "wrong_codes_window_s": (60, DAY_S),
    "queue_hold_s": (30, 3600),
}


def from_json(stored: Mapping[str, Any] | None) -> Policy:
    """The policy of a site as stored; unknown keys of older or newer versions are ignored."""
    known = {field.name for field in fields(Policy)}
    values = {key: value for key, value in (stored or {}).items() if key in known}
    by_category = values.get("minutes_per_day_by_category") or {}
    values["minutes_per_day_by_category"] = tuple(sorted(dict(by_category).items()))
    return Policy(**values)


def to_json(policy: Policy) -> dict[str, Any]:
    """The policy as it is stored and shown."""
    values = {field.name: getattr(policy, field.name) for field in fields(Policy)}
    values["minutes_per_day_by_category"] = dict(policy.minutes_per_day_by_category)
    return values


def changed(policy: Policy, changes: Mapping[str, Any]) -> Policy:
    """The policy with some fields changed. Raises Invalid naming the field and its rule."""
    known = {field.name for field in fields(Policy)}
    for name, value in changes.items():
        if name not in known:
            raise Invalid(f"politique.{name}", "valeur_invalide", regle="une règle qui existe")
        _check(name, value)
    values = dict(changes)
    if "minutes_per_day_by_category" in values:
        values["minutes_per_day_by_category"] = tuple(sorted(values["minutes_per_day_by_category"].items()))
    return replace(policy, **values)


def _check(name: str, value: Any) -> None:
    if name in _CHOICES:
        if value not in _CHOICES[name]:
            raise Invalid(f"politique.{name}", "valeur_invalide", regle=" | ".join(_CHOICES[name]))
        return
    if name == "minutes_per_day_by_category":
        _check_categories(value)
        return
    if value is None and name in _OPTIONAL:
        return
    low, high = _BOUNDS[name]
    if type(value) is not int or not low <= value <= high:
        raise Invalid(f"politique.{name}", "valeur_invalide", regle=f"un entier de {low} à {high}")


def _check_categories(value: Any) -> None:
    rule = "catégorie → minutes (1 à 1440)"
    if not isinstance(value, Mapping):
        raise Invalid("politique.minutes_per_day_by_category", "valeur_invalide", regle=rule)
    for minutes in value.values():
        if type(minutes) is not int or not 1 <= minutes <= 1440:
            raise Invalid("politique.minutes_per_day_by_category", "valeur_invalide", regle=rule)


@dataclass(frozen=True)
class Rule:
    """One rule of a policy: its default and what it may be. Without bounds and choices: a table by category."""

    name: str
    meaning: str
    meaning_en: str
    default: Any
    optional: bool
    low: int | None = None
    high: int | None = None
    choices: tuple[str, ...] = ()


def rules() -> list[Rule]:
    """All rules, for whoever makes a page of them."""
    defaults = to_json(Policy())
    return [_rule(name, default) for name, default in defaults.items()]


def _rule(name: str, default: Any) -> Rule:
    low, high = _BOUNDS.get(name, (None, None))
    return Rule(name, *MEANINGS[name], default, name in _OPTIONAL, low, high, _CHOICES.get(name, ()))
