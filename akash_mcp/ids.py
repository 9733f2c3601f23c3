"""Identifiers that cross module borders: addresses, deployment sequences, lease ids.

Bech32 is BIP-173. The one library for it on the package index has had no release since 2020, so the forty lines
live here, held to the vectors of the specification.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NewType

Dseq = NewType("Dseq", str)
"""A deployment's sequence number: an opaque decimal string (13 digits today, milliseconds since the epoch)."""

AccountAddress = NewType("AccountAddress", str)
"""An `akash1…` address of an account."""

ProviderAddress = NewType("ProviderAddress", str)
"""An `akash1…` address of a provider."""

OpId = NewType("OpId", str)
"""One journalled operation of ours: `op_` and 16 hexadecimal digits."""

SdlId = NewType("SdlId", str)
"""What an SDL is called once it was seen: `sdl_` and 16 hexadecimal digits of a hash of its text."""


class BadId(ValueError):
    """Text that is not the identifier it should be."""


@dataclass(frozen=True, slots=True, order=True)
class LeaseId:
    """What names a lease, but for its owner, who is always the account behind the API key."""

    dseq: Dseq
    gseq: int
    oseq: int
    provider: ProviderAddress

    @property
    def path(self) -> str:
        """The lease's path at its provider: `/lease/{dseq}/{gseq}/{oseq}`."""
        return f"/lease/{self.dseq}/{self.gseq}/{self.oseq}"


def parse_dseq(text: str) -> Dseq:
    """A `Dseq` from what a person or a model wrote. Raises `BadId` unless it is a positive decimal number."""
    cleaned = text.strip()
    if not (cleaned.isascii() and cleaned.isdigit()) or not 1 <= len(cleaned.lstrip("0")) <= 20:
        raise BadId(f"{text[:40]!r} is not a dseq: a dseq is a positive whole number such as 1763759482113")
    return Dseq(cleaned.lstrip("0"))


def parse_provider(text: str) -> ProviderAddress:
    """A `ProviderAddress` from text. Raises `BadId` unless it is a bech32 `akash1…` address of 20 bytes."""
    hrp, payload = bech32_decode(text)
    if hrp != "akash" or len(payload) != 20:
        raise BadId(f"{text[:60]!r} is not an Akash address: one starts with akash1 and has 44 characters")
    return ProviderAddress(text)


_CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def bech32_encode(hrp: str, payload: bytes) -> str:
    """The BIP-173 text of `payload` under the human-readable part `hrp`."""
    data = _regroup(payload, 8, 5, pad=True)
    polymod = _polymod([*_expand(hrp), *data, 0, 0, 0, 0, 0, 0]) ^ 1
    checksum = [(polymod >> 5 * (5 - i)) & 31 for i in range(6)]
    return hrp + "1" + "".join(_CHARSET[d] for d in (*data, *checksum))


def bech32_decode(text: str) -> tuple[str, bytes]:
    """The human-readable part and payload of a BIP-173 text. Raises `BadId` when its form or checksum is wrong."""
    split = text.rfind("1")
    if text != text.lower() or not text.isascii() or split < 1 or len(text) - split < 7 or len(text) > 90:
        raise BadId(f"{text[:60]!r} is not a bech32 address")
    hrp, tail = text[:split], text[split + 1 :]
    if any(c not in _CHARSET for c in tail):
        raise BadId(f"{text[:60]!r} is not a bech32 address")
    data = [_CHARSET.index(c) for c in tail]
    if _polymod([*_expand(hrp), *data]) != 1:
        raise BadId(f"{text[:60]!r} is mistyped: its checksum does not match")
    return hrp, bytes(_regroup(bytes(data[:-6]), 5, 8, pad=False))


def _expand(hrp: str) -> list[int]:
    return [ord(c) >> 5 for c in hrp] + [0] + [ord(c) & 31 for c in hrp]


def _polymod(values: list[int]) -> int:
    checksum = 1
    for value in values:
        top = checksum >> 25
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value
        for i, generator in enumerate(_GENERATOR):
            checksum ^= generator if (top >> i) & 1 else 0
    return checksum


def _regroup(data: bytes, from_bits: int, to_bits: int, *, pad: bool) -> list[int]:
    accumulator = bits = 0
    out: list[int] = []
    for value in data:
        accumulator = accumulator << from_bits | value
        bits += from_bits
        while bits >= to_bits:
            bits -= to_bits
            out.append(accumulator >> bits & ((1 << to_bits) - 1))
    rest = accumulator & ((1 << bits) - 1)
    if pad and bits:
        out.append(rest << (to_bits - bits))
    elif not pad and (bits >= from_bits or rest):
        raise BadId("the address has left-over bits")
    return out
