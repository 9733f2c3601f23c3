"""One run of a container: its command is played as far as the small shell goes, and pretended from there on.

Where it is pretended the log says so, in a line of the sandbox's own. Its root file system is new with each run; what
is mounted stays as long as it does on a provider.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from akash_mcp.sandbox.provider import images, listening, voices
from akash_mcp.sandbox.provider.container_log import ContainerLog
from akash_mcp.sandbox.provider.listening import Ports
from akash_mcp.sandbox.provider.manifest import Service
from akash_mcp.sandbox.provider.shell.budget import Exhausted
from akash_mcp.sandbox.provider.shell.files import Files, Mount
from akash_mcp.sandbox.provider.shell.machine import run
from akash_mcp.sandbox.provider.shell.process import Host, NotPlayed
from akash_mcp.sandbox.provider.shell.streams import Source, ToCaller

MOST_LOGGED = 200_000
"""Characters that a played command writes to its log in one run."""

_LEAST_SECONDS = 0.2
"""No container is over sooner than that."""
_SHOWN = 200
_LEAST_HIDDEN = 4
"""Characters of a variable's value that can be a secret."""
_IMAGE_FOLDERS = (
    "/bin",
    "/etc",
    "/opt",
    "/root",
    "/srv",
    "/usr/bin",
    "/usr/local/bin",
    "/var/lib",
    "/var/log",
)
"""What every image has, with more in it than is known here."""
_EMPTY_FOLDERS = ("/dev", "/home", "/run", "/tmp", "/var/tmp")


@dataclass
class Container:
    """One run of a pod's container. A restart is another one, with another log.

    `started`: simulated seconds on the clock that began at `epoch`, in seconds since the epoch.
    """

    started: float
    epoch: float
    service: Service
    hostname: str
    log: ContainerLog = field(default_factory=ContainerLog)
    files: Files = field(default_factory=Files)
    running: bool = True
    _ports: Ports = frozenset()
    _listens_from: float = math.inf
    _passed: float = 0.0

    @classmethod
    def start(
        cls, started: float, epoch: float, service: Service, hostname: str, mounts: tuple[Mount, ...]
    ) -> Container:
        """A container with the files of a fresh image, and what is mounted."""
        files = Files(mounts)
        found = listening.known(service.image)
        files.lay_image(
            folders=(*_IMAGE_FOLDERS, *(found.folders if found else ())),
            empty=_EMPTY_FOLDERS,
            texts={
                "/etc/hostname": f"{hostname}\n",
                "/etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nID=debian\n',
            },
        )
        return cls(started, epoch, service, hostname, ContainerLog(voices.written_at_once(service)), files)

    def listens(self, port: int, now: float) -> bool:
        """Whether anything answers on its port."""
        return self.running and now >= self._listens_from and (self._ports is None or port in self._ports)

    def host(self, now: Callable[[], float], *, session: bool = False) -> Host:
        """What surrounds a command in it. `now`: simulated seconds on the clock."""
        files = self.files.as_known() if session else self.files
        return Host(self.hostname, self.environment, files, now=lambda: self.epoch + now(), session=session)

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables of its command and of every `exec`."""
        variables = dict(variable.partition("=")[::2] for variable in self.service.env)
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return {"PATH": path, "HOSTNAME": self.hostname, "HOME": "/root"} | variables

    def life(self) -> Iterator[float]:
        """From its start to its end, which most never reach. Each value is how many simulated seconds to wait."""
        for wait in self._program():
            if wait:
                yield wait
                self._passed += wait
        if self._passed < _LEAST_SECONDS:
            yield _LEAST_SECONDS - self._passed
        self.running = False

    def _program(self) -> Iterator[float]:
        words = (*self.service.command, *self.service.args)
        if listening.is_own_program(self.service.image, words):
            yield from self._pretended(words, self.environment)
            return
        host = self.host(self._now)
        host.listen = self._listen_for_it
        out, err = _Lines(self.log), _Lines(self.log)
        work = run(words, host, stdin=Source(), stdout=ToCaller(out.write), stderr=ToCaller(err.write))
        try:
            while True:
                wait = next(work)
                yield math.inf if wait is None else wait
        except StopIteration:
            out.end()
            err.end()
        except NotPlayed as unknown:
            out.end()
            err.end()
            yield from self._pretended(unknown.argv, unknown.env or self.environment)
        except Exhausted as much:
            out.end()
            err.end()
            self.log.append(f"the sandbox plays no more of this command: {much}; it acts as if it ran on")
            yield math.inf

    def _pretended(self, words: Sequence[str], env: Mapping[str, str]) -> Iterator[float]:
        """What cannot be played: an image's own program, with its voice, or any other, of which nothing is known."""
        service = self.service
        ports = listening.ports_of(service, words, env, self.files)
        self._listen(ports, images.boot_seconds(service.image))
        has_voice = listening.is_own_program(service.image, words) or voices.is_misbehaving(service.image)
        if not has_voice:
            where = ", ".join(map(str, sorted(ports if ports is not None else _opened(service)))) or "no port"
            shown = self._shown(words)
            self.log.append(
                f"the sandbox does not run this command: {shown}; it acts as if it ran on and listened on {where}"
            )
            yield math.inf
            return
        began, passed = self._now(), 0.0
        lines = voices.lines_of(service, lambda after: self.epoch + began + after)
        for after, line in [*lines, (voices.life_seconds(service), None)]:
            if after > passed:
                yield after - passed
                passed = after
            if line is not None:
                self.log.append(line)

    def _shown(self, words: Sequence[str]) -> str:
        """A command on one line, with the names of the service's variables in place of what they hold."""
        text = " ".join(" ".join(words).split())
        for variable in self.service.env:
            name, _, value = variable.partition("=")
            if len(value) >= _LEAST_HIDDEN:
                text = text.replace(value, f"${name}")
        return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"

    def _now(self) -> float:
        return self.started + self._passed

    def _listen_for_it(self, port: int) -> Callable[[], None]:
        """A program of its listens. What ends that is returned."""
        self._listen(frozenset((port,)), 0.0)

        def stop() -> None:
            self._ports = frozenset() if self._ports is None else self._ports - {port}

        return stop

    def _listen(self, ports: Ports, boot: float) -> None:
        self._ports = ports if not self._ports or ports is None else (self._ports | ports)
        self._listens_from = self._now() + boot


class _Lines:
    """What a command writes, as lines of its log. The last one may lack its end until the command is over."""

    def __init__(self, log: ContainerLog) -> None:
        self._log = log
        self._begun = ""
        self._left = MOST_LOGGED

    def write(self, text: str) -> None:
        self._left -= len(text)
        if self._left < 0:
            raise Exhausted(f"more than {MOST_LOGGED:,} characters of log")
        *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            self._log.append(line)

    def end(self) -> None:
        """Write the line that was begun."""
        if self._begun:
            self._log.append(self._begun)
            self._begun = ""


def _opened(service: Service) -> set[int]:
    return {expose.port for expose in service.expose}
