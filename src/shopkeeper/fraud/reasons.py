"""Why a payment came out as it did: stable codes with facts, and sentences in two languages.

The first reason says what decided: a list, a rule, the expected costs, the random slice, or the
default after a failure. The others come from the model's exact contributions, summed per group of
features (schema.GROUPS), so the parts of a reason add up to the score.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from shopkeeper.fraud.schema import Features
from shopkeeper.learn.contracts import Reason

SENTENCES: dict[str, tuple[str, str]] = {
    "list_block": ("On the block list: {kind}", "在黑名单中：{kind}"),
    "list_allow": ("On the allow list: {kind}", "在白名单中：{kind}"),
    "rule": ("Rule {rule_id}: {why}", "规则 {rule_id}：{why}"),
    "least_cost": (
        "{outcome} is expected to cost least",
        "{outcome}的预期成本最低",
    ),
    "explored": ("Let through at random to learn the truth", "随机放行，用于获取真实标签"),
    "failure_default": ("Could not be scored; the shop's default", "无法评分，按店铺默认处理"),
    "rare": ("Stranger than all but 1 in {one_in} payments", "异常程度为每 {one_in} 笔中仅 1 笔"),
    "amount": ("The amount is out of line", "金额异常"),
    "time": ("The time of day or the pace is unusual", "时间或节奏异常"),
    "customer": ("Unlike this customer's habits", "与该顾客的习惯不符"),
    "card": ("What this card did lately", "该卡近期的行为可疑"),
    "device": ("What this device did lately", "该设备近期的行为可疑"),
    "network": ("What this network address did lately", "该网络地址近期的行为可疑"),
    "contact": ("The e-mail, phone or name is suspicious", "邮箱、电话或姓名可疑"),
    "place": ("Place of payment, countries or address stand out", "支付地点、国家或地址异常"),
    "ring": ("Linked with others that share cards or devices", "与共用卡片或设备的账户有关联"),
    "other": ("Other signs", "其他迹象"),
}
# What people read for an outcome inside a sentence.
OUTCOME_WORDS = {
    "approve": ("Approving", "放行"),
    "challenge": ("Asking for proof", "要求验证"),
    "review": ("A look by a person", "人工审核"),
    "block": ("Blocking", "拦截"),
}
MOST_GROUPS = 3
_LEAST_SHARE = 0.1


def sentence(code: str, facts: Mapping[str, Any], language: str = "en") -> str:
    """Return a reason as one sentence, ``en`` or ``zh``; an unknown code says itself.

    >>> sentence("rule", {"rule_id": "fast", "why": "6 declines"})
    'Rule fast: 6 declines'
    """
    english, chinese = SENTENCES.get(code, (code, code))
    known = {"why": "", "kind": "", "rule_id": "", "one_in": "?", **facts}
    words = OUTCOME_WORDS.get(str(facts.get("outcome")), ("This", "此举"))
    known["outcome"] = words[1 if language == "zh" else 0]
    text = (chinese if language == "zh" else english).format(**known)
    return re.sub(r"[:：]\s*$", "", text)


def from_groups(
    groups: Mapping[str, float], strongest: Mapping[str, tuple[str, float]] | None = None
) -> tuple[Reason, ...]:
    """Return the groups of features that raise the risk most, strongest first.

    Parameters
    ----------
    groups
        Group -> summed contribution in log-odds; what lowers the risk gives no reason.
    strongest
        Group -> (feature, value) that did most of it.
    """
    raising = {name: part for name, part in groups.items() if part > 0}
    whole = sum(raising.values())
    found = []
    for name, part in sorted(raising.items(), key=lambda pair: -pair[1])[:MOST_GROUPS]:
        share = part / whole
        if share < _LEAST_SHARE:
            break
        facts: dict[str, Any] = {"log_odds": round(part, 4)}
        if strongest and name in strongest:
            feature, value = strongest[name]
            facts |= {"feature": feature, "value": None if value != value else round(value, 4)}
        code = name if name in SENTENCES else "other"
        found.append(Reason(code=code, facts=facts, share=round(share, 4)))
    return tuple(found)


def strongest_of(
    names: Sequence[str],
    contributions: Sequence[float],
    features: Features,
    group_of: Mapping[str, str],
) -> dict[str, tuple[str, float]]:
    """Return per group the feature that raises the risk most, with its value."""
    best: dict[str, tuple[float, str]] = {}
    for name, part in zip(names, contributions, strict=False):
        if part > 0:
            group = group_of.get(name, "other")
            if group not in best or part > best[group][0]:
                best[group] = (part, name)
    return {
        group: (name, features[name] if name in features.row else float("nan"))
        for group, (_, name) in best.items()
    }


def rarity(share: float) -> Reason | None:
    """Return how strange a payment is as "1 in N", None where it is not strange.

    >>> rarity(0.0005).facts["one_in"]
    '2,000'
    """
    if not 0 < share <= 0.01:
        return None
    digits = max(0, len(str(int(1 / share))) - 1)
    return Reason(code="rare", facts={"one_in": f"{round(1 / share, -digits + 1):,.0f}"})
