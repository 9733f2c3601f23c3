"""Check Containerfile where there is no container engine: its rules by reading it, its steps by carrying them out.

    python scripts/check_containerfile.py          # `make container-check` is the same

The steps are carried out on this machine, in a folder that takes the place of the image's `/`: what is copied, the
line that installs, and the command that starts, as the image's user if this one is root, in an empty folder with the
image's environment and nothing else. What this cannot show is the base image, its size, `useradd`, and the network of
an engine: `make container` builds the image where there is one.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from containerfile import CONTAINERFILE, Stage, parse, problems
from manifests import TOP, project
from release_tools import Failed, megabytes, run

_PORT = 8427
_START_SECONDS = 60


def carry_out(stages: list[Stage], root: Path) -> None:
    """Copy, install, start and ask for its health, in `root` instead of the image's `/`. Raises `Failed`."""
    build, image = stages
    environ = {name: value.replace("/opt", f"{root}/opt") for name, value in image.pairs("ENV").items()}
    environ |= {name: f"{root}{environ[name]}" for name in ("HOME", "AKASH_MCP_STATE_DIR")}
    _build(build, root)
    print(f"{len(build.of('RUN'))} step built {megabytes(root / 'opt'):.0f} MB")
    home = Path(environ["HOME"])
    home.mkdir(parents=True, mode=0o700)
    user, group = _user(image)
    if user is not None and group is not None:
        os.chown(home, user, group)
    _refuses_without_token(image, environ)
    environ["AKASH_MCP_TOKEN"] = secrets.token_urlsafe(32)
    with _started(image, environ):
        _answers(image, environ)


def _build(stage: Stage, root: Path) -> None:
    source = root / "src"
    for copy in stage.of("COPY"):
        *names, target = copy.words
        for name in names:
            place = source / target / name if target.endswith("/") else source / target
            place.parent.mkdir(parents=True, exist_ok=True)
            if (TOP / name).is_dir():
                shutil.copytree(TOP / name, place, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
            else:
                shutil.copy(TOP / name, place)
    for step in stage.of("RUN"):
        line = step.value.replace("/opt", f"{root}/opt")
        line = re.sub(r"^python ", f"{_python()} ", line)
        run(["sh", "-c", line], cwd=source)


def _python() -> str:
    """A Python that the image's user can run too: one below root's home is root's alone."""
    if os.getuid() != 0:
        return sys.executable
    found = shutil.which("python3", path="/usr/local/bin:/usr/bin")
    if found is None:
        raise Failed("There is no python3 in /usr/local/bin or /usr/bin, which another user could run.")
    return found


def _command(image: Stage) -> list[str]:
    return [*image.last("ENTRYPOINT").words, *image.last("CMD").words]


def _user(image: Stage) -> tuple[int | None, int | None]:
    """The image's user and group. None for both where this process may not take on another's."""
    if os.getuid() != 0:
        return None, None
    user, group = map(int, image.last("USER").value.split(":"))
    return user, group


def _refuses_without_token(image: Stage, environ: Mapping[str, str]) -> None:
    done = _run(image, _command(image), environ)
    if done.returncode != 1 or "token" not in done.stderr:
        raise Failed(f"Without a token it ended with {done.returncode}: {done.stderr}")
    print("without a token it does not start")


def _run(image: Stage, words: list[str], environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    program = shutil.which(words[0], path=environ["PATH"])
    if program is None:
        raise Failed(f"There is no {words[0]} in its PATH.")
    user, group = _user(image)
    return subprocess.run(
        [program, *words[1:]],
        env=environ,
        cwd=environ["HOME"],
        text=True,
        capture_output=True,
        check=False,
        timeout=_START_SECONDS,
        user=user,
        group=group,
    )


@contextmanager
def _started(image: Stage, environ: Mapping[str, str]) -> Iterator[None]:
    words = _command(image)
    program = shutil.which(words[0], path=environ["PATH"])
    assert program is not None  # it has refused to start just before
    user, group = _user(image)
    with subprocess.Popen(
        [program, *words[1:]],
        env=environ,
        cwd=environ["HOME"],
        stderr=subprocess.PIPE,
        text=True,
        user=user,
        group=group,
    ) as server:
        try:
            assert server.stderr is not None
            began = time.monotonic()
            said = server.stderr.readline()
            if "listening on" not in said:
                raise Failed(f"It did not start: {said}{server.stderr.read()}")
            print(f"it listens after {time.monotonic() - began:.1f} s")
            yield
        finally:
            server.terminate()
    if server.returncode != 0:
        raise Failed(f"Stopped, it ended with {server.returncode}.")
    print("stopped, it ends with 0")


def _answers(image: Stage, environ: Mapping[str, str]) -> None:
    health = _run(image, image.last("HEALTHCHECK").words, environ)
    if health.returncode:
        raise Failed(f"Its health check fails: {health.stderr}")
    print("its health check passes")
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{_PORT}/mcp", timeout=5)
    except urllib.error.HTTPError as error:
        if error.code != 401:
            raise Failed(f"Without its token /mcp answers {error.code}.") from error
        print("without its token /mcp answers 401")
    else:
        raise Failed("/mcp answers without its token.")


def main() -> int:
    """Check and carry out, and say what was found."""
    text = CONTAINERFILE.read_text(encoding="utf-8")
    wrong = problems(text, project())
    for sentence in wrong:
        print(sentence, file=sys.stderr)
    if wrong:
        return 1
    with tempfile.TemporaryDirectory(prefix="akash-mcp-container-") as folder:
        Path(folder).chmod(0o755)  # the other user must reach it
        try:
            carry_out(parse(text), Path(folder))
        except Failed as error:
            print(error, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
