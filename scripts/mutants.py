"""Break the guard on purpose, one small change at a time, and see whether a test notices.

    python scripts/mutants.py            all modules; `make mutants`
    python scripts/mutants.py ledger     only modules whose path has this in it

A mutant is one small change to one module: `<` becomes `<=`, one condition of an `and` is dropped, a `raise` goes, a
`=` in an SQL statement becomes `<>`. The tests of that module are run against it until one fails. A mutant that no
test notices survives, and is printed: it wants a test, or one line in `mutants_explained.txt` that says why none is
needed. Survivors without a line, and lines without a mutant, make the exit status 1.

pytest collects the tests once. For each mutant a process is forked from there, in which only the changed function
gets other code; nothing is written to the tree. Only the tests that call this function run, the quick ones first.
What is not in a function (constants, defaults, fields) is changed before a fresh process imports the module.
Property tests draw the same examples for every mutant and shrink nothing. Those of `test_never_a_false_no.py` are left
out: they take seconds each and call nearly everything, and what they show wants a small test of its own.
"""

from __future__ import annotations

import ast
import copy
import gc
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any, TypeVar

import pytest

Node = TypeVar("Node", bound=ast.AST)

ROOT = Path(__file__).resolve().parent.parent
EXPLAINED = Path(__file__).with_name("mutants_explained.txt")

GUARD_TESTS = ("tests/guard",)
LAUNCH_TESTS = ("tests/workflow/test_reconcile.py", "tests/workflow/test_launch_*.py")
AREAS: dict[str, tuple[str, ...]] = {
    **{
        str(path.relative_to(ROOT)): GUARD_TESTS
        for path in sorted((ROOT / "akash_mcp/guard").rglob("*.py"))
        if path.name != "__init__.py"
    },
    "akash_mcp/money.py": ("tests/test_money.py",),
    "akash_mcp/workflow/launch.py": LAUNCH_TESTS,
    "akash_mcp/workflow/reconcile.py": LAUNCH_TESTS,
}
"""Each module, and the tests that are its own."""

LEFT_OUT = ("test_many_processes_share_one_budget", "test_never_a_false_no")
"""Tests whose subprocesses import the module anew, and so would not see the mutant; and the slow property tests."""

CPU_SECONDS = 60
WALL_SECONDS = 180.0
"""A mutant that takes longer runs in circles, or waits for what never comes: that is noticed too."""

_BROKEN = 70
"""The exit status of a process that could not even begin."""

KILLED, SURVIVED, OUT_OF_TIME = "killed", "survived", "out of time"

# --- what is changed -------------------------------------------------------------------------------------------------


@dataclass
class Mutant:
    """One change. `where` is the function (or class, or `module`) it is in, `change` says what becomes what."""

    file: str
    line: int
    where: str
    change: str
    tree: ast.Module
    function: str | None
    """The outermost function it is in, by qualified name; None where a fresh import is needed."""
    outcome: str = ""

    @property
    def key(self) -> str:
        """What names it in the list of explained ones: no line numbers, so that it survives edits above it."""
        return f"{self.file} | {self.where} | {self.change}"


_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
}
_OTHER_NAMES = {"min": "max", "max": "min", "any": "all", "all": "any", "ROUND_HALF_UP": "ROUND_DOWN"}
_SQL = re.compile(r"\b(SELECT|UPDATE|INSERT|WHERE|CASE)\b|\w+ = ")
_SQL_CHANGES = (
    (re.compile(r" = (?!\?, )(?='|\?|1)"), " <> "),
    (re.compile(r" > "), " >= "),
    (re.compile(r" AND \w+ (=|IS NOT) ('\w+'|\?|1|NULL)"), ""),
    (re.compile(r" DESC\b"), ""),
    (re.compile(r"COALESCE\(\?, (\w+)\)"), r"\1"),
    (re.compile(r" ORDER BY at\b"), " ORDER BY at DESC"),
    (re.compile(r"'(held|settled|refused)'"), "'nothing'"),
    (re.compile(r"ELSE 0\b"), "ELSE 1"),
    (re.compile(r" = NULL"), " = ''"),
)


def _changes(node: ast.AST) -> Iterator[tuple[ast.AST | None, str]]:
    """What `node` can become, each with its description; None removes a statement."""

    def to(other: ast.AST) -> tuple[ast.AST, str]:
        return other, f"{_short(node)} -> {_short(other)}"

    match node:
        case ast.Compare(ops=[operator]):
            for other in _COMPARISONS[type(operator)]:
                yield to(_changed(node, ops=[other()]))
        case ast.Compare(ops=operators):
            for index, operator in enumerate(operators):
                swapped = _COMPARISONS[type(operator)][0]()
                yield to(_changed(node, ops=[*operators[:index], swapped, *operators[index + 1 :]]))
        case ast.BoolOp(op=operator, values=values):
            yield to(_changed(node, op=ast.Or() if isinstance(operator, ast.And) else ast.And()))
            for index, value in enumerate(values):
                rest = values[:index] + values[index + 1 :]
                less = rest[0] if len(rest) == 1 else ast.BoolOp(operator, rest)
                yield less, f"dropped {_short(value)} from {_short(node)}"
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield to(operand)
        case ast.BinOp(op=operator) | ast.AugAssign(op=operator) if type(operator) in _ARITHMETIC:
            yield to(_changed(node, op=_ARITHMETIC[type(operator)]()))
        case ast.Constant(value=bool(value)):
            yield to(ast.Constant(not value))
        case ast.Constant(value=int(value)):
            yield to(ast.Constant(value + 1))
        case ast.Constant(value=str(value)) if re.fullmatch(r"\d+\.\d+", value):
            yield to(ast.Constant(value + "9"))
        case ast.Constant(value=str(value)) if _SQL.search(value):
            yield from _sql_changes(value)
        case ast.Name(id=name) if name in _OTHER_NAMES:
            yield to(ast.Name(_OTHER_NAMES[name], ast.Load()))
        case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
            for forced in (False,) if isinstance(node, ast.While) else (True, False):
                if not isinstance(test, ast.Constant):
                    kind = type(node).__name__.lower()
                    yield _changed(node, test=ast.Constant(forced)), f"{kind} {_short(test)} -> {forced}"
        case ast.comprehension(ifs=ifs):
            for index, condition in enumerate(ifs):
                yield _changed(node, ifs=ifs[:index] + ifs[index + 1 :]), f"dropped if {_short(condition)}"
        case ast.Raise() | ast.Continue() | ast.Break():
            yield None, f"removed {_short(node)}"
        case ast.Expr(value=ast.Call() | ast.Await()) if not ast.unparse(node).startswith("log."):
            yield None, f"removed {_short(node)}"
        case ast.Return(value=ast.expr() as value) if not (
            isinstance(value, ast.Constant) and value.value is None
        ):
            yield ast.Return(ast.Constant(None)), f"{_short(node)} -> return None"
        case ast.ExceptHandler(type=ast.Tuple(elts=caught)):
            for index, one in enumerate(caught):
                fewer = ast.Tuple(caught[:index] + caught[index + 1 :], ast.Load())
                yield (
                    _changed(node, type=fewer),
                    f"dropped {_short(one)} from except {_short(ast.Tuple(caught))}",
                )
        case ast.ExceptHandler(type=ast.Name(id=name)):
            yield _changed(node, type=ast.Tuple([], ast.Load())), f"except {name} -> except nothing"
        case ast.Assign(targets=[ast.Name()], value=ast.Tuple(elts=elements)) if len(elements) > 1:
            for index, one in enumerate(elements):
                shorter = ast.Tuple(elements[:index] + elements[index + 1 :], ast.Load())
                yield _changed(node, value=shorter), f"dropped {_short(one)} from {_short(node)}"


def _changed(node: Node, **fields: object) -> Node:
    """A copy of a node with other fields."""
    changed = copy.deepcopy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def _sql_changes(value: str) -> Iterator[tuple[ast.AST, str]]:
    for pattern, new in _SQL_CHANGES:
        for found in pattern.finditer(value):
            changed = value[: found.start()] + found.expand(new) + value[found.end() :]
            context = value[max(0, found.start() - 24) : found.end() + 8].strip()
            yield (
                ast.Constant(changed),
                f"SQL …{context}… : {found[0].strip()} -> {found.expand(new).strip()}",
            )


def _short(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 72 else f"{text[:45]} … {text[-24:]}"


@dataclass
class _Place:
    """Where in the tree a node hangs, so that a copy of the tree can be changed at the same place."""

    path: list[tuple[str, int | None]]
    scopes: tuple[str, ...]
    function: str | None


def mutants_of(file: str) -> list[Mutant]:
    """Every mutant of one module, in the order of its lines."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    found: list[Mutant] = []
    seen: Counter[str] = Counter()
    for node, parent, place in _walk(tree, tree, _Place([], (), None)):
        for other, change in _changes(node):
            replaced = ast.fix_missing_locations(_with(tree, place.path, other))
            where = ".".join(place.scopes) or "module"
            mutant = Mutant(
                file,
                getattr(node, "lineno", getattr(parent, "lineno", 0)),
                where,
                change,
                replaced,
                place.function,
            )
            seen[mutant.key] += 1
            if seen[mutant.key] > 1:
                mutant.change += f" #{seen[mutant.key]}"
            found.append(mutant)
    return sorted(found, key=lambda mutant: mutant.line)


def _walk(node: ast.AST, parent: ast.AST, place: _Place) -> Iterator[tuple[ast.AST, ast.AST, _Place]]:
    yield node, parent, place
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "type_params", "names"):
            continue
        children = value if isinstance(value, list) else [value]
        for index, child in enumerate(children):
            if not isinstance(child, ast.AST) or _is_docstring(child):
                continue
            step = (name, index if isinstance(value, list) else None)
            yield from _walk(child, node, _below(node, name, child, place, step))


def _below(node: ast.AST, name: str, child: ast.AST, place: _Place, step: tuple[str, int | None]) -> _Place:
    scopes, function = place.scopes, place.function
    if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        scopes = (*scopes, child.name)
    is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    # One that calls `super()` closes over its class, and a mutant of it may not: its code cannot be exchanged.
    if is_function and name == "body" and function is None and not _calls_super(node):
        function = ".".join(place.scopes)
    return _Place([*place.path, step], scopes, function)


def _calls_super(node: ast.AST) -> bool:
    return any(isinstance(each, ast.Name) and each.id == "super" for each in ast.walk(node))


def _is_docstring(child: ast.AST) -> bool:
    return isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)


def _with(tree: ast.Module, path: Sequence[tuple[str, int | None]], other: ast.AST | None) -> ast.Module:
    changed = copy.deepcopy(tree)
    node: Any = changed
    for name, index in path[:-1]:
        node = getattr(node, name) if index is None else getattr(node, name)[index]
    name, index = path[-1]
    new = ast.Pass() if other is None else copy.deepcopy(other)
    if index is None:
        setattr(node, name, new)
    else:
        getattr(node, name)[index] = new
    return changed


# --- how a mutant is run ---------------------------------------------------------------------------------------------


def _code_of(code: CodeType, qualified: str) -> CodeType:
    """The code of a function in a module's code."""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            if constant.co_qualname == qualified:
                return constant
            if qualified.startswith(f"{constant.co_qualname}."):
                return _code_of(constant, qualified)
    raise LookupError(qualified)


def _put_in(mutant: Mutant) -> None:
    """Give the loaded function, and whatever wraps it, the mutant's code."""
    path = str(ROOT / mutant.file)
    assert mutant.function is not None
    code = _code_of(compile(mutant.tree, path, "exec"), mutant.function)
    loaded = [
        each
        for each in gc.get_objects()
        if isinstance(each, FunctionType)
        and each.__code__.co_filename == path
        and each.__code__.co_qualname == mutant.function
    ]
    assert loaded, mutant.key
    for each in loaded:
        each.__code__ = code


class _Import(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports the mutant in the place of its module."""

    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant
        self.name = mutant.file.removesuffix(".py").replace("/", ".")

    def find_spec(
        self, fullname: str, path: Any = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self.name:
            return None
        return importlib.util.spec_from_file_location(fullname, ROOT / self.mutant.file, loader=self)

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.mutant.tree, str(ROOT / self.mutant.file), "exec"), module.__dict__)


@dataclass
class _Loop:
    """A plugin of pytest's: it stands where the tests would be run, and runs them for each mutant.

    `say` is told of each survivor. `failure` holds what a test says that fails without any mutant.
    """

    mutants: Sequence[Mutant]
    say: Callable[[Mutant], None]
    failure: str = "the tests cannot be collected"
    _failed: str = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._failed = f"{report.nodeid}\n{report.longreprtext}"

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        with tempfile.TemporaryDirectory(
            prefix="mutants-", dir=_quick_disk(), ignore_cleanup_errors=True
        ) as to:
            notes = Path(to) / "notes.json"
            os.waitpid(_fork(Path(to), lambda: self._watched(session.items, notes), cpu_seconds=600), 0)
            self.failure, callers, seconds = json.loads(notes.read_text())
            if not self.failure:
                self._run(session.items, callers, seconds, Path(to))
        return True

    def _watched(self, items: Sequence[pytest.Item], notes: Path) -> bool:
        """Run every test as it is. Note which functions it calls, and how many seconds it takes."""
        files = {str(ROOT / mutant.file): mutant.file for mutant in self.mutants}
        callers: dict[str, set[int]] = defaultdict(set)
        seconds: list[float] = []
        notes.write_text(json.dumps(["the tests end before their time", {}, []]))
        for number, item in enumerate(items):

            def trace(frame: FrameType, event: str, argument: object, number: int = number) -> None:
                file = files.get(frame.f_code.co_filename)
                if file is not None:
                    callers[f"{file} {frame.f_code.co_qualname.partition('.<')[0]}"].add(number)

            started = time.process_time()
            sys.settrace(trace)
            self._passes(item)
            sys.settrace(None)
            seconds.append(time.process_time() - started)
            if self._failed:
                break
        called = {name: sorted(numbers) for name, numbers in callers.items()}
        notes.write_text(json.dumps([self._failed, called, seconds]))
        return not self._failed

    def _run(
        self, items: Sequence[pytest.Item], callers: dict[str, list[int]], seconds: list[float], scratch: Path
    ) -> None:
        def start(mutant: Mutant) -> int:
            numbers = sorted(callers.get(f"{mutant.file} {mutant.function}", []), key=seconds.__getitem__)
            chosen = [items[number] for number in numbers]
            return _fork(scratch, lambda: self._survives(mutant, chosen), cpu_seconds=CPU_SECONDS)

        _side_by_side([mutant for mutant in self.mutants if mutant.function], start, self.say)

    def _survives(self, mutant: Mutant, items: Sequence[pytest.Item]) -> bool:
        _put_in(mutant)
        return all(self._passes(item) for item in items)

    def _passes(self, item: pytest.Item) -> bool:
        # Without a next item everything is torn down, so that each test stands alone.
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        return not self._failed


def _fork(scratch: Path, work: Callable[[], bool], *, cpu_seconds: int) -> int:
    """A process that ends with 0 if `work` says yes, in a group and with a temporary folder of its own."""
    folder = tempfile.mkdtemp(dir=scratch)
    child = os.fork()
    if child:
        return child
    status = _BROKEN
    try:
        os.setpgid(0, 0)
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 5))
        os.environ["PYTEST_DEBUG_TEMPROOT"] = folder
        status = 0 if work() else 1
    finally:
        # Nothing of the parent's may run here on the way out.
        os._exit(status)


def _anew(mutants: Sequence[Mutant], say: Callable[[Mutant], None]) -> None:
    """Run mutants that are outside of functions, each in a process that imports everything anew."""
    with tempfile.TemporaryDirectory(
        prefix="mutants-", dir=_quick_disk(), ignore_cleanup_errors=True
    ) as scratch:
        processes = []

        def start(mutant: Mutant) -> int:
            process = subprocess.Popen(
                [sys.executable, __file__, "--one", mutant.key],
                env={**os.environ, "PYTEST_DEBUG_TEMPROOT": tempfile.mkdtemp(dir=scratch)},
                process_group=0,
            )
            processes.append(process)
            return process.pid

        _side_by_side([mutant for mutant in mutants if not mutant.function], start, say)
        for process in processes:
            process.returncode = 0  # it has been waited for


def _side_by_side(
    mutants: Sequence[Mutant], start: Callable[[Mutant], int], say: Callable[[Mutant], None]
) -> None:
    """Run as many at once as there are processors, and note what came of each."""
    waiting = list(mutants)
    running: dict[int, tuple[Mutant, float]] = {}
    while waiting or running:
        while waiting and len(running) < (os.cpu_count() or 1):
            mutant = waiting.pop(0)
            running[start(mutant)] = (mutant, time.monotonic() + WALL_SECONDS)
        time.sleep(
            0.005
        )  # between two looks at the children: waiting for one of them could not end those that hang
        for child, (mutant, ends) in list(running.items()):
            ended, status = os.waitpid(child, os.WNOHANG)
            if not ended and time.monotonic() < ends:
                continue
            if not ended:
                os.killpg(child, signal.SIGKILL)
                _, status = os.waitpid(child, 0)
            del running[child]
            if os.WIFEXITED(status) and os.WEXITSTATUS(status) == _BROKEN:
                raise RuntimeError(f"this mutant cannot be run: {mutant.key}")
            late = os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL)
            mutant.outcome = SURVIVED if status == 0 else OUT_OF_TIME if late else KILLED
            if mutant.outcome == SURVIVED:
                say(mutant)


def _quick_disk() -> str | None:
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _pytest(tests: Sequence[str], plugin: object = None) -> int:
    paths = [str(path.relative_to(ROOT)) for pattern in tests for path in sorted(ROOT.glob(pattern))]
    quick = " and ".join(f"not {name}" for name in LEFT_OUT)
    plain = ["-x", "-p", "no:cacheprovider", "-p", "no:xdist", "-o", "timeout=0", "-k", quick]
    return int(pytest.main([*plain, *paths], plugins=[plugin] if plugin else []))


def _one(key: str) -> int:
    """Run the tests of one mutant in this process, which has imported nothing of ours yet."""
    file = key.partition(" | ")[0]
    (mutant,) = [mutant for mutant in mutants_of(file) if mutant.key == key]
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 5))
    sys.meta_path.insert(0, _Import(mutant))
    return _pytest(AREAS[file])


# --- what is told ----------------------------------------------------------------------------------------------------


def explained() -> dict[str, str]:
    """The mutants that may survive, each with its reason. A line is `file | where | change  # reason`."""
    lines = EXPLAINED.read_text(encoding="utf-8").splitlines()
    pairs = (line.rsplit("  # ", 1) for line in lines if line.strip() and not line.startswith("#"))
    return {key.strip(): reason.strip() for key, reason in pairs}


def main(arguments: Sequence[str]) -> int:
    """Run the mutants of the modules that `arguments` name, all of them without any."""
    os.chdir(ROOT)
    os.environ["HYPOTHESIS_PROFILE"] = "mutants"
    if arguments[:1] == ["--one"]:
        return _one(arguments[1])
    started = time.monotonic()
    reasons = explained()
    terminal = os.fdopen(os.dup(1), "w", buffering=1)
    # What the tests of a mutant print is of no use to anybody; what breaks in here is.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(1, 2)
    sys.excepthook = lambda kind, error, trace: traceback.print_exception(kind, error, trace, file=terminal)

    def say(mutant: Mutant) -> None:
        if mutant.key not in reasons:
            print(f"{mutant.file}:{mutant.line}  {mutant.where} | {mutant.change}", file=terminal)

    chosen = [file for file in AREAS if not arguments or any(word in file for word in arguments)]
    mutants = [mutant for file in chosen for mutant in mutants_of(file)]
    for tests in dict.fromkeys(AREAS[file] for file in chosen):
        group = [mutant for mutant in mutants if AREAS[mutant.file] == tests]
        loop = _Loop(group, say)
        _pytest(tests, plugin=loop)
        if loop.failure:
            print(f"Nothing can be said of mutants while the tests fail: {loop.failure}", file=terminal)
            return 2
        _anew(group, say)
    # An error of ours inside of pytest's loop ends the loop, and is told by pytest to nobody.
    if without := [mutant.key for mutant in mutants if not mutant.outcome]:
        print(f"{len(without)} mutants were not run, the first is {without[0]}", file=terminal)
        return 2

    of_key = {mutant.key: mutant for mutant in mutants}
    ours = [key for key in reasons if key.partition(" | ")[0] in chosen]
    stale = [key for key in ours if key not in of_key or of_key[key].outcome != SURVIVED]
    for key in stale:
        print(f"{EXPLAINED.name}: no such mutant survives any more: {key}", file=terminal)
    count = Counter(mutant.outcome for mutant in mutants)
    bare = count[SURVIVED] - (len(ours) - len(stale))
    print(
        f"{len(mutants)} mutants in {time.monotonic() - started:.0f} s: {count[KILLED]} killed, {count[OUT_OF_TIME]} "
        f"out of time, {count[SURVIVED] - bare} survive with a reason, {bare} without",
        file=terminal,
    )
    return 1 if bare or stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
