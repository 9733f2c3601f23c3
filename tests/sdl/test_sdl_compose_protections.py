"""Nothing that protects is lost without a yes by name: not by a conversion, not by the command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from akash_mcp.cli import main
from akash_mcp.errors import BadArgument
from akash_mcp.sdl.author.compose import PROTECTIONS, Converted, LostProtections, convert
from akash_mcp.sdl.author.compose.left_out import Protection
from akash_mcp.sdl.yaml.loader import load


def of(text: str, image: str = "nginx:1.29.3", **more: Any) -> Converted:
    """A service `web`, given by what stands in it; what begins at the margin stands beside the services."""
    inside, _, beside = text.partition("\n---\n")
    lines = "".join(f"    {line}\n" for line in inside.splitlines())
    return convert(f"services:\n  web:\n    image: {image}\n{lines}{beside}", **more)


def web(made: Converted) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(load(made.sdl).data))["services"]["web"]
    return found


LOST: dict[str, tuple[str, str, str]] = {
    "a user": ("user: '1000:1000'", "nginx", "user"),
    "a user by name": ("user: app", "nginx", "user"),
    "a user where the start script is not run": ("user: app\nentrypoint: [postgres]", "postgres:17", "user"),
    "a user of an image that only has the name": ("user: app", "example/postgres:17", "user"),
    "a read-only root": ("read_only: true", "nginx", "read_only"),
    "rights taken away": ("cap_drop: [ALL]", "nginx", "privileges"),
    "a profile of calls": ("security_opt: ['seccomp:/p.json']", "nginx", "privileges"),
    "no network": ("network_mode: none", "nginx", "network"),
    "no way out": ("networks: [back]\n---\nnetworks: {back: {internal: true}}", "nginx", "internal"),
    "a file of variables": ("env_file: .env", "nginx", "env_file"),
    "a command": ('command: ["a\\u0007"]', "nginx", "command"),
    "a password that cannot be carried": ('environment: {A_PASSWORD: "a\\u0007"}', "nginx", "environment"),
    "a secret that nothing names": ("secrets: [pw]", "nginx", "secret_file"),
    "a secret for an unknown image": (
        "secrets: [pw]\nenvironment: {APP_PASSWORD_FILE: /run/secrets/pw}",
        "example/app:1",
        "secret_file",
    ),
    "a list of passwords": ("volumes: ['./htpasswd:/etc/nginx/.htpasswd:ro']", "nginx", "config_file"),
    "a cache's configuration": (
        "volumes: ['./redis.conf:/usr/local/etc/redis/redis.conf']",
        "redis:7.4",
        "config_file",
    ),
    "a cache's configuration, on Windows": (
        "volumes: ['C:\\\\my files\\\\redis.conf:/etc/redis.conf:ro']",
        "valkey/valkey:8",
        "config_file",
    ),
    "a folder of a database's configuration": (
        "volumes: [{type: bind, source: ./conf, target: /etc/mysql/conf.d}]",
        "mysql:8",
        "config_file",
    ),
    "who may connect, wherever it comes from": (
        "volumes: ['${CONF}/pg_hba.conf:/var/lib/pg/pg_hba.conf']",
        "example/own-postgres:1",
        "config_file",
    ),
    "who may connect, by a variable": (
        "volumes: ['${HBA:-./pg_hba.conf}:/etc/pg_hba.conf']",
        "postgres:17",
        "config_file",
    ),
    "who may connect, at a place that a variable names": (
        "volumes: [{type: '${T:-bind}', source: x, target: '${HBA:-/etc/pg_hba.conf}'}]",
        "postgres:17",
        "config_file",
    ),
    "a folder of a database's configuration, by a volume that stands for it": (
        "volumes: ['conf:/etc/postgresql']\n---\nvolumes: {conf: {driver_opts: {o: bind, device: ./conf}}}",
        "postgres:17",
        "config_file",
    ),
    "the same, in the long form": (
        "volumes: [{type: volume, source: conf, target: /etc/postgresql/conf.d}]\n"
        "---\nvolumes: {conf: {driver_opts: {o: bind, device: ./conf}}}",
        "postgres:17",
        "config_file",
    ),
    "what another file says": ("extends: {file: common.yml, service: web}", "nginx", "extends"),
    "a folder of a cache's configuration": ("volumes: ['./conf:/config']", "redis:8", "config_file"),
    "passwords below /etc": ("volumes: ['./passwd:/etc/nginx/passwd']", "nginx", "config_file"),
    "a configuration of Compose's": (
        "configs: [{source: acl, target: /etc/redis/users.acl}]",
        "example/redis:7",
        "config_file",
    ),
}


@pytest.mark.parametrize(("text", "image", "kind"), LOST.values(), ids=LOST.keys())
def test_what_protects_stops_it_until_its_loss_is_accepted(text: str, image: str, kind: str) -> None:
    with pytest.raises(LostProtections) as caught:
        of(text, image)
    assert caught.value.kinds == (kind,)
    assert f" [{kind}]: " in caught.value.what
    with pytest.raises(LostProtections):
        of(text, image, accept=set(PROTECTIONS) - {kind})
    made = of(text, image, accept=[kind])
    assert made.report.ok
    assert kind in {each.protects for each in made.left_out}


def test_every_kind_is_one_that_something_has() -> None:
    assert set(get_args(Protection)) == set(PROTECTIONS) == {kind for _, _, kind in LOST.values()} | {"vpn"}


def test_a_vpn_is_one() -> None:
    text = "services: {vpn: {image: 'qmcgaw/gluetun:v3'}, app: {image: 'x:1', network_mode: 'service:vpn'}}"
    with pytest.raises(LostProtections) as caught:
        convert(text)
    assert caught.value.kinds == ("vpn",)
    assert convert(text, accept=["vpn"]).report.ok


KEPT: dict[str, tuple[str, str]] = {
    "root": ("user: root", "nginx"),
    "a user of an image that is not root's anyway": ("user: '472'", "grafana/grafana:11"),
    "a user of an image whose start script steps down": ("user: '1000'", "postgres:17"),
    "root by number": ("user: '0:0'", "nginx"),
    "a writable root": ("read_only: false", "nginx"),
    "no new privileges, as every provider has it": ("security_opt: ['no-new-privileges:true']", "nginx"),
    "more rights": ("security_opt: ['seccomp:unconfined', 'apparmor=unconfined']\ncap_add: [ALL]", "nginx"),
    "a network with a way out": ("networks: [front]\n---\nnetworks: {front: {internal: false}}", "nginx"),
    "an internal network that nobody is on": ("---\n---\nnetworks: {back: {internal: true}}", "nginx"),
    "variables that it can do without": ("env_file: [{path: .env, required: false}]", "nginx"),
    "a page": ("volumes: ['./html:/usr/share/nginx/html', './nginx.conf:/etc/nginx/nginx.conf']", "nginx"),
    "the machine's time": ("volumes: ['/etc/localtime:/etc/localtime:ro']", "postgres:17"),
    "the names of the machine's users": ("volumes: ['/etc/passwd:/host/etc/passwd:ro']", "netdata/netdata"),
    "the names of an image's users": ("volumes: ['./passwd:/etc/passwd:ro']", "postgres:17"),
    "where an image keeps data and configuration": ("volumes: ['./db:/config']", "linuxserver/mariadb"),
    "a database's data": ("volumes: ['./data:/var/lib/mysql', 'conf:/etc/mysql/conf.d']", "mysql:8"),
}


@pytest.mark.parametrize(("text", "image"), KEPT.values(), ids=KEPT.keys())
def test_what_protects_nothing_does_not_stop_it(text: str, image: str) -> None:
    assert of(text.removeprefix("---"), image).report.ok


def test_a_kind_that_is_none_is_refused_with_those_that_are() -> None:
    with pytest.raises(BadArgument, match="'usr' is not a kind") as caught:
        of("tty: true", accept=["usr"])
    assert all(kind in caught.value.next_step for kind in PROTECTIONS)


def test_a_network_without_a_way_out_opens_no_port_to_the_world() -> None:
    text = """
services:
  db: {image: postgres:17, ports: ["5432:5432"], networks: [back]}
  web: {image: nginx, ports: ["80:80"], networks: [back, front]}
networks: {back: {internal: true}, front: {}}
"""
    made = convert(text, accept=["internal"])
    services: Any = json.loads(json.dumps(load(made.sdl).data))["services"]
    assert services["db"]["expose"] == [{"port": 5432, "to": [{"service": "web"}]}]
    assert services["web"]["expose"][0]["to"] == [{"global": True}]
    assert ("db", "opening 5432 to the outside") in {(each.service, each.what) for each in made.left_out}


def test_a_service_without_any_network_opens_no_port_either() -> None:
    made = of("network_mode: none\nports: [80]", accept=["network"])
    assert web(made)["expose"] == [{"port": 65_535, "as": 80, "to": [{"global": True}]}]


def test_a_port_of_this_machine_alone_stays_closed() -> None:
    made = of("ports: ['127.0.0.1:80:80']")
    assert [each.what for each in made.left_out] == ["ports[0]: opening 80 to the outside"]
    assert web(made)["expose"] == [{"port": 65_535, "as": 80, "to": [{"global": True}]}]


# ── secrets in files ─────────────────────────────────────────────────────────────────────────────────────────────────

FILES: dict[str, tuple[str, str, list[str]]] = {
    "by the usual path": (
        "secrets: [db-pw]\nenvironment: {POSTGRES_PASSWORD_FILE: /run/secrets/db-pw}",
        "postgres:17",
        ["POSTGRES_PASSWORD=secret://db_pw"],
    ),
    "by a target": (
        "secrets: [{source: pw, target: root, mode: 0400}]\n"
        "environment: [MARIADB_ROOT_PASSWORD_FILE=/run/secrets/root]",
        "docker.io/library/mariadb:11.4",
        ["MARIADB_ROOT_PASSWORD=secret://pw"],
    ),
    "by a path of its own": (
        "secrets: [{source: pw, target: /etc/pw}]\nenvironment: [MYSQL_PASSWORD_FILE=/etc/pw, MYSQL_USER=a]",
        "mysql:8",
        ["MYSQL_PASSWORD=secret://pw", "MYSQL_USER=a"],
    ),
    "in Grafana's spelling": (
        "secrets: [pw]\nenvironment: [GF_SECURITY_ADMIN_PASSWORD__FILE=/run/secrets/pw]",
        "grafana/grafana:12",
        ["GF_SECURITY_ADMIN_PASSWORD=secret://pw"],
    ),
}


@pytest.mark.parametrize(("text", "image", "expected"), FILES.values(), ids=FILES.keys())
def test_a_variable_that_names_a_secrets_file_names_the_secret(
    text: str, image: str, expected: list[str]
) -> None:
    made = of(text, image)
    assert web(made)["env"] == expected
    assert not made.left_out
    (name,) = made.secrets
    assert any(f"akash-mcp secret set {name}" in note for note in made.notes)


def test_two_services_share_one_secret() -> None:
    made = convert("""
services:
  db: {image: postgres:17, secrets: [pw], environment: {POSTGRES_PASSWORD_FILE: /run/secrets/pw}}
  blog: {image: wordpress:6, secrets: [pw], environment: {WORDPRESS_DB_PASSWORD_FILE: /run/secrets/pw}}
""")
    assert made.secrets == {"pw": ("db: POSTGRES_PASSWORD", "blog: WORDPRESS_DB_PASSWORD")}


def test_an_unknown_image_gets_the_same_once_that_is_accepted() -> None:
    text = "secrets: [pw]\nenvironment: {APP_PASSWORD_FILE: /run/secrets/pw}"
    assert web(of(text, "example/app:1", accept=["secret_file"]))["env"] == ["APP_PASSWORD=secret://pw"]


@pytest.mark.parametrize(
    ("entry", "is_listed"),
    [
        ("A_PASSWORD_FILE: /etc/pw", True),
        ("A_FILE: /run/secrets/b", True),
        ("CONFIG_FILE: /etc/app.toml", False),
    ],
)
def test_a_file_of_a_secret_that_is_not_mounted_is_listed(entry: str, is_listed: bool) -> None:
    made = of(f"environment: {{{entry}}}")
    assert web(made)["env"] == [entry.replace(": ", "=")]
    assert bool(made.left_out) == is_listed


# ── the command ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_command_writes_nothing_until_the_loss_is_accepted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, sdl = tmp_path / "compose.yaml", tmp_path / "sdl.yaml"
    file.write_text("services: {web: {image: x:1, user: app, read_only: true, ports: [80]}}")
    for words in ([], ["--json"], ["-o", str(sdl)], ["--accept", "user"]):
        assert main.main(["import", str(file), *words]) == 1
        said = capsys.readouterr()
        assert said.out == ""
        assert not sdl.exists()
        assert said.err.splitlines()[-1].startswith(
            "Change the file, or accept what is lost: --accept read_only"
        )
    assert "[user]" not in said.err
    assert main.main(["import", str(file), "--accept", "user,read_only", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert [each["protects"] for each in record["left_out"]] == ["user", "read_only"]
    assert main.main(["import", str(file), "--accept", "user", "--accept", "read_only", "-o", str(sdl)]) == 0
    assert "[read_only accepted]" in capsys.readouterr().err


def test_the_command_says_usual_files_on_one_screen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text("""
services:
  web:
    image: ghcr.io/example/shop:3.1.4
    ports: ["8000:8000"]
    depends_on: [db, cache]
    restart: on-failure
    environment: {DATABASE_URL: "${DATABASE_URL}", CACHE: "redis://cache:6379", API_TOKEN: "${API_TOKEN}"}
    healthcheck: {test: curl -f localhost:8000}
  worker:
    image: ghcr.io/example/shop:3.1.4
    command: worker --queue default
    depends_on: [db, cache]
    restart: on-failure
    environment: {DATABASE_URL: "${DATABASE_URL}", CACHE: "redis://cache:6379", LOG_LEVEL: "${LOG_LEVEL}"}
  db:
    image: postgres:17.2
    environment: {POSTGRES_PASSWORD_FILE: /run/secrets/pw}
    secrets: [pw]
    volumes: ["data:/var/lib/postgresql/data"]
    healthcheck: {test: pg_isready}
  cache: {image: "redis:7.4", healthcheck: {test: redis-cli ping}}
secrets: {pw: {file: ./pw.txt}}
volumes: {data: {}}
""")
    assert main.main(["import", str(file), "-o", str(tmp_path / "sdl.yaml")]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) <= 26
    assert max(map(len, lines)) <= 80
    assert lines[0] == "web: ghcr.io/example/shop:3.1.4; open to the world: a web address (port 8000)"
    assert "- restart: on-failure (web, worker): a provider restarts whatever ends; fix: let" in lines
    assert "  ${DATABASE_URL}/${LOG_LEVEL} in line 8/15 has no value; fix: --env" in lines
    (nothing,) = [line for line in lines if line.startswith("Not carried, and nothing to do")]
    assert "healthcheck (web, db, cache)" in nothing
    assert lines[lines.index("Next:") :] == [
        "Next:",
        "- Secrets to store before deploying (web: API_TOKEN, db: POSTGRES_PASSWORD):",
        "  akash-mcp secret set API_TOKEN; akash-mcp secret set pw.",
        "- Try it here, for free: akash-mcp demo FILE. Then tell your agent to deploy it.",
    ]


def test_a_finding_of_an_import_says_whose_line_it_is_and_speaks_to_the_person(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text("services: {web: {image: 'example/web:1', environment: {API_TOKEN: hunter2hunter2}}}")
    main.main(["import", str(file)])
    said = " ".join(capsys.readouterr().err.split())
    assert "K04 (SDL line 6): API_TOKEN looks like a secret in plain text: run: akash-mcp secret set" in said


def test_what_cannot_be_deployed_yet_is_not_sent_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text("services: {web: {image: 'example/web:1', mem_limit: 9t}}")
    assert main.main(["import", str(file)]) == 1
    said = capsys.readouterr().err
    assert "Fix before you deploy:" in said
    assert "Next:" not in said


def test_a_service_that_is_left_out_stands_among_the_services(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text("""
services:
  proxy: {image: "traefik:v3", ports: ["80:80"], volumes: ["/var/run/docker.sock:/var/run/docker.sock"]}
  web: {image: "example/web:1", labels: ["traefik.http.services.web.loadbalancer.server.port=8000"]}
""")
    assert main.main(["import", str(file), "-o", str(tmp_path / "sdl.yaml")]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("web: ")
    assert lines[1].startswith("proxy: left out, since a provider's ingress does its work")
    assert "Not carried:" not in lines
