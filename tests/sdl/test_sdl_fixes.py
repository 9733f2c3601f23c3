# ruff: noqa: E501 - a row is a mistake, and a table whose rows are wrapped cannot be read
"""The mistakes that people and agents make most: each has a fix, and following it gives an SDL that deploys."""

from __future__ import annotations

import pytest
from sdl_data import changed

IMAGE = "    image: nginx:1.27.0\n"
STORAGE = "        storage:\n          size: 1Gi\n"
GPU = "        gpu:\n          units: 1\n          attributes: {vendor: {nvidia: %s}}\n  placement:"
GLOBAL = "          - global: true\n"
DISK = "        storage:\n          - size: 1Gi\n          - {name: data, size: 1Gi, attributes: {%s}}\n"
LASTING = DISK % "persistent: true, class: beta3"
MOUNT = IMAGE + "    params: {storage: {data: {mount: /data}}}\n"
Change = tuple[str, str]

MISTAKES: dict[str, tuple[list[Change], str, str, Change]] = {
    # name: what was done, the rule, a part of the fix, what a reader of the fix then does
    "depends_on": ([(IMAGE, IMAGE + "    depends_on: [web]\n")], "S02", "- service: <name>", ("depends_on: [web]", "dependencies: [{service: web}]")),
    "depends-on": ([(IMAGE, IMAGE + "    depends-on: [web]\n")], "S02", "or remove it", ("    depends-on: [web]\n", "")),
    "attributes left empty": ([("      pricing", "      attributes:\n      pricing")], "S03", 'remove "attributes:"', ("      attributes:\n", "")),
    "class without persistent": ([(STORAGE, DISK % "class: beta3"), (IMAGE, MOUNT)], "S01", "add persistent: true", ("class: beta3", "class: beta3, persistent: true")),
    "persistent without class": ([(STORAGE, DISK % "persistent: true"), (IMAGE, MOUNT)], "S01", "add class: beta3", ("persistent: true", "persistent: true, class: beta3")),
    "volumes": ([(IMAGE, IMAGE + "    volumes: ['/data']\n"), (STORAGE, LASTING)], "S02", "mount it in params.storage.<name>.mount", ("volumes: ['/data']", "params: {storage: {data: {mount: /data}}}")),
    "cmd": ([(IMAGE, IMAGE + "    cmd: run\n")], "S02", '"command"? It is a list', ("cmd: run", "command: [run]")),
    "nested placement": ([("  placement:\n    dc:\n      pricing:\n        web:\n          denom: uact\n          amount: 1000\n", "  placement:\n    dc:\n      placement: {}\n      pricing:\n        web:\n          denom: uact\n          amount: 1000\n")], "S02", "remove one of the two", ("      placement: {}\n", "")),
    "restart": ([(IMAGE, IMAGE + "    restart: always\n")], "S02", "remove it", ("    restart: always\n", "")),
    "links": ([(IMAGE, IMAGE + "    links: [web]\n")], "S02", "remove it", ("    links: [web]\n", "")),
    "servcie": ([("profile: web\n      count", "profile: web\n      cuont: 1\n      count")], "S02", 'did you mean "count"', ("      cuont: 1\n", "")),
    "ports": ([("expose:\n      - port: 80\n        as: 80", "ports: ['80:80']\n    expose:\n      - port: 80\n        as: 80")], "S02", "port: 80, as: 8080", ("    ports: ['80:80']\n", "")),
    "environment": ([(IMAGE, IMAGE + "    environment: {A: b}\n")], "S02", "a list of NAME=value", ("environment: {A: b}", "env: [A=b]")),
    "env as a map": ([(IMAGE, IMAGE + "    env: {A: b}\n")], "S03", "- NAME=value", ("env: {A: b}", "env: [A=b]")),
    "env with a colon": ([(IMAGE, IMAGE + "    env: ['A: b']\n")], "P03", "write A=… instead of A: …", ("'A: b'", "A=b")),
    "env as a map in a list": ([(IMAGE, IMAGE + "    env: [A: b]\n")], "S03", "write NAME=value", ("A: b", "A=b")),
    "export": ([(IMAGE, IMAGE + "    env: [export A=b]\n")], "P03", "write A=…", ("export A=b", "A=b")),
    "no mount": ([(STORAGE, LASTING)], "T07", "add params: storage: data: mount: /data", (IMAGE, MOUNT)),
    "mount of an unnamed volume": ([(IMAGE, IMAGE + "    params: {storage: {default: {mount: /data}}}\n")], "T05", "give the volume name: default", ("size: 1Gi", "size: 1Gi\n          name: default")),
    "mount of an unknown volume": ([(IMAGE, MOUNT)], "T05", "add a volume with name: data", (STORAGE, LASTING)),
    "ram that lasts": ([(STORAGE, DISK % "persistent: true, class: ram"), (IMAGE, MOUNT)], "S08", "write persistent: false", ("persistent: true", "persistent: false")),
    "http_options over the limit": ([("as: 80", "http_options: {read_timeout: 90000}")], "S06", "", ("90000", "60000")),
    "a port and its outside in one": ([("port: 80\n        as: 80", 'port: "3000:80"')], "S03", "write port: 80 for the container and as:", ('port: "3000:80"', "port: 80\n        as: 3000")),
    "a quoted port": ([("port: 80", 'port: "80"')], "S03", "remove the quotes", ('"80"', "80")),
    "cpu as a list": ([("cpu:\n          units: 0.5", "cpu:\n          - units: 0.5")], "S03", 'remove the "- "', ("- units", "units")),
    "version as a number": ([('"2.0"', "2.0")], "S04", 'write version: "2.0"', ("version: 2.0", 'version: "2.0"')),
    "version 2": ([('"2.0"', '"2"')], "S04", 'write version: "2.0"', ('"2"', '"2.0"')),
    "endpoints as a list": ([(GLOBAL, "          - {global: true, ip: mine}\n"), ("deployment:", "endpoints: [mine]\ndeployment:")], "S03", "write name: kind: ip", ("[mine]", "{mine: {kind: ip}}")),
    "an ip without global": ([(GLOBAL, "          - ip: mine\n"), ("deployment:", "endpoints: {mine: {kind: ip}}\ndeployment:")], "S09", "add global: true", ("- ip: mine", "- {ip: mine, global: true}")),
    "an endpoint nobody uses": ([("deployment:", "endpoints: {mine: {kind: ip}}\ndeployment:")], "T14", "- ip: mine, global: true", ("- global: true", "- {ip: mine, global: true}")),
    "an ip that is not an endpoint": ([(GLOBAL, "          - {global: true, ip: mine}\n")], "T12", "add endpoints: mine: kind: ip at the root", ("deployment:", "endpoints: {mine: {kind: ip}}\ndeployment:")),
    "tabs": ([("    image", "\timage")], "Y01", "indent with spaces", ("\timage", "    image")),
    "nothing global": ([("- global: true", "- service: web")], "P01", "to: - global: true", ("- service: web", "- global: true")),
    "a service name with _": ([("services:\n  web:", "services:\n  my_web:"), ("deployment:\n  web:", "deployment:\n  my_web:")], "P02", "call it my-web, here and under deployment", ("my_web", "my-web")),
    "accept with a scheme": ([("as: 80", "as: 80\n        accept: ['https://a.com']")], "P04", "without scheme", ("'https://a.com'", "a.com")),
    "accept with capitals": ([("as: 80", "as: 80\n        accept: [A.com]")], "P04", "lower-case", ("A.com", "a.com")),
    "accept beside two to entries": ([("as: 80", "as: 80\n        accept: [a.com]"), (GLOBAL, GLOBAL + "          - service: web\n")], "P05", "an expose entry of its own", ("          - service: web\n", "      - port: 80\n        to: [{service: web}]\n")),
    "proto http": ([("as: 80", "as: 80\n        proto: http")], "S04", "write TCP", ("http", "TCP")),
    "next_cases as numbers": ([("as: 80", "as: 80\n        http_options: {next_cases: [500]}")], "S04", 'quote it: "500"', ("[500]", '["500"]')),
    "a size without a unit": ([("size: 512Mi", "size: 512")], "S03", "write 512Mi", ("size: 512\n", "size: 512Mi\n")),
    "a size in bytes": ([("size: 512Mi", 'size: "536870912"')], "T16", "write 512Mi", ('"536870912"', "512Mi")),
    "a size with a space": ([("size: 512Mi", "size: 512 Mi")], "T16", "write 512Mi", ("512 Mi", "512Mi")),
    "16.1 cores": ([("units: 0.5", "units: 16.1")], "P06", "write 16100m", ("16.1", "16100m")),
    "GPU without a vendor": ([("  placement:", "        gpu: {units: 1, attributes: {vendor: {}}}\n  placement:")], "S01", "write vendor: nvidia:", ("{vendor: {}}", "{vendor: {nvidia: }}")),
    "GPU without attributes": ([("  placement:", "        gpu: {units: 1}\n  placement:")], "S01", "attributes: vendor: nvidia:", ("{units: 1}", "{units: 1, attributes: {vendor: {nvidia: }}}")),
    "GPU attributes without a GPU": ([("  placement:", GPU.replace("units: 1", "units: 0") % "")], "S07", "write units: 1", ("units: 0\n", "units: 1\n")),
    "interconnect": ([("  placement:", (GPU % "").replace("vendor:", "interconnect: [], vendor:"))], "S02", "remove it", ("interconnect: [], ", "")),
    "a service that is not deployed": ([("services:\n", "services:\n  db: {image: 'redis:7'}\n")], "T01", "or remove the service", ("  db: {image: 'redis:7'}\n", "")),
    "a misspelt profile": ([("profile: web", "profile: wep")], "T03", 'did you mean "web"', ("wep", "web")),
    "too dear for the chain": ([("amount: 1000", "amount: 10000001")], "P16", "write what you would pay: 10000 uact", ("10000001", "10000")),
    "a price with an exponent": ([("amount: 1000", "amount: 0.0000001")], "P15", "write a plain number", ("0.0000001", "1000")),
    "a missing price": ([("          amount: 1000\n", "")], "S01", "add amount", ("denom: uact\n", "denom: uact\n          amount: 1000\n")),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_following_the_fix_gives_an_sdl_that_deploys(name: str) -> None:
    mistake, rule, fix, change = MISTAKES[name]
    found = changed(*mistake).errors
    assert (rule, True) in {(finding.rule, fix in finding.fix) for finding in found}, found
    assert changed(*mistake, *[change] * (2 if "service name" in name else 1)).errors == ()


WARNINGS: dict[str, tuple[list[Change], str, str, Change]] = {
    "no web address": ([("port: 80\n        as: 80", "port: 3000")], "D04", "write as: 80", ("port: 3000", "port: 3000\n        as: 80")),
    "nobody can reach it": ([("        to:\n          - global: true", "        to:\n          - global: true\n      - port: 81")], "D05", "add to: - global: true", ("- port: 81", "- port: 81\n        to: [{global: true}]")),
    "latest": ([("nginx:1.27.0", "nginx:latest")], "D09", "name a version", ("latest", "1.27.0")),
    "uakt": ([("denom: uact", "denom: uakt")], "D08", "write denom: uact", ("uakt", "uact")),
    "runaway ceiling": ([("amount: 1000", "amount: 1000000")], "D11", "write amount: 5 or less", ("1000000", "5")),
    "nobody bids so low": ([("amount: 1000", "amount: 1"), ("units: 0.5", "units: 64")], "D11", "write amount: 477", ("amount: 1\n", "amount: 477\n")),
    "for nothing": ([("amount: 1000", "amount: 0")], "D11", "write a higher amount", ("amount: 0", "amount: 1000")),
    "GPU in capitals": ([("  placement:", GPU % "[{model: A100}]")], "D03", "write a100", ("A100", "a100")),
    "GPU memory in GB": ([("  placement:", GPU % "[{model: a100, ram: 80GB}]")], "D03", "write 80Gi", ("80GB", "80Gi")),
    "unknown class": ([(STORAGE, DISK % "persistent: true, class: nvme"), (IMAGE, MOUNT)], "D02", "write beta3", ("nvme", "beta3")),
    "GB": ([("size: 512Mi", "size: 512MB")], "C01", "write Ki, Mi, Gi or Ti", ("512MB", "512Mi")),
    "proxy_buffer_size": ([("as: 80", "as: 80\n        http_options: {proxy_buffer_size: 8192}")], "D06", "remove it", ("proxy_buffer_size: 8192", "")),
    "a body of no size": ([("as: 80", "as: 80\n        http_options: {max_body_size: 0}")], "D14", "leave it out", ("max_body_size: 0", "")),
    "no time to answer": ([("as: 80", "as: 80\n        http_options: {read_timeout: 0}")], "D14", "leave it out", ("read_timeout: 0", "read_timeout: 500")),
    "no case at all": ([("as: 80", "as: 80\n        http_options: {next_cases: []}")], "D14", '["off"]', ("[]", '["off"]')),
    "a variable that stays": ([(IMAGE, IMAGE + "    env: [LOG-LEVEL=info]\n")], "D15", "name it in such letters, where the program takes such a name", ("LOG-LEVEL", "LOG_LEVEL")),
    "half an hour of notice": ([("services:\n", "reclamation: {min_window: 30m}\nservices:\n")], "D16", "write 24h", ("30m", "3600s")),
    "no end of notice": ([("services:\n", f"reclamation: {{min_window: {'9' * 5000}h}}\nservices:\n")], "D16", "write 24h", ("9" * 5000, "720")),
    "empty attribute": ([("units: 0.5", "units: 0.5\n          attributes: {arch: ''}")], "D07", "remove it", ("\n          attributes: {arch: ''}", "")),
}  # fmt: skip


@pytest.mark.parametrize("name", WARNINGS)
def test_following_the_fix_of_a_warning_removes_it(name: str) -> None:
    mistake, rule, fix, change = WARNINGS[name]
    assert (rule, True) in {(w.rule, fix in w.fix) for w in changed(*mistake).warnings}
    fixed = changed(*mistake, change)
    assert fixed.ok
    assert rule not in {warning.rule for warning in fixed.warnings}


@pytest.mark.parametrize(
    "lines",
    [
        "    env: ['TOKEN: hunter2']\n",
        "    env: ['export TOKEN hunter2']\n",
        "    env: TOKEN=hunter2\n",
        "    env: {TOKEN: hunter2}\n",
        "    env: [TOKEN: hunter2]\n",
        "    env: ['9TOKEN=hunter2']\n",
        "    command: run --token hunter2\n",
        "    credentials: hunter2\n",
        "    credentials: {host: h, username: u, password: hunter2, email: [hunter2]}\n",
        "    credentials: {host: h, username: u, password: *hunter2}\n",
        "    credentials: {host: h, username: u, password: !hunter2 x}\n",
        "    credentials: {host: h, username: u, password: !!int hunter2}\n",
    ],
)
def test_no_finding_repeats_a_secret(lines: str) -> None:
    findings = changed((IMAGE, IMAGE + lines)).errors
    assert findings
    for finding in findings:
        assert "hunter2" not in finding.message + finding.fix
