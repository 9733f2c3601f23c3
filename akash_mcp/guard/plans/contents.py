"""What a deployment holds, as a person is told of it before they say yes.

Services, images, hosts, disks and attributes are words of whoever wrote the SDL, and a provider's name and place are
words of others. Each comes into a sentence of ours as a `label` only: short, on one line, in quotes that it cannot
close, and with nothing in it that some program between us and the person would act upon.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from akash_mcp.errors import BadArgument
from akash_mcp.ids import ProviderAddress
from akash_mcp.money import Usd, told_apart
from akash_mcp.sanitize.text import quoted

T = TypeVar("T")

NAME_BYTES = 32
IMAGE_BYTES = 72
_MOST_SERVICES = 3
_MOST_PARTS = 2
_MOST_PORTS = 20
"""How much of somebody else's words one question holds: it is read on a phone too."""
_MOST_SECRET_BYTES = 2_000
"""Of the words about secrets, of which none is left out: what is not named is not approved."""

_MARKUP = re.compile(r"[*~`|\\<>\[\]]")
_QUOTATION_MARKS = re.compile(
    r"[\u00ab\u00b4\u00bb\u02b9\u02ba\u02bb-\u02bd\u02ca\u02cb\u02dd\u02ee\u05f3\u05f4\u2018-\u201f\u2032-\u2037"
    r"\u2039\u203a\u2057\u275b-\u2760\u276e\u276f\u2e42\u300c-\u300f\u301d-\u301f\uff02\uff07\uff40\uff62\uff63]"
)
"""What a reader takes for the quotes around a label, whichever of a pair it is."""
_RIGHT_TO_LEFT = ("R", "AL", "AN")


def label(text: str, limit: int = NAME_BYTES) -> str:
    """Somebody else's word inside a sentence of ours.

    What would be markup, seem to end its quotes, or turn the line around, becomes `?`.
    """
    return without_markup(quoted(text, limit))


def without_markup(sentence: str) -> str:
    """A sentence with labels in double quotes, in which nothing else reads as markup, as quotes or from the right."""
    plain = _MARKUP.sub("?", sentence)
    if plain.isascii():
        return plain
    plain = _QUOTATION_MARKS.sub("?", plain)
    return "".join("?" if unicodedata.bidirectional(each) in _RIGHT_TO_LEFT else each for each in plain)


def listed(items: Sequence[T], word: Callable[[T], str], most: int) -> str:
    """The first items in words, and how many more there are."""
    words = [word(item) for item in items[:most]]
    return ", ".join([*words, f"{len(items) - most} more"] if len(items) > most else words)


@dataclass(frozen=True, slots=True)
class App:
    """One service: what it is called, what it runs, and in how many replicas."""

    service: str
    image: str
    replicas: int = 1

    @property
    def words(self) -> str:
        """`"web" ("nginx:1.29", 2 times)`."""
        times = f", {self.replicas} times" if self.replicas > 1 else ""
        image = f" ({label(self.image, IMAGE_BYTES)}{times})" if self.image else ""
        return label(self.service) + image


@dataclass(frozen=True, slots=True)
class Opening:
    """One port that everybody can reach. `kind`: by HTTP at a host name, at a random port, or at an IP of its own.

    `danger`: what listens there and why it should not, in words of ours; empty where nothing is known against it.
    """

    service: str
    port: int
    kind: str
    hosts: tuple[str, ...] = ()
    danger: str = ""

    @property
    def words(self) -> str:
        """`"web" port 80 (HTTP at "www.example.com")`."""
        hosts = f" at {listed(self.hosts, label, 1)}" if self.hosts else ""
        return f"{label(self.service)} port {self.port} ({self.kind}{hosts})"

    @property
    def warning(self) -> str:
        """`"cache" port 6379 is Redis without a password: anyone can read and change what it holds`."""
        return f"{label(self.service)} port {self.port} is {self.danger}"


@dataclass(frozen=True, slots=True)
class Disk:
    """One persistent volume. `size` in bytes, of each replica's."""

    service: str
    name: str
    size: int

    @property
    def words(self) -> str:
        """`10 GiB "data" of "db"`."""
        return f"{_size(self.size)} {label(self.name)} of {label(self.service)}"


@dataclass(frozen=True, slots=True)
class Filter:
    """What a placement asks of a provider beside resources: an attribute, or the signature of an auditor."""

    key: str
    value: str

    @property
    def words(self) -> str:
        """`"region" = "us-west"`."""
        return f"{label(self.key)} = {label(self.value)}"


@dataclass(frozen=True, slots=True)
class SecretUse:
    """A secret that was stored by name, and the image that gets its value.

    `command`: what the SDL has the image run, on one line; empty where that is the image's own. `kept`: the Console has
    the value already (`ac-secret://NAME`), of this name or of any.
    """

    name: str
    image: str
    command: str = ""
    kept: bool = False


def _secret_words(uses: Sequence[SecretUse]) -> str:
    """`secrets DB, KEY go to "postgres:17", secret KEY goes to "alpine:3" (told to run "sh -c env")`."""
    names: dict[SecretUse, list[str]] = {}
    for use in uses:
        names.setdefault(replace(use, name=""), []).append(label(use.name, 64) if use.kept else use.name)
    return ", ".join(
        f"{_what_goes(list(dict.fromkeys(each)), use.kept)} to {label(use.image, IMAGE_BYTES)}"
        + (f" (told to run {label(use.command, IMAGE_BYTES)})" if use.command else "")
        for use, each in names.items()
    )


def _what_goes(names: Sequence[str], kept: bool) -> str:
    listed = ", ".join(names)
    if kept:
        return f"what the Console keeps as {listed} goes"
    return f"secret {listed} goes" if len(names) == 1 else f"secrets {listed} go"


@dataclass(frozen=True, slots=True)
class Contents:
    """What an SDL holds. Empty where it is not known."""

    apps: tuple[App, ...] = ()
    open: tuple[Opening, ...] = ()
    disks: tuple[Disk, ...] = ()
    filters: tuple[Filter, ...] = ()
    secrets: tuple[SecretUse, ...] = ()

    @property
    def secret_names(self) -> tuple[str, ...]:
        """The names of those of its secrets whose values are stored here, each once."""
        return tuple(dict.fromkeys(use.name for use in self.secrets if not use.kept))

    @property
    def words(self) -> str:
        """What runs, in words: `"web" ("nginx:1.29"), "db" ("postgres:17")`."""
        return listed(self.apps, lambda app: app.words, _MOST_SERVICES) or "what is not known here"

    @property
    def sentences(self) -> tuple[str, ...]:
        """What else to know before it runs: what is open to the Internet, what it keeps, where it may run."""
        unsafe = [opening for opening in self.open if opening.danger]
        return tuple(
            sentence
            for items, sentence in (
                (self.open, f"Open to the Internet: {_open_words(self.open)}."),
                (unsafe, f"Not safe: {listed(unsafe, lambda each: each.warning, _MOST_PARTS)}."),
                (self.disks, f"Persistent disks: {_words(self.disks)}; they end with the deployment."),
                (self.filters, f"Only at providers with {_words(self.filters)}."),
                (
                    self.secrets,
                    f"{_first_upper(_secret_words(self.secrets))}, and its provider can read it.",
                ),
            )
            if items
        )


def check_all_named(contents: Contents) -> None:
    """Raise `BadArgument` for more secrets than a person can be asked about at once."""
    if len(_secret_words(contents.secrets).encode()) > _MOST_SECRET_BYTES:
        raise BadArgument(
            "It has more secrets than one question can name.",
            next_step="Use fewer: several values can be one secret, such as the whole of a configuration file.",
        )


@dataclass(frozen=True, slots=True)
class Seller:
    """A provider that was chosen, with what is known of its offer. The price is for its whole group."""

    address: ProviderAddress
    name: str = ""
    region: str = ""
    usd_per_hour: Usd | None = None


def sellers_words(sellers: Sequence[Seller]) -> str:
    """Providers, where they are and what they ask, with the digits that tell their prices apart."""
    prices = iter(told_apart(*(each.usd_per_hour for each in sellers if each.usd_per_hour is not None)))

    def words(seller: Seller) -> str:
        name = f"{label(seller.name)} ({seller.address})" if seller.name else seller.address
        place = f" in {label(seller.region)}" if seller.region else ""
        asks = (
            "at a price that is not known now"
            if seller.usd_per_hour is None
            else f"for {next(prices)} an hour"
        )
        return f"{name}{place} {asks}"

    return listed(sellers, words, _MOST_PARTS)


@dataclass(frozen=True, slots=True)
class ServiceChange:
    """What a new SDL changes of one service. Of variables only names; `others` are fields, such as `command`.

    `env_unknown` are variables whose value is not known now: they are set, and may be what they were.
    """

    service: str
    image: tuple[str, str] | None = None
    env_added: tuple[str, ...] = ()
    env_removed: tuple[str, ...] = ()
    env_changed: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    env_unknown: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """`"web": image "nginx:1.28" → "nginx:1.29"; env changed "LEVEL"; command`."""
        images = [label(image, IMAGE_BYTES) for image in self.image or ()]
        parts = [
            *([f"image {' → '.join(images)}"] if images else []),
            *(
                f"env {how} {listed(names, label, _MOST_PARTS)}"
                for how, names in (
                    ("added", self.env_added),
                    ("removed", self.env_removed),
                    ("changed", self.env_changed),
                    ("that may change", self.env_unknown),
                )
                if names
            ),
            *self.others,
        ]
        return f"{label(self.service)}: {'; '.join(parts)}"


def changes_words(changes: Sequence[ServiceChange]) -> str:
    """What changes, in words."""
    return listed(changes, lambda change: change.words, _MOST_PARTS)


def _open_words(openings: Sequence[Opening]) -> str:
    """Each port that is open: the first in full, of the others the numbers."""
    shown = ", ".join(opening.words for opening in openings[:_MOST_PARTS])
    ports = [str(port) for port in sorted({opening.port for opening in openings[_MOST_PARTS:]})]
    if not ports:
        return shown
    more = f" and {len(ports) - _MOST_PORTS} more" if len(ports) > _MOST_PORTS else ""
    return f"{shown}; also port{'s' * (len(ports) > 1)} {', '.join(ports[:_MOST_PORTS])}{more}"


def _first_upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _words(items: Iterable[Disk] | Iterable[Filter]) -> str:
    return listed([*items], lambda item: item.words, _MOST_PARTS)


def _size(count: int) -> str:
    for factor, unit in ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB")):
        if count >= factor:
            return f"{count / factor:.4g} {unit}"
    return f"{count} bytes"
