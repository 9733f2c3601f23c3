"""Reads a script into its syntax, by recursive descent over its characters, as quotes and `$(…)` nest in words.

What dash refuses is a `ScriptError`. Aliases, `&` and bash's own syntax are not known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from akash_mcp.sandbox.provider.shell.syntax import (
    AndOr,
    Arithmetic,
    Case,
    Command,
    For,
    Function,
    Group,
    If,
    Loop,
    Parameter,
    Part,
    Pipeline,
    Redirection,
    Script,
    Simple,
    Substitution,
    Text,
    Word,
)

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_RESERVED = frozenset(
    ("!", "{", "}", "case", "do", "done", "elif", "else", "esac", "fi", "for", "if", "then", "until", "while")
)
_CLOSES = frozenset(("}", "do", "done", "elif", "else", "esac", "fi", "then"))
"""Reserved words that end the list before them."""
_METACHARACTERS = "|&;<>() \t\n"
_SPECIAL_PARAMETERS = "@*#?-$!0123456789"
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=")
_REDIRECTION = re.compile(r"([0-9]?)(<<-|<<|<&|<>|>&|>>|>\||<|>)")
_OPERATOR = re.compile(r"(:?[-=?+]|%%?|##?)")
_DEEPEST = 50
"""Levels of nesting. A script that nests deeper is refused, and Python's own stack is not used up."""


class ScriptError(Exception):
    """What is wrong with a script, in dash's words. `line` is counted from 1."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.line = line


@dataclass(frozen=True, slots=True)
class Parsed:
    """The commands of a script. A shell reads line by line, so those before an `error` are carried out."""

    script: Script
    error: ScriptError | None = None


def parse(text: str) -> Parsed:
    """The script in `text`."""
    parser = _Parser(text)
    commands: Script = ()
    try:
        parser.skip_lines()
        while not parser.at_end():
            line = parser.script(is_line=True)
            if not (parser.at_end() or parser.peek() == "\n"):
                raise parser.unexpected()
            commands += line
            parser.skip_lines()
    except ScriptError as error:
        return Parsed(commands, error)
    return Parsed(commands)


@dataclass
class _Parser:
    text: str
    at: int = 0
    depth: int = 0
    lines_taken: int = 0

    # Lists and pipelines.

    def script(self, *, is_line: bool = False) -> Script:
        """Commands up to a word or an operator that ends them, or to the end; with `is_line` to the end of the line."""
        items: list[AndOr] = []
        skip = self.skip_blanks if is_line else self.skip_lines
        skip()
        while not (self.at_end() or self.peek() in ");" or self.reserved() in _CLOSES):
            start, line = self.at, self.line()
            first, rest = self.pipeline(), list[tuple[str, Pipeline]]()
            self.skip_blanks()
            while operator := self.take("&&") or self.take("||"):
                self.skip_lines()
                rest.append((operator, self.pipeline()))
                self.skip_blanks()
            text = self.text[start : self.at].strip()
            in_background = self.peek() == "&"
            items.append(AndOr(first, tuple(rest), in_background, text, line))
            if in_background or (self.peek() == ";" and not self.sees(";;")):
                self.at += 1
                skip()
            elif self.peek() == "\n" and not is_line:
                skip()
            else:
                break
            if is_line and self.peek() == "\n":
                break
        return tuple(items)

    def pipeline(self) -> Pipeline:
        negated = self.take_reserved("!")
        commands = [self.command()]
        self.skip_blanks()
        while self.peek() == "|" and not self.sees("||"):
            self.at += 1
            self.skip_lines()
            commands.append(self.command())
            self.skip_blanks()
        return Pipeline(tuple(commands), negated)

    def command(self) -> Command:
        with self.nested():
            return self.one_command()

    def one_command(self) -> Command:
        self.skip_blanks()
        what: Group | If | Loop | For | Case
        if self.peek() == "(":
            self.at += 1
            body = self.body()
            self.expect(")")
            what = Group(body, is_subshell=True)
        else:
            match self.reserved():
                case "{":
                    self.at += 1
                    body = self.body()
                    self.expect_reserved("}")
                    what = Group(body, is_subshell=False)
                case "if":
                    what = self.conditional()
                case "while" | "until" as word:
                    self.at += len(word)
                    condition = self.body()
                    what = Loop(condition, self.do_group(), until_true=word == "until")
                case "for":
                    what = self.for_loop()
                case "case":
                    what = self.case()
                case "":
                    return self.simple()
                case _:
                    raise self.unexpected()
        return Command(what, tuple(self.redirections()))

    def body(self) -> Script:
        """A list that must hold a command."""
        script = self.script()
        if not script:
            raise self.unexpected()
        return script

    def conditional(self) -> If:
        self.expect_reserved("if")
        branches, otherwise = list[tuple[Script, Script]](), Script()
        while True:
            condition = self.body()
            self.expect_reserved("then")
            branches.append((condition, self.body()))
            if self.take_reserved("elif"):
                continue
            if self.take_reserved("else"):
                otherwise = self.body()
            self.expect_reserved("fi")
            return If(tuple(branches), otherwise)

    def for_loop(self) -> For:
        self.expect_reserved("for")
        self.skip_blanks()
        name = NAME.match(self.text, self.at)
        if name is None:
            raise self.error("Syntax error: Bad for loop variable")
        self.at = name.end()
        words: tuple[Word, ...] = ((Parameter("@", "", (), quoted=True),),)
        self.skip_lines()
        if self.take_reserved("in"):
            words = tuple(self.words())
            if self.peek() not in (";", "\n"):
                raise self.unexpected()
        if self.peek() == ";":
            self.at += 1
        return For(name.group(), words, self.do_group())

    def do_group(self) -> Script:
        self.skip_lines()
        self.expect_reserved("do")
        body = self.body()
        self.expect_reserved("done")
        return body

    def case(self) -> Case:
        self.expect_reserved("case")
        subject = self.some_word()
        self.skip_lines()
        self.expect_reserved("in")
        items: list[tuple[tuple[Word, ...], Script]] = []
        self.skip_lines()
        while not self.take_reserved("esac"):
            self.take("(")
            patterns = [self.some_word()]
            self.skip_blanks()
            while self.take("|"):
                patterns.append(self.some_word())
                self.skip_blanks()
            self.expect(")")
            items.append((tuple(patterns), self.script()))
            self.skip_lines()
            if not self.take(";;"):
                self.expect_reserved("esac")
                break
            self.skip_lines()
        return Case(subject, tuple(items))

    def simple(self) -> Command:
        """A simple command, or the definition of a function, which begins like one."""
        assignments: list[tuple[str, Word]] = []
        words: list[Word] = []
        redirections: list[Redirection] = []
        start = self.at
        while True:
            redirections += self.redirections()
            if not words and (assignment := _ASSIGNMENT.match(self.text, self.at)):
                self.at = assignment.end()
                assignments.append((assignment[1], self.word()))
                continue
            word = self.word()
            if word:
                words.append(word)
                continue
            if len(words) == 1 and self.peek() == "(" and not (assignments or redirections):
                return self.function(self.text[start : self.at].strip())
            break
        if not (assignments or words or redirections):
            raise self.unexpected()
        return Command(Simple(tuple(assignments), tuple(words)), tuple(redirections))

    def function(self, name: str) -> Command:
        self.at += 1
        self.skip_blanks()
        self.expect(")")
        if not NAME.fullmatch(name):
            raise self.error("Syntax error: Bad function name")
        self.skip_lines()
        return Command(Function(name, self.command()))

    # Redirections.

    def redirections(self) -> list[Redirection]:
        found: list[Redirection] = []
        self.skip_blanks()
        while match := _REDIRECTION.match(self.text, self.at):
            self.at = match.end()
            operator = match[2]
            descriptor = int(match[1]) if match[1] else 1 if operator.startswith(">") else 0
            self.skip_blanks()
            if operator.startswith("<<"):
                found.append(self.here_document(descriptor, strips_tabs=operator == "<<-"))
            else:
                found.append(Redirection(descriptor, operator, self.some_word()))
            self.skip_blanks()
        return found

    def here_document(self, descriptor: int, *, strips_tabs: bool) -> Redirection:
        """Takes the text out from behind this line, so that the line can be read on."""
        start = self.at
        delimiter = self.some_word()
        if any(not isinstance(part, Text) for part in delimiter):
            raise self.error("Syntax error: Bad here-document delimiter")
        ends = "".join(part.text for part in delimiter if isinstance(part, Text))
        is_quoted = any(char in self.text[start : self.at] for char in "'\"\\")
        end_of_line = self.text.find("\n", self.at)
        if end_of_line < 0:
            return Redirection(descriptor, "<<", ())
        before, after = self.text[: end_of_line + 1], self.text[end_of_line + 1 :].splitlines(keepends=True)
        content = ""
        taken = 0
        for taken, raw in enumerate(after, 1):  # noqa: B007 (how many were taken is what is wanted)
            line = raw.lstrip("\t") if strips_tabs else raw
            if line.removesuffix("\n") == ends:
                break
            content += line
        self.text = before + "".join(after[taken:])
        self.lines_taken += taken
        if is_quoted:
            return Redirection(descriptor, "<<", (Text(content, quoted=True),))
        return Redirection(descriptor, "<<", _Parser(content, depth=self.depth).document())

    def document(self) -> Word:
        """A here-document whose delimiter is not quoted: all of it as between double quotes, but `"` is a character."""
        return self.quoted_parts(end="")

    # Words.

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
        while not self.at_end() and (char := self.text[self.at]) not in _METACHARACTERS:
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
                    while end < len(self.text) and self.text[end] not in _METACHARACTERS + "'\"\\$`":
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
        inner_parser = _Parser("".join(inner), depth=self.depth)
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
                    return Arithmetic(_Parser(inner, depth=self.depth).document(), quoted)
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
        if name := NAME.match(self.text, self.at) or re.compile(r"[0-9]+").match(self.text, self.at):
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

    # Characters.

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
        return word if word in _RESERVED else ""

    def raw_word(self) -> str:
        """The characters of the next word, quotes and all."""
        self.skip_blanks()
        end = self.at
        while end < len(self.text) and self.text[end] not in _METACHARACTERS:
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
            elif self.text[self.at] == "#" and (self.at == 0 or self.text[self.at - 1] in _METACHARACTERS):
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
        if self.depth > _DEEPEST:
            raise self.error(f"Syntax error: more than {_DEEPEST} levels")
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
                self.word()
            what = f'"{self.text[start : self.at] or self.peek()}"'
        wanted = f' (expecting "{expecting}")' if expecting else ""
        return self.error(f"Syntax error: {what} unexpected{wanted}")
