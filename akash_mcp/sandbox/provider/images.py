"""What a container does, told by its image and command.

Most images run. These names make one misbehave, so that every diagnosis can be seen:

    does-not-exist      anywhere in the reference: the registry does not know it (ErrImagePull, ImagePullBackOff)
    private…            a part of the reference, without credentials: the registry denies it (the same)
    ratelimited…        a part of the reference, without credentials: the registry takes no more pulls (the same)
    no-registry…        a part of the reference: its registry has no address (the same)
    …/arm64-only        has nothing for the node's processor (the same)
    Capital/Letters     in the name: not an image reference (InspectFailed, InvalidImageName)
    …/huge              takes four minutes to pull, and then runs
    …/unschedulable     no node has room: the pod stays Pending; with `-memory`, `-gpu` or `-storage` for lack of that
    …/crowded           there is room for one replica, and no more
    …/stuck             its volume never mounts: the container stays ContainerCreating (FailedMount)
    …/crash             exits 1 soon after its start, with last words (BackOff)
    …/oom               is killed for its memory, again and again; the shell around it says so
    …/oom-silent        the same without a shell: its log just ends
    …/deaf              runs, and nothing ever listens on its port: the ingress answers 502
    …/job               writes `epoch 1/10` to `epoch 10/10`, one every three seconds, and exits 0; its variables
                        EPOCHS, EPOCH_SECONDS and EXIT_CODE say otherwise
    …/chatty            has written 10,000 numbered lines when it starts, or as many as its variable LINES says
    …distroless…        runs, and has no shell, for a tenant or for its own command

A command such as `sh -c "echo no config >&2; sleep 2; exit 3"` is played as it reads (see `command_interpreter`); a
container that exits, even with 0, is started again as Kubernetes does: at once, and then after 10, 20, 40, … 300 s. A
first word with `does-not-exist` in it is a program that the image lacks, and so is a whole command line in one word. A
command that we cannot play runs on.

Nothing tells a tenant how a container exited, nor that memory was the reason: the kubelet writes no event about it at
the pod (kubernetes issue 69676), node-problem-detector writes its OOMKilling at the node, and the gateway shows neither
a pod's last state nor an exit code.
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from akash_mcp.sandbox.provider.command_interpreter import SHELLS, ContainerView, NotPlayed, run
from akash_mcp.sandbox.provider.manifest import Service

Line = tuple[float, str]
"""Simulated seconds after the container's start, and what it then says."""


@dataclass(frozen=True)
class Behaviour:
    """How a container fares. Times are simulated seconds; the last two count from the container's start.

    What is None does not happen: `lacks` is what no node has enough of, `bad_reference` what is wrong with its name,
    `pull_error` the registry's answer, `start_error` the runtime's.
    `listens_after`: when its ports answer, `exits_after`: when it ends, each infinity for never.
    """

    pull_seconds: float
    size: int
    lacks: str | None = None
    mounts: bool = True
    bad_reference: str | None = None
    pull_error: str | None = None
    start_error: str | None = None
    listens_after: float = 0.5
    exits_after: float = math.inf


def behaviour_of(service: Service, view: ContainerView, replica: int = 0) -> Behaviour:
    """What to expect of one replica of `service`, counted from 0."""
    name = short_name(service.image)
    pull_seconds, size, boot = _WEIGHTS[kind_of(service.image)]
    command = (*service.command, *service.args)
    exits_after = math.inf
    try:
        exits_after = max(run(command, view).seconds, 0.2)
    except NotPlayed:
        exits_after = _job(service).seconds if name == "job" else _LIVES.get(name, math.inf)
    return Behaviour(
        pull_seconds=pull_seconds,
        size=size,
        lacks=_lack(name, replica),
        mounts=name != "stuck",
        bad_reference=_bad_reference(service.image),
        pull_error=_pull_error(service),
        start_error=_start_error(service),
        listens_after=math.inf if name == "deaf" else boot,
        exits_after=exits_after,
    )


def output_of(service: Service, view: ContainerView, time_at: Callable[[float], float]) -> list[Line]:
    """What a container says from its start on. `time_at` turns seconds after the start into seconds since the epoch."""
    try:
        outcome = run((*service.command, *service.args), view)
    except NotPlayed:
        return _VOICES[kind_of(service.image)](service, time_at)
    return [(at, line) for at, _, text in outcome.output for line in text.removesuffix("\n").split("\n")]


def written_at_once(service: Service) -> int:
    """How many numbered lines a container has written as soon as it starts."""
    if short_name(service.image) != "chatty":
        return 0
    variables = dict(variable.partition("=")[::2] for variable in service.env)
    return int(variables.get("LINES", "10000"))


@dataclass(frozen=True)
class _Job:
    epochs: int
    epoch_seconds: float
    exit_code: int

    @property
    def seconds(self) -> float:
        return self.epochs * self.epoch_seconds + 0.5


def _job(service: Service) -> _Job:
    variables = {"EPOCHS": "10", "EPOCH_SECONDS": "3", "EXIT_CODE": "0"}
    variables |= dict(variable.partition("=")[::2] for variable in service.env)
    return _Job(int(variables["EPOCHS"]), float(variables["EPOCH_SECONDS"]), int(variables["EXIT_CODE"]))


def access_line(*, at: float, client: str, request: str, status: int, size: int, agent: str) -> str:
    """The line that a web server's log gets for one request, in the combined format."""
    when = _utc(at).strftime("%d/%b/%Y:%H:%M:%S +0000")
    return f'{client} - - [{when}] "{request}" {status} {size} "-" "{agent}" "-"'


def short_name(image: str) -> str:
    """The last part of an image reference, without tag and digest: `nginx` of `docker.io/library/nginx:1.27`."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0]


def kind_of(image: str) -> str:
    """Which voice an image speaks with: nginx, postgres, redis, vllm, crash, oom, oom-silent, job, huge or generic."""
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
    "oom-silent": (4.0, 610_000_000, math.inf),
    "job": (2.0, 96_000_000, math.inf),
    "huge": (240.0, 31_000_000_000, 0.5),
    "generic": (4.0, 120_000_000, 0.5),
}
"""Seconds to pull, bytes, and seconds from the start until it listens."""


_LIVES = {"crash": 1.0, "oom": 6.0, "oom-silent": 6.0}
"""Seconds from the start of a container to its end."""

_LACKS = {
    "unschedulable": "3 Insufficient cpu",
    "unschedulable-memory": "3 Insufficient memory",
    "unschedulable-gpu": "1 node(s) had untolerated taint {nvidia.com/gpu: }, 2 Insufficient nvidia.com/gpu",
    "unschedulable-storage": "3 Insufficient ephemeral-storage",
}


def _lack(name: str, replica: int) -> str | None:
    if name == "crowded":
        return _LACKS["unschedulable"] if replica else None
    return _LACKS.get(name)


def _bad_reference(image: str) -> str | None:
    first, slash, rest = image.partition("/")
    path = (rest if slash and ("." in first or ":" in first) else image).partition("@")[0].partition(":")[0]
    if path == path.lower():
        return None
    return (
        f'Failed to apply default image tag "{image}": couldn\'t parse image name "{image}": invalid reference '
        f"format: repository name ({path}) must be lowercase"
    )


def _pull_error(service: Service) -> str | None:
    """What containerd says of an image that cannot be pulled; the registry's own words at the end."""
    parts = re.split(r"[/.]", service.image)
    is_stranger = not service.has_credentials
    reference = canonical(service.image)
    failed = f'failed to pull and unpack image "{reference}": failed to'
    if "does-not-exist" in service.image:
        resolve = f'{failed} resolve reference "{reference}": {reference}: not found'
        return f"rpc error: code = NotFound desc = {resolve}"
    if is_stranger and any(part.startswith("private") for part in parts):
        return (
            f'rpc error: code = Unknown desc = {failed} resolve reference "{reference}": pull access denied, '
            "repository does not exist or may require authorization: "
            "server message: insufficient_scope: authorization failed"
        )
    if is_stranger and any(part.startswith("ratelimited") for part in parts):
        return (
            f"rpc error: code = Unknown desc = {failed} copy: httpReadSeeker: failed open: unexpected status code "
            "429 Too Many Requests - Server message: toomanyrequests: You have reached your unauthenticated pull "
            "rate limit. https://www.docker.com/increase-rate-limit"
        )
    if any(part.startswith("no-registry") for part in parts):
        host = reference.partition("/")[0]
        return (
            f'rpc error: code = Unknown desc = {failed} resolve reference "{reference}": failed to do request: '
            f'Head "https://{host}/v2/": dial tcp: lookup {host}: no such host'
        )
    if short_name(service.image) == "arm64-only":
        return (
            f"rpc error: code = NotFound desc = {failed} unpack: no match for platform in manifest: not found"
        )
    return None


def _start_error(service: Service) -> str | None:
    """What runc says of a program that the image lacks: one that it is named after, a whole command line, a shell."""
    words = (*service.command, *service.args)
    if words and "does-not-exist" in words[0]:
        return _no_program(words[0])
    program = service.command[0] if service.command else ""
    has_no_shell = "distroless" in service.image and program in SHELLS
    return _no_program(program) if has_no_shell or " " in program else None


def _no_program(name: str) -> str:
    name = name.replace("\\", "\\\\").replace('"', '\\"')
    return (
        "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create "
        f'failed: unable to start container process: exec: "{name}": executable file not found in $PATH: unknown'
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
    return [*_oom_silent(service, time_at), (6.0, "Killed")]


def _oom_silent(service: Service, time_at: Callable[[float], float]) -> list[Line]:
    return [(1.0, "Loading weights: 12%"), (3.0, "Loading weights: 57%"), (5.0, "Loading weights: 91%")]


def _job_voice(service: Service, time_at: Callable[[float], float]) -> list[Line]:
    job = _job(service)
    epochs = [
        (number * job.epoch_seconds, f"epoch {number}/{job.epochs}") for number in range(1, job.epochs + 1)
    ]
    last = "saved model.pt" if job.exit_code == 0 else "RuntimeError: loss is nan"
    return [(0.1, "loading data"), *epochs, (job.seconds, last)]


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
    "oom-silent": _oom_silent,
    "job": _job_voice,
    "huge": _generic,
    "generic": _generic,
}
