"""What `$((…))` comes to: signed numbers of 64 bits, and C's operators, as dash reckons."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, MutableMapping

_TOKEN = re.compile(
    r"\s*(?:(0[xX][0-9a-fA-F]+|[0-9]+)|([A-Za-z_][A-Za-z0-9_]*)"
    r"|(<<=|>>=|&&|\|\||[<>=!]=|<<|>>|[-+*/%&|^]=|[-+*/%<>=!~&|^?:()]))"
)

_DEEPEST = 50


class ArithmeticFailed(Exception):
    """What is wrong with an expression, in dash's words."""


def _divide(left: int, right: int) -> int:
    """Towards zero."""
    if right == 0:
        raise ArithmeticFailed("division by zero")
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _remainder(left: int, right: int) -> int:
    return left - right * _divide(left, right)


_BINARY: Mapping[str, tuple[int, Callable[[int, int], int]]] = {
    "|": (3, operator.or_),
    "^": (4, operator.xor),
    "&": (5, operator.and_),
    "==": (6, operator.eq),
    "!=": (6, operator.ne),
    "<": (7, operator.lt),
    "<=": (7, operator.le),
    ">": (7, operator.gt),
    ">=": (7, operator.ge),
    "<<": (8, lambda left, right: left << (right & 63)),
    ">>": (8, lambda left, right: left >> (right & 63)),
    "+": (9, operator.add),
    "-": (9, operator.sub),
    "*": (10, operator.mul),
    "/": (10, _divide),
    "%": (10, _remainder),
}
"""How strongly each binds, and what it does. `||` binds at 1 and `&&` at 2."""

_UNARY: Mapping[str, Callable[[int], int]] = {
    "-": operator.neg,
    "+": operator.pos,
    "~": operator.invert,
    "!": lambda value: int(not value),
}


def evaluate(text: str, variables: MutableMapping[str, str]) -> int:
    """The value of an expression, in which names are variables. Raises `ArithmeticFailed`."""
    tokens: list[str] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            raise ArithmeticFailed(f'expecting EOF: "{text}"')
        tokens.append(match[0].strip())
        at = match.end()
    if not tokens:
        return 0
    reader = _Reader(tokens, variables)
    value = reader.expression()
    if reader.tokens:
        raise ArithmeticFailed(f'expecting EOF: "{text}"')
    return value


class _Reader:
    """Reads and reckons at once. What is not to be done, as after `0 &&`, is read with `live` false."""

    def __init__(self, tokens: list[str], variables: MutableMapping[str, str]) -> None:
        self.tokens = tokens
        self._variables = variables
        self._depth = 0

    def expression(self, *, live: bool = True) -> int:
        """An assignment, or a choice between two values, or less."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ArithmeticFailed("nested too deep")
        name, sign = [*self.tokens, "", ""][:2]
        if _is_name(name) and sign.endswith("=") and sign not in ("==", "!=", "<=", ">="):
            del self.tokens[:2]
            value = self.expression(live=live)
            if live:
                if sign != "=":
                    value = _wrapped(int(_BINARY[sign[:-1]][1](self._read(name), value)))
                self._variables[name] = str(value)
        else:
            value = self._binary(1, live)
            if self._take("?"):
                yes = self.expression(live=live and bool(value))
                if not self._take(":"):
                    raise ArithmeticFailed("expecting ':'")
                no = self.expression(live=live and not value)
                value = yes if value else no
        self._depth -= 1
        return value

    def _binary(self, least: int, live: bool) -> int:
        value = self._unary(live)
        while self.tokens:
            sign = self.tokens[0]
            if sign in ("&&", "||"):
                binds, settled = (2, not value) if sign == "&&" else (1, bool(value))
                if binds < least:
                    break
                del self.tokens[0]
                right = self._binary(binds + 1, live and not settled)
                value = int(bool(value) if settled else bool(right))
                continue
            if sign not in _BINARY or _BINARY[sign][0] < least:
                break
            del self.tokens[0]
            binds, combine = _BINARY[sign]
            right = self._binary(binds + 1, live)
            value = _wrapped(int(combine(value, right))) if live else 0
        return value

    def _unary(self, live: bool) -> int:
        signs = []
        while self.tokens and self.tokens[0] in _UNARY:
            signs.append(self.tokens.pop(0))
        if not self.tokens:
            raise ArithmeticFailed("expecting primary")
        token = self.tokens.pop(0)
        if token == "(":
            value = self.expression(live=live)
            if not self._take(")"):
                raise ArithmeticFailed("expecting ')'")
        elif _is_name(token):
            value = self._read(token) if live else 0
        elif token[0].isdigit():
            value = _number(token)
        else:
            raise ArithmeticFailed(f'expecting primary: "{token}"')
        for sign in reversed(signs):
            value = _wrapped(_UNARY[sign](value))
        return value

    def _read(self, name: str) -> int:
        text = self._variables.get(name, "").strip()
        sign, digits = (-1, text[1:]) if text.startswith("-") else (1, text.removeprefix("+"))
        if text and not re.fullmatch(r"0[xX][0-9a-fA-F]+|[0-9]+", digits):
            raise ArithmeticFailed(f"Illegal number: {text}")
        return sign * _number(digits) if text else 0

    def _take(self, token: str) -> bool:
        if self.tokens[:1] != [token]:
            return False
        del self.tokens[0]
        return True


def _is_name(token: str) -> bool:
    return bool(token) and (token[0].isalpha() or token[0] == "_")


def _number(digits: str) -> int:
    try:
        if digits[:2] in ("0x", "0X"):
            value = int(digits, 16)
        else:
            value = int(digits, 8 if len(digits) > 1 and digits[0] == "0" else 10)
    except ValueError as error:
        raise ArithmeticFailed(f'expecting EOF: "{digits}"') from error
    return min(value, 2**63 - 1)


def _wrapped(value: int) -> int:
    return (value + 2**63) % 2**64 - 2**63
