"""What suppliers write, by kind: the sentences that the classifier of notices is trained on.

ORDER, ITEM, DAY, SPAN and MONEY stand for what the recognisers find; 00 for any number. Written for
this project; no message of a real shop or of the test files is among them.
"""

from __future__ import annotations

PHRASES: dict[str, str] = {
    "delay": """
ORDER needs SPAN more than we told you
we will be SPAN over the agreed date with ORDER
ORDER is not going to be there before DAY
ORDER has to wait for the next boat, so count on DAY
we cannot hold the date of ORDER, realistic is DAY
please plan with DAY for ORDER
ORDER got rolled to the next vessel
please expect ORDER around DAY only
the goods will not leave before DAY
ORDER is still in production and will take a while
we are having trouble with ORDER and need more time
the shipment of ORDER is blocked at customs
our supplier lets us wait, ORDER takes SPAN on top
unfortunately ORDER has been moved to DAY
we had to give your slot away, ORDER comes on DAY
the trucker did not show up, ORDER goes tomorrow
capacity is full, ORDER will only start on DAY
ORDER is waiting for parts
ORDER: no space on the ship, new plan DAY
we hoped to ship ORDER now but it did not work out
ORDER stands still because of the power cut
sorry, ORDER is not finished
ORDER will not arrive this week
the parcel of ORDER got lost on the way and has to be sent again
ORDER 赶工也做不完，要到DAY
ORDER 来不及，得DAY才行
ORDER 要拖SPAN
ORDER 还没做好，还要SPAN
ORDER 的船期取消了，下一班DAY
ORDER 这批货被海关扣了
ORDER 排产排不进去，只能安排到DAY
ORDER 物料没齐，开不了工
ORDER 今天走不了了
ORDER 的车没等到，货还在仓库
实在不好意思，ORDER 只能等到DAY
ORDER 时间上有点困难，要SPAN之后
ORDER 卡在港口动不了
ORDER 订不到舱，要等
工厂停电，ORDER 受影响
ORDER 没办法按约定时间给您
ORDER 再给我们SPAN时间
ORDER 货期要往后放SPAN
ORDER 先缓一缓，DAY再出
""",
    "early": """
ORDER can go out already on DAY
ORDER is done, we can ship SPAN before the date
we gained SPAN on ORDER
ORDER may be collected from DAY already, before the agreed date
ORDER went faster than we thought
you will get ORDER before the date
ORDER reached the port SPAN before plan
ORDER 做得快，DAY就能出
ORDER 已经好了，比约定的快SPAN
ORDER 不用等到月底，DAY就能发
ORDER 抢到早一班的船
ORDER 赶出来了，可以先发
""",
    "confirmed": """
ORDER is fine
ORDER stays as it is
ORDER goes out on the agreed day
we keep the date of ORDER
everything is in order with ORDER
ORDER has been handed to the carrier
ORDER is being loaded
ORDER is packed and waits for the truck
ORDER passed inspection and goes out
ORDER was shipped
ORDER is on the water
ORDER arrived at the port of destination
received your order ORDER, thank you, we will make it in time
ORDER will be with you on the day we said
no worries about ORDER
ORDER accepted, delivery DAY
ORDER 一切顺利
ORDER 已经出发了
ORDER 没什么变化
ORDER 按约定的时间走
ORDER 货已备好等车
ORDER 已交给货代
ORDER 在路上了
ORDER 已验货通过
ORDER 能按您要的时间到
ORDER 收到，会安排
ORDER 接单了，DAY交
ORDER 一定给您赶出来
ORDER 日期保持
""",
    "discontinued": """
we do not make ITEM any more
ITEM leaves our catalogue
ITEM will not come back
there will be no further production of ITEM
ITEM was our last batch
ITEM is history
the maker gave up ITEM
ITEM cannot be reordered
ITEM has no successor and is sold off
we close the line of ITEM
ITEM is obsolete
ITEM 已经退出产品线
ITEM 模具没了，没法再做
ITEM 以后没有了
ITEM 最后一批
ITEM 不接单了
ITEM 厂家放弃了
ITEM 清仓，卖完为止
ITEM 断货以后不补
ITEM 老款，换成新款了
""",
    "none": """
thank you for your order
please send the artwork for ITEM
we look forward to working with you
attached you find the drawing of ITEM
could you tell us the address for ORDER
our new catalogue is out
please pay the balance of ORDER by DAY
the invoice for ORDER is attached
payment for ORDER has been received, thank you
what is the label text for ITEM
we moved to a new office
please find the packing list of ORDER attached
the quotation for ITEM is attached
please sign and return the contract for ORDER
happy new year to you and your team
our colleague will call you on DAY
the sample of ITEM was sent to you on DAY
the certificate of ITEM is valid until DAY
as discussed with your colleague
please let us know which colour you need for ITEM
we would like to visit you on DAY
the bank details did not change
the documents of ORDER were sent by courier
did you receive ORDER
regarding ORDER
subject: ORDER
about ORDER, see below
we have a question about ORDER
please quote ORDER on all letters
the pallets of ORDER are to be returned
best regards
tel 00 00 0000 0000
sales department
what do you think of ITEM
ITEM sells very well with other customers
ITEM comes in three colours
minimum quantity of ITEM is 00
how many ITEM do you need next year
the boxes of ORDER must be marked
ORDER was delivered yesterday, please sign the note
please give us your feedback on ITEM
we offer MONEY for old pallets
your account was charged MONEY
谢谢您的订单
请把 ITEM 的图稿发给我们
附件是 ITEM 的图纸
ORDER 的发票已寄出
ORDER 尾款请在DAY前付
ORDER 的箱单见附件
请问 ORDER 送到哪个仓库
祝您新年快乐
我们换了新地址
期待与您合作
DAY 我们去拜访您
ITEM 的样品DAY已寄
ITEM 的证书有效期到DAY
请确认 ITEM 的颜色
ORDER 合同请盖章回传
收到款项，谢谢
您好
此致敬礼
联系电话 00000000000
ITEM 卖得很好
ITEM 有三种颜色
ITEM 起订量 00
关于 ORDER
ORDER 的事情想跟您聊聊
ORDER 的托盘请退回
请在唛头上写 ORDER
ORDER 单据已快递
麻烦提供 ORDER 的收货人电话
ORDER 昨天已签收
对 ITEM 有什么建议
""",
}


def rows() -> list[tuple[str, str]]:
    """Return (sentence, kind) in a fixed order."""
    return [(line, kind) for kind, text in PHRASES.items() for line in text.strip().splitlines()]
