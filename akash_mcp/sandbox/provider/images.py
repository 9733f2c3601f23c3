"""What a container does, told by its image and command.

Most images run. These names make one misbehave, so that every diagnosis can be seen:

    does-not-exist    anywhere in the reference: the registry does not know it (ErrImagePull, ImagePullBackOff)
    private           a part of the reference that starts so, without credentials: the registry denies it (the same)
    …/unschedulable   no node has room: the pod stays Pending (FailedScheduling)
    …/stuck           its volume never mounts: the container stays ContainerCreating (FailedMount)
    …/crash           exits 1 soon after its start, with last words (BackOff)
    …/oom             is killed for its memory, again and again (OOMKilling, BackOff)
    …/deaf            runs, and nothing ever listens on its port: the ingress answers 502

A command such as `sh -c "echo no config >&2; sleep 2; exit 3"` is played as it reads (see `minishell`); a container
that exits, even with 0, is started again after 10, 20, 40, … 300 s, as Kubernetes does. A command that we cannot
play runs on. Kubernetes notes OOMKilling at the node; here it is noted at the pod, where a tenant can see it.
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from akash_mcp.sandbox.provider.manifest import Service
from akash_mcp.sandbox.provider.minishell import Box, NotPlayed, run

Line = tuple[float, str]
"""Simulated seconds after the container's start, and what it then says."""


@dataclass(frozen=True)
class Behaviour:
    """How a container fares. Times are simulated seconds; the last two count from the container's start.

    `listens_after`: when its ports answer, infinity for never. `exits_after`: when it ends, infinity for never.
    """

    pull_seconds: float
    size: int
    pull_error: str | None = None
    mounts: bool = True
    fits: bool = True
    listens_after: float = 0.5
    exits_after: float = math.inf
    exit_code: int = 0
    out_of_memory: bool = False


def behaviour_of(service: Service, box: Box) -> Behaviour:
    """What to expect of one replica of `service`."""
    name = short_name(service.image)
    kind = kind_of(service.image)
    pull_seconds, size, boot = _WEIGHTS[kind]
    if "does-not-exist" in service.image:
        return Behaviour(pull_seconds=1.5, size=0, pull_error=_not_found(service.image))
    parts = re.split(r"[/.]", service.image)
    if any(part.startswith("private") for part in parts) and not service.has_credentials:
        return Behaviour(pull_seconds=1.5, size=0, pull_error=_denied(service.image))
    exits_after, exit_code = math.inf, 0
    try:
        outcome = run((*service.command, *service.args), box)
        exits_after, exit_code = max(outcome.seconds, 0.2), outcome.exit_code
    except NotPlayed:
        if name in ("crash", "oom"):
            exits_after, exit_code = {"crash": (1.0, 1), "oom": (6.0, 137)}[name]
    return Behaviour(
        pull_seconds=pull_seconds,
        size=size,
        mounts=name != "stuck",
        fits=name != "unschedulable",
        listens_after=math.inf if name == "deaf" else boot,
        exits_after=exits_after,
        exit_code=exit_code,
        out_of_memory=name == "oom",
    )


def output_of(service: Service, box: Box, time_at: Callable[[float], float]) -> list[Line]:
    """What a container says from its start on. `time_at` turns seconds after the start into seconds since the epoch."""
    try:
        outcome = run((*service.command, *service.args), box)
    except NotPlayed:
        return _VOICES[kind_of(service.image)](service, time_at)
    return [(at, line) for at, _, text in outcome.output for line in text.removesuffix("\n").split("\n")]


def access_line(*, at: float, client: str, request: str, status: int, size: int, agent: str) -> str:
    """The line that a web server's log gets for one request, in the combined format."""
    when = _utc(at).strftime("%d/%b/%Y:%H:%M:%S +0000")
    return f'{client} - - [{when}] "{request}" {status} {size} "-" "{agent}" "-"'


def short_name(image: str) -> str:
    """The last part of an image reference, without tag and digest: `nginx` of `docker.io/library/nginx:1.27`."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0]


def kind_of(image: str) -> str:
    """Which voice an image speaks with: nginx, postgres, redis, vllm, crash, oom or generic."""
    name = short_name(image)
    if "vllm" in image:
        return "vllm"
    return next(
        (kind for kind in ("nginx", "postgres", "redis") if kind in name),
        name if name in _WEIGHTS else "generic",
    )


def canonical(image: str) -> str:
    """The whole reference as containerd writes it: `docker.io/library/nginx:latest` of `nginx`."""
    first, slash, _ = image.partition("/")
    if not slash:
        image = f"docker.io/library/{image}"
    elif "." not in first and ":" not in first and first != "localhost":
        image = f"docker.io/{image}"
    return image if ":" in image.rpartition("/")[2] or "@" in image else f"{image}:latest"


_WEIGHTS = {
    "nginx": (3.0, 72_000_000, 0.2),
    "postgres": (5.0, 158_000_000, 2.0),
    "redis": (3.0, 41_000_000, 0.2),
    "vllm": (25.0, 8_400_000_000, 30.0),
    "crash": (2.0, 12_000_000, 0.5),
    "oom": (4.0, 610_000_000, math.inf),
    "generic": (4.0, 120_000_000, 0.5),
}
"""Seconds to pull, bytes, and seconds from the start until it listens."""


def _not_found(image: str) -> str:
    reference = canonical(image)
    return (
        f'rpc error: code = NotFound desc = failed to pull and unpack image "{reference}": failed to resolve '
        f'reference "{reference}": {reference}: not found'
    )


def _denied(image: str) -> str:
    reference = canonical(image)
    return (
        f'rpc error: code = Unknown desc = failed to pull and unpack image "{reference}": failed to resolve '
        f'reference "{reference}": pull access denied, repository does not exist or may require authorization: '
        "server message: insufficient_scope: authorization failed"
    )


def _utc(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)


def _nginx(service: Service, time_at: Callable[[float], float]) -> list[Line]:
    stamp = _utc(time_at(0.1)).strftime("%Y/%m/%d %H:%M:%S")
    return [
        (
            0.0,
            "/docker-entrypoint.sh: /docker-entrypoint.d/ is not empty, will attempt to perform configuration",
        ),
        (0.0, "/docker-entrypoint.sh: Configuration complete; ready for start up"),
        (0.1, f'{stamp} [notice] 1#1: using the "epoll" event method'),
        (0.1, f"{stamp} [notice] 1#1: nginx/1.29.3"),
        (0.1, f"{stamp} [notice] 1#1: start worker processes"),
        (0.1, f"{stamp} [notice] 1#1: start worker process 29"),
    ]


def _postgres(service: Service, time_at: Callable[[float], float]) -> list[Line]:
    def at(seconds: float, text: str) -> Line:
        stamp = _utc(time_at(seconds)).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        return seconds, f"{stamp} UTC [1] LOG:  {text}"

    return [
        (0.2, 'The files belonging to this database system will be owned by user "postgres".'),
        (1.2, "PostgreSQL init process complete; ready for start up."),
        at(1.5, "starting PostgreSQL 17.6 on x86_64-pc-linux-gnu"),
        at(1.6, 'listening on IPv4 address "0.0.0.0", port 5432'),
        at(1.9, "database system was shut down at start-up"),
        at(2.0, "database system is ready to accept connections"),
    ]


def _redis(service: Service, time_at: Callable[[float], float]) -> list[Line]:
    stamp = _utc(time_at(0.1)).strftime("%d %b %Y %H:%M:%S.000")
    return [
        (0.1, f"1:M {stamp} * Running mode=standalone, port=6379."),
        (0.1, f"1:M {stamp} * Ready to accept connections tcp"),
    ]


def _vllm(service: Service, time_at: Callable[[float], float]) -> list[Line]:
    words = (*service.command, *service.args)
    model = next(
        (words[i + 1] for i, word in enumerate(words[:-1]) if word == "--model"), "facebook/opt-125m"
    )

    def at(seconds: float, text: str) -> Line:
        return seconds, f"INFO {_utc(time_at(seconds)).strftime('%m-%d %H:%M:%S')} {text}"

    return [
        at(3.0, "[api_server.py:1896] vLLM API server version 0.11.0"),
        at(6.0, f"[model.py:547] Resolved architecture of {model}"),
        at(10.0, f"[gpu_model_runner.py:2602] Starting to load model {model}..."),
        at(20.0, "[default_loader.py:267] Loading weights took 9.42 seconds"),
        at(26.0, "[gpu_worker.py:298] Available KV cache memory: 18.31 GiB"),
        at(29.0, "[launcher.py:42] Route: /v1/chat/completions, Methods: POST"),
        (30.0, "INFO:     Application startup complete."),
    ]


def _crash(service: Service, time_at: Callable[[float], float]) -> list[Line]:
    return [
        (0.2, "Starting application"),
        (0.9, "Traceback (most recent call last):"),
        (0.9, '  File "/app/main.py", line 12, in <module>'),
        (0.9, "RuntimeError: DATABASE_URL is not set"),
    ]


def _oom(service: Service, time_at: Callable[[float], float]) -> list[Line]:
    return [
        (1.0, "Loading weights: 12%"),
        (3.0, "Loading weights: 57%"),
        (5.0, "Loading weights: 91%"),
        (6.0, "Killed"),
    ]


def _generic(service: Service, time_at: Callable[[float], float]) -> list[Line]:
    ports = ", ".join(str(expose.port) for expose in service.expose) or "no port"
    stamp = _utc(time_at(0.3)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return [
        (0.1, f"{stamp} starting {service.image}"),
        (0.3, f"{stamp} listening on {ports}"),
    ]


_VOICES: Mapping[str, Callable[[Service, Callable[[float], float]], list[Line]]] = {
    "nginx": _nginx,
    "postgres": _postgres,
    "redis": _redis,
    "vllm": _vllm,
    "crash": _crash,
    "oom": _oom,
    "generic": _generic,
}
