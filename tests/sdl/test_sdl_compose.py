"""Compose files of ten kinds as SDL: what is carried passes every judge, and what is not is listed by name."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from akash_mcp.cli import lint, main
from akash_mcp.errors import BadArgument
from akash_mcp.sdl import check
from akash_mcp.sdl.author.compose import PROTECTIONS, Converted, convert
from akash_mcp.sdl.author.compose.file import label
from akash_mcp.sdl.images.usual_ports import UNUSED_PORT
from akash_mcp.sdl.yaml.loader import load

FOLDER = Path(__file__).parent.parent / "compose"
FILES = sorted(FOLDER.glob("*.yaml"))
VARIABLES = {"WEB_PORT": "80", "ADMIN_PORT": "8443", "API_KEY": "k"}


def converted(name: str, **more: Any) -> Converted:
    """One of the ten files, whatever protection is lost."""
    return convert((FOLDER / f"{name}.yaml").read_text(), variables=VARIABLES, accept=PROTECTIONS, **more)


def of(text: str, **more: Any) -> Converted:
    """A service `web`, given by what stands in it."""
    lines = "".join(f"    {line}\n" for line in text.strip().splitlines())
    return convert(f"services:\n  web:\n    image: nginx:1.29.3\n{lines}", **more)


def tree(made: Converted) -> Any:
    return json.loads(json.dumps(load(made.sdl).data))


def web(made: Converted) -> dict[str, Any]:
    """The service `web`, and its resources beside it."""
    data = tree(made)
    return {**data["services"]["web"], **data["profiles"]["compute"]["web"]["resources"]}


def left_out(made: Converted) -> list[str]:
    """`service: what` of everything that was left out."""
    return [f"{each.service}: {each.what}".removeprefix(": ") for each in made.left_out]


def test_there_are_ten_kinds() -> None:
    assert len(FILES) == 10


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_compose_file_becomes_an_sdl_that_lint_passes(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "sdl.yaml"
    given = [word for name, value in VARIABLES.items() for word in ("--env", f"{name}={value}")]
    accepted = ["--accept", ",".join(PROTECTIONS)]
    assert main.main(["import", str(file), *given, *accepted, "-o", str(output)]) == 0
    assert lint.run([output], as_json=True) == 0
    judged = json.loads(capsys.readouterr().out)
    assert judged["ok"]
    # Passwords in plain text, placeholders, and what no SDL can mend: a disk under an image that is not root.
    assert {warning["rule"] for warning in judged["warnings"]} <= {"K04", "N03", "N06", "N07"}


LEFT_OUT = {
    "web-page": [],
    "blog-with-database": [
        "db: healthcheck",
        "wordpress: volumes: ./php.ini:/usr/local/etc/php/conf.d/uploads.ini",
        "wordpress: environment: WP_SITEURL",
        "wordpress: restart: on-failure",
        "volumes.wp_content: what it holds now",
        "volumes.forgotten",
        "version",
    ],
    "worker-queue": [
        "task_queue: ulimits",
        "flower: the service",
        "x-worker",
    ],
    "language-model": [
        "vllm: deploy.resources.reservations.devices[0].options",
        "vllm: deploy.resources.limits.pids",
        "vllm: ports[0].mode: host",
        "vllm: ports[0]: opening 8000 to the outside",
        "ui: gpus[0].device_ids",
        "name",
    ],
    "segmented-networks": [
        "api: links[0]: the name pg",
        "api: networks.front.aliases[0]: the name backend.internal",
        "api: networks.back.ipv4_address",
        "api: extra_hosts",
        "database: user: postgres",
        "database: container_name: my-database",
        "proxy: the service",
        "networks.back.internal",
        "networks.unused.driver: macvlan",
        "networks.unused.external",
    ],
    "game-server": [
        "minecraft: volumes: /srv/backups:/backups",
        "minecraft: volumes: /var/cache",
        "minecraft: ports[3]: ports 10000-20000",
        "minecraft: ports[4]: sctp",
        "minecraft: tty",
        "minecraft: stdin_open",
        "minecraft: cpu_shares",
        "minecraft: ulimits",
        "minecraft: stop_grace_period",
        "minecraft: the outer port 25565/tcp, 24454/udp, 9100/udp, 9101/udp, 9102/udp",
        "volumes.data.driver: nfs",
        "volumes.data.driver_opts",
    ],
    "built-here": [
        "app: the service",
        "migrate: the service",
        "mailer: build",
        "mailer: working_dir",
        "configs.app_config",
        "include",
    ],
    "variables": [
        "web: cpus",
        "web: environment: PLAIN",
        "web: the outer port 8443/tcp",
    ],
    "printed-by-compose": [
        "cart: deploy.restart_policy",
        "cart: deploy.update_config",
        "cart: deploy.placement",
        "cart: volumes: /home/me/shop/conf:/etc/cart",
        "cart: ports[0].name",
        "volumes.shared.name",
        "volumes.shared: sharing it",
        "name",
    ],
    "many-services": [
        "prometheus: volumes: ./prometheus/:/etc/prometheus/",
        "prometheus: healthcheck",
        "prometheus: opening port 9090 to the Internet",
        "node-exporter: deploy.mode: global",
        "node-exporter: volumes: /:/host",
        "node-exporter: network_mode: host",
        "node-exporter: pid",
        "node-exporter: privileged",
        "grafana: read_only",
        "grafana: cap_drop: ALL",
        "grafana: logging",
        "grafana: opening port 3000 to the Internet",
        "alertmanager: platform: linux/arm64",
        "alertmanager: sysctls",
        "alertmanager: dns",
        "alertmanager: opening port 9093 to the Internet",
    ],
}


@pytest.mark.parametrize(("name", "expected"), LEFT_OUT.items(), ids=LEFT_OUT.keys())
def test_what_is_left_out_is_listed_by_name_and_with_a_reason(name: str, expected: list[str]) -> None:
    made = converted(name)
    assert left_out(made) == expected
    assert all(each.why for each in made.left_out)


def maps(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The paths of all maps whose fields have a meaning: not those of free names."""
    free = {
        "services",
        "volumes",
        "networks",
        "environment",
        "labels",
        "depends_on",
        "configs",
        "secrets",
        "sysctls",
    }
    if isinstance(value, dict):
        if not path or str(path[-1]) not in free:
            yield path
        for key, each in value.items():
            yield from maps(each, (*path, key))
    if isinstance(value, list):
        for i, each in enumerate(value):
            yield from maps(each, (*path, i))


def at(value: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_field_that_nobody_knows_never_gets_lost(file: Path) -> None:
    plain = yaml.safe_load(file.read_text())
    for path in maps(plain):
        changed = copy.deepcopy(plain)
        at(changed, path)["field_of_tomorrow"] = 1
        made = convert(yaml.dump(changed, sort_keys=False), variables=VARIABLES, accept=PROTECTIONS)
        listed = {(each.service, each.what) for each in made.left_out}
        assert any("field_of_tomorrow" in what for _, what in listed) or left_out_whole(path, listed), path


def left_out_whole(path: tuple[str | int, ...], listed: set[tuple[str, str]]) -> bool:
    """Whether something that contains the place is on the list itself."""
    service = str(path[1]) if path[0] == "services" else ""
    above = {(service, label(path[:length])) for length in range(1, len(path) + 1)}
    return bool(listed & (above | {(service, "the service")})) or path[-1] == "bind"


# ── what is carried ──────────────────────────────────────────────────────────────────────────────────────────────


def test_the_database_keeps_its_data_and_is_reached_by_its_neighbours_only() -> None:
    data = tree(converted("segmented-networks"))
    database = data["services"]["database"]
    assert database["expose"] == [{"port": 5432, "to": [{"service": "api"}]}]
    assert database["params"]["storage"] == {"pgdata": {"mount": "/var/lib/postgresql/data"}}
    assert "PGDATA=/var/lib/postgresql/data/pgdata" in database["env"]
    assert data["services"]["api"]["env"] == ["DATABASE_URL=postgresql://app:app@database:5432/app"]


def test_services_reach_each_other_along_their_networks() -> None:
    services = tree(converted("segmented-networks"))["services"]
    assert "proxy" not in services  # its work is done by the provider's ingress
    seen = {to["service"] for port in services["api"]["expose"] for to in port["to"] if "service" in to}
    assert seen == {"database"}
    assert services["api"]["expose"][0] == {
        "port": 4000,
        "as": 80,
        "accept": ["api.example.com"],
        "to": [{"global": True}],
    }


def test_names_become_host_names_wherever_they_stand_as_one() -> None:
    made = converted("worker-queue")
    services = tree(made)["services"]
    assert list(services) == ["task-queue", "worker-fast", "worker-slow"]
    assert services["worker-fast"]["env"] == [
        "REDIS_URL=redis://:hunter2@task-queue:6379/0",
        "BROKER_HOST=task-queue",
        "QUEUE=task_queue",
    ]
    assert any('"task_queue" is called "task-queue"' in note for note in made.notes)


def test_a_file_that_opens_nothing_still_deploys() -> None:
    made = converted("worker-queue")
    assert made.report.ok
    assert any("Nothing is open to the Internet" in note for note in made.notes)


def test_shared_memory_and_tmpfs_are_disks_in_memory() -> None:
    for name, size in (("language-model", "8Gi"), ("game-server", "256Mi")):
        profiles = tree(converted(name))["profiles"]["compute"]
        volumes = next(iter(profiles.values()))["resources"]["storage"]
        assert volumes[-1] == {
            "name": volumes[-1]["name"],
            "size": size,
            "attributes": {"persistent": False, "class": "ram"},
        }


def test_gpus_of_both_spellings() -> None:
    profiles = tree(converted("language-model"))["profiles"]["compute"]
    assert [profiles[name]["resources"]["gpu"]["units"] for name in ("vllm", "ui")] == [1, 2]


def test_variables_are_filled_in_as_compose_does() -> None:
    made = web(converted("variables"))
    assert made["image"] == "docker.io/library/httpd:2.4.65"
    assert made["env"] == [
        "NESTED=innermost",
        "PRICE=$5",
        "NEEDED=k",
        "IF_SET=",
        "EMPTY=",
        "COMMAND_OF_SHELL=$$(date) $$$",
    ]
    assert made["args"] == ["httpd-foreground", ""]


def test_variables_that_are_given_count() -> None:
    given_too = {**VARIABLES, "TAG": "3", "REPLICAS": "5", "DEBUG": "1", "CPUS": "2", "API_KEY": "k"}
    made = convert((FOLDER / "variables.yaml").read_text(), variables=given_too, accept=PROTECTIONS)
    assert web(made)["image"].endswith(":3")
    assert {"IF_SET=--verbose", "NEEDED=k"} <= set(web(made)["env"])
    assert made.report.groups[0].resources[0].count == 5


def test_nothing_comes_from_the_environment_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_MINE", "hunter2")
    assert "hunter2" not in of('environment: ["A=${SECRET_OF_MINE}", SECRET_OF_MINE]').sdl


def test_images_can_be_named_for_what_is_built() -> None:
    made = converted("built-here", images={"app": "ghcr.io/example/app:1"})
    app = tree(made)["services"]["app"]
    assert (app["image"], app["expose"][0]["as"]) == ("ghcr.io/example/app:1", 80)
    assert "app: build" in left_out(made)


PORTS: dict[str, tuple[str, list[tuple[int, int | None, str]]]] = {
    "a number": ("8080", [(8080, 80, "TCP")]),
    "host and container": ('"8080:3000"', [(3000, 80, "TCP")]),
    "an address": ('"0.0.0.0:80:8000"', [(8000, 80, "TCP")]),
    "IPv6": ('"[::]:80:8000"', [(8000, 80, "TCP")]),
    "a free port on an address": ('"9.9.9.9::80"', [(80, 80, "TCP")]),
    "ranges": ('"2222-2223:22-23"', [(22, None, "TCP"), (23, None, "TCP")]),
    "any of a range": ('"9000-9999:80"', [(80, 80, "TCP")]),
    "UDP": ('"53:53/udp"', [(53, None, "UDP")]),
    "long": ("{target: 1234, published: 80}", [(1234, 80, "TCP")]),
    "long and raw": ("{target: 80, app_protocol: mysql}", [(80, 10080, "TCP")]),
    "a shell": ('"22:22"', [(22, None, "TCP")]),
    "one web page of two": ('"3000:3000", "80:80"', [(3000, None, "TCP"), (80, 80, "TCP")]),
    "the same twice": ('"80:80", "8080:80"', [(80, 80, "TCP")]),
}


@pytest.mark.parametrize(("ports", "expected"), PORTS.values(), ids=PORTS.keys())
def test_ports(ports: str, expected: list[tuple[int, int | None, str]]) -> None:
    made = web(of(f"ports: [{ports}]"))["expose"]
    assert [(each["port"], each.get("as"), each.get("proto", "TCP")) for each in made] == expected
    assert all(each["to"] == [{"global": True}] for each in made)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.1.2.3",
        "[::1]",
        "localhost",
        "10.8.0.1",
        "192.168.1.5",
        "100.64.0.7",
        "[fd00::1]",
        "::ffff:127.0.0.1",
    ],
)
def test_what_is_published_inside_only_is_not_opened(address: str) -> None:
    made = of(f'ports: ["{address}:8080:80"]')
    assert [each["port"] for each in web(made)["expose"]] == [UNUSED_PORT]
    assert "the world cannot reach" in made.left_out[0].why


PROCESSES: dict[str, tuple[str, list[str], list[str]]] = {
    "a text is split": ("command: server --name 'a b'", [], ["server", "--name", "a b"]),
    "a list is not": ("command: [sh, -c, 'a  b']", [], ["sh", "-c", "a  b"]),
    "an entry point": ("entrypoint: /run.sh -v\ncommand: [x]", ["/run.sh", "-v"], ["x"]),
    "an entry point that is cleared": ("entrypoint: []\ncommand: run it", ["run", "it"], []),
    "numbers are words": ("command: [8080, true]", [], ["8080", "true"]),
}


@pytest.mark.parametrize(("text", "command", "args"), PROCESSES.values(), ids=PROCESSES.keys())
def test_processes(text: str, command: list[str], args: list[str]) -> None:
    made = web(of(text))
    assert (made.get("command", []), made.get("args", [])) == (command, args)


@pytest.mark.parametrize("field", ["command", "entrypoint"])
def test_what_an_sdl_cannot_clear_is_listed(field: str) -> None:
    assert f"web: {field}: empty" in left_out(of(f"{field}: []"))


SIZES: dict[str, tuple[str, tuple[Any, str]]] = {
    "nothing": ("restart: always", ("500m", "1Gi")),
    "limits before reservations": (
        "deploy: {resources: {limits: {cpus: '2', memory: 2g}, reservations: {cpus: '1', memory: 1g}}}",
        (2, "2Gi"),
    ),
    "reservations alone": (
        "deploy: {resources: {reservations: {cpus: 0.25, memory: 64M}}}",
        ("250m", "64Mi"),
    ),
    "older fields": ("cpus: .5\nmem_limit: 1.5gb", ("500m", "1536Mi")),
    "bytes": ("mem_limit: 536870912", ("500m", "512Mi")),
    "0, which is nothing": (
        "cpus: 0.0\nmem_limit: 0g\nmem_reservation: 64m\nshm_size: 0mb",
        ("500m", "64Mi"),
    ),
    "less than the chain takes": ("cpus: 0.001\nmem_limit: 6m", ("10m", "6Mi")),
}


@pytest.mark.parametrize(("text", "expected"), SIZES.values(), ids=SIZES.keys())
def test_sizes(text: str, expected: tuple[Any, str]) -> None:
    made = web(of(text))
    assert (made["cpu"]["units"], made["memory"]["size"]) == expected


def test_a_service_that_is_too_large_is_converted_and_says_so() -> None:
    made = of("mem_limit: 9t")
    assert not made.report.ok
    assert "2 Ti" in made.report.errors[0].message


def test_a_neighbour_whose_port_nobody_knows_is_listed() -> None:
    made = convert("services: {a: {image: x:1, depends_on: [b], ports: [80]}, b: {image: y:1}}")
    assert "b: reaching it from other services" in left_out(made)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "services"),
        (
            "{services: {web: {image: a}}, profiles: {}, deployment: {}}",
            "an SDL already, and not a compose file",
        ),
        ("- a", "must be a map"),
        ("services: {}", "services"),
        ("services: {web: 1}", "services.web (line 1, column 17) must be a map"),
        (
            "services:\n  web:\n    image: a\n    ports: 80\n",
            "services.web.ports (line 4, column 12) must be a list",
        ),
        ("services: {web: {image: a, ports: [0]}}", "a port from 1 to 65535"),
        ("services: {web: {image: a, ports: ['80:99999']}}", "a port from 1 to 65535"),
        ("services: {web: {image: a, mem_limit: lots}}", "512m"),
        ("services: {web: {image: a, command: '\"'}}", "split into words"),
        ("services: {web: {image: a, environment: [{A: 1}]}}", "NAME=VALUE"),
        ("services: {web: {image: 'a${'}}", "never closed"),
        ("services: {web: {image: '" + "${A:-" * 30 + "}" * 30 + "'}}", "nested"),
        ("services: {web: {build: .}}", "does not build images"),
        ("services: {web: }", "no image"),
        ("a: [", "line 1"),
        ("a: &a [x]\nb: *c", "line 2"),
        (
            "a: &a [" + "x, " * 100 + "]\n" + "".join(f"b{i}: &b{i} [{'*a, ' * 9}]\n" for i in range(200)),
            "values",
        ),
    ],
)
def test_what_is_not_a_compose_file_is_refused_with_its_place(text: str, part: str) -> None:
    with pytest.raises(BadArgument) as caught:
        convert(text)
    assert part in str(caught.value)


BOMBS: dict[str, tuple[str, str]] = {
    "services": (
        "services: {" + "".join(f"s{i}: {{image: x}}, " for i in range(2_000)) + "}",
        "more than 100",
    ),
    "ways": (
        "services: {" + "".join(f"s{i}: {{image: x, expose: [1-50, 51-100]}}, " for i in range(90)) + "}",
        "pairs of a service",
    ),
    "variables": ("services: {web: {image: x, environment: {A: '" + "$BIG" * 1_000 + "'}}}", "characters"),
    "many variables": (
        "services: {web: {image: x, command: [" + "'$BIG$BIG$BIG', " * 1_000 + "]}}",
        "characters",
    ),
}


@pytest.mark.parametrize(("text", "part"), BOMBS.values(), ids=BOMBS.keys())
def test_a_file_that_grows_without_end_is_refused_at_once(text: str, part: str) -> None:
    with pytest.raises(BadArgument, match=part):
        convert(text, variables={"BIG": "x" * 50_000})


def test_a_thousand_volumes_are_no_burden() -> None:
    made = of("tmpfs: [" + "".join(f"/{i}, " for i in range(1_000)) + "]")
    assert len(made.left_out) == 980
    assert any("providers decline more than 4" in each.message for each in made.report.warnings)


@pytest.mark.parametrize("external", ["true", "{name: shop}", "'${A}'"])
def test_what_an_external_volume_holds_is_not_carried(external: str) -> None:
    text = f"services: {{web: {{image: x:1, volumes: ['data:/d']}}}}\nvolumes: {{data: {{external: {external}}}}}"
    assert left_out(convert(text)) == ["volumes.data: what it holds now"]


def test_an_image_for_a_service_that_is_not_there() -> None:
    with pytest.raises(BadArgument, match="no service"):
        of("restart: always", images={"wbe": "x"})


# ── properties ───────────────────────────────────────────────────────────────────────────────────────────────────

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-5, 70_000)
    | st.text(max_size=6)
    | st.sampled_from(
        [
            "80:80",
            "${A}",
            "${A:-x}",
            "$$(x)",
            "db:5432",
            "data:/data",
            "./a:/b",
            "512m",
            "all",
            "a b",
            "1-9",
            "web",
        ]
    )
)
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abz_", max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)
FIELDS = sorted(
    {key for file in FILES for each in yaml.safe_load(file.read_text())["services"].values() for key in each}
)


@given(st.data())
def test_whatever_a_file_holds_it_is_converted_or_refused_in_words(data: st.DataObject) -> None:
    plain = yaml.safe_load(data.draw(st.sampled_from(FILES)).read_text())
    service = data.draw(st.sampled_from(sorted(plain["services"])))
    plain["services"][service][data.draw(st.sampled_from(FIELDS))] = data.draw(anything)
    plain[data.draw(st.sampled_from(["volumes", "networks", "include"]))] = data.draw(anything)
    try:
        made = convert(yaml.dump(plain), variables=VARIABLES, accept=PROTECTIONS)
    except BadArgument:
        return
    assert made.report == check(made.sdl)
    assert made.report.console_ok


@given(st.lists(st.text("abAB019-_. é", min_size=1, max_size=70), min_size=1, max_size=5, unique=True))
@example(["9", "09"])
def test_any_names_become_names_that_pass(names: list[str]) -> None:
    # Not by PyYAML, which writes the name 09 as it stands: a number to YAML 1.2.
    text = json.dumps({"services": {name: {"image": "x:1", "ports": [80]} for name in names}})
    made = convert(text)
    assert made.report.ok
    assert len(made.report.services) == len(names)


@given(st.text(max_size=30))
def test_a_word_arrives_as_it_was_written(word: str) -> None:
    """Compose undoubles dollars in the file, Kubernetes in the manifest."""
    doubled = word.replace("$", "$$")
    try:
        made = convert(
            json.dumps({"services": {"web": {"image": "x:1", "command": [doubled]}}}, ensure_ascii=False)
        )
    except BadArgument:
        assert not word.isprintable()
        return
    if "web: command" not in left_out(made):
        (arrived,) = web(made)["args"]
        assert kubernetes(arrived) == word


def kubernetes(text: str) -> str:
    """How Kubernetes reads a word in which no variable is known (third_party/forked/golang/expansion)."""
    out, i = "", 0
    while i < len(text):
        if text[i : i + 2] == "$$":
            i += 1
        out, i = out + text[i], i + 1
    return out


def test_each_size_that_the_file_does_not_give_is_named() -> None:
    made = convert(
        "services: {a: {image: 'x:1'}, b: {image: 'x:1', mem_limit: 3g}, c: {image: 'x:1', cpus: 2},"
        " d: {image: 'x:1', cpus: 2, mem_limit: 3g}}"
    )
    sizes = "root disks 1Gi; a 0.5 cores, 1Gi; b 0.5 cores; c 1Gi of memory"
    assert f"Sizes that the file does not give: {sizes}." in made.notes


# ── the command ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_command_prints_the_sdl_and_what_it_leaves_out(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--image", "app=ghcr.io/example/app:1", "--accept", "env_file,secret_file"]
    assert main.main(["import", str(FOLDER / "built-here.yaml"), *words]) == 0
    said = capsys.readouterr()
    assert check(said.out).ok
    assert "migrate: left out, since it is built from a Dockerfile" in said.err


def test_the_command_in_json_is_one_object(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        "sys.stdin",
        io.TextIOWrapper(io.BytesIO(b"services: {web: {image: nginx:1.29.3, mem_limit: 9t, tty: true}}")),
    )
    assert main.main(["import", "-", "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert set(said) == {"sdl", "left_out", "notes", "report"}
    assert said["left_out"] == [
        {"service": "web", "what": "tty", "why": "it is about your terminal", "fix": "", "protects": ""}
    ]
    assert not said["report"]["ok"]


@pytest.mark.parametrize(
    "words",
    [
        ["nowhere.yaml"],
        ["-", "--env", "A"],
        ["-", "--image", "=x"],
        ["-", "--open", "web:80"],
        ["-", "--open", "80"],
    ],
)
def test_the_command_says_in_one_line_what_is_wrong(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"services: {web: {image: a}}")))
    assert main.main(["import", *words]) == 1
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)


@pytest.mark.parametrize(
    "text",
    [
        'services: {web: {image: "x:1", "\\e[31m": 1, environment: {A: "\\u202e"}}}',
        'services: {web: {image: "x:1", command: ["\\e[2J"]}}',
        'services: {web: {image: "x:1", user: "\\e[2J\\n- "}}',
        'services: {web: {image: "x:1", env_file: "\\e[2J"}}',
        'services: {"\\e[2J": {build: .}}',
        'services: {"\\e[2J": {image: "x:1", ports: 1}}',
        'services: {web: {image: "x:${A:?\\e[2J}"}}',
        '{"\\e[2J": 1, "\\e[2J": 2}',
    ],
)
def test_nothing_in_a_file_steers_the_terminal(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "evil.yaml"
    file.write_text(text)
    for words in ([], ["--accept", ",".join(PROTECTIONS)], ["--read-env-files"]):
        main.main(["import", str(file), *words])
    said = capsys.readouterr()
    assert "\x1b" not in said.out + said.err
