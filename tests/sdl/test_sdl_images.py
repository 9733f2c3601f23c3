"""Images are named as the reference grammar of container images has it: github.com/distribution/reference."""

from __future__ import annotations

import time

import pytest
from sdl_data import changed

from akash_mcp.sdl.images.reference import is_reference

IMAGE = "image: nginx:1.27.0"
SHA = "sha256:" + "0123456789abcdef" * 4

TAKEN = [
    "nginx", "nginx:1.27.0", "library/nginx", "ghcr.io/owner/app:v1", "localhost/app", "localhost:5000/app:1",
    "registry.example.com:5000/a/b/c__d.e-f--g:tag_1.2-3", "10.0.0.1:80/app", "[fe80::1]:5000/app", f"nginx@{SHA}",
    f"ghcr.io/a/b:1@{SHA}", "UPPER.example.com/app", "a" * 247, "x/" + "a" * 253, "n:" + "T" * 128, "x/y:_t", "0/1",
]  # fmt: skip
REFUSED = [
    "Nginx", "nginx:", "nginx:-1", ":1", "/nginx", "nginx/", "a//b", "a..b", "a___b", "-a", "a-", "my app", "nginx\n",
    " nginx", "docker://nginx", "https://ghcr.io/a/b", f"nginx@{SHA[:-1]}", "nginx@sha256:xyz",
    "nginx@md5:" + "0" * 32, "a" * 248, "x/" + "a" * 254,
    "n:" + "t" * 129, "0123456789abcdef" * 4, "nginx:1:2", "host:port/app", "nginx\u200b", "nginx\u202e",
    "n\u0131nx", "${IMAGE}", "**nginx**", "a" * 2_000_000, "a/" * 200_000, "a-" * 120 + "!", "\u0663",
]  # fmt: skip


@pytest.mark.parametrize("image", TAKEN, ids=lambda image: image[:40])
def test_what_the_grammar_takes_is_taken(image: str) -> None:
    assert is_reference(image)
    assert changed((IMAGE, f"image: {image!r}")).ok


@pytest.mark.parametrize("image", REFUSED, ids=lambda image: ascii(image)[:40])
def test_what_the_grammar_refuses_is_refused_at_once(image: str) -> None:
    began = time.process_time()
    assert not is_reference(image)
    assert time.process_time() - began < 1  # a pattern that tries all ways takes years


def test_a_wrong_image_is_named_with_its_line_and_fix() -> None:
    report = changed((IMAGE, "image: docker://Nginx:1.27.0"))
    (finding,) = report.errors
    assert (report.ok, report.console_ok) == (False, True)
    assert (finding.rule, finding.judge, finding.path) == ("P25", "provider", "/services/web/image")
    assert finding.line > 1
    assert finding.message == '"docker://Nginx:1.27.0" is not the name of an image'
    assert finding.fix == "write nginx:1.27.0"
    assert changed((IMAGE, "image: nginx:1.27.0")).ok


def test_two_megabytes_of_image_are_quoted_in_part() -> None:
    (finding,) = changed((IMAGE, f"image: {'a' * 100_000}")).errors
    assert len(finding.message) < 120
