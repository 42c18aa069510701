"""The words by which a supplier's message says what it is about, in English and Chinese.

Texts are simplified by language/normalise.py before, so only simplified characters stand here.
Words about counted pieces are in notice_counts.py, those that order the reader about in
notice_parts.py.
"""

from __future__ import annotations

import re


def any_of(*words: str) -> re.Pattern[str]:
    """Return a pattern that finds any of the words, whatever their case."""
    return re.compile("|".join(words), re.IGNORECASE)


_TIME = r"(?:days?|weeks?|months?|fortnight)"
_NUMBER = r"(?:\d+|an?|one|two|three|four|five|six|seven|eight|nine|ten|couple|few|several)"

LATE = any_of(
    r"\bdelay(?:s|ed|ing)?\b",
    r"\blate(?:r|ness)?\b",
    r"\bpostpon\w+",
    r"\bpush(?:ed|es|ing)? (?:\w+ ){0,2}(?:back|out)\b",
    r"\b(?:put|held|holding|set) (?:\w+ ){0,2}(?:back|up)\b|\bheld at\b|\bsetback\b",
    r"\bslip(?:s|ped|ping)?\b",
    r"\b(?:behind|off) schedule\b|\b(?:running|falling|fallen|is|are) behind\b|\bbacklog\b",
    r"\bresched\w+|\boverdue\b|\bdefer\w*|\brolled\b|\bbumped\b",
    rf"\banother\b.{{1,12}}\b{_TIME}\b",
    rf"\b(?:more|extra|additional|further) (?:{_NUMBER} )?{_TIME}\b|\bmore time\b",
    r"\bmov(?:es|ed|ing) (?:back |out )?by\b",
    rf"\badd(?:s|ed|ing)?\b[^.]{{0,20}}\b{_TIME}\b|\+ ?\d+ ?(?:{_TIME}|d)\b",
    r"(?<!no )\blonger\b|\bnot (?:yet )?(?:ready|finished|possible)\b",
    r"\bat the (?:very )?earliest\b|\bnot? (?:earlier|sooner)(?: than)?\b",
    r"\b(?:not|nothing|cannot|can't|won't|unable)\b[^.]{0,60}\b(?:before|until|till|as planned|"
    r"on time|in time|as (?:scheduled|agreed|promised))\b",
    r"\b(?:miss(?:ed|es|ing)?)\b[^.]{0,24}\b(?:date|deadline|slot|cut-?off|vessel|sailing|ship|"
    r"truck|train|flight|connection|window)\b",
    r"\b(?:won'?t|will not|cannot|can't|not|unable to) (?:be able to )?(?:make|meet|keep|hold|"
    r"catch|reach)\b",
    r"延[期迟误后]|延至|延到|拖延",
    r"推迟|推后|后延|顺延|逾期|迟到|晚到|耽误|耽搁|滞后|滞留|缓[几一两三]|改期",
    r"(?<!今|昨|明|早|当|夜)晚(?!上|安|会|餐|饭|间)",
    r"[往要得会再]后?[拖推]|多等|甩柜|改配|改签|晚点",
    r"赶不(?:上|出|及|了|完)|来不及|[交发到出]不(?:了|出)|完不成",
    r"(?:无法|不能|没法|没办法|难以)(?:按[时期]|如期|准时|在)",
    r"最快|最早(?!的)",
)
TROUBLE = any_of(
    r"\bstuck\b|\bbroke(?:n)? down\b|\bstranded\b|\bstrikes?\b|\b(?:a|the) fire\b|\bcongest\w+",
    r"卡在|压港|爆仓|缺料|返工|抛锚|停运",
)
NOT_LATE = any_of(
    r"\b(?:not|no|without|never)\b(?: be| any| been| get| further| more| expected| being){0,2}\s"
    r"(?:delay\w*|late\b|postponed)",
    r"n't (?:be|been|get) (?:delayed|late)",
    r"(?:不会|没有|无|不再|未|并未|并没有|不)(?:再|被|有|任何)?(?:延|推迟|晚|耽误|耽搁|拖)",
)
EARLY = any_of(
    r"\bearl(?:y|ier)\b(?! stage)",
    r"\bahead of\b|\bsooner\b|\bbrought forward\b|\bpull(?:ed)? (?:in|forward)\b",
    r"\bmov(?:ed|ing) (?:forward|up)\b|\bfaster than\b",
    r"提前|提早|早到|早了|早[一两二三四五六七八九十\d]+[天日周]",
)
NOT_EARLY = any_of(r"\b(?:not?|no) (?:earlier|sooner)\b", r"(?:not|无法|不能)提前")
ARRIVES = any_of(
    r"\b(?:arriv|deliver|ship|dispatch|reschedul|schedul|mov|send|sent|leav|load|sail|land)\w*",
    r"\b(?:eta|etd|ready|due|new date|instead|completion|available|revised|goes out|go out|"
    r"comes?|in your warehouse|collect\w*|pick(?:ed)?[ -]?up)\b",
    r"交期|交货|交付|到货|到仓|到港|发货|发出|送达|抵达|改[到至为在]|预计|船期|货期|出货|装[车柜船]",
    r"能[发到出交]|[号日天]\S{0,3}[发到交送出走](?!票)|派送|送到|提货|补[齐货发上]|开船|离港|完工",
)
SAILS = any_of(r"\b(?:sailing|vessel|feeder|flight|truck|voyage)\b", r"船(?!期)|航班|航次")
TELLS = any_of(
    r"\b(?:tell|inform|update|notify|let|advise|call|keep) you\b.{0,40}"
    r"\b(?:tomorrow|today|next|by|on|posted)\b",
    r"(?:再|会|将|另行|后)(?:通知|告知|回复|答复|告诉)",
)
PAYS = any_of(
    r"\b(?:payment|invoice|deposit|down ?payment|statement of account|prepay\w*)\b",
    r"付款|尾款|定金|订金|发票|对账单|账单|汇款|货款|到账|预付|开户",
)
QUOTES = any_of(r"\b(?:quotation|quote|offer)\b", r"报价单|询价")
OPEN = any_of(
    r"\bnew (?:date|eta|schedule) (?:to follow|follows|pending)\b",
    r"\btbd\b|\btba\b|\bto be (?:advised|confirmed|announced)\b",
    r"\b(?:not sure|unclear|unknown|cannot say|can't say|do(?:n't| not) know)\b[^.]{0,30}"
    r"\b(?:when|how long|date|yet)\b",
    r"待定|另行通知|未定|没有准信|说不准|不好说|没谱|(?:时间|日期|交期)\S{0,4}(?:无法|不)\S{0,2}确定",
    r"(?:无法|不能|暂时?不能|还不能)确定|(?:什么|啥)时候|何时|再看|等消息",
)
AS_AGREED = any_of(
    r"\bas (?:originally |previously |already )?(?:scheduled|planned|agreed|ordered|promised|"
    r"confirmed|arranged|expected)\b",
    r"\bon (?:time|schedule|track|plan)\b|\bin time\b|\bunchanged\b|\bno changes?\b",
    r"(?<!please )(?<!to )(?<!you )(?<!could )\bconfirm(?:ed|s|ing)?\b|\backnowledg\w+",
    r"\bnot affected\b|\bstill (?:scheduled|on)\b|\bready for (?:collection|pick ?up)\b",
    r"\b(?:cleared|released|clearance is done|has left|have left|loaded|on its way|in transit|"
    r"out for delivery)\b|\bcustoms released\b",
    r"按期|按时|准时|如期|按(?:原)?计划|按原定|按合同|已确认|确认(?:收到|无误)|并确认|正常(?!上班)|照常|不变",
    r"没问题|没有问题|放心|已(?:经)?(?:装[车柜船]|发[货出]|清关|出[货运])|清关(?:完成|完毕)|肯定|一定(?:会)?",
)
WITHDRAWN = any_of(
    r"\bnot (?:affected|true|correct)\b", r"不实|误会|谣言|说错|不受影响|不影响", r"\brumou?rs?\b"
)
BECOMES = re.compile(
    r"(?:\b(?:to|until|till|now|is|be|by|new|for)(?:\s(?:on|now|about|at|:))?|:|=|->|→|"
    r"改[到至为在成]?|推迟到|延?期?到|延迟到|延至|推迟至|"
    r"调[整为]?[至到为]|[涨升]到|[涨升]至|上调至|上调到|下调至|降到|降至|提前到|提前至|要|卖|现在?|为|至|到)"
    r"\s?(?:每\S|一\S)?$",
    re.IGNORECASE,
)
OLD = re.compile(
    r"(?:\bfrom|\binstead of|\boriginally|\boriginal(?: date)?(?: of)?|\bnot|\brather than|\bwas|"
    r"\bwere|\bplanned for|\bpreviously|\bcurrently|\bbefore that|\bformerly|\bold|\bthan|\bdated|"
    r"\b(?:won'?t|not|cannot|can't|miss(?:ed)?) (?:make|meet|catch|keep)?(?: it)?(?: by| the| on)*|"
    r"\border of|原定?(?:于|计划)?|[由从比]|原(?:交期|计划)(?:为|是)?|之前|以前|此前|原来|原先|"
    r"目前|原价)"
    r"\s?(?:on\s|the\s|是|为|的)?$",
    re.IGNORECASE,
)
FAILS = re.compile(r"\s?(?:的)?(?:肯定)?(?:到|发|交|来|赶|走|出)不(?:了|上|出)|\s?(?:无法|不能)")
BACK = re.compile(
    r"\b(?:back|resum\w*|re-?open\w*|return\w*|again)\b(?: to)?(?: work| business| normal)?"
    r"(?: on| from| at)?\s?$|恢复\S{0,4}$",
    re.IGNORECASE,
)
BACK_AFTER = re.compile(
    r"\s?(?:起|开始)?(?:恢复|正常|正式)?(?:恢复|正常|正式)?(?:上班|复工|开工|营业|发货|开门)|"
    r"\s?(?:we are|we're)? ?(?:back|open)\b",
    re.IGNORECASE,
)
GONE = any_of(
    r"\bdiscontinu\w+",
    r"\bend[- ]of[- ](?:life|production|line)\b|\bEOL\b",
    r"\bphas(?:ed?|es|ing) (?:\w+ )?out\b|\bretir(?:ed|ing|es?)\b|\bdelist\w*",
    r"\bno longer (?:be )?(?:produced?|made|available|manufactured|offer\w*|suppl\w+|sold|carry|"
    r"make|stock)\b",
    r"\b(?:stop(?:ped|s)?|ceased?|ceasing|end(?:ed)?|quit) (?:making|producing|production|"
    r"manufactur\w+|selling)\b",
    r"\b(?:dropp?ed|dropping|taken|removed) (?:\w+ )?(?:from|out of) (?:\w+ )?(?:range|catalogue|"
    r"program\w*|line|assortment)\b",
    r"\bonce sold out\b|\b(?:won't|will not|not) be (?:making|producing|made) any ?more\b",
    r"\blast (?:batch|production run)\b|\bwhile stocks? lasts?\b",
    r"(?<!发电机)停产|不再(?:生产|供[应货]|做|出|接单|销售)|下架|停止(?:生产|供[应货]|销售)|绝版|淘汰|退市",
    r"(?:以后|后面|今后)(?:都)?不(?:再)?(?:做|生产|供|出)|(?:清|做|卖|用)完\S{0,4}(?:就)?(?:没|停|不做)",
)
NOT_GONE = any_of(
    r"\bnot (?:been |be |going to )?discontinu\w*\b|\bno plans? to (?:discontinue|stop|end)\b",
    r"\bstays? in\b|\bremains? (?:available|in)\b",
    r"(?:不会|没有|未|不)停产|一直在做|停产\S{0,6}(?:不实|误会|谣言)",
)
PRICE = any_of(
    r"\bpric\w+",
    r"\bcosts?\b",
    r"\beach\b|\bapiece\b",
    r"\bper (?:piece|unit|pc|set|box|bottle|pair)\b|/ ?(?:pc|pcs|piece|unit|ea)\b",
    r"价|每[个件盒只套条块箱台双瓶包张支]|一[个件盒只套条块箱台双瓶包张支](?!月|星)",
    r"[涨降](?:到|至|为|价)|报价",
)
RISE = any_of(
    r"\b(?:goes|go|going|went) up\b|\b(?:increas|rais|rise|rising|reduc|cut|drop|surcharge)\w*",
    r"[涨降]|上调|下调|加价|加收|上浮|下浮|优惠",
)
BY = re.compile(
    r"(?:\b(?:by|of|extra|plus|surcharge(?: of)?|another)|\+|加价|加收|加|涨了?|上涨|贵了?|便宜了?|"
    r"降了|上浮|各涨)"
    r"\s?$",
    re.IGNORECASE,
)
TIERS = any_of(
    r"\d\s?(?:-|–|to)\s?\d+\s?(?:pcs|pieces|units)\b|\d+\s?\+\s?(?:pcs|pieces|units)?|\bMOQ\b",
    r"\b(?:from|over|above) \d+ (?:pcs|pieces|units)\b",
    r"满\s?\d+|\d+\s?[个件盒只套条块]?(?:以上|起订|起)|起订",
)
CLOSED = any_of(
    r"\bclos(?:ed|es|ing|ure)\b",
    r"\bholidays?\b",
    r"\bshut(?:s|ting)?[ -]?down\b|\bmaintenance\b|\bstock-?taking\b|\binventory count\b",
    r"\bout of (?:the )?office\b|\bno (?:production|dispatch\w*|shipments?|deliver\w+|pickups?)\b",
    r"放假|休息|休假|假期|停工|歇业|检修|盘点|停机|不上班|停产|停止收发货|大修",
)
LASTS = re.compile(r"(?:from|起|开始|starting|beginning|as of)", re.IGNORECASE)
HEDGE = any_of(
    r"\b(?:about|around|approx\w*|roughly|maybe|perhaps|may|might|probably|possibly|likely|or so|"
    r"more like)\b",
    r"大概|左右|大约|约|可能|也许|估计|差不多|恐怕|把星期|来天",
)
VAGUE_LENGTH = any_of(
    r"\b(?:a )?(?:few|couple of|some|several) (?:more )?(?:business |working )?"
    r"(?:days?|weeks?|months?)\b",
    r"\b(?:a |one )?(?:day|week) or (?:two|so)\b|\bone or two (?:days|weeks)\b",
    rf"\b{_NUMBER} ?(?:-|–|to|or) ?{_NUMBER} (?:more )?(?:business |working )?"
    r"(?:days|weeks|months)\b",
    r"[几数][天日周](?!前)|几个(?:星期|礼拜|月|工作日)|十[几来]天|一段时间|些(?:时候|日子|天)|一两[天周]|两三[天周]",
    r"\d+\s?(?:-|–|~|—|到|至)\s?\d+\s?(?:天|周|个?工作日|个?星期|日(?!期))",
)
VAGUE_DAY = any_of(
    r"\b(?:early|mid|late|the (?:beginning|middle|end) of|end|end of|beginning of|middle of)[ -]?"
    r"(?:of )?(?:next )?(?:month|jan\w*|feb\w*|mar\w*|apr\w*|may|june?|july?|aug\w*|sep\w*|oct\w*|"
    r"nov\w*|dec\w*)\b",
    r"\b(?:calendar |delivery )?(?:week|wk|cw|kw)\b\.?[ ]?(?:is |no\.? )?\d{1,2}\b"
    r"(?! (?:days|pcs))",
    r"(?:\d{1,2}|[一二三四五六七八九十]+|本|这个?|下个?)月(?:上旬|中旬|下旬|初|底|末|中)|月[底初末]|年[底后前]",
    r"第\d{1,2}周|\d{1,2}周(?:交|发|到)",
)
USUAL = any_of(r"\bthan usual\b", r"比平时|比往常|平时")
