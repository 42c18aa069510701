"""A shop with a Chinese catalogue whose truth is known, and every title in English as well.

Products have a shelf, a style, a make and a price level; titles say most of it, in words that
vary as sellers' do (three names for a mug, a style left out, "新款" put in front). Customers love
some shelves, styles and price levels, and buy by that and by a quality that no title tells. Made
up and seeded: same arguments, same shop. It is for measuring models that read Chinese, where no
public catalogue with purchases may be used; how real shops differ, it cannot say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from shopkeeper.base.errors import BadInput

# (Chinese, English); several of one meaning are separated by "|".
Pair = tuple[str, str]
SHELVES: tuple[tuple[Pair, Pair, int], ...] = (
    # department, noun, usual price in minor units
    (("厨房", "Kitchen"), ("马克杯|水杯|茶杯", "mug|cup|tea cup"), 3900),
    (("厨房", "Kitchen"), ("炒锅|铁锅|不粘锅", "wok|frying pan|skillet"), 15900),
    (("厨房", "Kitchen"), ("保温壶|热水瓶|暖壶", "thermos|vacuum flask|insulated bottle"), 8900),
    (("家居", "Home"), ("台灯|书桌灯|床头灯", "desk lamp|reading lamp|bedside lamp"), 12900),
    (("家居", "Home"), ("抱枕|靠垫|枕头", "cushion|pillow|throw pillow"), 5900),
    (("家居", "Home"), ("收纳盒|整理箱|储物盒", "storage box|organizer|container"), 4500),
    (("服饰", "Clothing"), ("连衣裙|裙子|长裙", "dress|gown|maxi dress"), 19900),
    (("服饰", "Clothing"), ("运动鞋|跑鞋|球鞋", "sneakers|running shoes|trainers"), 35900),
    (("服饰", "Clothing"), ("双肩包|书包|背包", "backpack|school bag|rucksack"), 18900),
    (
        ("数码", "Electronics"),
        ("蓝牙耳机|无线耳机|耳麦", "bluetooth earphones|earbuds|headset"),
        25900,
    ),
    (
        ("数码", "Electronics"),
        ("充电宝|移动电源|充电器", "power bank|portable charger|charger"),
        9900,
    ),
    (
        ("数码", "Electronics"),
        ("机械键盘|键盘|无线键盘", "keyboard|mechanical keyboard|keypad"),
        29900,
    ),
    (("母婴", "Baby"), ("积木|拼装玩具|拼图", "building blocks|toy bricks|puzzle"), 12900),
    (("母婴", "Baby"), ("奶瓶|婴儿水杯|吸管杯", "baby bottle|sippy cup|feeding bottle"), 6900),
    (("户外", "Outdoor"), ("帐篷|露营帐|天幕", "tent|camping tent|canopy"), 45900),
)
STYLES: tuple[Pair, ...] = (
    ("简约|极简|素色", "minimalist|simple|plain"),
    ("复古|怀旧|古典", "vintage|retro|classic"),
    ("可爱|卡通|萌趣", "cute|cartoon|adorable"),
    ("科技|智能|未来感", "smart|high-tech|futuristic"),
)
MAKES: tuple[Pair, ...] = (
    ("陶瓷", "ceramic"),
    ("不锈钢", "stainless steel"),
    ("竹木", "bamboo"),
    ("棉麻", "cotton linen"),
    ("硅胶", "silicone"),
    ("碳纤维", "carbon fibre"),
)
COLOURS: tuple[Pair, ...] = (
    ("白色", "white"),
    ("黑色", "black"),
    ("雾霾蓝", "haze blue"),
    ("樱花粉", "sakura pink"),
    ("墨绿", "dark green"),
)
BRANDS: tuple[Pair, ...] = (
    ("木语", "Muyu"),
    ("山川", "Shanchuan"),
    ("暖屋", "Warmhouse"),
    ("极光", "Aurora"),
    ("小鹿", "Fawn"),
    ("拾光", "Shiguang"),
)
NOISE: tuple[str, ...] = ("新款", "正品", "包邮", "网红同款", "家用", "")
LEVELS = (0.6, 1.0, 1.7)  # price against the shelf's usual
LEFT_OUT = 0.3  # chance that a title does not say the style


@dataclass(frozen=True, slots=True, kw_only=True)
class BilingualShop:
    """The catalogue in both languages (row by row the same products), and who bought what.

    ``user`` and ``item`` (n,) are purchases, each customer's oldest first.
    """

    titles: Mapping[str, list[str]]  # "zh", "en"
    categories: Mapping[str, list[str]]
    brands: Mapping[str, list[str]]
    price_minor: np.ndarray
    shelf: np.ndarray  # (n_items,) row of SHELVES
    style: np.ndarray
    user: np.ndarray
    item: np.ndarray


def bilingual_shop(seed: int = 7, customers: int = 3000, items: int = 1500) -> BilingualShop:
    """Return the shop of a seed.

    >>> shop = bilingual_shop(customers=5, items=30)
    >>> len(shop.titles["zh"]), len(shop.titles["en"])
    (30, 30)
    """
    if items < len(SHELVES) or customers < 1:
        raise BadInput(
            f"A bilingual shop needs {len(SHELVES)} items and a customer, not {items}.",
            field="items",
            value=items,
            allowed=f"items >= {len(SHELVES)}, customers >= 1",
        )
    rng = np.random.default_rng([seed, 1])
    shelf, style = rng.integers(len(SHELVES), size=items), rng.integers(len(STYLES), size=items)
    make, colour = rng.integers(len(MAKES), size=items), rng.integers(len(COLOURS), size=items)
    brand, level = rng.integers(len(BRANDS), size=items), rng.integers(len(LEVELS), size=items)
    usual = np.array([price for _, _, price in SHELVES])[shelf]
    price = np.round(usual * np.array(LEVELS)[level] * rng.uniform(0.9, 1.1, items), -2)
    titles: dict[str, list[str]] = {"zh": [], "en": []}
    for row in range(items):
        said = rng.random() >= LEFT_OUT
        words = [STYLES[style[row]], MAKES[make[row]], SHELVES[shelf[row]][1], COLOURS[colour[row]]]
        zh, en = ([str(rng.choice(word[side].split("|"))) for word in words] for side in (0, 1))
        noise, mark = str(rng.choice(NOISE)), BRANDS[brand[row]]
        size = int(rng.integers(1, 10)) * 100
        titles["zh"].append(
            f"{mark[0]} {noise}{zh[0] if said else ''}{zh[1]}{zh[2]} {zh[3]} {size}"
        )
        named = [mark[1], en[3], en[0] if said else "", en[1], en[2], str(size)]
        titles["en"].append(" ".join(part for part in named if part))
    paths = [[" > ".join((a[s], b[s].split("|")[0])) for a, b, _ in SHELVES] for s in (0, 1)]
    user, item = _purchases(np.random.default_rng([seed, 2]), customers, shelf, style, level)
    return BilingualShop(
        titles=titles,
        categories={"zh": [paths[0][s] for s in shelf], "en": [paths[1][s] for s in shelf]},
        brands={"zh": [BRANDS[b][0] for b in brand], "en": [BRANDS[b][1] for b in brand]},
        price_minor=price.astype(np.int64),
        shelf=shelf,
        style=style,
        user=user,
        item=item,
    )


def _purchases(
    rng: np.random.Generator,
    customers: int,
    shelf: np.ndarray,
    style: np.ndarray,
    level: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return (user, item) of three to fourteen different products per customer."""
    quality = rng.gamma(1.0, 1.0, len(shelf))
    user, item = [], []
    for who in range(customers):
        loves = rng.dirichlet(np.full(len(SHELVES), 0.25))[shelf]
        fits = rng.dirichlet(np.full(len(STYLES), 0.4))[style]
        pays = np.exp(-np.abs(level - rng.integers(len(LEVELS))))
        worth = (loves + 0.002) * (fits + 0.02) * pays * (quality + 0.05)
        many = min(int(rng.integers(3, 15)), len(shelf))
        user += [who] * many
        item += rng.choice(len(shelf), many, replace=False, p=worth / worth.sum()).tolist()
    return np.array(user, dtype=np.int32), np.array(item, dtype=np.int32)
