"""What the end of a log asks for and the SDL does not give: a variable, a GPU, more memory.

A log is data from outside. Of its words only what looks like a variable's name passes, and only one that the SDL does
not set. Where what the SDL says is not known, nothing is said to be missing from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from akash_mcp.workflow.desired_state import DesiredService, size_text

_MOST_VARIABLES = 4
_MATCHED_CHARACTERS = 2_000
"""So much of a line is searched: no known text is longer, and a hostile line may be."""

_NAME = r"[A-Z][A-Z0-9]{0,30}(?:_[A-Z0-9]{1,31}){0,7}"
_ABSENT = (
    r"(?:not (?:been )?(?:set|defined|found|provided|specified|configured)|undefined|unset|missing|required"
    r"|(?:must|can|may|should)(?: not|not)? be (?:set|provided|specified|defined|empty)"
    r"|needs? to be (?:set|provided|specified|defined))"
)
_ABSENT_NAMES = (
    # DATABASE_URL is not set; the SECRET_KEY setting must not be empty; `API_KEY` environment variable is required
    re.compile(
        rf"\b({_NAME})\b[\"'`]?(?: (?:environment|env|setting|variable|var)\b){{0,2}}(?: (?:is|was|has|are))? {_ABSENT}"
    ),
    # Environment variable not found: `DATABASE_URL`; missing required environment variables: A_B
    re.compile(rf"[Vv]ar(?:iable)?s?\b[^A-Z]{{0,40}}[:\s\"'`$({{]({_NAME})\b"),
    # bash: NAME: unbound variable; NAME: parameter not set
    re.compile(rf"\b({_NAME}): (?:unbound variable|parameter (?:null or )?not set)"),
    # the images of postgres, mysql and mariadb: You must specify POSTGRES_PASSWORD to a non-empty value
    re.compile(rf"\b(?:must|need to) (?:specify|set|provide|define) ({_NAME})\b"),
)
_SAYS_ABSENT = re.compile(rf"{_ABSENT}|unbound|missing|must|need", re.I)
_OF_PYTHON = re.compile(rf"^KeyError: '({_NAME})'$")
_READS_ENVIRONMENT = re.compile(r"\benviron\b|<frozen os>")
_SPEAKS_OF_VARIABLES = re.compile(r"\b(?:env|environ|environment|variables?|vars?)\b", re.I)

_GPU_TEXTS = re.compile(
    r"no CUDA-capable device|CUDA_ERROR_NO_DEVICE|cudaErrorNoDevice|Found no NVIDIA driver|No HIP GPUs are available"
    r"|libcuda\.so|libnvidia-ml|nvidia-smi: (?:command )?not found|CUDA driver version is insufficient"
    r"|Failed to infer device type|NVML: Driver|no NVIDIA GPU|GPU is required|no usable GPU"
    r"|\bno GPUs? (?:was |were |is |are )?(?:found|detected|available)",
    re.I,
)
_GPU_IMAGE = re.compile(
    r"(?:^|[/:_.-])(?:cuda|cu1\d\d|nvidia|rocm|gpu|vllm|tritonserver)(?=$|[/:_.\d-])", re.I
)


def missing_variables(lines: Sequence[str], wanted: DesiredService | None) -> tuple[str, ...]:
    """The variables that the last lines of a log miss, each once, which the SDL does not set; none where what it sets
    is not known.
    """
    if wanted is None:
        return ()
    found = dict.fromkeys(name for line in lines for name in _absent_names(line[:_MATCHED_CHARACTERS], lines))
    return tuple(name for name in found if name not in wanted.variables)[:_MOST_VARIABLES]


def _absent_names(line: str, lines: Sequence[str]) -> Iterator[str]:
    if (key := _OF_PYTHON.search(line)) and any(
        _READS_ENVIRONMENT.search(each[:_MATCHED_CHARACTERS]) for each in lines
    ):
        yield key[1]
    if not _SAYS_ABSENT.search(line):
        return
    speaks_of_variables = bool(_SPEAKS_OF_VARIABLES.search(line))
    for text in _ABSENT_NAMES:
        for match in text.finditer(line):
            # A word in capitals alone is as often ERROR, FILE or USER.
            if "_" in match[1] or speaks_of_variables:
                yield match[1]


def gpu_evidence(lines: Sequence[str], wanted: DesiredService | None) -> str | None:
    """What shows that a service without a GPU in its SDL needs one: the end of its log, or its image; None for nothing,
    and where it is not known whether it asks for one.
    """
    if wanted is None or wanted.gpus != 0:
        return None
    if any(_GPU_TEXTS.search(line[:_MATCHED_CHARACTERS]) for line in lines):
        return "the end of its log"
    return "the name of its image" if _GPU_IMAGE.search(wanted.image[:_MATCHED_CHARACTERS]) else None


def more_memory(wanted: DesiredService | None) -> str:
    """What to set a memory to that was too little, as an SDL writes it: at least the double, a power of two."""
    if wanted is None or not wanted.memory or wanted.memory < 0:
        return "to more than it has"
    enough = 1 << (2 * wanted.memory - 1).bit_length()
    return f"to {size_text(enough)} ({size_text(wanted.memory)} now)"
