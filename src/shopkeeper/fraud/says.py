"""What each feature means, in words, in the two languages of the console.

English stands with the definitions (registry.py, rules_row.py); Chinese is put together here from
the same declarations, so that a new aggregate has its words without anybody writing them.
"""

from __future__ import annotations

from shopkeeper.fraud.aggregates import Agg, span
from shopkeeper.fraud.registry import AGGREGATES, REGISTRY
from shopkeeper.fraud.rules_row import FACTS

_ENTITIES = {
    "customer": "顾客",
    "card": "卡片",
    "card_bin": "卡 BIN",
    "terminal": "终端",
    "device": "设备",
    "ip": "网络地址",
    "ip_net": "网段",
    "email": "邮箱",
    "email_domain": "邮箱域名",
    "phone": "电话",
    "address": "收货地址",
    "item": "商品",
}
_STREAMS = {"payments": "支付", "declines": "被拒支付", "refunds": "退款"}
_UNITS = {"d": "天", "h": "小时", "m": "分钟", "s": "秒"}
_FUNCTIONS = {
    "count": "该{entity}最近 {window}的{stream}笔数",
    "sum": "该{entity}最近 {window}的{stream}总额",
    "mean": "该{entity}最近 {window}的平均金额",
    "max": "该{entity}最近 {window}的最大金额",
    "distinct": "该{entity}最近 {window}出现的不同{other}数",
    "since_last": "距该{entity}上一笔支付的秒数",
    "age": "距该{entity}首次出现的秒数（{window}内）",
    "fraud_count": "该{entity}最近 {window}的已知欺诈笔数",
    "fraud_rate": "该{entity}最近 {window}的已知欺诈比例",
    "fraud_mean": "该{entity}最近 {window}已知欺诈的平均金额",
    "fraud_run": "该{entity}自 {window}内首笔已知欺诈以来的欺诈比例",
    "fraud_first": "距该{entity} {window}内首笔已知欺诈的秒数",
    "fraud_last": "距该{entity} {window}内最近一笔已知欺诈的秒数",
}
_PLAIN = {
    "amount_minor": "本次支付金额",
    "hour": "一天中的时刻（UTC，含小数）",
    "night": "UTC 零点至七点之间",
    "weekend": "周六或周日（UTC）",
    "items_count": "购物篮中的商品数",
    "attempts_failed": "该购物篮此前失败的尝试次数",
    "signup_seconds": "从注册到本次支付的秒数",
    "disposable_email": "一次性邮箱",
    "billing_shipping_differ": "账单国家与收货国家不同",
    "ip_billing_differ": "网络地址所在国家与账单国家不同",
    "card_billing_differ": "发卡国家与账单国家不同",
    "ring_customers": "同一团伙中的顾客数",
    "ring_entities": "同一团伙中的标识数",
    "ring_customers_7d": "7 天内新加入团伙的顾客数",
    "ring_frauds": "团伙中已知为欺诈的支付笔数",
    "ring_fraud_rate": "团伙的已知欺诈比例",
    "ring_signup_seconds": "团伙从注册到首笔支付的秒数中位数",
    "amount_to_mean_7d": "金额与 7 天平均之比",
    "amount_to_mean_30d": "金额与 30 天平均之比",
    "amount_to_mean_90d": "金额与此前 90 天平均之比",
    "amount_to_max_30d": "金额与 30 天内最大金额之比",
    "max_7d_to_mean_90d": "一周最大金额与此前 90 天平均之比",
    "mean_1d_to_30d": "当天平均与 30 天平均之比",
    "mean_7d_to_30d": "一周平均与 30 天平均之比",
    "count_1d_to_30d": "当天笔数占 30 天的比例",
    "card_amount_to_mean_30d": "金额与该卡 30 天平均之比",
    "request_kind": "支付、退款或账户事件",
    "currency": "三位大写货币代码",
    "card_bin": "卡号前 6 至 8 位",
    "card_country": "发卡国家（两位字母）",
    "billing_country": "账单国家（两位字母）",
    "shipping_country": "收货国家（两位字母）",
    "ip_country": "网络地址所在国家（两位字母）",
    "customer_id": "店铺的顾客编号",
}


def says(name: str, language: str = "en") -> str:
    """Return what a name of a feature or fact means; an unknown name means nothing.

    >>> says("ip_declines_10m", "zh"), says("ip_declines_10m")
    ('该网络地址最近 10 分钟的被拒支付笔数', 'declines of this ip in 10m')
    """
    if language == "zh":
        return _CHINESE.get(name, "")
    if name in REGISTRY:
        return REGISTRY[name].says
    return FACTS[name][1] if name in FACTS else ""


def _composed(agg: Agg) -> str:
    text = _FUNCTIONS[agg.function].format(
        entity=_ENTITIES[agg.entity],
        stream=_STREAMS[agg.stream],
        other=_ENTITIES.get(agg.other, ""),
        window=_spelled(agg.window_us),
    )
    return f"{text}，截至 {_spelled(agg.delay_us)}前" if agg.delay_us else text


def _spelled(window_us: int) -> str:
    short = span(window_us)
    return f"{short[:-1]} {_UNITS[short[-1]]}"


_CHINESE = {agg.name: _composed(agg) for agg in AGGREGATES} | _PLAIN
