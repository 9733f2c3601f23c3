"""What containers say whose programs are not run: each image in its own way, from its start on.

They are made up. A command that is played speaks for itself (`container`).
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from akash_mcp.sandbox.provider.images import kind_of, short_name
from akash_mcp.sandbox.provider.manifest import Service

Line = tuple[float, str]
"""Simulated seconds after the program's start, and what it then says."""


def lines_of(service: Service, time_at: Callable[[float], float]) -> list[Line]:
    """What its image's own program says. `time_at` turns seconds after its start into seconds since the epoch."""
    return _VOICES[kind_of(service.image)](service, time_at)


def life_seconds(service: Service) -> float:
    """Simulated seconds from the start of its image's own program to its end, infinity for never."""
    if short_name(service.image) == "job":
        return _job(service).seconds
    return _LIVES.get(short_name(service.image), math.inf)


def is_misbehaving(image: str) -> bool:
    """Whether the image's name says how it fares, whatever it is told to run."""
    return short_name(image) in (*_LIVES, "job", "deaf", "chatty", "huge")


_LIVES = {"crash": 1.0, "oom": 6.0, "oom-silent": 6.0}
"""Seconds from the start of a container to its end."""


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
        (0.1, f"{stamp} starting {service.image} (the sandbox does not run it, and acts as if it did)"),
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
