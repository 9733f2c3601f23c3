"""Manifests as a gateway judges them, held to what the official judges said of each SDL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import shared_data
from judged_sdls import Judged, JudgedSdl, each_source, other_peoples, probes
from provider_world import expose, group_for, manifest, service

from akash_mcp.sandbox.provider.manifest import Undecodable, decode
from akash_mcp.sandbox.provider.validation import ManifestRefused, check_against_groups, check_structure


def sent(judged: Judged) -> Iterator[tuple[JudgedSdl, str]]:
    """Each SDL of which a manifest reached a provider, and that manifest."""
    for sdl in judged():
        if sdl.verdict["manifest_sha256"] and sdl.verdict["chain_provider"] is not None:
            assert sdl.report.manifest is not None, sdl.file
            yield sdl, sdl.report.manifest


def refusal(body: bytes) -> str:
    with pytest.raises(ManifestRefused) as refused:
        check_structure(decode(body))
    return refused.value.message


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("v2.0__simple", "8f8bac7161953993f3288189e3e76093a51d33f9cdff1c8242eb9ab506981737"),
        ("v2.0__gpu-basic", "b388e6d97d15c37f"),
        ("v2.0__multiple-services", "27bca68b1c45773b"),
        ("v2.0__persistent-storage", "b6fc0503f97fd6db"),
        ("v2.1__credentials", "9b7070ebba84bcfe"),
        ("v2.1__shared-ip", "4d7c14fc64377c78"),
        ("v2.1__tee-cpu-gpu", "fe34c2360839d3bb"),
    ],
)
def test_golden_manifests_hash_as_published(name: str, digest: str) -> None:
    body = shared_data.require(f"sdl/golden/{name}__manifest.json").read_bytes()
    assert decode(body).version.hex().startswith(digest)


RE_ENCODED = {
    "probes/params__perm_empty.yaml",
    "probes/storage__ephemeral_emptyclass.yaml",
    "probes/storage__persistent_emptyclass.yaml",
    "probes/svc__env_unicode_value.yaml",
}
"""Where Go's own JSON differs from the manifest text: empty values that it leaves out, and U+2028."""


@each_source
def test_every_manifest_that_a_provider_took_is_taken_and_hashes_the_same(judged: Judged) -> None:
    taken, re_encoded = 0, set()
    for sdl, text in sent(judged):
        if sdl.verdict["chain_provider"]:
            continue
        decoded = decode(text.encode())
        check_structure(decoded)
        check_against_groups(decoded, sdl.report.groups)
        taken += 1
        if decoded.version.hex() != sdl.report.manifest_sha256:
            re_encoded.add(sdl.file)
    assert taken == {probes: 265, other_peoples: 60}[judged]
    assert re_encoded == (RE_ENCODED if judged is probes else set())


def test_every_manifest_that_a_provider_refused_is_refused_in_the_same_words() -> None:
    refused = 0
    for sdl, text in sent(probes):
        verdict = sdl.verdict["chain_provider"]
        said = verdict.get("unmarshal") or verdict.get("manifest_validate")
        if said is None:
            continue
        with pytest.raises((ManifestRefused, Undecodable)) as error:
            check_structure(decode(text.encode()))
        assert str(error.value) == said, sdl.file
        refused += 1
    assert refused == 49


def test_what_go_does_not_know_vanishes_from_the_hash() -> None:
    assert decode(manifest(service(novelty=1))).version == decode(manifest(service())).version


@pytest.mark.parametrize("changes", [{"args": []}, {"env": []}, {"command": []}])
def test_an_empty_list_is_not_null(changes: dict[str, Any]) -> None:
    assert decode(manifest(service(**changes))).version != decode(manifest(service())).version


@pytest.mark.parametrize(
    ("given", "same_as"),
    [
        (
            {"params": {"storage": None, "permissions": {"read": []}}},
            {"params": {"storage": None, "permissions": {}}},
        ),
        ({"params": None}, {}),
    ],
)
def test_go_leaves_out_what_is_empty(given: dict[str, Any], same_as: dict[str, Any]) -> None:
    assert decode(manifest(service(**given))).version == decode(manifest(service(**same_as))).version


def test_key_order_does_not_matter() -> None:
    backwards = dict(reversed(service().items()))
    assert decode(manifest(backwards)).version == decode(manifest(service())).version


def test_only_the_first_value_is_read() -> None:
    assert decode(manifest(service()) + b"\n{garbage").groups[0].name == "akash"


def test_a_group_without_services_is_refused() -> None:
    assert refusal(manifest()) == 'invalid manifest: group "akash" contains no services'


def test_an_unknown_protocol_is_refused() -> None:
    body = manifest(service(expose=[expose(proto="HTTP")]))
    assert refusal(body) == 'invalid manifest: service "web" protocol "HTTP" unknown'


def test_another_number_of_groups_escapes_as_500() -> None:
    groups = [group_for(service()), group_for(service(), name="second")]
    with pytest.raises(ManifestRefused, match="group count mismatch: 1 != 2") as refused:
        check_against_groups(decode(manifest(service())), groups)
    assert refused.value.status == 500


def test_other_endpoints_than_ordered_are_refused() -> None:
    other = service()
    other["resources"] = other["resources"] | {"endpoints": [{"kind": 1, "sequence_number": 0}]}
    with pytest.raises(ManifestRefused, match="mismatch of endpoints"):
        check_against_groups(decode(manifest(other)), [group_for(service())])
