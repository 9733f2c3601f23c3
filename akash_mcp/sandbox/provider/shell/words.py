"""Words: what stands between blanks, with its quotes, parameters, substitutions and arithmetic.

Scripts stand within words (`$(…)`), so that whoever reads scripts is a `WordReader` too.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass

from akash_mcp.sandbox.provider.shell.reading import METACHARACTERS, Reader
from akash_mcp.sandbox.provider.shell.syntax import (
    Arithmetic,
    Parameter,
    Part,
    Script,
    Substitution,
    Text,
    Word,
)

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_NUMBER = re.compile(r"[0-9]+")
_SPECIAL_PARAMETERS = "@*#?-$!0123456789"
_OPERATOR = re.compile(r"(:?[-=?+]|%%?|##?)")


@dataclass
class WordReader(Reader, ABC):
    """Reads words."""

    @abstractmethod
    def script(self, *, is_line: bool = False) -> Script:
        """The commands in a substitution."""

    def words(self) -> list[Word]:
        found: list[Word] = []
        while word := self.word():
            found.append(word)
        return found

    def some_word(self) -> Word:
        word = self.word()
        if not word:
            raise self.unexpected()
        return word

    def word(self) -> Word:
        """The next word, empty where there is none."""
        self.skip_blanks()
        parts: list[Part] = []
        while not self.at_end() and (char := self.text[self.at]) not in METACHARACTERS:
            match char:
                case "'":
                    end = self.text.find("'", self.at + 1)
                    if end < 0:
                        raise self.error("Syntax error: Unterminated quoted string")
                    parts.append(Text(self.text[self.at + 1 : end], quoted=True))
                    self.at = end + 1
                case '"':
                    self.at += 1
                    parts += self.quoted_parts(end='"') or (Text("", quoted=True),)
                case "\\":
                    if self.at + 1 >= len(self.text):
                        parts.append(Text("\\", quoted=True))
                    elif self.text[self.at + 1] != "\n":
                        parts.append(Text(self.text[self.at + 1], quoted=True))
                    self.at += 2
                case "$" | "`":
                    parts.append(self.expansion(quoted=False))
                case _:
                    end = self.at + 1
                    while end < len(self.text) and self.text[end] not in METACHARACTERS + "'\"\\$`":
                        end += 1
                    parts.append(Text(self.text[self.at : end], quoted=False))
                    self.at = end
        self.at = min(self.at, len(self.text))
        return tuple(parts)

    def quoted_parts(self, *, end: str) -> Word:
        """What stands between double quotes, up to `end`, which is taken; the whole text where that is empty."""
        parts: list[Part] = []
        plain: list[str] = []

        def flush() -> None:
            if plain:
                parts.append(Text("".join(plain), quoted=True))
                plain.clear()

        while True:
            if self.at_end():
                if end:
                    raise self.error("Syntax error: Unterminated quoted string")
                break
            char = self.text[self.at]
            if char == end:
                self.at += 1
                break
            if char in "$`":
                flush()
                parts.append(self.expansion(quoted=True))
            elif char == "\\" and self.text[self.at + 1 : self.at + 2] in ("$", "`", "\\", "\n", end or "$"):
                if self.text[self.at + 1] != "\n":
                    plain.append(self.text[self.at + 1])
                self.at += 2
            else:
                plain.append(char)
                self.at += 1
        flush()
        return tuple(parts)

    def expansion(self, *, quoted: bool) -> Part:
        """What `$` or a backquote begins; a `$` that begins nothing stands for itself."""
        with self.nested():
            return self.one_expansion(quoted)

    def one_expansion(self, quoted: bool) -> Part:
        if self.take("`"):
            return self.backquoted(quoted)
        if self.sees("$((") and (arithmetic := self.arithmetic(quoted)):
            return arithmetic
        if self.take("$("):
            script = self.script()
            if not self.take(")"):
                raise self.unexpected(expecting=")")
            return Substitution(script, quoted)
        if self.take("${"):
            return self.braced(quoted)
        self.at += 1
        if name := NAME.match(self.text, self.at):
            self.at = name.end()
            return Parameter(name.group(), "", (), quoted)
        if self.peek() and self.peek() in _SPECIAL_PARAMETERS:
            self.at += 1
            return Parameter(self.text[self.at - 1], "", (), quoted)
        return Text("$", quoted=True)

    def backquoted(self, quoted: bool) -> Substitution:
        inner: list[str] = []
        while not self.at_end() and self.peek() != "`":
            if self.peek() == "\\" and self.text[self.at + 1 : self.at + 2] in ("$", "`", "\\"):
                self.at += 1
            inner.append(self.text[self.at])
            self.at += 1
        if not self.take("`"):
            raise self.error("Syntax error: EOF in backquote substitution")
        inner_parser = type(self)("".join(inner), depth=self.depth)
        script = inner_parser.script()
        if not inner_parser.at_end():
            raise inner_parser.unexpected()
        return Substitution(script, quoted)

    def arithmetic(self, quoted: bool) -> Arithmetic | None:
        """`$((…))`, or None where the two parentheses begin a subshell in a `$(…)`."""
        start, self.at = self.at, self.at + 3
        depth, begin = 0, self.at
        while not self.at_end():
            if self.peek() == "(":
                depth += 1
            elif self.peek() == ")":
                if depth == 0:
                    if not self.sees("))"):
                        break
                    inner = self.text[begin : self.at]
                    self.at += 2
                    return Arithmetic(type(self)(inner, depth=self.depth).document(), quoted)
                depth -= 1
            self.at += 1
        self.at = start
        return None

    def braced(self, quoted: bool) -> Parameter:
        """After `${`."""
        if self.peek() == "#" and self.text[self.at + 1 : self.at + 2] not in ("}", "", ":", "%", "-", "?"):
            self.at += 1
            name = self.parameter_name()
            self.close_brace()
            return Parameter(name, "length", (), quoted)
        name = self.parameter_name()
        operator, word = "", Word()
        if found := _OPERATOR.match(self.text, self.at):
            operator = found.group()
            self.at = found.end()
            word = self.braced_word(quoted and operator[0] not in "%#")
        self.close_brace()
        return Parameter(name, operator, word, quoted)

    def parameter_name(self) -> str:
        if name := NAME.match(self.text, self.at) or _NUMBER.match(self.text, self.at):
            self.at = name.end()
            return name.group()
        if self.peek() and self.peek() in _SPECIAL_PARAMETERS:
            self.at += 1
            return self.text[self.at - 1]
        raise self.error("Bad substitution")

    def braced_word(self, quoted: bool) -> Word:
        """The word in `${name-word}`, up to its brace. Between double quotes an apostrophe is a character there."""
        parts: list[Part] = []
        while not self.at_end() and (char := self.peek()) != "}":
            if char == "'" and not quoted:
                end = self.text.find("'", self.at + 1)
                if end < 0:
                    raise self.error("Syntax error: Unterminated quoted string")
                parts.append(Text(self.text[self.at + 1 : end], quoted=True))
                self.at = end + 1
            elif char == '"':
                self.at += 1
                parts += self.quoted_parts(end='"') or (Text("", quoted=True),)
            elif char in "$`":
                parts.append(self.expansion(quoted=quoted))
            elif char == "\\":
                following = self.text[self.at + 1 : self.at + 2]
                kept = quoted and following not in ("$", "`", "\\", '"', "}", "\n")
                parts.append(Text(("\\" if kept else "") + following.replace("\n", ""), quoted=True))
                self.at += 2
            else:
                parts.append(Text(char, quoted=quoted))
                self.at += 1
        return tuple(parts)

    def close_brace(self) -> None:
        if not self.take("}"):
            raise self.error("Syntax error: Missing '}'" if self.at_end() else "Bad substitution")

    def document(self) -> Word:
        """A here-document whose delimiter is not quoted: all of it as between double quotes, but `"` is a character."""
        return self.quoted_parts(end="")
