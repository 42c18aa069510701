"""Letters that look like Latin ones: one plain spelling for what the eye reads as the same.

For join keys only: a thief who writes a known address with a Cyrillic "a", a full-width letter, an
accent or an invisible character is the same thief. The clear text is never changed. Plain ASCII is
left as it is, so "0" and "o", "1" and "l" stay apart; whole words in another script keep one key of
their own, whatever their case.

Source
------
Unicode Technical Standard 39, Unicode Security Mechanisms, confusables.txt (Unicode License v3):
the letters of the scripts below that are confused with one ASCII letter or digit, after NFKC and
case folding, because of their own shape or of their capital's. Barred and hooked Latin letters and
small capitals are added. Short on purpose: 246 letters of Latin, Cyrillic, Greek, Armenian,
Cherokee, Coptic, Lisu and Canadian syllabics, not the whole file.
"""

from __future__ import annotations

import unicodedata

_LIKE = {
    "2": "ƨϩᒿꙅꝛ",
    "3": "ȝɜʒзӡⳍꝫ",
    "4": "Ꮞ",
    "6": "бᏮⳓ",
    "8": "ȣ",
    "9": "ⳋꝯ",
    "a": "ɑαаᎪᗅꓮᴀ",
    "b": "ƅβвьᏏᏴᑲᖯᗷꓐꞵƀɓ",
    "c": "сᏟᴄⲥꓚƈȼ",
    "d": "ԁᎠᏧᑯᗞᗪꓒꓓđðᴅɗ",
    "e": "εеҽᎬꓰꬲᴇɇə",
    "f": "ϝքᖴẝꓝꞙꬵƒ",
    "g": "ƍɡԍցᏀᏳᶃꓖɢǥ",
    "h": "ηнһհᎻᏂᕼⲏꓧħ",
    "i": "ıɩɪιіӏᎥꙇɨ",
    "j": "ʝϳјᎫᒍꓙᴊɉ",
    "k": "κкᏦⲕꓗᴋƙ",
    "l": "ǀᏞᒪⲓⳑꓡꓲłƚ",
    "m": "μϻмᎷᗰⲙꓟᴍ",
    "n": "ոռⲛꓠɴŋɲ",
    "o": "οσоօჿᴏᴑⲟꓳꬽøⱺ",
    "p": "ρрᏢᑭⲣꓑᴘƥ",
    "q": "ԛգզǫ",
    "r": "ʀгᎡᎱᏒᖇᴦⲅꓣꭇꭈɍ",
    "s": "ƽѕտᏕᏚꓢꜱʂ",
    "t": "τтᎢⲧꓔŧᴛ",
    "u": "ʋυսᑌᴜꓴꞟꭎꭒʉ",
    "v": "νѵᏙᐯᴠꓦ",
    "w": "ɯѡԝաᎳᏔᴡꓪⱳ",
    "x": "χхᕁᕽⲭꓫꭓ",
    "y": "ɣʏγуүყᎩᎽᶌỿⲩꓬꭚɏ",
    "z": "ζᏃᴢꓜ𐋵ƶ",
}
_PLAIN = {ord(letter): plain for plain, letters in _LIKE.items() for letter in letters}
# Combining marks of the European scripts; vowel signs of others tell words apart.
_MARKS = ((0x300, 0x36F), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF), (0xFE00, 0xFE2F))


def plain(text: str) -> str:
    """Return the text as the eye reads it: look-alikes as Latin letters, no marks, no invisibles.

    Takes NFKC in lower case (str.casefold).

    >>> plain("p\\u0430yp\\u0430l"), plain("ámélie"), plain("a\\u200bnn"), plain("王小明")
    ('paypal', 'amelie', 'ann', '王小明')
    """
    if text.isascii():
        return text
    apart = unicodedata.normalize("NFD", text)
    seen = "".join(c for c in apart if c.isascii() or not _unseen(c))
    return unicodedata.normalize("NFC", seen.translate(_PLAIN))


def _unseen(letter: str) -> bool:
    code = ord(letter)
    marks = any(low <= code <= high for low, high in _MARKS)
    return marks or unicodedata.category(letter) == "Cf"
