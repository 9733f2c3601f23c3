"""A script's characters, one after another, and what is wrong where something else should stand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

METACHARACTERS = "|&;<>() \t\n"
RESERVED = frozenset(
    ("!", "{", "}", "case", "do", "done", "elif", "else", "esac", "fi", "for", "if", "then", "until", "while")
)
DEEPEST = 50
"""Levels of nesting. A script that nests deeper is refused, and Python's own stack is not used up."""


class ScriptError(Exception):
    """What is wrong with a script, in dash's words. `line` is counted from 1."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.line = line


@dataclass
class Reader:
    """A script and how far it was read. `lines_taken`: of here-documents, which were cut out of the text."""

    text: str
    at: int = 0
    depth: int = 0
    lines_taken: int = 0

    def at_end(self) -> bool:
        return self.at >= len(self.text)

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def sees(self, text: str) -> bool:
        return self.text.startswith(text, self.at)

    def take(self, text: str) -> str:
        if not self.sees(text):
            return ""
        self.at += len(text)
        return text

    def expect(self, text: str) -> None:
        self.skip_blanks()
        if not self.take(text):
            raise self.unexpected(expecting=text)

    def reserved(self) -> str:
        """The reserved word that comes next, as it is only where a command may begin; empty for none."""
        word = self.raw_word()
        return word if word in RESERVED else ""

    def raw_word(self) -> str:
        """The characters of the next word, quotes and all."""
        self.skip_blanks()
        end = self.at
        while end < len(self.text) and self.text[end] not in METACHARACTERS:
            end += 1
        return self.text[self.at : end]

    def take_reserved(self, word: str) -> bool:
        found = self.raw_word() == word
        self.at += len(word) * found
        return found

    def expect_reserved(self, word: str) -> None:
        self.skip_lines()
        if not self.take_reserved(word):
            raise self.unexpected(expecting=word)

    def skip_blanks(self) -> None:
        while not self.at_end():
            if self.text[self.at] in " \t":
                self.at += 1
            elif self.sees("\\\n"):
                self.at += 2
            elif self.text[self.at] == "#" and (self.at == 0 or self.text[self.at - 1] in METACHARACTERS):
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            else:
                return

    def skip_lines(self) -> None:
        self.skip_blanks()
        while self.peek() == "\n":
            self.at += 1
            self.skip_blanks()

    def error(self, what: str) -> ScriptError:
        return ScriptError(self.line(), what)

    def line(self) -> int:
        """The number of the line that is being read."""
        return self.text.count("\n", 0, self.at) + self.lines_taken + 1

    @contextmanager
    def nested(self) -> Iterator[None]:
        """One level deeper."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.error(f"Syntax error: more than {DEEPEST} levels")
        yield
        self.depth -= 1

    def unexpected(self, *, expecting: str = "") -> ScriptError:
        self.skip_blanks()
        if self.at_end():
            what = "end of file"
        elif self.peek() == "\n":
            what = "newline"
        else:
            start = self.at
            if self.peek() in "|&;<>()":
                self.at += 2 if self.sees(";;") or self.sees("&&") or self.sees("||") else 1
            else:
                self.at += len(self.raw_word())
            what = f'"{self.text[start : self.at] or self.peek()}"'
        wanted = f' (expecting "{expecting}")' if expecting else ""
        return self.error(f"Syntax error: {what} unexpected{wanted}")
