"""What identifies a person: hashed for joining, sealed for reading, and never a card number.

Two keys come from one master key: the join key turns a normalised value into an HMAC, the same
for every event, so rows of one person can be joined without knowing who it is; the encryption
key seals the whole person block with AES-256-GCM, bound to its event id. The master key is
``SHOPKEEPER_MASTER_KEY`` (base64, 32 bytes) or keys.json (0600), made at first start.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shopkeeper.base.errors import BadInput, StoreUnavailable
from shopkeeper.base.settings import Settings
from shopkeeper.data.lookalikes import plain
from shopkeeper.data.mailboxes import mailbox
from shopkeeper.data.net_addresses import net_address

_SEAL_VERSION = b"\x01"
_NONCE_BYTES = 12
_BLOCK = 64  # bytes of one SHA-256 block


class Keyring:
    """The shop's join key and encryption key."""

    def __init__(self, master: bytes) -> None:
        join = hmac.digest(master, b"shopkeeper join key 1", "sha256").ljust(_BLOCK, b"\0")
        # RFC 2104 with both pads hashed once: hmac.digest looks its algorithm up again in every
        # call, which costs ten times the hashing of a short text.
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in join))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in join))
        self._aead = AESGCM(hmac.digest(master, b"shopkeeper encryption key 1", "sha256"))
        self.fingerprint = hmac.digest(master, b"shopkeeper key check 1", "sha256").hex()[:16]

    def hmac(self, field: str, value: str) -> str:
        """Return the join key of a person field as hex; equal for equal normalised values."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(f"{field}\0{normalise(field, value)}".encode())
        outer.update(inner.digest())
        return outer.hexdigest()

    def seal(self, person: Mapping[str, str], aad: str) -> bytes:
        """Return the person block encrypted and bound to ``aad``, the event id."""
        nonce = os.urandom(_NONCE_BYTES)
        text = json.dumps(person, ensure_ascii=False).encode("utf-8")
        return _SEAL_VERSION + nonce + self._aead.encrypt(nonce, text, aad.encode("utf-8"))

    def open(self, sealed: bytes, aad: str) -> dict[str, str]:
        """Return the person block; BadInput when key, bytes or ``aad`` are not those it had."""
        nonce, text = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            if sealed[:1] != _SEAL_VERSION:
                raise InvalidTag
            person: dict[str, str] = json.loads(self._aead.decrypt(nonce, text, aad.encode()))
        except (InvalidTag, ValueError) as problem:
            raise BadInput(
                "The sealed person block cannot be opened with this key and event id.",
                hint="Use the master key that the shop had when the event arrived.",
            ) from problem
        return person


def load_keyring(settings: Settings) -> Keyring:
    """Return the shop's keys from the environment or keys.json, which is made when missing."""
    given = os.environ.get("SHOPKEEPER_MASTER_KEY")
    if given:
        return Keyring(_decode(given, "SHOPKEEPER_MASTER_KEY"))
    path = settings.keys_path
    if not path.exists():
        try:
            _make_keys(path)
        except OSError as problem:
            raise StoreUnavailable(
                f"The key file {path} cannot be made: {problem.strerror}.",
                hint="Look at the folder's owner and the disk, or set SHOPKEEPER_MASTER_KEY.",
            ) from problem
    mode = path.stat().st_mode
    if mode & 0o077:
        raise BadInput(
            f"{path} can be read by others (mode {mode & 0o777:o}).",
            hint=f"chmod 600 {path}",
            allowed="600",
        )
    try:
        facts = json.loads(path.read_text("utf-8"))
        return Keyring(_decode(facts["master_key"], str(path)))
    except OSError as problem:
        raise StoreUnavailable(f"{path} cannot be read: {problem.strerror}.") from problem
    except (ValueError, KeyError, TypeError) as problem:
        raise BadInput(
            f"{path} is not a key file.",
            hint="Restore it from a backup; without it sealed person data stays unreadable.",
        ) from problem


def _decode(text: str, where: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except ValueError:  # no base64, or not even ASCII
        key = b""
    if len(key) != 32:
        raise BadInput(
            f"{where} must hold 32 bytes in base64, but holds {len(key)}.",
            hint="Make one with: openssl rand -base64 32",
            allowed="32 bytes in base64",
        )
    return key


def _make_keys(path: Path) -> None:
    """Write a new key file whole or not at all; the first of two processes wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    text = json.dumps({"version": 1, "master_key": base64.b64encode(os.urandom(32)).decode()})
    handle = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
        except OSError:  # a file system without hard links
            os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def normalise(field: str, value: str) -> str:
    """Return the one spelling under which a person field is hashed.

    >>> normalise("email", " Ann.Lee+shop@GMail.com ")
    'annlee@gmail.com'
    >>> normalise("phone", "0044 20 7946-0018")
    '442079460018'
    """
    text = unicodedata.normalize("NFKC", value).strip()
    if field == "card_fingerprint":  # a provider's token, where case may matter
        return text
    return _NORMAL.get(field, _words)(text.casefold())


def _words(text: str) -> str:
    return " ".join(plain(text).split())


def _phone(text: str) -> str:
    digits = "".join(c for c in text if c.isdigit())
    return digits.removeprefix("00") or text


def _without_spaces(text: str) -> str:
    return "".join(text.split())


_NORMAL: dict[str, Callable[[str], str]] = {
    "email": mailbox,
    "phone": _phone,
    "postcode": _without_spaces,
    "ip": net_address,
}

# A run of 14 to 19 digits, or groups as printed on a card (4-4-4-4, 4-6-5, 4-6-4). Digits after
# a decimal point are a fraction.
_RUNS = (
    r"[0-9]{14,19}|[0-9]{4}([ ._-])[0-9]{4}\1[0-9]{4}\1[0-9]{4}"
    r"|[0-9]{4}([ ._-])[0-9]{6}\2[0-9]{4,5}"
)
_IN_WORDS = re.compile(rf"(?<![0-9])(?<![0-9]\.)(?:{_RUNS})(?![0-9])")
_IN_IDS = re.compile(rf"(?<![0-9A-Za-z])(?<![0-9]\.)(?:{_RUNS})(?![0-9A-Za-z])")
# In free text people group digits as they like: "41 11 11 11 …", "41111111 11111111".
_DIGITS = re.compile(r"[0-9]+")
_GROUPED = re.compile(r"[0-9]+(?:[ _-][0-9]+)+")


def find_card_number(text: str, *, in_words: bool = False) -> str | None:
    """Return the first payment card number in a text, None when it holds none.

    A number counts when a card scheme issues its prefix at its length and its Luhn digit fits.
    ``in_words`` also looks inside words ("card4111…"); ids are often long hex, so not there.

    >>> find_card_number("pay with 4111 1111 1111 1111 please")
    '4111 1111 1111 1111'
    >>> find_card_number("4111111111111112") is None
    True
    """
    if not in_words and text.isascii() and text.isalnum() and not text.isdigit():
        return None  # one word with letters in it, as hashes are: digits inside words do not count
    text = _plain(text)
    place = next(_card_numbers(text, in_words), None)
    return None if place is None else text[place[0] : place[1]]


def hide_card_numbers(text: str) -> str:
    """Return the text with every card number replaced by a note."""
    shown = _plain(text)
    places = sorted(_card_numbers(shown, in_words=True), reverse=True)
    for low, high in places:
        shown = f"{shown[:low]}[card number]{shown[high:]}"
    return shown if places else text


def _card_numbers(text: str, in_words: bool) -> Iterator[tuple[int, int]]:
    """Yield where card numbers stand in a plain text; no two of them overlap."""
    taken = -1
    for match in (_IN_WORDS if in_words else _IN_IDS).finditer(text):
        if _is_card(match[0]):
            taken = match.end()
            yield match.span()
    if not in_words or taken >= 0:
        return
    for run in _GROUPED.finditer(text):
        groups = [
            (run.start() + g.start(), run.start() + g.end()) for g in _DIGITS.finditer(run[0])
        ]
        for first, (low, _) in enumerate(groups):
            found = next(
                (high for _, high in groups[first + 1 :] if _is_card(text[low:high])), None
            )
            if found is not None and low > taken:
                taken = found
                yield low, found


def _plain(text: str) -> str:
    """Return the text with the digits of every script and odd spaces plain, invisibles left out."""
    if text.isascii():
        return text
    return "".join(
        str(unicodedata.decimal(c)) if not c.isascii() and c.isdecimal() else c
        for c in unicodedata.normalize("NFKC", text)
        if c.isascii() or unicodedata.category(c) != "Cf"
    )


def _is_card(text: str) -> bool:
    digits = "".join(c for c in text if c.isdigit())
    return 14 <= len(digits) <= 19 and _is_issued(digits) and _luhn(digits)


def _is_issued(digits: str) -> bool:
    """Say whether a card scheme issues this prefix at this length (ISO 7812, public ranges)."""
    n, two, three, four = len(digits), int(digits[:2]), int(digits[:3]), int(digits[:4])
    return (
        (digits[0] == "4" and n in (16, 19))  # Visa
        or (n == 16 and (51 <= two <= 55 or 2221 <= four <= 2720 or 2200 <= four <= 2204))
        or (n == 15 and two in (34, 37))  # American Express
        or (n in (14, 16) and (300 <= three <= 305 or two in (36, 38, 39)))  # Diners
        or (16 <= n <= 19 and (3528 <= four <= 3589 or two in (62, 65, 81)))  # JCB, UnionPay
        or (16 <= n <= 19 and (four == 6011 or 644 <= three <= 649))  # Discover
        or (n >= 16 and two in (50, 56, 57, 58, 60, 63, 67))  # Maestro, RuPay
    )


def _luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def is_gtin(text: str) -> bool:
    """Say whether a text is a trade item number: 8, 12, 13 or 14 digits with its check digit."""
    if len(text) not in (8, 12, 13, 14) or not (text.isascii() and text.isdigit()):
        return False
    total = sum(int(d) * (3 if place % 2 else 1) for place, d in enumerate(reversed(text)))
    return total % 10 == 0


# A cheap look at raw JSON: every digit becomes 0 and every separator -, so that one search tells
# that no card number can be inside.
_SHAPE = bytes(0x30 if 0x30 <= b <= 0x39 else 0x2D if b in b" ._-" else b for b in range(256))
_LONG = re.compile(rb"0(?:-?0){13}")
_ESCAPES = re.compile(rb"\\u(?:[0-2aAdDfF]|3000)")
# First bytes of other scripts' digits, of odd spaces, and of what the eye does not see.
_FOREIGN = re.compile(rb"[\xc2\xd8-\xdf\xe0-\xe2\xea\xef-\xf4]|\xe3\x80\x80")


def may_hold_card_number(raw: bytes) -> bool:
    """Say quickly whether JSON bytes need a closer look; never False when one is inside."""
    if _LONG.search(raw.translate(_SHAPE)) is not None:
        return True
    if b"\\u" in raw and _ESCAPES.search(raw) is not None:
        return True
    return not raw.isascii() and _FOREIGN.search(raw) is not None
