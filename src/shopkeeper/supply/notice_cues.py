"""The words by which a supplier's message says what it is about, in English and Chinese.

Texts are simplified by language/normalise.py before, so only simplified characters stand here.
"""

from __future__ import annotations

import datetime
import re

ANY_DAY = datetime.date(2000, 1, 1)  # amounts do not depend on the day


def _any(*words: str) -> re.Pattern[str]:
    return re.compile("|".join(words), re.IGNORECASE)


_N = r"\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?"
_UNITS = r"(?:units?|pcs|pieces?|cartons?|boxes|sets?|ea)\b"
_ZH_UNITS = r"[个件盒只套箱台双条瓶包张支]"
_NO_TIME = (
    r"(?![\d.,]*\d)(?!\s?-?(?:days?|weeks?|months?|business|working|%|"
    r"天|周|日|月|个工作|个星期|个月|元|块))"
)

SENTENCE_END = re.compile(
    r"(?<!No)(?<!no)(?<!approx)\.(?=\s|$)|[!?。！？;；\n]+|(?<=[a-z])\.(?=[A-Z])"
)
COMMAND = _any(
    r"\bignore\b[^.]{0,40}\b(?:instructions?|rules|above)\b",
    r"\b(?:disregard|override)\b",
    r"\bsystem\s?[:>\]]",
    r"\byou are now\b",
    r"\b(?:auto-?)?approve\b",
    r"\bset the price of all\b",
    r"\bcancel (?:every|all)\b",
    r"忽略.{0,12}(?:指令|规则|以上)",
    r"系统(?:提示|指令)",
    r"(?:直接|自动|立即)批准",
    r"把?全部订单",
    r"\b(?:assistant|ai|bot)\s?[:,]",
    r"\bmark\b.{0,30}\bas accepted\b",
    r"\bdo not ask\b",
    r"助手",
    r"自动(?:接受|通过)",
)
LATE = _any(
    r"\bdelay(?:s|ed|ing)?\b",
    r"\blate(?:r|ness)?\b",
    r"\bpostpon\w+",
    r"\bpush(?:ed|es)? (?:back|out)\b",
    r"\bslip(?:s|ped|ping)?\b",
    r"\bbehind schedule\b",
    r"\bresched\w+",
    r"\banother\b.{1,12}\b(?:days?|weeks?)\b",
    r"\b(?:more|extra|additional) (?:days?|weeks?)\b",
    r"延[期迟误后]",
    r"推迟|推后|顺延|逾期|拖延|迟到|晚到|耽误|滞后",
    r"(?<!今|昨|明|早)晚(?!上|安)",
)
NOT_LATE = _any(
    r"\b(?:not|no|without|never)\b(?: be| any| been| get| further){0,2}\s"
    r"(?:delay\w*|late\b|postponed)",
    r"n't be (?:delayed|late)",
    r"(?:不会|没有|无|不再|未)(?:再)?(?:延|推迟|晚)",
)
EARLY = _any(r"\bearl(?:y|ier)\b", r"\bahead of\b", r"\bsooner\b", r"提前|提早")
ARRIVES = _any(
    r"\b(?:arriv|deliver|ship|dispatch|reschedul|mov|send|leav)\w*",
    r"\b(?:eta|etd|ready|due|new date|instead)\b",
    r"交期|交货|到货|到仓|到港|发货|发出|送达|抵达|改到|改为|改在|预计|船期|货期",
)
TELLS = _any(
    r"\b(?:tell|inform|update|notify|let) you\b.{0,40}\b(?:tomorrow|today|next|by|on)\b",
    r"(?:再|会|将)(?:通知|告知|回复|答复)",
)
PAYS = _any(r"\b(?:payment|invoice|quotation)\b", r"付款|尾款|发票|报价单|对账单")
OPEN = _any(
    r"\bnew date to follow\b", r"\btbd\b", r"\bto be (?:advised|confirmed)\b", r"待定|另行通知"
)
AS_AGREED = _any(
    r"\bas (?:scheduled|planned|agreed|ordered)\b",
    r"\bon (?:time|schedule|track)\b",
    r"\bconfirm(?:ed|s|ing)?\b",
    r"按期|按时|准时|如期|按计划|已确认|确认收到|正常发货",
)
BECOMES = re.compile(
    r"(?:\b(?:to|until|till|now|is|be|by)(?:\s(?:on|now|about))?|改到|改为|推迟到|延期?到|延迟到|延至|推迟至|"
    r"调整为|调整至|调整到|调为|涨到|涨至|上调至|上调到|下调至|降到|降至|提前到|提前至|为|至|到)\s?(?:每\S)?$",
    re.IGNORECASE,
)
OLD_DAY = re.compile(
    r"(?:\bfrom|\binstead of|\boriginally|\boriginal(?: date)?(?: of)?|\bnot|\brather than|\bwas|"
    r"\bplanned for|原定?(?:于|计划)?|由|从|原(?:交期|计划)(?:为|是)?)\s?(?:on\s)?$",
    re.IGNORECASE,
)
SHORT = _any(
    rf"\bshort(?:age)?(?: shipped)?(?: by| of|:)?\s(?P<a>{_N}){_NO_TIME}",
    rf"(?P<b>{_N})\s(?:{_UNITS})?(?:\s?of (?:the )?[\w -]{{1,30}}?)?\s?"
    r"(?:(?:are|is|will be|remain)\s)?"
    r"(?:short\b|missing|out of stock|unavailable|on back-?order|back-?ordered|lacking)",
    rf"\b(?:missing|lacking|back-?ordered)\s(?P<c>{_N}){_NO_TIME}",
    rf"(?:缺货?|短缺|少发?|短少|欠|短发)了?\s?(?P<d>{_N})\s?{_ZH_UNITS}",
    rf"(?P<e>{_N})\s?{_ZH_UNITS}(?:\S{{0,4}})?(?:缺货|无货|没货|短缺)",
)
READY = _any(
    rf"\b(?:only|confirm(?:ed)?|deliver|ship(?:ped)?|supply|send|quantity|qty)(?: be| is|:)?"
    rf"(?: (?:only|deliver|ship|supply|send|confirmed|quantity|have))*:?\s(?P<a>{_N}){_NO_TIME}",
    rf"(?:只能|仅能|只有|只|仅|先|确认数量|实发|可发|可供|能供|确认)"
    rf"(?:先|能|发货?|供应?|交货?|有|为|是|提供)*\s?(?P<b>{_N})\s?{_ZH_UNITS}",
)
GONE = _any(
    r"\bdiscontinu\w+",
    r"\bend[- ]of[- ]life\b",
    r"\bphas(?:ed|ing) out\b",
    r"\bno longer (?:be )?(?:produced?|made|available|manufactured)\b",
    r"已?停产|不再生产|下架|已?停止(?:生产|供应)|绝版",
)
NOT_GONE = _any(r"\bnot (?:been |be )?discontinued\b", r"(?:不会|没有|未)停产")
PRICE = _any(
    r"\bpric\w+", r"\bcosts?\b", r"\beach\b", r"\bper (?:piece|unit|pc)\b", r"价|每[个件盒只套]"
)
CLOSED = _any(
    r"\bclos(?:ed|es|ing|ure)\b",
    r"\bholidays?\b",
    r"\bshut ?down\b",
    r"\bout of office\b",
    r"放假|休息|休假|假期|停工|歇业",
)
HEDGE = _any(
    r"\b(?:about|around|approx\w*|roughly|maybe|perhaps|may|might|probably|possibly|likely)\b",
    r"大概|左右|大约|约|可能|也许|估计|差不多",
)
