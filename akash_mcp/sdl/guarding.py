"""Who gets in at a port that is open: what listens there, and whether a password stands before it.

Read from the image's name, its variables and its command, by what the tables in `images` say of well-known ones. The
values of variables are compared and never repeated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

from akash_mcp.sdl.images.guarded_data import GUARDED_DATA
from akash_mcp.sdl.images.guarded_pages import GUARDED_PAGES
from akash_mcp.sdl.images.guards import Guard, GuardedImage, Kind
from akash_mcp.sdl.images.names import image_name, image_owner, major_version
from akash_mcp.sdl.images.usual_ports import UNUSED_PORT, USUAL_PORTS
from akash_mcp.sdl.images.well_known_passwords import PLACEHOLDER, WELL_KNOWN_PASSWORDS

_ROWS = (*GUARDED_DATA, *GUARDED_PAGES)
BY_IMAGE: Mapping[str, GuardedImage] = {name: row for row in _ROWS for name in row.images}
BY_PROGRAM: Mapping[str, GuardedImage] = {name: row for row in _ROWS for name in row.programs}

_MOST_COMMAND = 20_000
"""Characters of a command that are looked at."""
_NOTHING = "\0"
"""A word of a command that is there and empty."""
_EMPTY_QUOTES = re.compile(r"(?<![^\s=])(?:''|\"\")(?![^\s;&])")
_MORE_ARGUMENTS = re.compile(r"[A-Z0-9_]+_(?:ARGS|OPTS|FLAGS)")
"""Variables that some images add to their command, such as `REDIS_ARGS`."""
_SETTINGS_FILE = re.compile(r"[^-].*\.(?:conf|cnf|ini|ya?ml|toml|xml|json|config)")
_REFERENCE = re.compile(
    r"\$(?:\{(?P<braced>\w+)(?::?-(?P<default>[^}]*))?\}|\((?P<round>\w+)\)|(?P<plain>\w+))"
)
_START_SCRIPT = re.compile(r"entry_?point|(?:^|/)(?:run|start)[-\w]*\.sh$", re.IGNORECASE)
_BY_SCRIPT = (
    "start it by args and not by command (in a compose file: command and not entrypoint), so that the image's own "
    "start script sets the password"
)
_TRUE, _FALSE = ("true", "yes", "1", "on"), ("false", "no", "0", "off")

_WHO_VARIABLE = re.compile(r"[A-Z0-9_]*(?:USER|USERNAME|DB|DATABASE|DB_NAME)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Guarding:
    """What listens at a port, and who gets in. `is_usual`: it is only taken for that by the number of its port.

    `how_to_guard` says what to do where anyone gets in; it may be empty.
    """

    what: str
    kind: Kind
    guard: Guard
    how_to_guard: str = ""
    is_usual: bool = False

    @property
    def is_unsafe(self) -> bool:
        """Whether anyone gets in where that should not be: a model server has no logins and is meant to be used."""
        return self.guard.is_unsafe and self.kind is not Kind.MODELS

    @property
    def subject(self) -> str:
        """`Redis`, `usually Redis`."""
        return f"usually {self.what}" if self.is_usual else self.what

    @property
    def behind(self) -> str:
        """What stands before it, as the next words of a sentence: ` without a password`."""
        key = "password" if self.kind.is_data or self.kind is Kind.STORE else "login"
        match self.guard:
            case Guard.NONE:
                return f" without a {key}"
            case Guard.WELL_KNOWN:
                return " with a password that everybody knows"
            case Guard.FIRST_VISITOR:
                return " with a password that its first visitor sets"
            case Guard.PASSWORD:
                return f" with a {key}"
            case Guard.UNKNOWN:
                return f", perhaps without a {key}"

    @property
    def words(self) -> str:
        """`Redis without a password`, `usually Redis, perhaps without a password`."""
        return self.subject + self.behind

    @property
    def danger(self) -> str:
        """What comes of it where anyone gets in: `anyone can read and change what it holds`. Empty elsewhere."""
        if not self.is_unsafe:
            return ""
        if self.guard is Guard.WELL_KNOWN:
            return "anyone who tries that gets in"
        if self.kind.runs_commands:
            return "anyone can run commands in it"
        return "anyone can read and change what it holds" if self.kind.is_data else "anyone can use it"


class Program:
    """What one service runs, for `guarding` to be asked of each of its ports. `env` holds NAME=VALUE or NAME, `command`
    what is started in place of the image's own start script, and `args` what that script or this command is given."""

    def __init__(
        self, name: str, image: str, env: Sequence[str], command: Sequence[str], args: Sequence[str] = ()
    ) -> None:
        self._name = name
        self._image = image
        self._env = {key: value for key, _, value in (entry.partition("=") for entry in env)}
        more = (value for key, value in self._env.items() if _MORE_ARGUMENTS.fullmatch(key))
        self._words = tuple(_words(chain(command, args, more)))
        self._skips_script = bool(command) and not any(map(_START_SCRIPT.search, command))
        self._row = _row(image)
        self._started: dict[GuardedImage, tuple[str, ...]] = {}
        for at, word in enumerate(self._words):
            row = BY_PROGRAM.get(word.rpartition("/")[2])
            if row is not None and row not in self._started:
                self._started[row] = self._words[at:]
        self._judgements: dict[GuardedImage, Guarding | None] = {}

    def leaves_unused(self, port: int) -> bool:
        """Whether it is the port on which nothing listens, and nothing here names it."""
        number = str(UNUSED_PORT)
        said = chain(self._words, self._env.values())
        return port == UNUSED_PORT and not any(number in text for text in said)

    def guarding(self, port: int, proto: str) -> Guarding | None:
        """What listens at a port of the container, None where that is not known."""
        if proto != "TCP" or self.leaves_unused(port):
            return None
        row = self._row
        if row is not None and (row.kind.is_data or not row.ports or port in row.ports):
            return self._judged(row)
        for row, words in self._started.items():
            if port in row.ports or str(port) in words:
                return self._judged(row)
        if (usual := USUAL_PORTS.get(port)) is None or self._row is not None:
            return None
        return Guarding(usual.what, usual.kind, usual.guard, is_usual=True)

    def _judged(self, row: GuardedImage) -> Guarding | None:
        if row not in self._judgements:
            self._judgements[row] = self._judge(row)
        return self._judgements[row]

    def _judge(self, row: GuardedImage) -> Guarding | None:
        words = self._started.get(row, self._words)
        how = row.how_to_guard
        guard: Guard | None = None
        opened_by = self._first_set(row.opened_by, words)
        if not opened_by:
            guard = self._by_password(row, words)
            if guard is not Guard.WELL_KNOWN and self._first_set(row.guarded_by, words):
                guard = Guard.PASSWORD
        if guard is None and (opened_by := opened_by or self._first_set(row.empty_by, words)):
            remove = f"remove {opened_by if opened_by.startswith('-') else opened_by.partition('=')[0]}"
            return Guarding(row.what, row.kind, Guard.NONE, f"{remove} and {how}" if how else remove)
        if guard is None and row.by_script and self._skips_script and self._given(row.passwords):
            how = _BY_SCRIPT
        guard = guard or self._without(row, words)
        return guard and Guarding(row.what, row.kind, guard, how)

    def _by_password(self, row: GuardedImage, words: Sequence[str]) -> Guard | None:
        """What the password makes of it that is set; None where none is, or it does not count."""
        if self._is_older(row) and row.before_needs and not self._first_set(row.before_needs, words):
            return None
        known = [self._resolved(each) for each in _after(words, row.options)]
        if not (row.by_script and self._skips_script):
            # In a variable Kubernetes fills in $(NAME), and no shell $NAME.
            variables = self._given(row.passwords)
            known += [self._resolved(each) if each.startswith("$(") else each for each in variables]
        if _NOTHING in known:
            return Guard.NONE
        if any(self._is_well_known(each) for each in (*known, *self._given(row.user_passwords)) if each):
            return Guard.WELL_KNOWN
        if None in known:
            return Guard.UNKNOWN
        return Guard.PASSWORD if known else None

    def _given(self, names: Sequence[str]) -> list[str]:
        return [value for value in map(self._env.get, names) if value]

    def _resolved(self, password: str) -> str | None:
        """A password, where it names a variable that one's value; None where that is not known here."""
        reference = _REFERENCE.fullmatch(password)
        if reference is None:
            return password
        name = reference["braced"] or reference["round"] or reference["plain"]
        value = self._env.get(name) or reference["default"]
        if value is None and name in self._env:
            value = ""
        return None if value is None else value.strip("'\"") or _NOTHING

    def _is_older(self, row: GuardedImage) -> bool:
        major = major_version(self._image)
        return row.before is not None and major is not None and major < row.before[0]

    def _without(self, row: GuardedImage, words: Sequence[str]) -> Guard | None:
        """Who gets in where no password is set in sight."""
        guard = row.before[1] if row.before and self._is_older(row) else row.without
        elsewhere = bool(self._first_set(row.may_guard, words)) or (
            row.kind is not Kind.MONITOR and any(map(_SETTINGS_FILE.fullmatch, words))
        )
        return Guard.UNKNOWN if guard is not None and guard.is_unsafe and elsewhere else guard

    def _first_set(self, switches: Sequence[str], words: Sequence[str]) -> str:
        return next((switch for switch in switches if self._is_set(switch, words)), "")

    def _is_set(self, switch: str, words: Sequence[str]) -> bool:
        """Whether a switch of a row is set: words that follow each other in the command, or a variable."""
        if switch.startswith("-"):
            wanted = switch.split()
            return any(list(words[at : at + len(wanted)]) == wanted for at in _places(words, wanted[0]))
        name, _, wanted_value = switch.partition("=")
        value = self._env.get(name, "").strip().lower()
        match wanted_value:
            case "*":
                return bool(value)
            case "yes":
                return value in _TRUE
            case "no":
                return value in _FALSE
        return value == wanted_value

    def _is_well_known(self, password: str) -> bool:
        if "://" in password or password.startswith("/"):
            return False  # the name of a secret, or of a file that holds it
        who = (value.lower() for name, value in self._env.items() if _WHO_VARIABLE.fullmatch(name))
        guesses = {*WELL_KNOWN_PASSWORDS, self._name.lower(), image_name(self._image), *who}
        said = password.lower()
        plain = re.sub("[-_ ]", "", said)
        # Some are USER:PASSWORD or USER/PASSWORD.
        tries = {said, plain, *(re.split("[:/]", each)[-1] for each in (said, plain))}
        return not tries.isdisjoint(guesses) or PLACEHOLDER.match(plain) is not None


def holds_data(image: str) -> bool:
    """Whether an image is known to be a database or the like, which is needed by others and needs nobody."""
    row = _row(image)
    return row is not None and row.kind.is_data


def _row(image: str) -> GuardedImage | None:
    name = image_name(image)
    return BY_IMAGE.get(f"{image_owner(image)}/{name}") or BY_IMAGE.get(name)


def _words(texts: Iterator[str]) -> Iterator[str]:
    """The words of a command, those of a text for a shell too; `--option=value` is two."""
    left = _MOST_COMMAND
    for text in texts:
        if left <= 0:
            return
        shown, left = text[:left], left - len(text)
        for word in _EMPTY_QUOTES.sub(_NOTHING, shown).split() if shown else [_NOTHING]:
            bare = word.strip("'\";&")
            option, equals, value = bare.partition("=")
            if equals and option.startswith("-"):
                yield from (option, value.strip("'\"") or _NOTHING)
            elif bare:
                yield bare


def _after(words: Sequence[str], options: Sequence[str]) -> list[str]:
    """What follows each of the options."""
    return [word for before, word in pairwise(words) if before in options]


def _places(words: Sequence[str], first: str) -> list[int]:
    return [at for at, word in enumerate(words) if word == first]
