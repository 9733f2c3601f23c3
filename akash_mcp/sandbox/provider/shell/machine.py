"""Carries out scripts: control flow, redirections, pipes, subshells, functions, and starting programs.

What is not played raises `NotPlayed`, what takes too long `Exhausted`: both end all of it, wherever they come up.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from akash_mcp.sandbox.provider.shell import builtins, expansion, patterns
from akash_mcp.sandbox.provider.shell.budget import Budget, Exhausted
from akash_mcp.sandbox.provider.shell.control import (
    BreakLoop,
    ContinueLoop,
    ExitShell,
    LeaveLoop,
    ReturnFromFunction,
    ShellFailed,
)
from akash_mcp.sandbox.provider.shell.files import FileFailed, UnknownFile, resolve
from akash_mcp.sandbox.provider.shell.parser import parse
from akash_mcp.sandbox.provider.shell.process import Host, NotPlayed, Process
from akash_mcp.sandbox.provider.shell.programs import PROGRAMS
from akash_mcp.sandbox.provider.shell.redirections import CannotRedirect, redirected
from akash_mcp.sandbox.provider.shell.state import ShellState
from akash_mcp.sandbox.provider.shell.streams import (
    BrokenPipe,
    Captured,
    Descriptors,
    Pipe,
    Sink,
    Source,
    ToCaller,
    Waiting,
    sink_of,
    source_of,
)
from akash_mcp.sandbox.provider.shell.syntax import (
    AndOr,
    Case,
    Command,
    For,
    Function,
    Group,
    If,
    Loop,
    Pipeline,
    Redirection,
    Script,
    Simple,
)

SHELLS = ("sh", "/bin/sh", "bash", "/bin/bash", "dash", "/bin/dash", "ash", "/bin/ash")
DEEPEST = 60
"""Commands within commands and calls of functions."""
_BROKEN_PIPE = 141
_OUT_OF_SANDBOX = " (this is a sandbox, which plays few programs)"


def run(
    argv: Sequence[str],
    host: Host,
    *,
    stdin: Source,
    stdout: Sink,
    stderr: Sink,
    budget: Budget | None = None,
) -> Waiting[int]:
    """Play a command in a container, to its exit code. Raises `NotPlayed` and `Exhausted`."""
    if not argv or argv[0] == "exec":  # a word of the shell, not a program
        raise NotPlayed(tuple(argv))
    shell = Shell(host, budget or Budget(), {0: stdin, 1: stdout, 2: stderr}, folder=host.folder)
    shell.variables.update(host.env)
    shell.exported.update(host.env)
    try:
        return (yield from shell.program(list(argv), shell.environment(), shell.descriptors))
    except BrokenPipe:
        return _BROKEN_PIPE
    except NotPlayed as unknown:
        if not (host.session and argv[0] in SHELLS):
            raise
        stderr.write(f"{argv[0]}: this sandbox does not play: {unknown}\n")
        return 127


@dataclass
class Shell(ShellState):
    """A shell that carries out what it reads."""

    def output_of(self, script: Script) -> Waiting[str]:
        """What a command substitution writes."""
        captured = Captured()
        self.substituted = yield from self.fork({1: captured}).subshell(script)
        return captured.text

    # Scripts.

    def script_in(self, text: str) -> Waiting[int]:
        """A whole script, to its exit code."""
        return (yield from self._to_its_end(self.run_text(text)))

    def subshell(self, script: Script, *, tested: bool = False) -> Waiting[int]:
        """A script whose end is the end of this shell."""
        return (yield from self._to_its_end(self.run(script, tested=tested)))

    def _to_its_end(self, running: Waiting[int]) -> Waiting[int]:
        try:
            yield from running
        except ExitShell as end:
            self.status = end.code
        except (LeaveLoop, ReturnFromFunction):
            pass
        except ShellFailed as failed:
            self.complain(str(failed))
            self.status = 2
        return self.status

    def run_text(self, text: str, *, tested: bool = False) -> Waiting[int]:
        """The commands of a text in this shell."""
        parsed = parse(text)
        yield from self.run(parsed.script, tested=tested)
        if parsed.error:
            self.line = parsed.error.line
            raise ShellFailed(str(parsed.error))
        return self.status

    def run(self, script: Script, *, tested: bool = False) -> Waiting[int]:
        """Commands in this shell. `tested`: what fails ends it not, whatever `set -e` says."""
        for item in script:
            self.line = item.line
            if item.in_background:
                raise NotPlayed((f"{item.text} &",))
            yield from self._and_or(item, tested)
        return self.status

    def _and_or(self, item: AndOr, tested: bool) -> Waiting[None]:
        pipelines = [("", item.first), *item.rest]
        for index, (operator, pipeline) in enumerate(pipelines):
            if (operator == "&&" and self.status) or (operator == "||" and not self.status):
                continue
            is_last = index == len(pipelines) - 1
            yield from self._pipeline(pipeline, tested or not is_last)

    def _pipeline(self, pipeline: Pipeline, tested: bool) -> Waiting[None]:
        tested_here = tested or pipeline.negated
        if len(pipeline.commands) == 1:
            yield from self._command(pipeline.commands[0], tested_here)
        else:
            self.status = yield from self._piped(pipeline.commands, tested_here)
            self._check(tested_here)
        if pipeline.negated:
            self.status = int(not self.status)

    def _piped(self, commands: Sequence[Command], tested: bool) -> Waiting[int]:
        """Commands that take turns: the left side goes on when the right side wants to read."""
        *before, last = commands
        if not before:
            return (yield from self._alone(last, tested))
        pipe = Pipe()
        pipe.writer = self.fork({1: ToCaller(pipe.take)})._piped(before, tested)
        pipe.start()
        status = yield from self.fork({0: pipe})._alone(last, tested)
        yield from pipe.finish()
        return status

    def _alone(self, command: Command, tested: bool) -> Waiting[int]:
        """A command in this shell, which is a subshell for it."""
        script = (
            AndOr(Pipeline((command,), negated=False), (), in_background=False, text="", line=self.line),
        )
        return (yield from self.subshell(script, tested=tested))

    def _check(self, tested: bool) -> None:
        if self.status and self.exits_on_error and not tested:
            raise ExitShell(self.status)

    def _command(self, command: Command, tested: bool) -> Waiting[None]:
        self.budget.spend()
        yield 0.0  # so that whoever shows the output can show it
        with self._deeper():
            if isinstance(command.what, Simple):
                self.is_tested = tested
                with self._ending_at_errors():
                    yield from self._simple(command.what, command.redirections)
                self._check(tested)
                return
            if isinstance(command.what, Function):
                self.functions[command.what.name] = command.what.body
                self.status = 0
                return
            before = self.descriptors
            try:
                self.descriptors = yield from redirected(command.redirections, self)
            except CannotRedirect as problem:
                self.complain(str(problem))
                self.status = 2
                self._check(tested)
                return
            try:
                with self._ending_at_errors():
                    yield from self._compound(command.what, tested)
            finally:
                self.descriptors = before

    def _compound(self, what: Group | If | Loop | For | Case, tested: bool) -> Waiting[None]:
        match what:
            case Group(body, is_subshell=False):
                yield from self.run(body, tested=tested)
            case Group(body):
                self.status = yield from self.fork().subshell(body, tested=tested)
                self._check(tested)
            case If(branches, otherwise):
                for condition, body in branches:
                    if (yield from self.run(condition, tested=True)) == 0:
                        yield from self.run(body, tested=tested)
                        return
                self.status = 0
                yield from self.run(otherwise, tested=tested)
            case Loop():
                yield from self._loop(what, tested)
            case For():
                yield from self._for(what, tested)
            case Case(word, items):
                text = yield from expansion.text_of(word, self)
                self.status = 0
                for choices, body in items:
                    for choice in choices:
                        pattern = yield from expansion.pattern_of(choice, self)
                        self.budget.work(len(pattern) * len(text))
                        if patterns.matches(pattern, text):
                            yield from self.run(body, tested=tested)
                            return

    def _loop(self, loop: Loop, tested: bool) -> Waiting[None]:
        status = 0
        self.loops += 1
        try:
            while True:
                self.budget.spend()
                try:
                    if bool((yield from self.run(loop.condition, tested=True))) != loop.until_true:
                        break
                    status = yield from self.run(loop.body, tested=tested)
                except ContinueLoop as left:
                    status = self.status
                    left.pass_on()
                except BreakLoop as left:
                    status = self.status
                    left.pass_on()
                    break
        finally:
            self.loops -= 1
        self.status = status

    def _for(self, loop: For, tested: bool) -> Waiting[None]:
        words = yield from expansion.fields(loop.words, self)
        self.status = 0
        self.loops += 1
        try:
            for word in words:
                self.budget.spend()
                self.variables[loop.name] = word
                try:
                    yield from self.run(loop.body, tested=tested)
                except ContinueLoop as left:
                    left.pass_on()
                except BreakLoop as left:
                    left.pass_on()
                    break
        finally:
            self.loops -= 1

    # Simple commands.

    def _simple(self, simple: Simple, redirections: Sequence[Redirection]) -> Waiting[None]:
        self.substituted = None
        words = yield from expansion.fields(simple.words, self)
        is_special = bool(words) and words[0] in builtins.SPECIAL and words[0] not in self.functions
        try:
            descriptors = yield from redirected(redirections, self)
        except CannotRedirect as problem:
            if is_special:
                raise ShellFailed(str(problem)) from problem
            self.complain(str(problem))
            self.status = 2
            return
        assigned: dict[str, str] = {}
        for name, value in simple.assignments:
            assigned[name] = yield from expansion.text_of(value, self)
            if not words or is_special:
                self.variables[name] = assigned[name]
        if not words:
            self.status = self.substituted or 0
            return
        if words[0] == "exec":
            yield from self._exec(words[1:], descriptors)
            return
        if words[0] in self.functions:
            yield from self._call(words, assigned, descriptors)
        elif words[0] in builtins.BUILTINS:
            yield from self._builtin(words, assigned, descriptors, is_special)
        else:
            environment = {**self.environment(), **assigned}
            self.status = yield from self.program(words, environment, descriptors, is_inside=True)

    def _builtin(
        self, words: list[str], assigned: Mapping[str, str], descriptors: Descriptors, is_special: bool
    ) -> Waiting[None]:
        before, self.descriptors = self.descriptors, descriptors
        kept = {name: self.variables.get(name) for name in assigned}
        try:
            self.variables.update(assigned)
            with self._ending_at_errors():
                result = builtins.BUILTINS[words[0]](self, words[1:])
                self.status = result if isinstance(result, int) else (yield from result)
        except FileFailed as failed:  # what it wrote could not be written
            self.complain(f"{words[0]}: {failed}")
            self.status = 1
        finally:
            self.descriptors = before
            if not is_special:
                self._restore(kept)

    def _call(self, words: list[str], assigned: Mapping[str, str], descriptors: Descriptors) -> Waiting[None]:
        before = self.descriptors, self.parameters, self.loops, self.is_in_function
        kept = {name: self.variables.get(name) for name in assigned}
        self.descriptors, self.parameters, self.loops, self.is_in_function = descriptors, words[1:], 0, True
        self.variables.update(assigned)
        body = self.functions[words[0]]
        try:
            yield from self._command(body, self.is_tested)
        except ReturnFromFunction as end:
            self.status = end.code
        finally:
            self.descriptors, self.parameters, self.loops, self.is_in_function = before
            self._restore(kept)

    def _restore(self, kept: Mapping[str, str | None]) -> None:
        for name, value in kept.items():
            if value is None:
                self.variables.pop(name, None)
            else:
                self.variables[name] = value

    def _exec(self, words: list[str], descriptors: Descriptors) -> Waiting[None]:
        """Without words the redirections are the shell's from now on; with them the program is its end."""
        if not words:
            self.descriptors = descriptors
            self.status = 0
            return
        raise ExitShell((yield from self.program(words, self.environment(), descriptors)))

    # Programs.

    def program(
        self,
        words: list[str],
        environment: Mapping[str, str],
        descriptors: Descriptors,
        *,
        is_inside: bool = False,
    ) -> Waiting[int]:
        """Start a program. `is_inside`: by a shell, not by the container's runtime."""
        name = self._program_name(words[0])
        stdin, stdout, stderr = source_of(descriptors), sink_of(descriptors, 1), sink_of(descriptors, 2)
        try:
            if words[0] in SHELLS:
                return (yield from self._shell(words, environment, descriptors))
            if name == "env":
                return (yield from self._env(words[1:], environment, descriptors))
            if "/" in words[0] and self.files.is_file(resolve(self.folder, words[0])):
                return (yield from self._shell(["sh", *words], environment, descriptors))
            if name not in PROGRAMS:
                raise NotPlayed(tuple(words), environment)
            arguments = words[1:]
            process = Process(
                name, arguments, environment, self.folder, stdin, stdout, stderr, self.host, self.budget
            )
            result = PROGRAMS[name](process)
            return result if isinstance(result, int) else (yield from result)
        except NotPlayed as unknown:
            is_ours = unknown.argv[:1] in ((words[0],), (name,))
            if not (self.host.session and is_ours and (is_inside or self.depth)):
                raise
            if name in PROGRAMS:
                stderr.write(f"{name}: this sandbox does not play it like this: {' '.join(words)}\n")
                return 1
            stderr.write(f"{self.name}: {self.line}: {words[0]}: not found{_OUT_OF_SANDBOX}\n")
            return 127
        except FileFailed as failed:  # what it wrote could not be written
            stderr.write(f"{name}: write error: {failed}\n")
            return 1
        except UnknownFile as unknown_file:
            raise NotPlayed(tuple(words), environment) from unknown_file
        except BrokenPipe:
            if not self.depth:
                raise
            return _BROKEN_PIPE

    def _program_name(self, word: str) -> str:
        """What a program is called, when it is where programs are."""
        folder, name = posixpath.split(word)
        return name if folder in ("", "/bin", "/usr/bin", "/usr/local/bin", "/sbin", "/usr/sbin") else word

    def _env(
        self, words: list[str], environment: Mapping[str, str], descriptors: Descriptors
    ) -> Waiting[int]:
        given = dict(environment)
        if words[:1] in (["-i"], ["-"]):
            given, words = {}, words[1:]
        while words and "=" in words[0]:
            name, _, value = words[0].partition("=")
            given[name] = value
            words = words[1:]
        if words and words[0].startswith("-"):
            raise NotPlayed(("env", *words), environment)
        if words:
            return (yield from self.program(words, given, descriptors, is_inside=True))
        sink_of(descriptors, 1).write("".join(f"{name}={value}\n" for name, value in given.items()))
        return 0

    def _shell(
        self, words: list[str], environment: Mapping[str, str], descriptors: Descriptors
    ) -> Waiting[int]:
        """`sh -c SCRIPT`, `sh FILE`, or a script on standard input."""
        shell = Shell(self.host, self.budget, descriptors, self.folder, depth=self.depth)
        shell.name = posixpath.basename(words[0])
        shell.is_bash = shell.name == "bash"
        shell.variables, shell.exported = dict(environment), set(environment)
        rest = words[1:]
        from_argument = False
        while rest and rest[0][:1] in "-+" and len(rest[0]) > 1 and not from_argument:
            if not set(rest[0][1:]) <= set("ceul"):
                raise NotPlayed(tuple(words), environment)
            shell.exits_on_error |= "e" in rest[0]
            shell.refuses_unset |= "u" in rest[0]
            from_argument = "c" in rest[0]
            rest = rest[1:]
        if from_argument:
            if not rest:
                shell.complain("-c requires an argument")
                return 2
            text, rest = rest[0], rest[1:]
        elif rest:
            try:
                text = self.files.read(resolve(self.folder, rest[0]))
            except FileFailed as failed:
                shell.complain(f"cannot open {rest[0]}: {failed}")
                return 2
        else:
            text = yield from source_of(descriptors).read_all()
        if rest:
            shell.name, shell.parameters = rest[0], rest[1:]
        with self._deeper():
            shell.depth = self.depth
            return (yield from shell.script_in(text))

    @contextmanager
    def _ending_at_errors(self) -> Iterator[None]:
        """Tell an error that ends the shell while the descriptors are those of the command that made it."""
        try:
            yield
        except ShellFailed as failed:
            self.complain(str(failed))
            raise ExitShell(2) from failed

    @contextmanager
    def _deeper(self) -> Iterator[None]:
        self.depth += 1
        if self.depth > DEEPEST:
            raise Exhausted(f"more than {DEEPEST} commands within one another")
        try:
            yield
        finally:
            self.depth -= 1
