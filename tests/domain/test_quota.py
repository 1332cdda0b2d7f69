"""How much one person may use, by day, week and category."""

import pytest

from fleet.domain import quota
from fleet.domain.errors import Refused
from fleet.domain.policy import Policy
from fleet.domain.quota import MINUTE_MS, Usage


def _refusal(usage: Usage, minutes: int, policy: Policy, category: str | None = None) -> str | None:
    try:
        quota.check(usage, minutes * MINUTE_MS, policy, category)
    except Refused as refused:
        return refused.reason
    return None


@pytest.mark.parametrize(("had", "reason"), [(0, None), (2, None), (3, "quota_sessions_jour")])
def test_three_sessions_a_day_by_default(had: int, reason: str | None) -> None:
    assert _refusal(Usage(sessions_today=had), 60, Policy()) == reason


def test_a_site_may_have_no_limit_of_sessions() -> None:
    assert _refusal(Usage(sessions_today=99), 60, Policy(sessions_per_day=None)) is None


def test_minutes_per_day_count_what_is_asked_too() -> None:
    policy, usage = Policy(minutes_per_day=120), Usage(today_ms=60 * MINUTE_MS)
    assert _refusal(usage, 60, policy) is None
    assert _refusal(usage, 61, policy) == "quota_minutes_jour"


def test_minutes_per_week_count_apart() -> None:
    policy, usage = Policy(minutes_per_week=300), Usage(today_ms=0, week_ms=250 * MINUTE_MS)
    assert _refusal(usage, 50, policy) is None
    assert _refusal(usage, 51, policy) == "quota_minutes_semaine"


def test_a_category_has_its_own_minutes_and_the_others_the_common_ones() -> None:
    policy = Policy(minutes_per_day=60, minutes_per_day_by_category=(("etudiant", 180),))
    assert _refusal(Usage(), 180, policy, "etudiant") is None
    assert _refusal(Usage(), 61, policy, "adulte") == "quota_minutes_jour"
    assert _refusal(Usage(), 61, policy, None) == "quota_minutes_jour"


def test_a_category_is_limited_even_where_nobody_else_is() -> None:
    policy = Policy(minutes_per_day_by_category=(("enfant", 30),))
    assert _refusal(Usage(), 31, policy, "enfant") == "quota_minutes_jour"
    assert _refusal(Usage(), 600, policy, "adulte") is None


def test_the_refusal_says_the_limit() -> None:
    with pytest.raises(Refused, match=r"par jour est atteint \(3\)"):
        quota.check(Usage(sessions_today=3), 0, Policy(), None)


def test_what_is_left_is_never_less_than_nothing_and_unknown_where_there_is_no_limit() -> None:
    usage = Usage(sessions_today=4, today_ms=20 * MINUTE_MS, week_ms=90 * MINUTE_MS)
    policy = Policy(minutes_per_day_by_category=(("enfant", 30),))
    assert quota.left(usage, policy, "enfant") == quota.Left(0, 10 * MINUTE_MS, None)
    assert quota.left(usage, Policy(sessions_per_day=None, minutes_per_week=60), None) == quota.Left(
        None, None, 0
    )
