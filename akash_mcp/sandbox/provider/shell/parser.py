"""Reads a script into its syntax, by recursive descent. What dash refuses is a `ScriptError`.

Aliases, `&` and bash's own syntax are not known here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from akash_mcp.sandbox.provider.shell.reading import ScriptError
from akash_mcp.sandbox.provider.shell.syntax import (
    AndOr,
    Case,
    Command,
    For,
    Function,
    Group,
    If,
    Loop,
    Parameter,
    Pipeline,
    Redirection,
    Script,
    Simple,
    Text,
    Word,
)
from akash_mcp.sandbox.provider.shell.words import NAME, WordReader

_CLOSES = frozenset(("}", "do", "done", "elif", "else", "esac", "fi", "then"))
"""Reserved words that end the list before them."""
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=")
_REDIRECTION = re.compile(r"([0-9]?)(<<-|<<|<&|<>|>&|>>|>\||<|>)")


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
class _Parser(WordReader):
    """Reads commands."""

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
