"""Secrets, found by value and by shape, and hidden.

By value: what this process itself holds (its API key, the tokens it mints, the secrets that a person stored by name)
is given to `remember` once, so that no caller can forget to pass it. By shape: keys of well-known issuers, JSON web
tokens, private keys, the password in a URL, and whatever is assigned to a name that sounds like a secret.

Too much is hidden rather than too little: text that goes to a model cannot be taken back. Every shape is built so
that a part of a text never matches where the whole text did not, so cutting hidden text shows nothing new.
"""

from __future__ import annotations

import html
import json
import re
from base64 import b64encode
from collections.abc import Sequence
from urllib.parse import quote, quote_plus

from akash_mcp.sanitize.unicode import visible

MASK = "<masked>"
"""What replaces a secret. It is safe inside plain, single and double quoted YAML and JSON."""

NAMED_MASK = "[secret {}]"
"""What replaces a secret that has a name."""

SHORTEST_KNOWN = 8
"""Characters of the shortest secret that is hidden by value: a shorter one would hide ordinary words."""

SHORTEST_NAMED = 6
"""The same of one that a person stored by name, and was told what is too short."""

_SHORTEST_LINE = 16
"""Characters of a line of a longer secret that is hidden by itself, as a log tells it."""

LONGEST_SECRET = 16_384
"""Characters of the longest secret that is known by its shape: an armoured private key."""


class KnownSecrets:
    """Secret values that are known. They are compared, never shown: with `ignore_case` in whatever case they are in.

    `shortest` is how many characters a value must have to be hidden.
    """

    def __init__(self, *, ignore_case: bool = False, shortest: int = SHORTEST_KNOWN) -> None:
        self._shortest = shortest
        self._flags = re.IGNORECASE if ignore_case else re.NOFLAG
        self._values: dict[str, str] = {}
        self._of: dict[str, set[str]] = {}
        self._forms: dict[str, str] = {}
        self._pattern: re.Pattern[str] | None = None

    def remember(self, secret: str, name: str | None = None) -> None:
        """Hide `secret` from now on, also as it looks inside a URL, JSON or HTML, in hex and in base64.

        One with a `name` is replaced by that.
        """
        if len(secret) >= (self._shortest if name is None else min(self._shortest, SHORTEST_NAMED)):
            mask = MASK if name is None else NAMED_MASK.format(name)
            if self._values.get(secret) != mask:
                self._change({**self._values, secret: mask})

    def forget(self, secret: str) -> None:
        """Stop hiding `secret`."""
        self._change({value: mask for value, mask in self._values.items() if value != secret})

    def mask(self, text: str) -> tuple[str, int]:
        """`text` without the values, and how many there were."""
        if not self._forms:
            return text, 0
        if self._pattern is None:  # made when it is needed: many may be remembered one after the other
            self._pattern = re.compile(_any_of([*self._forms]), self._flags)
        return self._pattern.subn(self._mask_of, text)

    def across(self, text: str, index: int) -> tuple[int, int]:
        """Where the value that lies across `index` starts and ends: at `index` itself where none does."""
        for form in self._forms:
            start = text.find(form, max(0, index - len(form) + 1), index + len(form) - 1)
            if start >= 0:
                return start, start + len(form)
        return index, index

    def _mask_of(self, match: re.Match[str]) -> str:
        return self._forms.get(match[0], MASK)

    def _change(self, values: dict[str, str]) -> None:
        forms = {value: known for value, known in self._of.items() if value in values}
        self._of = {value: forms.get(value) or _forms_of(value) for value in values}
        self._forms = {form: mask for value, mask in values.items() for form in self._of[value]}
        self._values, self._pattern = values, None


def _any_of(texts: Sequence[str], depth: int = 4) -> str:
    """A pattern for any of some texts, which looks at a character once for all that begin with it.

    Longest first: of two that begin alike, the shorter must not leave the other's tail standing.
    """
    texts = sorted(texts, key=lambda text: (-len(text), text))
    if depth == 0 or len(texts) == 1 or "" in texts:
        return "|".join(map(re.escape, texts))
    branches: dict[str, list[str]] = {}
    for text in texts:
        branches.setdefault(text[0], []).append(text[1:])
    return "|".join(f"{re.escape(first)}(?:{_any_of(rest, depth - 1)})" for first, rest in branches.items())


def _forms_of(value: str) -> set[str]:
    """A value as it may stand in a text: as it is, as our own cleaning leaves it, and in the usual encodings."""
    seen = visible(value)
    shown = {
        value,
        *(each for each in (seen, " ".join(seen.split())) if len(each) >= min(len(value), SHORTEST_NAMED)),
    }
    shown |= {line for line in seen.split("\n") if len(line) >= _SHORTEST_LINE}
    forms = set(shown)
    for each in shown:
        forms |= {
            quote(each, safe=""),
            quote(each),
            quote_plus(each),
            html.escape(each),
            each.replace("'", "''"),
        }
        for escaped in (json.dumps(each)[1:-1], json.dumps(each, ensure_ascii=False)[1:-1]):
            forms |= {
                escaped,
                json.dumps(escaped, ensure_ascii=False)[1:-1],
            }  # JSON, and JSON or YAML inside it
    raw = value.encode(errors="replace")
    if len(value) < SHORTEST_NAMED:
        return forms
    forms |= {raw.hex(), raw.hex().upper(), b64encode(raw).decode()}
    # Inside a longer text a value begins at one of three places in base64's groups of three bytes. The characters at
    # its ends depend on what stands around it, and are left.
    for skipped in range(3):
        core = b64encode(raw[skipped : skipped + (len(raw) - skipped) // 3 * 3]).decode()
        forms |= {core} if len(core) >= SHORTEST_KNOWN else set()
    return forms | {
        form.replace("+", "-").replace("/", "_") for form in forms if _BASE64_FORM.fullmatch(form)
    }


_BASE64_FORM = re.compile(r"[A-Za-z0-9+/]{8,}=*")


known = KnownSecrets()
"""The one collection of this process, which all text is compared with."""


def mask(text: str) -> tuple[str, int]:
    """`text` with every known secret and every text of a secret's shape replaced by `MASK`, and how many there were.

    Feed it text that is already free of invisible characters: one inside a key would hide the key from us.
    """
    text, by_value = known.mask(text)
    text, armoured = _mask_private_keys(text)
    text, issued = _mask_issued(text)
    text, in_urls = _mask_urls(text)
    text, flags = _mask_flags(text)
    text, assigned = _mask_assigned(text)
    return text, by_value + armoured + issued + in_urls + flags + assigned


def sounds_secret(name: str) -> bool:
    """Whether a variable of this name is likely to hold a secret (`DB_PASSWORD`, `HF_TOKEN`, not `MAX_TOKENS`)."""
    words = [word.upper() for word in _WORD.findall(name)]
    if {"PUBLIC", "PUB"} & set(words):
        words = [word for word in words if word not in ("KEY", "KEYS")]
    return any(map(_SECRET_WORD.fullmatch, words)) and not _ABOUT.fullmatch(words[-1])


def looks_secret(value: str) -> bool:
    """Whether a value is a secret by its own shape, whatever its name: an issued key, or a long random run."""
    return mask(value)[1] > 0 or any(
        any(c.isdigit() for c in run) and any(c.isalpha() for c in run) for run in _RANDOM.findall(value)
    )


# Issuers' own prefixes, and what follows them. A prefix that is nowhere in the text costs one fast search.
# None looks at what stands before it: see the module's docstring on cutting.
_ISSUED = {
    prefix: re.compile(re.escape(prefix) + rest, re.ASCII)
    for prefixes, rest in (
        ("ac.sk.", r"[\w.-]{8,}"),  # Akash Console
        ("sk_akua_ cnap_pat_", r"\w{8,}"),  # Akua
        ("AKIA ASIA", r"[0-9A-Z]{16}"),  # AWS
        ("ghp_ gho_ ghu_ ghs_ ghr_ github_pat_", r"\w{20,}"),  # GitHub
        ("glpat- nvapi- tskey- dckr_pat_ pypi-", r"[\w-]{16,}"),  # GitLab, NVIDIA, Tailscale, Docker, PyPI
        ("sk-", r"(?:(?:proj|svcacct|admin|ant-\w+|or-v1)-[\w-]{16,}|\w{20,})"),  # OpenAI, Anthropic
        ("hf_ gsk_ npm_ r8_", r"[0-9A-Za-z]{20,}"),  # Hugging Face, Groq, npm, Replicate
        ("sk_live_ sk_test_ rk_live_ rk_test_", r"\w{16,}"),  # Stripe
        ("xoxa- xoxb- xoxe- xoxp- xoxr- xoxs-", r"[\w-]{10,}"),  # Slack
        ("AIza", r"[\w-]{35}"),  # Google
        ("Bearer bearer", r" +(?=\S*\d)[\w.~+/-]{12,}=*"),  # any other, in a header
    )
    for prefix in prefixes.split()
}


# A JSON web token, signed or encrypted. Its second part is optional only so that a long word full of `eyJ` is read
# once; a word without it is left alone.
_JWT = re.compile(r"eyJ[\w-]*+(\.[\w-]{8,}(?:\.[\w-]*){0,3})?", re.ASCII)


def _mask_issued(text: str) -> tuple[str, int]:
    count = 0

    def hide(match: re.Match[str]) -> str:
        nonlocal count
        count += match[1] is not None
        return MASK if match[1] else match[0]

    if "eyJ" in text:
        text = _JWT.sub(hide, text)
    for prefix, pattern in _ISSUED.items():
        if prefix in text:
            text, found = pattern.subn(MASK, text)
            count += found
    return text, count


_ARMOUR = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    rf"(?:[^-]|-(?!----)){{0,{LONGEST_SECRET}}}+(?:-----END [A-Z0-9 ]{{0,40}}-----)?"
)
_ARMOUR_END = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/= \t\n"


def _mask_private_keys(text: str) -> tuple[str, int]:
    if "PRIVATE KEY" not in text:
        return text, 0
    text, whole = _ARMOUR.subn(MASK, text)
    # A log that was fetched by its last lines can begin in the middle of a key: only the end marks it.
    pieces: list[str] = []
    done = 0
    for end in _ARMOUR_END.finditer(text):
        pieces += [text[done : end.start()].rstrip(_BASE64), MASK]
        done = end.end()
    return "".join(pieces) + text[done:], whole + len(pieces) // 2


# What is found where a secret could be, and is not one: our own mask, words that tell what is wrong with a secret, and
# references to one. Each counts from its first character on, and with an ellipsis behind it, so that cutting a
# text there does not make a secret of it.
_TELLING = frozenset(
    word[:length]
    for word in (
        *("null", "none", "nil", "undefined", "true", "false", "missing", "required", "invalid", "expired"),
        *("empty", "error", "failed", "unset", "not", "is", "was", "has", "ac-secret://"),
    )
    for length in range(len(word) + 1)
)
_REFERENCE = re.compile(
    r"\$(?:\{\w*\}?)?|(?:(?:ac-)?secret:)?/(?:/[\w.-]*)?|\[secret(?: \w{0,64}\]?)?", re.ASCII
)


def _harmless(value: str) -> bool:
    value = value.rstrip("…")
    return value == MASK or value.lower() in _TELLING or _REFERENCE.fullmatch(value) is not None


_USERINFO = re.compile(r"://([^\s/?#@:\"'<>]{0,256}+):([^\s/?#\"']+)@")


def _mask_urls(text: str) -> tuple[str, int]:
    count = 0

    def hide(match: re.Match[str]) -> str:
        nonlocal count
        if _harmless(match[2]):
            return match[0]
        count += 1
        return f"://{match[1]}:{MASK}@"

    return _USERINFO.sub(hide, text) if "://" in text else text, count


_FLAG = re.compile(r"(--[\w-]{0,40}?(?:password|passphrase|token|secret|key)[ \t]+)([^\s-]\S*)")


def _mask_flags(text: str) -> tuple[str, int]:
    count = 0

    def hide(match: re.Match[str]) -> str:
        nonlocal count
        if _harmless(match[2]):
            return match[0]
        count += 1
        return match[1] + MASK

    return _FLAG.sub(hide, text) if "--" in text else text, count


# From the last word of a name to its separator. Each begins with plain letters, which makes the search fast.
_KEY_OF = (
    "api",
    "access",
    "secret",
    "private",
    "encryption",
    "signing",
    "master",
    "service",
    "salt",
    "auth",
    "ssh",
)
_NAMES = {
    stem: re.compile(stem + rest + r"\d{0,2}(?:\\*[\"'`])?[ \t]*(?::=|=>|[:=])[ \t]*")
    for stem, rest in (
        ("pass", "(?:word|wd|phrase|(?<=[_-]pass))"),
        ("pwd", ""),
        ("secret", ""),
        ("token", ""),
        ("credential", "s?"),
        ("authorization", ""),
        ("cookie", ""),
        ("mnemonic", ""),
        ("seed", "[ _-]?phrase"),
        ("key", "(?:" + "|".join(f"(?<={of}key)|(?<={of}[_-]key)" for of in _KEY_OF) + ")(?:[_-]?base)?"),
    )
}
_VALUE = re.compile(
    r"(?P<quote>\\*[\"'`])(?P<inside>(?:(?!(?P=quote))(?:\\.|[^\\\n]))*+)"
    r"|(?P<bare>(?:(?:Bearer|Basic|Token|Digest)\ +)?[^\s&;\"'`][^\s&;]*)"
)
_SENTENCES = re.compile(r"[^\n\"'`]*")


def _mask_assigned(text: str) -> tuple[str, int]:
    # Lower-casing once and matching without IGNORECASE is five times as fast. It keeps every position: U+0130 is
    # the only character whose lower case is longer than itself.
    lower = text.replace("\u0130", "I").lower()
    names = sorted(
        match.span() for stem, name in _NAMES.items() if stem in lower for match in name.finditer(lower)
    )
    pieces: list[str] = []
    done = count = 0
    for at, after in names:
        value = _VALUE.match(text, after) if at >= done else None
        if value is None:
            continue
        group = "bare" if value["bare"] is not None else "inside"
        start, end = value.span(group)
        if lower.startswith(("mnemonic", "seed"), at) and group == "bare":
            words = _SENTENCES.match(text, start)
            end = words.end() if words else end
        if group == "bare":  # what closes the text around it is not part of it
            end = start + len(text[start:end].rstrip("\"'`)]},\\"))
        if _harmless(text[start:end]):
            continue
        pieces += [text[done:start], MASK]
        done = end
        count += 1
    return "".join(pieces) + text[done:], count


_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SECRET_WORD = re.compile(
    r"\w*(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|APIKEY|NODEKEY)|PASS|PWD|PW|SECRETS|PRIVKEY|CREDENTIALS?"
    r"|AUTH|AUTHORIZATION|MNEMONIC|SEED|DSN|COOKIE|SALT|KEYS?"
)
# `PASSWORD_FILE` says where the password is, `AUTH_METHOD` how one logs in, `COOKIE_DOMAIN` who gets the cookie.
_ABOUT = re.compile(
    "FILE|PATH|DIR|ENABLED?|DISABLED|TYPE|MODE|METHOD|EXPIRY|TTL|LENGTH|USER|USERNAME|ID|TIMEOUT|PORT"
    "|AGE|DOMAINS?|EMAIL|HOSTNAME|HOSTS?|LIMIT|ORIGINS?|POLICY|PREFIX|REALM|REGION|STRATEGY"
)
_RANDOM = re.compile(r"(?<![\w:.-])(?!akash(?:valoper)?1|0x[0-9a-fA-F]{40}\b)[0-9A-Za-z+=]{32,}(?![\w:.-])")
