"""What an SDL opens to the Internet, and whether it is known who gets in there."""

from __future__ import annotations

import time
from collections import Counter

import pytest
import shared_data
from sdl_data import BASE, changed

from akash_mcp.sdl import Finding, Report, check
from akash_mcp.sdl.guarding import BY_IMAGE, BY_PROGRAM, Program
from akash_mcp.sdl.images.guarded_data import GUARDED_DATA
from akash_mcp.sdl.images.guarded_pages import GUARDED_PAGES
from akash_mcp.sdl.images.guards import Guard

ROWS = (*GUARDED_DATA, *GUARDED_PAGES)
GOOD = "kQ7-zu!w"


def guard(image: str, port: int, *env: str, command: tuple[str, ...] = ()) -> Guard | None:
    """Who gets in; None where nothing is known of it."""
    found = Program("x", image, env, command).guarding(port, "TCP")
    return found.guard if found else None


def of(image: str, port: int, *env: str, to: str = "- global: true") -> Report:
    """One service with one port."""
    service = f"image: {image}\n    env: [{', '.join(env)}]"
    return changed(
        ("image: nginx:1.27.0", service),
        ("port: 80\n        as: 80", f"port: {port}"),
        ("- global: true", to),
    )


def warned(report: Report) -> list[Finding]:
    return [each for each in report.warnings if each.rule[0] == "E"]


def sh(text: str) -> tuple[str, ...]:
    return ("sh", "-c", text)


GUARDS: dict[str, tuple[Guard | None, str, int, tuple[str, ...], tuple[str, ...]]] = {
    "postgres, password": (Guard.PASSWORD, "postgres:17", 5432, (f"POSTGRES_PASSWORD={GOOD}",), ()),
    "postgres, secret": (Guard.PASSWORD, "postgres:17", 5432, ("POSTGRES_PASSWORD=secret://postgres",), ()),
    "postgres, trust": (
        Guard.NONE,
        "postgres:17",
        5432,
        (f"POSTGRES_PASSWORD={GOOD}", "POSTGRES_HOST_AUTH_METHOD=trust"),
        (),
    ),
    "redis, a variable that is empty": (
        Guard.NONE,
        "redis",
        6379,
        ("RP=",),
        sh('redis-server --requirepass "$RP"'),
    ),
    "redis, a variable and an empty default": (
        Guard.NONE,
        "redis",
        6379,
        (),
        sh('redis-server --requirepass "${RP:-}"'),
    ),
    "redis, a variable that nobody sets": (
        Guard.UNKNOWN,
        "redis",
        6379,
        (),
        sh("redis-server --requirepass $RP"),
    ),
    "redis, a variable of Kubernetes that is empty": (
        Guard.NONE,
        "redis",
        6379,
        ("RP=",),
        ("redis-server", "--requirepass", "$(RP)"),
    ),
    "redis, a default that everybody knows": (
        Guard.WELL_KNOWN,
        "redis",
        6379,
        ("RP=",),
        sh("redis-server --requirepass ${RP:-redis}"),
    ),
    "mongo, started without its script": (
        Guard.NONE,
        "mongo:7",
        27017,
        (f"MONGO_INITDB_ROOT_PASSWORD={GOOD}",),
        ("mongod", "--bind_ip_all"),
    ),
    "mongo, started by its script": (
        Guard.PASSWORD,
        "mongo:7",
        27017,
        (f"MONGO_INITDB_ROOT_PASSWORD={GOOD}",),
        ("docker-entrypoint.sh", "mongod"),
    ),
    "bitnami's redis, started without its script": (
        Guard.UNKNOWN,
        "bitnami/redis:7",
        6379,
        (f"REDIS_PASSWORD={GOOD}",),
        ("redis-server",),
    ),
    "neo4j, started without its script": (
        Guard.WELL_KNOWN,
        "neo4j:5",
        7687,
        (f"NEO4J_AUTH=neo4j/{GOOD}",),
        ("neo4j", "console"),
    ),
    "neo4j, its guard switched off": (
        Guard.NONE,
        "neo4j:5",
        7687,
        (f"NEO4J_AUTH=neo4j/{GOOD}", "NEO4J_dbms_security_auth__enabled=false"),
        (),
    ),
    "mysql, an empty root and another user": (
        Guard.NONE,
        "mysql:8",
        3306,
        ("MYSQL_ALLOW_EMPTY_PASSWORD=1", f"MYSQL_PASSWORD={GOOD}"),
        (),
    ),
    "mysql, a user whom everybody knows": (
        Guard.WELL_KNOWN,
        "mysql:8",
        3306,
        (f"MYSQL_ROOT_PASSWORD={GOOD}", "MYSQL_PASSWORD=mysql"),
        (),
    ),
    "mysql, without grants, as it is also written": (
        Guard.NONE,
        "mysql:8",
        3306,
        (f"MYSQL_ROOT_PASSWORD={GOOD}",),
        ("--skip_grant_tables",),
    ),
    "elasticsearch 7, a password alone": (
        Guard.NONE,
        "elasticsearch:7.17.3",
        9200,
        (f"ELASTIC_PASSWORD={GOOD}",),
        (),
    ),
    "elasticsearch 7, a password and its guard": (
        Guard.PASSWORD,
        "elasticsearch:7.17.3",
        9200,
        (f"ELASTIC_PASSWORD={GOOD}", "xpack.security.enabled=true"),
        (),
    ),
    "elasticsearch 8, switched off in two words": (
        Guard.NONE,
        "elasticsearch:8.1.0",
        9200,
        (),
        ("elasticsearch", "-E", "xpack.security.enabled=false"),
    ),
    "postgres, a dollar in its password": (
        Guard.PASSWORD,
        "postgres:17",
        5432,
        ("POSTGRES_PASSWORD=$kQ7zu",),
        (),
    ),
    "postgres, a variable of Kubernetes that is empty": (
        Guard.NONE,
        "postgres:17",
        5432,
        ("POSTGRES_PASSWORD=$(PW)", "PW="),
        (),
    ),
    "postgres, nothing": (Guard.UNKNOWN, "postgres:17", 5432, (), ()),
    "postgres, known to all": (Guard.WELL_KNOWN, "postgres:17", 5432, ("POSTGRES_PASSWORD=postgres",), ()),
    "postgres, a placeholder": (
        Guard.WELL_KNOWN,
        "postgres",
        5432,
        ("POSTGRES_PASSWORD=<your password>",),
        (),
    ),
    "postgres, its user": (
        Guard.WELL_KNOWN,
        "postgres",
        5432,
        ("POSTGRES_USER=app", "POSTGRES_PASSWORD=App"),
        (),
    ),
    "pgvector": (Guard.PASSWORD, "pgvector/pgvector:pg17", 5432, (f"POSTGRES_PASSWORD={GOOD}",), ()),
    "mysql, empty allowed": (Guard.NONE, "mysql:8", 3306, ("MYSQL_ALLOW_EMPTY_PASSWORD=yes",), ()),
    "mysql, empty allowed and not so": (
        Guard.PASSWORD,
        "mysql:8",
        3306,
        ("MYSQL_ALLOW_EMPTY_PASSWORD=yes", f"MYSQL_ROOT_PASSWORD={GOOD}"),
        (),
    ),
    "mysql, no grants": (
        Guard.NONE,
        "mysql:8",
        3306,
        (f"MYSQL_ROOT_PASSWORD={GOOD}",),
        ("--skip-grant-tables",),
    ),
    "mysql, one of two": (
        Guard.WELL_KNOWN,
        "mysql:8",
        3306,
        (f"MYSQL_ROOT_PASSWORD={GOOD}", "MYSQL_PASSWORD=password"),
        (),
    ),
    "mariadb, by its old name": (Guard.PASSWORD, "mariadb:11", 3306, (f"MYSQL_ROOT_PASSWORD={GOOD}",), ()),
    "mongo": (Guard.NONE, "mongo:8", 27017, (), ()),
    "mongo, empty": (Guard.NONE, "mongo:8", 27017, ("MONGO_INITDB_ROOT_PASSWORD=",), ()),
    "mongo, password": (Guard.PASSWORD, "mongo:8", 27017, (f"MONGO_INITDB_ROOT_PASSWORD={GOOD}",), ()),
    "mongo, --auth": (Guard.PASSWORD, "mongo:8", 27017, (), ("--auth",)),
    "mongo, another's variable": (Guard.NONE, "mongo:8", 27017, (f"MONGODB_ROOT_PASSWORD={GOOD}",), ()),
    "mongo of bitnami": (Guard.PASSWORD, "bitnami/mongodb:8", 27017, (f"MONGODB_ROOT_PASSWORD={GOOD}",), ()),
    "redis": (Guard.NONE, "redis:8", 6379, (), ()),
    "redis, a variable that it does not read": (Guard.NONE, "redis:8", 6379, (f"REDIS_PASSWORD={GOOD}",), ()),
    "redis of bitnami": (Guard.PASSWORD, "bitnami/redis:8", 6379, (f"REDIS_PASSWORD={GOOD}",), ()),
    "redis of bitnami, none": (Guard.NONE, "bitnami/redis:8", 6379, ("ALLOW_EMPTY_PASSWORD=yes",), ()),
    "redis, words": (Guard.PASSWORD, "redis:8", 6379, (), ("redis-server", "--requirepass", GOOD)),
    "redis, =": (Guard.PASSWORD, "redis:8", 6379, (), (f"--requirepass={GOOD}",)),
    "redis, a shell": (
        Guard.PASSWORD,
        "redis:8",
        6379,
        (),
        sh(f"exec redis-server --requirepass '{GOOD}' &"),
    ),
    "redis, empty": (Guard.NONE, "redis:8", 6379, (), sh("redis-server --requirepass ''")),
    "redis, an empty word": (Guard.NONE, "redis:8", 6379, (), ("redis-server", "--requirepass", "")),
    "redis, a variable": (Guard.PASSWORD, "redis:8", 6379, (f"PW={GOOD}",), ("--requirepass", "$(PW)")),
    "redis, a weak variable": (
        Guard.WELL_KNOWN,
        "redis:8",
        6379,
        ("PW=changeme",),
        sh("redis-server --requirepass ${PW}"),
    ),
    "redis, a file": (Guard.UNKNOWN, "redis:8", 6379, (), ("redis-server", "/etc/redis/redis.conf")),
    "redis, unprotected": (Guard.NONE, "redis:8", 6379, (), ("--protected-mode", "no")),
    "redis-stack": (Guard.PASSWORD, "redis/redis-stack:7", 6379, (f"REDIS_ARGS=--requirepass {GOOD}",), ()),
    "redis on an image that nobody knows": (
        Guard.NONE,
        "alpine:3",
        6379,
        (),
        sh("apk add redis; redis-server"),
    ),
    "valkey on another port": (Guard.NONE, "valkey/valkey:8", 7000, (), ()),
    "memcached": (Guard.NONE, "memcached:1", 11211, (), ()),
    "memcached, SASL": (Guard.PASSWORD, "memcached:1", 11211, (), ("memcached", "-S")),
    "rabbitmq": (Guard.WELL_KNOWN, "rabbitmq:4-management", 15672, (), ()),
    "rabbitmq, guest": (Guard.WELL_KNOWN, "rabbitmq:4", 5672, ("RABBITMQ_DEFAULT_PASS=guest",), ()),
    "rabbitmq, password": (Guard.PASSWORD, "rabbitmq:4", 5672, (f"RABBITMQ_DEFAULT_PASS={GOOD}",), ()),
    "elasticsearch": (Guard.PASSWORD, "elasticsearch:8.16.1", 9200, (), ()),
    "elasticsearch 7": (Guard.NONE, "elasticsearch:7.17.3", 9200, (), ()),
    "elasticsearch, off": (Guard.NONE, "elasticsearch:8.16.1", 9200, ("xpack.security.enabled=false",), ()),
    "elasticsearch, off by its command": (
        Guard.NONE,
        "elasticsearch:8.16.1",
        9200,
        (),
        ("bin/elasticsearch", "-Expack.security.enabled=false"),
    ),
    "opensearch, off": (
        Guard.NONE,
        "opensearchproject/opensearch:2",
        9200,
        ("DISABLE_SECURITY_PLUGIN=true",),
        (),
    ),
    "neo4j": (Guard.WELL_KNOWN, "neo4j:5", 7687, (), ()),
    "neo4j, none": (Guard.NONE, "neo4j:5", 7474, ("NEO4J_AUTH=none",), ()),
    "neo4j, password": (Guard.PASSWORD, "neo4j:5", 7474, (f"NEO4J_AUTH=neo4j/{GOOD}",), ()),
    "neo4j, known to all": (Guard.WELL_KNOWN, "neo4j:5", 7474, ("NEO4J_AUTH=neo4j/password",), ()),
    "a file": (Guard.PASSWORD, "postgres:17", 5432, ("POSTGRES_PASSWORD_FILE=/run/secrets/postgres",), ()),
    "flower, known to all": (Guard.WELL_KNOWN, "mher/flower:2", 5555, ("FLOWER_BASIC_AUTH=me:admin",), ()),
    "clickhouse": (
        Guard.PASSWORD,
        "clickhouse/clickhouse-server:25",
        8123,
        (f"CLICKHOUSE_PASSWORD={GOOD}",),
        (),
    ),
    "minio": (Guard.WELL_KNOWN, "minio/minio", 9000, (), ("server", "/data")),
    "minio, password": (Guard.PASSWORD, "minio/minio", 9001, (f"MINIO_ROOT_PASSWORD={GOOD}",), ()),
    "influxdb 1": (Guard.NONE, "influxdb:1.8", 8086, (), ()),
    "influxdb 2": (Guard.FIRST_VISITOR, "influxdb:2.7", 8086, (), ()),
    "chroma": (Guard.NONE, "chromadb/chroma", 8000, (), ()),
    "adminer": (Guard.PASSWORD, "adminer:4", 8080, (), ()),
    "phpmyadmin, logged in": (Guard.NONE, "phpmyadmin:5", 80, (f"PMA_PASSWORD={GOOD}",), ()),
    "mongo-express, off": (Guard.NONE, "mongo-express:1", 8081, ("ME_CONFIG_BASICAUTH=false",), ()),
    "portainer": (Guard.FIRST_VISITOR, "portainer/portainer-ce:2.21", 9443, (), ()),
    "traefik": (None, "traefik:v3.2", 8080, (), ()),
    "traefik, its dashboard": (Guard.NONE, "traefik:v3.2", 8080, (), ("--api.insecure=true",)),
    "traefik, a page": (None, "traefik:v3.2", 80, (), ("--api.insecure=true",)),
    "prometheus, with a file": (Guard.NONE, "prom/prometheus:v3", 9090, (), ("--config.file=/etc/p.yml",)),
    "docker": (Guard.NONE, "docker:27-dind", 2375, (), ()),
    "docker, TLS": (None, "docker:27-dind", 2376, (), ()),
    "jupyter": (Guard.PASSWORD, "quay.io/jupyter/base-notebook", 8888, (), ()),
    "jupyter, no token": (
        Guard.NONE,
        "quay.io/jupyter/base-notebook",
        8888,
        (),
        ("start-notebook.py", "--NotebookApp.token=''"),
    ),
    "jupyter on an image that nobody knows": (
        Guard.NONE,
        "ubuntu:24.04",
        8000,
        (),
        sh('pip install jupyterlab && jupyter lab --port 8000 --ServerApp.token=""'),
    ),
    "jupyter, token": (Guard.WELL_KNOWN, "jupyter/scipy-notebook", 8888, ("JUPYTER_TOKEN=secret",), ()),
    "code-server": (Guard.PASSWORD, "codercom/code-server:4", 8080, (), ()),
    "code-server, none": (Guard.NONE, "codercom/code-server:4", 8080, (), ("--auth", "none")),
    "code-server of linuxserver": (Guard.NONE, "lscr.io/linuxserver/code-server:4", 8443, (), ()),
    "ttyd in a shell": (Guard.NONE, "ubuntu:24.04", 7681, (), sh("ttyd bash")),
    "ttyd, login": (Guard.PASSWORD, "tsl0922/ttyd", 7681, (), ("ttyd", "-c", f"me:{GOOD}", "bash")),
    "ray": (Guard.NONE, "vllm/vllm-openai:v0.6.2", 8265, (), sh("ray start --head --dashboard-host=0.0.0.0")),
    "grafana": (Guard.WELL_KNOWN, "grafana/grafana:12.2.0", 3000, (), ()),
    "n8n": (Guard.FIRST_VISITOR, "docker.n8n.io/n8nio/n8n:1.123.11", 5678, (), ()),
    "open-webui, off": (Guard.NONE, "ghcr.io/open-webui/open-webui:v0.6", 8080, ("WEBUI_AUTH=False",), ()),
    "a page": (None, "nginx:1.27", 80, (), ()),
    "an app that starts a cache for itself": (
        None,
        "example/app:1",
        80,
        (),
        sh("redis-server & node app.js"),
    ),
    "an unknown database": (Guard.UNKNOWN, "example/app:1", 5432, (), ()),
    "SSH": (Guard.PASSWORD, "example/app:1", 22, (), ()),
}


@pytest.mark.parametrize(("expected", "image", "port", "env", "command"), GUARDS.values(), ids=GUARDS.keys())
def test_who_gets_in(
    expected: Guard | None, image: str, port: int, env: tuple[str, ...], command: tuple[str, ...]
) -> None:
    assert guard(image, port, *env, command=command) is expected


@pytest.mark.parametrize(
    "password", ["Change-Me", "CHANGE_ME_TO_A_REAL_ONE", "Passw0rd", "123456", "wunderbar"]
)
def test_a_password_that_everybody_knows_is_told_and_not_repeated(password: str) -> None:
    report = of("postgres:17", 5432, f"'POSTGRES_PASSWORD={password}'", "POSTGRES_USER=Wunderbar")
    (finding,) = warned(report)
    assert finding.rule == "E03"
    assert password not in finding.message + finding.fix + report.exposed[0].words


def test_a_password_that_does_not_count_is_told_what_to_do_about() -> None:
    found = Program("x", "mongo:7", (f"MONGO_INITDB_ROOT_PASSWORD={GOOD}",), ("mongod",)).guarding(
        27017, "TCP"
    )
    assert found is not None
    assert "by args and not by command (in a compose file: command and not entrypoint)" in found.how_to_guard
    by_args = Program("x", "mongo:7", (f"MONGO_INITDB_ROOT_PASSWORD={GOOD}",), (), ("mongod",))
    kept = by_args.guarding(27017, "TCP")
    assert kept is not None
    assert kept.guard is Guard.PASSWORD


def test_nothing_hides_behind_the_port_on_which_nothing_listens() -> None:
    hidden = of("redis:8", 65_535, "ARGS=--port 65535")
    assert [each.rule for each in warned(hidden)] == ["E01"]
    assert "without a password" in hidden.exposed[0].words
    assert "nothing listens there" not in of("example/app:1", 65_535, "PORT=65535").exposed[0].words
    assert "nothing listens there" in of("example/app:1", 65_535, "PORT=80").exposed[0].words


def test_no_udp_port_is_judged() -> None:
    assert Program("x", "redis:8", (), ()).guarding(6379, "UDP") is None


RULES = {
    "E01": (
        "redis:8",
        6379,
        (),
        "Redis is open to the Internet without a password: anyone can read and change",
    ),
    "E02": (
        "node-red:4",
        1880,
        (),
        "Node-RED is open to the Internet without a login: anyone can run commands in it",
    ),
    "E03": ("rabbitmq:4", 5672, (), "RabbitMQ is open to the Internet with a password that everybody knows"),
    "E04": (
        "postgres:17",
        5432,
        ("POSTGRES_PASSWORD=secret://DB",),
        "PostgreSQL is open to the Internet with a password: a provider does not encrypt its traffic",
    ),
}


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_says_what_and_why_at_its_place(rule: str) -> None:
    image, port, env, message = RULES[rule]
    report = of(image, port, *env)
    (finding,) = warned(report)
    assert (finding.rule, finding.judge, report.ok) == (rule, "runtime", True)
    assert finding.message.startswith(message)
    assert finding.path == "/services/web/expose/0/to"
    assert [each.is_unsafe for each in report.exposed] == [rule != "E04"]


def test_a_port_that_is_only_usual_says_so() -> None:
    (finding,) = warned(of("example/app:1", 6379))
    assert finding.rule == "E04"
    assert finding.message.startswith(
        "port 6379 (usually Redis) is open to the Internet, perhaps without a password"
    )


BESIDE = """\
  {name}:
    image: {image}
    {env}
    expose:
      - port: {port}
        to:
          - global: true
profiles:
"""
TWO = BASE.replace("profiles:\n", BESIDE, 1).replace(
    "deployment:\n", "deployment:\n  {name}:\n    dc:\n      profile: web\n      count: 1\n"
)


@pytest.mark.parametrize(
    ("image", "port", "env", "fix"),
    [
        (
            "postgres:17",
            5432,
            "env: [POSTGRES_HOST_AUTH_METHOD=trust]",
            "write to: - service: web instead of global: true, or remove POSTGRES_HOST_AUTH_METHOD and set "
            "POSTGRES_PASSWORD=secret://POSTGRES_PASSWORD",
        ),
        (
            "redis:8",
            6379,
            "args: []",
            'write to: - service: web instead of global: true, or write args: ["--requirepass", "$(REDIS_PASSWORD)"] '
            "and REDIS_PASSWORD=secret://REDIS_PASSWORD under env",
        ),
        (
            "postgres:17",
            5432,
            "env: [POSTGRES_PASSWORD=kQ7z]",
            "write to: - service: web instead of global: true",
        ),
        (
            "codercom/code-server:4",
            8080,
            "args: [--auth, none]",
            "remove --auth none and set PASSWORD=secret://PASSWORD, or remove global: true",
        ),
    ],
)
def test_the_fix_names_the_neighbour_and_the_password(image: str, port: int, env: str, fix: str) -> None:
    text = (
        TWO.replace("{name}", "db")
        .replace("{image}", image)
        .replace("{port}", str(port))
        .replace("{env}", env)
    )
    (finding,) = warned(check(text))
    assert finding.fix == fix


def test_what_a_fix_says_is_accepted_as_the_fix() -> None:
    fixed = ("image: nginx:1.27.0", 'image: redis:8\n    args: ["--requirepass", "$(REDIS_PASSWORD)"]\n'
             "    env: [REDIS_PASSWORD=secret://REDIS_PASSWORD]")  # fmt: skip
    assert [each.rule for each in warned(changed(fixed))] == ["E04"]


def test_what_is_open_by_an_ip_of_its_own_or_not_at_all() -> None:
    assert of("redis:8", 6379, to="- service: web").exposed == ()
    leased = (
        BASE.replace("- global: true", "- global: true\n            ip: mine")
        + "endpoints:\n  mine:\n    kind: ip\n"
    )
    assert [each.words for each in check(leased).exposed] == ["web port 80 (TCP at an IP of its own)"]


def test_each_row_is_told_apart_and_says_where_it_is_from() -> None:
    names = Counter(name for row in ROWS for name in row.images)
    assert [name for name, times in names.items() if times > 1] == []
    assert len(BY_IMAGE) == len(names)
    for row in ROWS:
        assert "." in row.source, row.what
        assert row.images or row.programs
        assert row.ports or not row.programs, row.what
        assert row.how_to_guard or row.without is None or not row.without.is_unsafe, row.what
    assert all(name == name.lower() for name in names)
    assert len(BY_PROGRAM) == sum(len(row.programs) for row in ROWS)


@shared_data.needed
def test_what_people_deploy_is_warned_of_where_it_is_open_only() -> None:
    found = {
        (file.name, each.rule, each.message.partition(" is open")[0])
        for file in sorted(shared_data.require("sdl/corpus").iterdir())
        for each in warned(check(file.read_text(encoding="utf-8")))
    }
    assert found == {
        ("Llama-3.1-405B-BF16__deploy.yaml", "E02", "Ray"),
        ("chromadb__deploy.yaml", "E01", "Chroma"),
        ("gitea__deploy_postgres.yaml", "E03", "PostgreSQL"),
        ("postgres-restore__deploy.yaml", "E03", "PostgreSQL"),
        ("postgres__deploy.yaml", "E03", "PostgreSQL"),
        ("supabase__deploy.yaml", "E02", "Supabase Studio"),
    }


def test_many_ports_and_a_long_command_keep_nobody_waiting() -> None:
    ports = "".join(f"      - {{port: {port}, to: [{{global: true}}]}}\n" for port in range(1, 1_000))
    words = " ".join(["redis-server", "ray", "jupyter"] * 10_000)
    begun = time.process_time()
    report = check(BASE.replace("profiles:\n", f"{ports}    args: [{words}]\nprofiles:\n", 1))
    assert len(report.exposed) == 1_000
    assert time.process_time() - begun < 5
