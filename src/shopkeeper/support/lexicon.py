"""The words by which customers ask for things, in English and Chinese, as patterns.

Tables only: what a pattern means for a conversation is frames.py's business. Chinese patterns
stand beside the English ones because one message may hold both.
"""

from __future__ import annotations

import re


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


# verb -> how it is said. The first that matches at a place wins.
VERBS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "undo",
        _any(
            r"\bundo(?:ing)?\b[^.]{0,30}\bcancel\w*",
            r"\b(?:un-?cancel|reinstate)\b",
            "恢复.{0,6}订单",
            "撤销取消",
        ),
    ),
    ("return", _any(r"\breturn(?:ing)?\b", r"\bsend\b[^.]{0,20}\bback\b", "退货", "退掉", "退回")),
    (
        "cancel",
        _any(
            r"\bcancel(?:l?ing|lation|l?ed)?\b",
            r"\bno longer (?:need|want)\b",
            r"\bremove\b",
            "取消",
            "不想要了",
            "不要了",
        ),
    ),
    (
        "change",
        _any(
            r"\bexchang(?:e|ing)\b",
            r"\bmodify(?:ing)?\b",
            r"\bchang(?:e|ing)\b",
            r"\bswap\b",
            r"\bswitch(?! type)\b",
            r"\breplac(?:e|ing)\b",
            r"\bupgrade\b",
            r"\badjust\b",
            r"\bcorrect (?=my|the|all|it\b|them|our)",
            r"\bask for a new (?:pair|one)\b",
            "换货",
            "更换",
            "换成",
            "改成",
            "换",
            "修改",
            "更改",
        ),
    ),
    (
        "refund",
        _any(r"\brefund(?:ed)?\b", r"\bmoney back\b", r"\breimburse\w*", "退款", "退钱", "仅退款"),
    ),
)
CONDITIONAL = _any(
    r"^\s*(?:and |but |then )?(?:if|in case|unless|should)\b",
    "^如果",
    "^要是",
)
ADDRESS = _any(r"\baddress(?:es)?\b", "地址")
DEFAULT_ADDRESS = _any(
    r"\b(?:default|user|profile|account)(?: default)?(?: \w+)? address",
    r"\baddress (?:on|in) my (?:profile|account)",
    "默认地址",
)
PAYMENT = _any(r"\bpayment (?:method|option)", "支付方式", "付款方式")
ALL_ORDERS = _any(
    r"\ball (?:of )?(?:my |the )?(?:possible |pending |open )*orders?\b",
    r"\b(?:every|both) (?:of my )?(?:pending |open )*orders?\b",
    r"\ball (?:my |possible )?order addresses",
    r"\ball my pending order\b",
    "所有订单",
    "全部订单",
)
ALL_ITEMS = _any(
    r"\beverything\b",
    r"\ball (?:of )?(?:the |my )?(?:things|items|products)\b",
    r"\ball things\b",
    r"\b(?:whole|entire) order\b",
    "全部",
    "都退",
    "所有",
    "整单",
)
EXCEPT = _any(r"\bexcept(?: for)?\b", r"\bbut not\b", r"\bapart from\b", "除了", "除")
HUMAN = _any(
    r"\b(?:human|real person|live (?:agent|person|chat)|representative)\b",
    r"\b(?:operator|supervisor|manager)\b",
    r"\b(?:speak|talk|transfer(?: me)?)\b[^.]{0,20}\b(?:someone|somebody|person|agent)\b",
    "人工",
    "真人",
    "转接",
    "客服人员",
    "找.{0,4}经理",
)
YES = _any(
    r"^\W*(?:yes|yeah|yep|yup|sure|ok(?:ay)?|please do|go ahead|confirm(?:ed)?|correct|"
    r"that(?:'s| is) (?:right|correct|fine)|sounds good|do it|proceed|agreed?)\b",
    "^\\W*(?:是的?|对的?|好的?|好呀|可以|行|嗯+|确认|没问题|同意|麻烦了|要的|确定|办吧)",
)
NO = _any(
    r"\b(?:keep it|leave it|i regret|forget it)\b",
    r"^\W*(?:no|nope|nah|not? (?:yet|now)|don'?t|do not|never ?mind)\b",
    r"^\W*(?:stop|cancel that|wait|hold on)\b",
    "^\\W*(?:不是?|不用|不要|别|算了|先不|等等|等一下|不对|不行|取消吧|不确认|不可以)",
)
NEGATED = _any(
    r"\b(?:don'?t|do not|never|not|without|no)\s+(?:\w+\s+){0,3}$", "(?:不想|不要|别|不用|没有|不)$"
)
ONLY = _any(r"\bonly\b|\bjust\b", "只")
CHANGED_MIND = _any(
    r"\bchang(?:e|ed) my mind\b|\binstead\b|\bactually\b|\brather\b", "改主意|还是|算了"
)
WRONG_ORDER = _any(
    r"\bnot (?:that|this) (?:order|one)\b",
    r"\b(?:wrong|other|another|different) order\b",
    "不是这个",
    "不是那个",
    "不是这.?单",
    "另一个订单",
    "别的订单",
    "弄错了",
)
# How a thing is done, rather than the wish that it be done.
HOW = _any(
    r"\bhow (?:do|can|long|does|should)\b|\bwhat is your\b|\bpolic(?:y|ies)\b",
    "怎么",
    "如何",
    "多久",
    "多长时间",
    "(?:退货|退换货?|换货|退款|运费|配送|发票).{0,2}(?:政策|规定|规则|流程|条件|期限|要求)",
    "(?:几天|多少天).{0,4}(?:可以|能|内)",
)
DONE = _any(
    r"\b(?:that(?:'s| is| will be) all|nothing else|no,? thank|bye|goodbye|thanks?(?: you)?[.!]*$)",
    "没有了",
    "没了",
    "就这样",
    "谢谢",
    "再见",
    "不用了",
)
COMPLAINT = _any(
    r"\b(?:file|make|have|lodge) a complaint\b|\bi want to complain\b", "投诉", "举报你们"
)
HELLO = _any(
    r"^\W*(?:hi|hello|hey|good (?:morning|afternoon|evening))\b",
    "^\\W*(?:你好|您好|在吗|在不在|嗨)",
)

# Questions that are answered at once from records. (name, pattern)
QUESTIONS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "balance",
        _any(
            r"\b(?:gift ?card|my) balance\b", r"\bbalance (?:of|on) my gift", "礼品卡余额", "余额"
        ),
    ),
    (
        "refund_status",
        _any(
            r"\b(?:where|when|status)\b[^.?]{0,40}\brefund",
            r"\brefund\b[^.?]{0,20}\b(?:status|arrive[ds]?|come)",
            r"\b(?:have(?:n'?t| not)) (?:got|received)[^.?]{0,20}refund",
            "退款.{0,8}(?:到|进度|什么时候|多久|状态)",
            "(?:什么时候|多久).{0,8}退款",
            "钱.{0,6}(?:没到|到账)",
        ),
    ),
    (
        "track",
        _any(
            r"\btracking (?:number|id|info)",
            r"\btrack(?:ing)?\b",
            r"\bwhere(?:'s| is| are)\b[^.?]{0,30}\b(?:order|package|parcel|delivery|stuff|it)\b",
            r"\bwhen\b[^.?]{0,40}\b(?:arriv\w+|deliver\w+|come|get (?:it|here))",
            r"\b(?:in transit|been shipped|shipped yet|has(?:n'?t| not) (?:arrived|come|shipped))",
            r"\b(?:late|delayed|delay)\b",
            "物流",
            "快递",
            "单号",
            "到哪",
            "什么时候到",
            "还没到",
            "没收到",
            "没有收到",
            "发货",
            "配送",
            "延误",
        ),
    ),
    (
        "count",
        _any(
            r"\bhow many\b[^.?]*\b(?:options?|kinds?|variants?|types?|colou?rs?|available|do you)",
            "有几种",
            "有多少种",
            "几款",
        ),
    ),
    (
        "total_refund",
        _any(
            r"\b(?:total|how much)\b[^.?]{0,40}\b(?:get back|refund(?:ed)?|back|save)\b",
            r"\brefund (?:amount|total)",
            "总共退",
            "一共退",
        ),
    ),
    (
        "difference",
        _any(
            r"\bhow much\b[^.?]{0,40}\b(?:pay|charge|owe|difference)\b",
            r"\bprice difference\b",
            "差价",
            "补多少",
        ),
    ),
    (
        "spent",
        _any(
            r"\bhow much\b[^.?]{0,10}\b(?:i |did i |you |i've )?(?:paid|pay|spent)\b"
            r"[^.?]{0,20}\border",
            r"\btotal (?:price|amount|cost)\b[^.?]{0,60}\b(?:order|remaining|bought|paid)",
            "订单.{0,6}(?:总价|多少钱)",
            "总共.{0,4}(?:付|花)",
        ),
    ),
    (
        "cheapest",
        _any(r"\bwhat(?:'s| is) the (?:cheapest|least expensive)\b", "最便宜的是"),
    ),
    (
        "dearest",
        _any(
            r"\bmost expensive item\b",
            r"\bwhat (?:is )?the most expensive\b",
            "最贵的是",
        ),
    ),
    (
        "options",
        _any(
            r"\bwhat (?:options?|kinds?|colou?rs?|sizes?|variants?)\b",
            r"\ball (?:available )?(?:the )?(?:\S+ )?options\b",
            r"\bwhich (?:options?|colou?rs?|sizes?)\b",
            "有(?:什么|哪些)(?:颜色|尺码|款|规格|型号)",
        ),
    ),
    (
        "stock",
        _any(
            r"\b(?:in stock|out of stock|back in stock|do you (?:have|sell|carry))\b",
            "有货",
            "缺货",
            "补货",
            "有没有.{0,10}卖",
            "还有吗",
        ),
    ),
    (
        "recommend",
        _any(
            r"\brecommend\w*|\bsuggest(?:ion|ions)?\b|\bgoes? (?:well )?with\b|\bwhat else\b",
            "推荐",
            "搭配",
            "还有什么好",
        ),
    ),
    (
        "which_address",
        _any(
            r"\b(?:which|what) address\b",
            r"\bcheck (?:it|my address|the address)\b",
            "哪个地址",
            "什么地址",
        ),
    ),
    ("split", _any(r"\bsplit\b[^.]*\b(?:pay|card)", "分开付", "分两张卡")),
    (
        "coupon",
        _any(
            r"\b(?:coupon|voucher|promo(?:tion)? code|discount code)\b",
            "优惠券",
            "优惠码",
            "折扣码",
        ),
    ),
    (
        "line_facts",
        _any(
            r"\bwhat (?:\w+ )?(?:material|size|colou?r|storage|battery)\w*\b",
            r"\b(?:check|know|ask)\b[^.?]{0,30}\b(?:storage|materials?|battery life|price)\b",
            r"\bprice of\b",
            r"\bwhich (?:two|ones?)\b[^.?]*\border",
            r"\bhow much (?:is|was|did)\b",
            "多少钱",
            "什么材质",
        ),
    ),
    (
        "status",
        _any(
            r"\bstatus\b",
            r"\b(?:my|the|last|latest|recent) orders?\b[^.?]*\?",
            r"\border details?\b",
            r"\bwhat did i (?:order|buy)\b",
            r"\b(?:list|show)(?: me)? (?:\w+ )?orders?\b",
            "订单.{0,4}(?:状态|情况|详情)",
            "查.{0,4}订单",
            "我的订单",
        ),
    ),
)

# How methods of payment are called.
METHODS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("other_order", _any(r"\bother order'?s? payment", r"\bopposite (?:order|payment)")),
    ("gift_card", _any(r"\bgift ?cards?\b", r"\bGC\b", "礼品卡", "购物卡")),
    ("paypal", _any(r"\bpay ?pal\b")),
    (
        "other_card",
        _any(r"\b(?:other|another|different) (?:credit )?(?:card|method)\b", "另一张卡"),
    ),
    ("visa", _any(r"\bvisa\b")),
    ("mastercard", _any(r"\bmaster ?card\b")),
    ("amex", _any(r"\bamex\b|\bamerican express\b")),
    ("credit_card", _any(r"\bcredit ?cards?\b|\bmy card\b", "信用卡", "银行卡")),
    (
        "original",
        _any(
            r"\b(?:original|same) (?:payment|method|card)|\bwhatever i (?:paid|used)",
            r"\boriginal\b",
            "原路",
            "原来的",
            "原支付",
        ),
    ),
)
REASONS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "ordered by mistake",
        _any(
            r"\bby mistake\b|\bmistaken?ly\b|\baccident\w*\b|\bwrong (?:item|order)",
            "拍错",
            "买错",
            "下错",
        ),
    ),
    (
        "no longer needed",
        _any(
            r"\b(?:no longer|don'?t|do not|not)\b[^.]{0,15}\bneed\w*",
            r"\bchanged my mind\b|\bdon'?t want\b",
            "不需要",
            "不想要",
            "用不上",
        ),
    ),
    ("damaged", _any(r"\bdamaged?\b|\bbroken\b|\bdefect\w*\b|\bfaulty\b", "坏", "破损", "质量")),
)
ORDINALS: tuple[tuple[int, re.Pattern[str]], ...] = tuple(
    (place, _any(*words))
    for place, words in enumerate(
        (
            (r"\b(?:first|1st)\b", r"^\W*1\W*$", "第[一1]", r"^\W*#?1\b"),
            (r"\b(?:second|2nd)\b", r"^\W*2\W*$", "第[二2]"),
            (r"\b(?:third|3rd)\b", r"^\W*3\W*$", "第[三3]"),
            (r"\b(?:fourth|4th)\b", r"^\W*4\W*$", "第[四4]"),
            (r"\b(?:fifth|5th)\b", r"^\W*5\W*$", "第[五5]"),
        )
    )
)
# What no shop promises by chat; said by a customer it asks for a refusal, never for a yes.
PROMISES = _any(
    r"\bguarantee\b",
    r"\bpromise (?:me|that)\b",
    r"\bwithin \d+ (?:days?|hours?)\b",
    r"\b(?:compensat\w+|damages|lawsuit)\b",
    "保证",
    "承诺",
    "赔偿",
    "赔我",
)
