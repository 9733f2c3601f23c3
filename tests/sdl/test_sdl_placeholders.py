"""What has to be filled in is seen by its value, and what runs as it is, is not taken for it."""

from __future__ import annotations

import pytest
from judged_sdls import other_peoples
from sdl_data import BASE

from akash_mcp.sdl import check
from akash_mcp.sdl.author.placeholders import Gap, gaps, placeholders_elsewhere

IMAGE = "    image: nginx:1.27.0\n"


def found(*entries: str) -> list[Gap]:
    lines = "".join(f"      - {entry!r}\n" for entry in entries)
    model = check(BASE.replace(IMAGE, f"{IMAGE}    env:\n{lines}")).model
    assert model is not None
    return gaps(model)


@pytest.mark.parametrize(
    ("entry", "why", "is_secret"),
    [
        ("HF_TOKEN=", "empty", True),
        ("GEMINI_API_KEY", "empty", True),
        ("DOMAIN=", "empty", False),
        ("DOMAIN= ", "empty", False),
        ('NAME=""', "empty", False),
        ("API_KEY=<YOUR_KEY>", "placeholder", True),
        ("SITE=<your domain>", "placeholder", False),
        ("DB_PASSWORD=changeme", "placeholder", True),
        ("DB_USER=changeme", "placeholder", False),
        ("CLICKHOUSE_PASSWORD=CHANGE_ME_CLICKHOUSE_PASSWORD", "placeholder", True),
        ("URL=http://changeme.com", "placeholder", False),
        ("HOST=REPLACE_AFTER_DEPLOY_WITH_INGRESS_HOSTNAME", "placeholder", False),
        ("N8N_ENCRYPTION_KEY=your-encryption-key-here", "placeholder", True),
        ("OWNER=yourname", "placeholder", False),
        ("MAIL=admin@example.com", "placeholder", False),
        ("DOMAIN=sub.example.org", "placeholder", False),
        ("HOST=${AKASH_HOST}", "placeholder", False),
        ("WEBHOOK=http://${AKASH_HOST}/", "placeholder", False),
        ("WANDB_API_KEY=${WANDB_API_KEY}", "placeholder", True),
        ("HF_TOKEN=hf_", "placeholder", True),
        ("KEY_FILE={{ key }}", "placeholder", False),
        ("WALLET=xxxxxxxx", "placeholder", False),
        ("DATABASE_URL=postgres://u:REPLACE_ME@db/x", "placeholder", True),
        ("POSTGRES_PASSWORD=let-me-in", "public", True),
        ("POSTGRES_PASSWORD=password123", "placeholder", True),
        ("DATABASE_URL=postgres://u:hunter22@db/x", "public", True),
    ],
)
def test_what_is_to_be_filled_in_is_found(entry: str, why: str, is_secret: bool) -> None:
    (gap,) = found(entry)
    assert (gap.variable, gap.why, gap.is_secret) == (entry.partition("=")[0], why, is_secret)


@pytest.mark.parametrize(
    "entry",
    [
        "PORT=8080",
        "TZ=UTC",
        "MODE=on-change",
        "POSTGRES_USER=postgres",
        "POSTGRES_DB=mydb",
        "MAX_TOKENS=4096",
        "AUTH_MODE=password",
        "API_KEY_RATE_LIMIT=60/minute",
        "COOKIE_DOMAIN=cloud.internal",
        "REGISTRY_AUTH_HTPASSWD_REALM=Registry Realm",
        "CLICKHOUSE_AWS_CREDENTIALS_AWS_REGION=eu-central-1",
        "DB_PASSWORD=secret://DB",
        "DB_PASSWORD=ac-secret://DB",
        "URL=http://db:5432",
        "SMTP=smtp.sendgrid.net",
        "MYSQL_RANDOM_ROOT_PASSWORD=true",
        "IMAGE=registry.example-corp.com/x",
        "REPLICAS=3",
        "YOURSELF=no",
        "EXCHANGE=amqp",
        "PATH_TO=/home/myapp/data",
        "FORMAT=a < b > c",
    ],
)
def test_what_runs_as_it_is_is_not_taken_for_a_placeholder(entry: str) -> None:
    assert found(entry) == []


def test_the_same_gap_in_several_services_is_one() -> None:
    two = BASE.replace("services:\n", "services:\n  db: {image: 'postgres:17', env: [TOKEN=, A=1]}\n", 1)
    model = check(two.replace(IMAGE, f"{IMAGE}    env: [TOKEN=, TOKEN=changeme]\n", 1)).model
    if model is None:
        pytest.fail("the SDL is not read")
    assert [(gap.variable, gap.value, gap.services) for gap in gaps(model)] == [
        ("TOKEN", "", ("db", "web")),
        ("TOKEN", "changeme", ("web",)),
    ]


def test_a_placeholder_that_no_variable_fills_in_is_named_by_its_place() -> None:
    lines = "    args: [--domain=example.com, --port=80]\n    command: [sh, '-c', 'login <YOUR_KEY>']\n"
    sdl = BASE.replace(IMAGE, IMAGE + lines, 1).replace(
        "as: 80\n", "as: 80\n        accept: [changeme.com]\n", 1
    )
    model = check(sdl).model
    assert model is not None
    assert placeholders_elsewhere(model) == [
        ("web command", "login <YOUR_KEY>"),
        ("web args", "--domain=example.com"),
        ("web host", "changeme.com"),
    ]


def test_every_word_for_a_value_in_other_peoples_sdls_is_found() -> None:
    words = (
        "changeme",
        "CHANGE_ME",
        "REPLACE_WITH",
        "REPLACE_AFTER",
        "your-encryption-key-here",
        "${AKASH_HOST}",
    )
    seen = set()
    for sdl in (sdl for sdl in other_peoples() if sdl.report.model is not None):
        assert sdl.report.model is not None
        placeholders = {gap.variable for gap in gaps(sdl.report.model) if gap.why == "placeholder"}
        for entry in (entry for each in sdl.report.model.services.values() for entry in each.env):
            for word in (word for word in words if word in entry):
                seen.add(word)
                assert entry.partition("=")[0] in placeholders, (sdl.file, entry)
    assert seen == set(words)
