"""What can be wrong with a deployment: every cause that a diagnosis names, what it is seen by, and how to fix it.

The order is that of decisiveness: what stands higher explains more, and is told first.
"""

from __future__ import annotations

from dataclasses import dataclass

MANIFEST_SECONDS = 300
"""A provider that got no manifest by then closes the lease (akash-network/provider manifest/watchdog)."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One likely cause, what points to it (other people's text, cleaned), and how to fix it."""

    ailment: Ailment
    what: str
    evidence: tuple[str, ...]
    fix: str


@dataclass(frozen=True, slots=True)
class Ailment:
    """One thing that can be wrong. `what` and `fix` are templates; `seen` says by what it is recognised."""

    name: str
    seen: str
    what: str
    fix: str

    def cause(self, evidence: tuple[str, ...], **facts: object) -> Cause:
        """This ailment of one deployment. `facts` fill the templates; those of other people are clean already."""
        return Cause(self, self.what.format(**facts), evidence, self.fix.format(**facts))


NEVER_LEASED = Ailment(
    "never leased",
    "the deployment is open and has no lease",
    "It was never leased.",
    "Call list_bids and create_lease, or close_deployment.",
)
CLOSED_UNLEASED = Ailment(
    "closed before a lease",
    "the deployment is closed and has no lease",
    "It was closed before anything was leased.",
    "Deploy it again if it is still wanted.",
)
ESCROW_EMPTY = Ailment(
    "escrow ran out",
    "the lease's reason, or an overdrawn escrow account",
    "Its escrow ran out.",
    "{again} with a larger deposit_usd, and call add_funds in time.",
)
MANIFEST_LATE = Ailment(
    "manifest came too late",
    "the lease's reason",
    "The provider never got its manifest, so it closed the lease after five minutes.",
    "{again}; another provider may do better.",
)
UNSTABLE = Ailment(
    "closed as unstable",
    "the lease's reason",
    "The provider closed it, because its containers were not all running for about eight minutes on end: a crash, "
    "an image that could not be pulled in that time, or no room. The provider keeps nothing that says which.",
    "Try the image locally, and check its name and size. {again}, and call diagnose_deployment in its first minutes.",
)
DECOMMISSIONED = Ailment(
    "provider went out of service",
    "the lease's reason",
    "The provider went out of service.",
    "{again} with another provider.",
)
CLOSED_BY_PROVIDER = Ailment(
    "closed by the provider",
    "the lease's reason",
    "The provider closed it and gave no reason.",
    "{again} with another provider.",
)
CLOSED_BY_ACCOUNT = Ailment(
    "closed by the account",
    "the lease's reason",
    "The account closed it: a person, this server, or the Console at the end of a runtime limit.",
    "{again} if it is still wanted.",
)
CLOSED = Ailment(
    "closed, reason not on record",
    "a lease that is closed, with a reason that is missing or new",
    "The lease is closed, and why is not on record.",
    "{again} if it is still wanted.",
)
UNTRUSTED = Ailment(
    "provider not trusted",
    "its TLS certificate or address, judged before anything was sent",
    "The provider could not prove who it is, so nothing was asked of it. That says nothing of the workload.",
    "Look again in a minute: a new certificate takes a moment. If it stays so, close it and deploy it with another "
    "provider.",
)
UNREACHABLE = Ailment(
    "provider not reached",
    "no connection to its gateway, or no answer from it",
    "The provider cannot be reached. That says nothing of the workload, which may run on.",
    "Look again in a minute. If it stays so, close it and deploy it with another provider.",
)
CLUSTER_DOWN = Ailment(
    "provider's cluster down",
    "the gateway's 503, or the close code 4002 of its streams",
    "The provider cannot reach its own cluster. That says nothing of the workload, which may run on.",
    "Look again in a minute. If it stays so, close it and deploy it with another provider.",
)
NO_MANIFEST = Ailment(
    "manifest not delivered",
    "the gateway's 404 for a lease that is active",
    "Its provider has no manifest for the lease, so nothing runs, and the lease costs rent all the same.",
    "Call update_deployment with the same SDL, which delivers it again, or close_deployment.",
)
HOST_TAKEN = Ailment(
    "host name taken",
    "no manifest at the provider, and an SDL that accepts host names of its own; likely, never certain",
    "The provider may have refused its manifest because another tenant holds one of its host names.",
    "Take the host name out of `accept` in the SDL, or choose another one, and call update_deployment; or deploy it "
    "with another provider.",
)
VOLUME = Ailment(
    "volume does not mount",
    "FailedMount, FailedAttachVolume, ProvisioningFailed, or a claim that stays unbound",
    "A volume of service {service} cannot be mounted{replicas}. That is the provider's to repair.",
    "If it stays so for some minutes, close it and deploy it with another provider, or without persistent storage.",
)
NO_ROOM = Ailment(
    "no room",
    "FailedScheduling, and what it names: cpu, memory, gpu, storage",
    "The provider has no node with room for service {service}{replicas}: not enough {resources}.",
    "Close it and deploy it with another provider, or deploy it with less {resources}.",
)
NO_NODE = Ailment(
    "no fitting node",
    "FailedScheduling for another reason: taints, affinity, ports",
    "The provider has no node that fits service {service}{replicas}.",
    "Close it and deploy it with another provider.",
)
BAD_NAME = Ailment(
    "image name invalid",
    "InspectFailed, InvalidImageName",
    "The image of service {service} is no valid image name{replicas}.",
    "Correct the image in the SDL (the name in lower case, no https://) and call update_deployment.",
)
RATE_LIMITED = Ailment(
    "registry limits pulls",
    "a failed pull with toomanyrequests or 429",
    "The registry takes no more pulls from the provider's address for now; the image of service {service} waits"
    "{replicas}.",
    "Wait an hour or more; or add credentials of a registry account to the service, or take the image from another "
    "registry, and call update_deployment.",
)
NO_PERMISSION = Ailment(
    "image not permitted",
    "a failed pull with denied, unauthorized, 401 or 403",
    "The image of service {service} is private, or does not exist: the registry does not let it be pulled{replicas}.",
    "Add credentials for its registry to the service in the SDL, or use a public image; then call update_deployment.",
)
WRONG_PLATFORM = Ailment(
    "image for another processor",
    "a failed pull with `no match for platform`, or last words with `exec format error`",
    "The image of service {service} is not built for the provider's processors (linux/amd64){replicas}.",
    "Build and push it for linux/amd64, and call update_deployment.",
)
NOT_FOUND = Ailment(
    "image not found",
    "a failed pull with `not found`, `manifest unknown` or the like",
    "The image of service {service} cannot be pulled: its name or tag does not exist{replicas}.",
    "Correct the image in the SDL and call update_deployment.",
)
NO_REGISTRY = Ailment(
    "registry not reached",
    "a failed pull with `no such host`, a timeout or a refused connection",
    "The provider cannot reach the registry of service {service}'s image{replicas}.",
    "Check the registry's name in the image. If it is right, wait, or deploy it with another provider.",
)
NOT_PULLED = Ailment(
    "image not pulled",
    "a failed pull for any other reason",
    "The image of service {service} cannot be pulled{replicas}.",
    "The evidence holds the registry's words. Correct the image in the SDL and call update_deployment.",
)
NO_PROGRAM = Ailment(
    "command not found",
    "a container that cannot be created: `executable file not found`, `no such file`, `permission denied`",
    "The container of service {service} cannot be started: its image lacks the program that `command` names, or may "
    "not run it{replicas}.",
    "Correct command and args in the SDL, or leave them out so that the image's own start, and call "
    "update_deployment.",
)
NOT_STARTED = Ailment(
    "container not started",
    "a container that cannot be created, for another reason",
    "The container of service {service} cannot be started{replicas}.",
    "The evidence holds the reason. Correct the SDL and call update_deployment, or deploy it with another provider.",
)
OUT_OF_DISK = Ailment(
    "out of disk",
    "Evicted, for its ephemeral storage",
    "Service {service} wrote more to its disk than its storage holds, and was evicted{replicas}.",
    "Deploy it as a new deployment with more storage (resources cannot change in place), or let it write less.",
)
OUT_OF_MEMORY = Ailment(
    "out of memory",
    "an event about an OOM kill at its pod, which few clusters write",
    "A container of service {service} used more memory than it has and was killed{replicas}.",
    "Deploy it as a new deployment with more memory: resources cannot change in place.",
)
GPU_MEMORY = Ailment(
    "out of GPU memory",
    "restarts, and last words about the memory of CUDA or HIP",
    "Service {service} ends again and again for lack of GPU memory, by its own last words{replicas}.",
    "Use a smaller model or batch and call update_deployment, or deploy it anew on a GPU with more memory.",
)
MAYBE_MEMORY = Ailment(
    "probably out of memory",
    "restarts, and last words such as Killed, OutOfMemoryError or MemoryError",
    "Service {service} ends again and again, probably for lack of memory: its last words say so, and the provider "
    "tells no reason{replicas}.",
    "Deploy it as a new deployment with more memory (resources cannot change in place), or let it use less.",
)
CRASH = Ailment(
    "crash loop",
    "`Back-off restarting failed container`, and the last lines of the log",
    "The container of service {service} starts and ends again, over and over, {code}{replicas}.",
    "Its last words are in the evidence: correct the command, args or env, and call update_deployment. A log that "
    "just stops can also mean that it was killed for its memory.",
)
PROBE = Ailment(
    "probe fails",
    "Unhealthy, while the service is not ready",
    "The container of service {service} runs, and does not pass its probe{replicas}.",
    "Let the app listen on 0.0.0.0 at the port in the SDL's expose; call update_deployment.",
)
DEAF = Ailment(
    "nothing listens",
    "a GET of its own URI that the ingress answers with 502, 503 or 504",
    "Service {service} runs, and nothing answers where its ingress points{port}.",
    "Let the port in the SDL's expose be the one that the app listens on, on 0.0.0.0 and not on 127.0.0.1; call "
    "update_deployment. If its log shows that it still loads, only wait.",
)
NO_DNS = Ailment(
    "host name points nowhere",
    "a host name among its URIs that DNS does not know",
    "A host name of service {service} does not exist in DNS, so nobody reaches it under that name.",
    "At the name's DNS provider, point it (CNAME) to {target}.",
)
PULLING = Ailment(
    "image still being pulled",
    "Pulling, and neither Pulled nor a failure after it",
    "The image of service {service} is still being pulled{replicas}, which is no error; for how long is not told.",
    "Wait and look again in a minute: images of many gigabytes take several. Providers close a lease that does not "
    "run within about eight.",
)
ESCROW_LOW = Ailment(
    "escrow about to run out",
    "less than an hour of rent in escrow",
    "What pays for it ends in {minutes} minutes.",
    "Call add_funds to keep it running.",
)

AILMENTS = (
    NEVER_LEASED,
    CLOSED_UNLEASED,
    ESCROW_EMPTY,
    MANIFEST_LATE,
    UNSTABLE,
    DECOMMISSIONED,
    CLOSED_BY_PROVIDER,
    CLOSED_BY_ACCOUNT,
    CLOSED,
    UNTRUSTED,
    UNREACHABLE,
    CLUSTER_DOWN,
    NO_MANIFEST,
    HOST_TAKEN,
    VOLUME,
    NO_ROOM,
    NO_NODE,
    BAD_NAME,
    RATE_LIMITED,
    NO_PERMISSION,
    WRONG_PLATFORM,
    NOT_FOUND,
    NO_REGISTRY,
    NOT_PULLED,
    NO_PROGRAM,
    NOT_STARTED,
    OUT_OF_DISK,
    OUT_OF_MEMORY,
    GPU_MEMORY,
    MAYBE_MEMORY,
    CRASH,
    PROBE,
    DEAF,
    NO_DNS,
    PULLING,
    ESCROW_LOW,
)
"""All of them, the most decisive first."""
