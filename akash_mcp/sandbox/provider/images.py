"""What becomes of an image, told by its name.

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

A container that exits, even with 0, is started again as Kubernetes does: at once, and then after 10, 20, 40, … 300 s. A
first word with `does-not-exist` in it is a program that the image lacks, and so is a whole command line in one word.
What a command does is told by `container`.

Nothing tells a tenant how a container exited, nor that memory was the reason: the kubelet writes no event about it at
the pod (kubernetes issue 69676), node-problem-detector writes its OOMKilling at the node, and the gateway shows neither
a pod's last state nor an exit code.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from akash_mcp.sandbox.provider.manifest import Service
from akash_mcp.sandbox.provider.shell.machine import SHELLS


@dataclass(frozen=True)
class Behaviour:
    """How the image of a container fares before it runs. Times are simulated seconds.

    What is None does not happen: `lacks` is what no node has enough of, `bad_reference` what is wrong with its name,
    `pull_error` the registry's answer, `start_error` the runtime's.
    """

    pull_seconds: float
    size: int
    lacks: str | None = None
    mounts: bool = True
    bad_reference: str | None = None
    pull_error: str | None = None
    start_error: str | None = None


def behaviour_of(service: Service, replica: int = 0) -> Behaviour:
    """What to expect of the image of one replica of `service`, counted from 0."""
    name = short_name(service.image)
    pull_seconds, size, _ = _WEIGHTS[kind_of(service.image)]
    return Behaviour(
        pull_seconds=pull_seconds,
        size=size,
        lacks=_lack(name, replica),
        mounts=name != "stuck",
        bad_reference=_bad_reference(service.image),
        pull_error=_pull_error(service),
        start_error=_start_error(service),
    )


def boot_seconds(image: str) -> float:
    """Simulated seconds from the start of its own program until it listens, infinity for never."""
    return math.inf if short_name(image) == "deaf" else _WEIGHTS[kind_of(image)][2]


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
