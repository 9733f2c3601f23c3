"""What can be wrong with a deployment: every kind of cause, how it is recognised, and how to fix it.

`CAUSE_KINDS` lists them in the order in which answers show them: the most decisive first.
"""

from __future__ import annotations

from dataclasses import dataclass

MANIFEST_SECONDS = 300
"""A provider that got no manifest by then closes the lease (akash-network/provider manifest/watchdog)."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One likely cause, what points to it (other people's text, cleaned), and how to fix it. `service`: whose it is,
    where it is the cause of one.
    """

    kind: CauseKind
    what: str
    evidence: tuple[str, ...]
    fix: str
    service: str = ""


@dataclass(frozen=True, slots=True)
class CauseKind:
    """One thing that can be wrong. `what` and `fix` are templates; `recognised_by` says what gives it away."""

    name: str
    recognised_by: str
    what: str
    fix: str

    def cause(self, evidence: tuple[str, ...], **facts: object) -> Cause:
        """A cause of this kind in one deployment. `facts` fill the templates and are clean already."""
        service = str(facts.get("service", ""))
        return Cause(self, self.what.format(**facts), evidence, self.fix.format(**facts), service)


SEEN_WHILE_IT_RAN = CauseKind(
    "seen while it ran",
    "the diagnosis of a lease that is over, kept from when it could be seen",
    "While it still ran, at {when}, this was seen: {what}",
    "The lease is over, and nothing of it can be changed any more. Close it, and deploy it anew with that put right.",
)
RUN_ENDED = CauseKind(
    "run ended",
    "the end of a run that was to end by itself, kept from when it was seen",
    "{what}",
    "get_logs shows the last lines that were kept.{close}",
)
SEEN_EARLIER = CauseKind(
    "seen earlier",
    "the diagnosis of a lease that runs, kept from an earlier look, while the present one finds no cause",
    "Nothing of it shows at this moment; at {when} this was seen: {what}",
    "{fix}",
)
NEVER_LEASED = CauseKind(
    "never leased",
    "the deployment is open and has no lease",
    "It was never leased.",
    "Call list_bids and create_lease, or close_deployment.",
)
CLOSED_UNLEASED = CauseKind(
    "closed before a lease",
    "the deployment is closed and has no lease",
    "It was closed before anything was leased.",
    "Deploy it again if it is still wanted.",
)
ESCROW_EMPTY = CauseKind(
    "escrow ran out",
    "the lease's reason, or an overdrawn escrow account",
    "Its escrow ran out.",
    "{again} with a larger deposit_usd, and call add_funds in time.",
)
MANIFEST_LATE = CauseKind(
    "manifest came too late",
    "the lease's reason",
    "The provider never got its manifest, so it closed the lease after five minutes.",
    "{again}; another provider may do better.",
)
UNSTABLE = CauseKind(
    "closed as unstable",
    "the lease's reason",
    "The provider closed it, because its containers were not all running for about eight minutes on end: a crash, "
    "an image that could not be pulled in that time, or no room. The provider keeps nothing that says which.",
    "Try the image locally, and check its name and size. {again}, and call diagnose_deployment in its first minutes.",
)
DECOMMISSIONED = CauseKind(
    "provider went out of service",
    "the lease's reason",
    "The provider went out of service.",
    "{again} with another provider.",
)
CLOSED_BY_PROVIDER = CauseKind(
    "closed by the provider",
    "the lease's reason",
    "The provider closed it and gave no reason.",
    "{again} with another provider.",
)
CLOSED_BY_ACCOUNT = CauseKind(
    "closed by the account",
    "the lease's reason",
    "The account closed it: a person, this server, or the Console at the end of a runtime limit.",
    "{again} if it is still wanted.",
)
CLOSED_UNEXPLAINED = CauseKind(
    "closed, reason not on record",
    "a lease that is closed, with a reason that is missing or new",
    "The lease is closed, and why is not on record.",
    "{again} if it is still wanted.",
)
PROVIDER_UNTRUSTED = CauseKind(
    "provider not trusted",
    "its TLS certificate or address, checked before anything was sent",
    "The provider could not prove who it is, so nothing was sent to it. That says nothing about the workload.",
    "Look again in a minute: a new certificate takes a moment. If it stays so, close it and deploy it with another "
    "provider.",
)
PROVIDER_UNREACHABLE = CauseKind(
    "provider not reached",
    "no connection to its gateway, or no answer from it",
    "The provider cannot be reached. That says nothing about the workload, which may still run.",
    "Look again in a minute. If it stays so, close it and deploy it with another provider.",
)
CLUSTER_DOWN = CauseKind(
    "provider's cluster down",
    "the gateway's 503, or the close code 4002 of its streams",
    "The provider cannot reach its own cluster. That says nothing about the workload, which may still run.",
    "Look again in a minute. If it stays so, close it and deploy it with another provider.",
)
NO_MANIFEST = CauseKind(
    "manifest not delivered",
    "the gateway's 404 for a lease that is active",
    "Its provider has no manifest for the lease, so nothing runs, and the lease still costs rent.",
    "Call update_deployment with the same SDL, which delivers it again, or close_deployment.",
)
HOST_TAKEN = CauseKind(
    "host name taken",
    "no manifest at the provider, and an SDL that asks for host names of its own; likely, never certain",
    "The provider may have refused its manifest because another tenant holds one of its host names.",
    "Take the host name out of `accept` in the SDL, or choose another one, and call update_deployment; or deploy it "
    "with another provider.",
)
VOLUME_NOT_MOUNTED = CauseKind(
    "volume does not mount",
    "FailedMount, FailedAttachVolume, ProvisioningFailed, or a claim that stays unbound",
    "A volume of service {service} cannot be mounted{replicas}. Only the provider can repair that.",
    "If it stays so for some minutes, close it and deploy it with another provider, or without persistent storage.",
)
NO_ROOM = CauseKind(
    "no room",
    "FailedScheduling, and what it names: cpu, memory, gpu, storage",
    "The provider has no node with room for service {service}{replicas}: not enough {resources}.",
    "Close it and deploy it with another provider, or deploy it with less {resources}.",
)
NO_FITTING_NODE = CauseKind(
    "no fitting node",
    "FailedScheduling for another reason: taints, affinity, ports",
    "The provider has no node that fits service {service}{replicas}.",
    "Close it and deploy it with another provider.",
)
IMAGE_NAME_INVALID = CauseKind(
    "image name invalid",
    "InspectFailed, InvalidImageName",
    "The image of service {service} is not a valid image name{replicas}.",
    "Correct the image in the SDL (the name in lower case, no https://) and call update_deployment.",
)
PULLS_LIMITED = CauseKind(
    "registry limits pulls",
    "a failed pull with toomanyrequests or 429",
    "The registry refuses more pulls from the provider's address for now, so the image of service {service} waits"
    "{replicas}.",
    "Wait an hour or more; or add credentials of a registry account to the service, or take the image from another "
    "registry, and call update_deployment.",
)
IMAGE_NOT_PERMITTED = CauseKind(
    "image not permitted",
    "a failed pull with denied, unauthorized, 401 or 403",
    "The image of service {service} is private, or does not exist: the registry does not let it be pulled{replicas}.",
    "Add credentials for its registry to the service in the SDL, or use a public image; then call update_deployment.",
)
IMAGE_FOR_OTHER_PLATFORM = CauseKind(
    "image for another processor",
    "a failed pull with `no match for platform`, or a log that ends with `exec format error`",
    "The image of service {service} is not built for the provider's processors (linux/amd64){replicas}.",
    "Build and push it for linux/amd64, and call update_deployment.",
)
IMAGE_NOT_FOUND = CauseKind(
    "image not found",
    "a failed pull with `not found`, `manifest unknown` or the like",
    "The image of service {service} cannot be pulled: its name or tag does not exist{replicas}.",
    "Correct the image in the SDL and call update_deployment.",
)
REGISTRY_UNREACHABLE = CauseKind(
    "registry not reached",
    "a failed pull with `no such host`, a timeout or a refused connection",
    "The provider cannot reach the registry of service {service}'s image{replicas}.",
    "Check the registry's name in the image. If it is right, wait, or deploy it with another provider.",
)
IMAGE_NOT_PULLED = CauseKind(
    "image not pulled",
    "a failed pull for any other reason",
    "The image of service {service} cannot be pulled{replicas}.",
    "The evidence shows what the registry answered. Correct the image in the SDL and call update_deployment.",
)
COMMAND_NOT_FOUND = CauseKind(
    "command not found",
    "a container that cannot be created: `executable file not found`, `no such file`, `permission denied`",
    "The container of service {service} cannot be started: its image lacks the program that `command` names, or may "
    "not run it{replicas}.",
    "Correct command and args in the SDL, or leave them out so that the image's own command starts, and call "
    "update_deployment.",
)
COMMAND_IN_ONE_ITEM = CauseKind(
    "command line in one item",
    "a container that cannot be created: a program is not found that has spaces in its name",
    "The container of service {service} cannot be started: a whole command line stands in one item of its command, and "
    "is looked for as the name of a program{replicas}.",
    'In the SDL, write one word an item, as in command: ["sh", "-c", "…"]{note}; call update_deployment.',
)
NO_SHELL = CauseKind(
    "no such shell",
    "a container that cannot be created: `executable file not found` for `sh`, `bash` or the like",
    "The container of service {service} cannot be started: its image has no {shell}{replicas}.",
    "In the SDL, name the image's own program in command, without a shell; or use an image, or a shell, that is "
    "there{note}; call update_deployment.",
)
CONTAINER_NOT_STARTED = CauseKind(
    "container not started",
    "a container that cannot be created, for another reason",
    "The container of service {service} cannot be started{replicas}.",
    "The evidence shows the reason. Correct the SDL and call update_deployment, or deploy it with another provider.",
)
OTHER_GPU = CauseKind(
    "not the GPU that is paid for",
    "the GPUs that the Console saw inside the containers or read in the bid, beside each other and the SDL",
    "A GPU is not the one that is paid for: {difference}.",
    "Tell the user, who pays the price of the GPU that was bid. Close it and deploy it with another provider.",
)
OUT_OF_DISK = CauseKind(
    "out of disk",
    "Evicted, for its ephemeral storage",
    "Service {service} wrote more to its disk than its storage holds, and was evicted{replicas}.",
    "Deploy it as a new deployment with more storage (resources cannot change in place), or let it write less.",
)
OUT_OF_MEMORY = CauseKind(
    "out of memory",
    "an event about an OOM kill at its pod, which few clusters write",
    "A container of service {service} used more memory than it has and was killed{replicas}.",
    "In the SDL, set the memory of service {service}'s compute profile {memory}, and deploy it as a new deployment: "
    "resources cannot change in place.",
)
OUT_OF_GPU_MEMORY = CauseKind(
    "out of GPU memory",
    "restarts, and a log that ends with an error about the memory of CUDA or HIP",
    "Service {service} keeps ending because it runs out of GPU memory, as the end of its log says{replicas}.",
    "Use a smaller model or batch and call update_deployment, or deploy it again on a GPU with more memory.",
)
PROBABLY_OUT_OF_MEMORY = CauseKind(
    "probably out of memory",
    "restarts, and a log that ends with Killed, OutOfMemoryError, MemoryError or the like",
    "Service {service} keeps ending, probably because it runs out of memory: the end of its log says so, and the "
    "provider gives no reason{replicas}.",
    "In the SDL, set the memory of service {service}'s compute profile {memory}, and deploy it as a new deployment "
    "(resources cannot change in place); or let it use less.",
)
DATA_FOLDER_NOT_EMPTY = CauseKind(
    "data folder not empty",
    "restarts, and a log that names `lost+found`; or one that ends with a data folder that is not empty, and a warning "
    "N07 of the SDL",
    "The database of service {service} does not start: it wants an empty folder for its data, and a fresh disk holds "
    "lost+found at its top{replicas}.",
    "In the SDL, let it use a folder below: PostgreSQL by PGDATA=/var/lib/postgresql/data/pgdata in env, MySQL by "
    "--datadir=/var/lib/mysql/data in args{note}; call update_deployment.",
)
DISK_NOT_WRITABLE = CauseKind(
    "disk not writable",
    "restarts, and a log that ends with `EACCES`, `permission denied` or the like, at the mount of a disk of its own "
    "or with a warning N06 of the SDL",
    "Service {service} may not write to its disk at {mount}: a fresh disk belongs to root, and its program runs as "
    "another user{replicas}.",
    "No SDL can change the user or the owner. Build an image on this one with USER root, whose start gives the folder "
    "to its user (chown) and goes on as that user, put it into the SDL, and call update_deployment; or deploy it as a "
    "new deployment without the disk, and its data ends with the container.",
)
WORDS_IN_ONE_ITEM = CauseKind(
    "words in one item",
    "restarts, and a log that ends with a program that is not found and has spaces in its name; or with an unknown "
    "option or program, and a warning N04 of the SDL",
    "Service {service} keeps ending because a command line, or an option with its value, stands in one item of its "
    "command or args, and the program gets that as one word{replicas}.",
    'In the SDL, write one word an item, as in args: ["--port", "80"]{note}; call update_deployment.',
)
NO_SHELL_TO_RUN = CauseKind(
    "shell missing in the container",
    "restarts, and a log that ends with `sh: not found`, `bash: No such file or directory` or the like",
    "Service {service} keeps ending because the shell that its command or a script of its wants is not in its "
    "image{replicas}.",
    "In the SDL, write sh where command or args say bash, or use an image that has it{note}; call update_deployment.",
)
VALUE_AS_TEXT = CauseKind(
    "value not as meant",
    "restarts, a warning N01, N02, N03 or N05 of the SDL, and a log that ends with a failure that names the variable, "
    "shows the quotes or the reference, or tells of a refused key, login or connection",
    "Service {service} keeps ending, probably because of a value in its SDL, {message}{replicas}.",
    "In the SDL, {line}: {write}. Then call update_deployment.",
)
VARIABLE_NOT_SET = CauseKind(
    "variable not set",
    "restarts, and a log that ends with the name of a missing variable that the SDL does not set",
    "Service {service} keeps ending, probably because a variable is missing: the end of its log names {variables}, and "
    "the SDL does not set it{replicas}.",
    "Ask the user for the value. In the SDL, add to env of service {service}: `{variable}=…` (a secret by name: "
    "`{variable}=secret://NAME`), and call update_deployment.",
)
GPU_NOT_ASKED_FOR = CauseKind(
    "GPU not asked for",
    "restarts, a log that ends with a missing GPU or driver, or an image made for GPUs, and an SDL that asks for none",
    "Service {service} keeps ending, probably because it needs a GPU: {shown} says so, and the SDL asks for none"
    "{replicas}.",
    "In the SDL, add to the resources of service {service}'s compute profile: `gpu: {{units: 1, attributes: {{vendor: "
    "{{nvidia: []}}}}}}`, and deploy it as a new deployment (resources cannot change in place); or use an image for "
    "CPUs, and call update_deployment.",
)
CRASH_LOOP = CauseKind(
    "crash loop",
    "`Back-off restarting failed container`, and the last lines of the log",
    "The container of service {service} keeps starting and ending, {code}{replicas}.",
    "The end of its log is in the evidence: correct the command, args or env, and call update_deployment. A log that "
    "just stops can also mean that it was killed for its memory.",
)
DOUBTFUL_LINE = CauseKind(
    "doubtful line of the SDL",
    "a crash loop whose cause does not show, and a warning N01 to N08 of the service's SDL; likely, never certain",
    "Why service {service} ends does not show. This of its SDL is likely to be the reason, and need not be: {message}.",
    "In the SDL, {line}: {write}. Then call update_deployment.",
)
ENDS_BY_ITSELF = CauseKind(
    "container ends by itself",
    "`Back-off restarting failed container`, and a log that ends without an error, or with exit code 0",
    "The container of service {service} ends by itself, {code}, and its log shows no error{replicas}. Akash starts it "
    "again for ever.",
    "If it is a job: close it, and deploy it again with until=exit:{service}, or with until=log:{service}:TEXT for a "
    "text that it logs when it is done; either keeps its last lines and closes it. A service needs a command that does "
    "not end: call update_deployment. A log that just stops can also mean that it was killed for its memory.",
)
PROBE_FAILS = CauseKind(
    "probe fails",
    "Unhealthy, while the service is not ready",
    "The container of service {service} runs, but does not pass its probe{replicas}.",
    "Let the app listen on 0.0.0.0 at the port in the SDL's expose; call update_deployment.",
)
NOTHING_LISTENS = CauseKind(
    "nothing listens",
    "a GET of its own URI that the ingress answers with 502, 503 or 504",
    "Service {service} runs, but nothing answers where its ingress points{port}.",
    "Let the port in the SDL's expose be the one that the app listens on, on 0.0.0.0 and not on 127.0.0.1; call "
    "update_deployment. If its log shows that it is still loading, only wait.",
)
HOST_NOT_IN_DNS = CauseKind(
    "host name points nowhere",
    "a host name among its URIs that DNS does not know",
    "A host name of service {service} does not exist in DNS, so it cannot be reached under that name.",
    "At the name's DNS provider, point it (CNAME) to {target}.",
)
STILL_PULLING = CauseKind(
    "image still being pulled",
    "Pulling, and neither Pulled nor a failure after it",
    "The image of service {service} is still being pulled{replicas}. That is not an error, and the provider does not "
    "report how far it is.",
    "Wait and look again in a minute: images of many gigabytes take several. Providers close a lease that does not "
    "run within about eight.",
)
ESCROW_LOW = CauseKind(
    "escrow about to run out",
    "less than an hour of rent in escrow, or until its runtime limit",
    "It is paid for only {minutes} minutes more.",
    "Call add_funds to keep it running.",
)

CAUSE_KINDS = (
    RUN_ENDED,
    SEEN_WHILE_IT_RAN,
    NEVER_LEASED,
    CLOSED_UNLEASED,
    ESCROW_EMPTY,
    MANIFEST_LATE,
    UNSTABLE,
    DECOMMISSIONED,
    CLOSED_BY_PROVIDER,
    CLOSED_BY_ACCOUNT,
    CLOSED_UNEXPLAINED,
    PROVIDER_UNTRUSTED,
    PROVIDER_UNREACHABLE,
    CLUSTER_DOWN,
    NO_MANIFEST,
    HOST_TAKEN,
    VOLUME_NOT_MOUNTED,
    NO_ROOM,
    NO_FITTING_NODE,
    IMAGE_NAME_INVALID,
    PULLS_LIMITED,
    IMAGE_NOT_PERMITTED,
    IMAGE_FOR_OTHER_PLATFORM,
    IMAGE_NOT_FOUND,
    REGISTRY_UNREACHABLE,
    IMAGE_NOT_PULLED,
    COMMAND_IN_ONE_ITEM,
    NO_SHELL,
    COMMAND_NOT_FOUND,
    CONTAINER_NOT_STARTED,
    OTHER_GPU,
    OUT_OF_DISK,
    OUT_OF_MEMORY,
    OUT_OF_GPU_MEMORY,
    PROBABLY_OUT_OF_MEMORY,
    DATA_FOLDER_NOT_EMPTY,
    DISK_NOT_WRITABLE,
    WORDS_IN_ONE_ITEM,
    NO_SHELL_TO_RUN,
    VALUE_AS_TEXT,
    VARIABLE_NOT_SET,
    GPU_NOT_ASKED_FOR,
    CRASH_LOOP,
    DOUBTFUL_LINE,
    ENDS_BY_ITSELF,
    PROBE_FAILS,
    NOTHING_LISTENS,
    HOST_NOT_IN_DNS,
    SEEN_EARLIER,
    STILL_PULLING,
    ESCROW_LOW,
)
"""All of them, the most decisive first."""

CLOSINGS = frozenset(
    {
        ESCROW_EMPTY,
        MANIFEST_LATE,
        UNSTABLE,
        DECOMMISSIONED,
        CLOSED_BY_PROVIDER,
        CLOSED_BY_ACCOUNT,
        CLOSED_UNEXPLAINED,
    }
)
"""Why a lease is over."""

DECISIVE = CLOSINGS | {
    IMAGE_NAME_INVALID,
    IMAGE_NOT_PERMITTED,
    IMAGE_FOR_OTHER_PLATFORM,
    IMAGE_NOT_FOUND,
    COMMAND_IN_ONE_ITEM,
    NO_SHELL,
    COMMAND_NOT_FOUND,
}
"""What waiting does not mend."""

STUBBORN = frozenset(
    {
        PROVIDER_UNTRUSTED,
        NO_MANIFEST,
        VOLUME_NOT_MOUNTED,
        NO_ROOM,
        NO_FITTING_NODE,
        PULLS_LIMITED,
        REGISTRY_UNREACHABLE,
        IMAGE_NOT_PULLED,
        CONTAINER_NOT_STARTED,
        OUT_OF_DISK,
        OUT_OF_MEMORY,
        DATA_FOLDER_NOT_EMPTY,
        DISK_NOT_WRITABLE,
        WORDS_IN_ONE_ITEM,
        NO_SHELL_TO_RUN,
        VALUE_AS_TEXT,
        OUT_OF_GPU_MEMORY,
        PROBABLY_OUT_OF_MEMORY,
        VARIABLE_NOT_SET,
        GPU_NOT_ASKED_FOR,
        CRASH_LOOP,
        ENDS_BY_ITSELF,
    }
)
"""What may pass in some seconds, as for an app that starts before its database, and else does not."""

UNEXPLAINED_ENDS = frozenset({CRASH_LOOP, ENDS_BY_ITSELF})
"""A container ends again and again, and why is not seen."""

ENDS_WHAT_STARTED = UNEXPLAINED_ENDS | frozenset(
    {
        OUT_OF_DISK,
        OUT_OF_MEMORY,
        DATA_FOLDER_NOT_EMPTY,
        DISK_NOT_WRITABLE,
        WORDS_IN_ONE_ITEM,
        NO_SHELL_TO_RUN,
        VALUE_AS_TEXT,
        OUT_OF_GPU_MEMORY,
        PROBABLY_OUT_OF_MEMORY,
        VARIABLE_NOT_SET,
        GPU_NOT_ASKED_FOR,
    }
)
"""Why a container ends again and again."""

NEVER_STARTS = (DECISIVE | STUBBORN) - CLOSINGS - ENDS_WHAT_STARTED
"""What keeps a container from ever starting, so that it cannot end either."""

PROVIDERS_FAULT = frozenset(
    {
        MANIFEST_LATE,
        DECOMMISSIONED,
        CLOSED_BY_PROVIDER,
        PROVIDER_UNTRUSTED,
        PROVIDER_UNREACHABLE,
        CLUSTER_DOWN,
        NO_MANIFEST,
        OTHER_GPU,
    }
)
"""What another provider may do better, whatever is deployed."""
