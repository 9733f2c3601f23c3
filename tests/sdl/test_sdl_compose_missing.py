"""A variable without a value stops a conversion where another program would run without it, or one that is open."""

from __future__ import annotations

import json
from typing import Any

import pytest

from akash_mcp.errors import BadArgument
from akash_mcp.sdl.author.compose import Converted, MissingVariables, convert
from akash_mcp.sdl.yaml.loader import load


def of(text: str, **more: Any) -> Converted:
    """A service `web`, given by what stands in it."""
    lines = "".join(f"    {line}\n" for line in text.splitlines())
    return convert(f"services:\n  web:\n    image: nginx:1.29.3\n{lines}", **more)


def env(made: Converted) -> list[str]:
    found: list[str] = json.loads(json.dumps(load(made.sdl).data))["services"]["web"].get("env", [])
    return found


STOPS = {
    "an image": ("services:\n  web: {image: 'x:${X}'}", 2),
    "a command": ("services:\n  web:\n    image: x:1\n    command: redis-server --requirepass $X", 4),
    "a word of a command": ("services:\n  web:\n    image: x:1\n    command: [a, '${X}']", 4),
    "an entry point": ("services: {web: {image: x:1, entrypoint: '${X}'}}", 1),
    "a port": ("services: {web: {image: x:1, ports: ['${X}:80']}}", 1),
    "a long port": ("services: {web: {image: x:1, ports: [{target: 80, host_ip: '${X}'}]}}", 1),
    "a port for neighbours": ("services: {web: {image: x:1, expose: ['${X}']}}", 1),
    "where a volume is mounted": ("services: {web: {image: x:1, volumes: ['data:/d/${X}']}}", 1),
    "which volume": ("services: {web: {image: x:1, volumes: ['${X}:/data']}}", 1),
    "a user": ("services: {web: {image: x:1, user: '${X}'}}", 1),
    "a network": ("services: {web: {image: x:1, networks: ['${X}']}}", 1),
    "whether a network is internal": (
        "services: {web: {image: x:1, networks: [n]}}\nnetworks: {n: {internal: '${X}'}}",
        2,
    ),
    "a password in a URL": ("services: {web: {image: x:1, environment: {DB: 'postgres://a:${X}@db/x'}}}", 1),
    "a part of what sounds secret": ("services: {web: {image: x:1, environment: ['API_TOKEN=a-${X}']}}", 1),
    "a secret in a longer value": (
        "services: {web: {image: x:1, environment: {A: '--pw=${DB_PASSWORD}'}}}",
        1,
    ),
    "what the file asks for": ("services: {web: {image: x:1, environment: {A: '${X:?}'}}}", 1),
    "what it asks for in a label": ("services: {web: {image: x:1, labels: {a: '${X?}'}}}", 1),
    "what it asks for in an extension": ("x-a: '${X:?}'\nservices: {web: {image: x:1}}", 1),
    "what it asks for in a profile": (
        "services: {web: {image: x:1}, b: {image: '${X:?}', profiles: [p]}}",
        1,
    ),
    "what it asks for in a default": ("services: {web: {image: 'x:${A:-${X:?}}'}}", 1),
}


@pytest.mark.parametrize(("text", "line"), STOPS.values(), ids=STOPS.keys())
def test_a_missing_variable_stops_it(text: str, line: int) -> None:
    with pytest.raises(MissingVariables) as caught:
        convert(text)
    (name,) = caught.value.names + caught.value.required
    assert f"{name} (line {line}, column " in caught.value.what


@pytest.mark.parametrize(("text", "line"), STOPS.values(), ids=STOPS.keys())
def test_given_one_it_goes_on(text: str, line: int) -> None:
    value = "true" if "internal" in text else "80"
    convert(text, variables={"X": value, "DB_PASSWORD": value}, accept=("user", "internal"))


def test_all_that_is_missing_is_named_at_once_with_the_files_own_message() -> None:
    text = """services:
  cache:
    image: redis:${TAG}
    command: redis-server --requirepass ${REDIS_PW:?set it} --port $PORT
  web:
    image: x:${TAG}
"""
    with pytest.raises(MissingVariables) as caught:
        convert(text)
    assert caught.value.what == (
        "The compose file needs variables that have no value here: TAG (line 3, column 12), "
        "REDIS_PW (line 4, column 14: set it), PORT (line 4, column 14), TAG (line 6, column 12)."
    )
    assert (caught.value.names, caught.value.required) == (("TAG", "PORT"), ("REDIS_PW",))


def test_what_the_file_asks_for_cannot_be_left_empty() -> None:
    for ask in ("${X:?}", "${X?}"):
        with pytest.raises(MissingVariables):
            of(f"command: run {ask}", allow_missing=["X"])
    with pytest.raises(MissingVariables):
        of("command: run ${X:?}", variables={"X": ""})
    of("command: run ${X?}", variables={"X": ""})


def test_what_may_be_missing_is_empty_as_compose_has_it() -> None:
    made = of("environment: {A: '${X}', TOKEN: '${TOKEN}', D: '${X:-d}'}", allow_missing=["X", "TOKEN"])
    assert env(made) == ["A=", "TOKEN=", "D=d"]


def test_what_may_be_missing_has_its_default_all_the_same() -> None:
    made = of(
        "environment: {A: '${X}', B: '${X-b}', C: '${X+c}', D: '${X:+d}', E: '${Y-${X}}'}",
        allow_missing=["X"],
    )
    assert env(made) == ["A=", "B=b", "C=", "D=", "E="]


GOES_ON = {
    "a label": "labels: {a: '${X}'}",
    "a health check": "healthcheck: {test: 'curl ${X}'}",
    "the folder of a bind mount": "volumes: ['${X}/conf:/conf']",
    "the source of a long bind mount": "volumes: [{type: bind, source: '${X}', target: /conf}]",
    "a default": "command: run ${X:-}",
    "another value": "command: run ${X:+--verbose}",
    "an escaped one": "command: run $${X}",
}


@pytest.mark.parametrize("text", GOES_ON.values(), ids=GOES_ON.keys())
def test_what_changes_nothing_that_runs_does_not_stop_it(text: str) -> None:
    assert of(text).report.ok


def test_what_is_left_out_whole_is_not_asked_for_its_variables() -> None:
    made = convert(
        "services: {web: {image: x:1}, a: {build: ., command: $X}, b: {image: '$Y', profiles: [p]}}"
    )
    assert [each.what for each in made.left_out] == ["the service", "the service"]


@pytest.mark.timeout(20)
def test_a_text_of_many_variables_is_looked_at_once() -> None:
    with pytest.raises(BadArgument):
        of(f"environment: ['A=x://{'${B}' * 40_000}']\nvolumes: ['{'${B}' * 10_000}']\nports: [x]")


def test_the_image_that_a_caller_names_is_not_asked_for_a_tag() -> None:
    made = convert("services: {web: {image: 'x:${TAG}'}}", images={"web": "y:1"})
    assert not made.left_out
    assert "image: y:1" in made.sdl


SECRETS: dict[str, tuple[str, list[str]]] = {
    "a variable of that name": ("environment: {HUB: '${HF_TOKEN}'}", ["HUB=secret://HF_TOKEN"]),
    "an entry of that name": ("environment: ['DB_PASSWORD=$PW']", ["DB_PASSWORD=secret://PW"]),
    "an entry without a value": ("environment: [API_KEY]", ["API_KEY=secret://API_KEY"]),
    "one that is given": ("environment: {HUB: '${GIVEN_TOKEN}'}", ["HUB=from-the-caller"]),
    "an entry that is given": ("environment: [GIVEN_TOKEN]", ["GIVEN_TOKEN=from-the-caller"]),
}


@pytest.mark.parametrize(("text", "expected"), SECRETS.values(), ids=SECRETS.keys())
def test_a_secret_without_a_value_is_to_be_stored(text: str, expected: list[str]) -> None:
    made = of(text, variables={"GIVEN_TOKEN": "from-the-caller"})
    assert env(made) == expected
    assert not made.left_out
    for name, users in made.secrets.items():
        assert any(f"akash-mcp secret set {name}" in note and users[0] in note for note in made.notes)
    assert bool(made.secrets) == ("secret://" in expected[0])


def test_any_other_variable_without_a_value_is_listed_with_its_line() -> None:
    made = of("environment:\n  A: ${GREETING}\n  B: x-${NAME}-y\n  C:")
    assert [(each.what, each.why) for each in made.left_out] == [
        ("environment: A", "${GREETING} in line 5 has no value"),
        ("environment: B", "${NAME} in line 6 has no value"),
        ("environment: C", "its value comes from the machine that runs Compose"),
    ]


SECRET = "hunter2-and-more"


@pytest.mark.parametrize(
    "text",
    [
        "container_name: '${SHOWN}'",
        "container_name: 'a-very-long-name-before-it-so-that-it-is-cut-${SHOWN}${SHOWN}'",
        "container_name: 'a-very-long-name-before-it-so-that-it-is-cut-sooner-${SHOWN}'",
        "volumes: ['${SHOWN}/x:/conf']",
        "network_mode: '${SHOWN}'",
        "restart: '${SHOWN}'",
        "user: '${SHOWN}'",
        "ports: ['${SHOWN}']",
        "mem_limit: '${SHOWN}'",
        "security_opt: ['${SHOWN}']",
        "configs: ['${SHOWN}']",
        "environment: ['${SHOWN}=1']",
        "env_file: ['${SHOWN}']",
        'command: "${SHOWN} \'"',
    ],
)
def test_no_value_that_was_given_shows_in_what_people_read(text: str) -> None:
    try:
        made = of(text, variables={"SHOWN": SECRET}, accept=["user"])
    except BadArgument as bad:
        said = str(bad)
    else:
        said = repr((made.left_out, made.notes, made.secrets, made.report.warnings, made.report.errors))
    assert SECRET[:6] not in said


def test_a_value_that_the_file_says_itself_does_not_blot_out_its_own_words() -> None:
    made = convert(
        "services:\n"
        "  postgres: {image: 'postgres:17', ports: [5432], volumes: ['postgres_data:/var/lib/postgresql/data'],\n"
        "    environment: {POSTGRES_USER: '${POSTGRES_USER}', POSTGRES_PASSWORD: '${POSTGRES_PASSWORD}'}}\n"
        "  web: {image: 'x:1', ports: [80], container_name: '${POSTGRES_PASSWORD}'}\n",
        variables={"POSTGRES_USER": "postgres", "POSTGRES_PASSWORD": "postgres-4711"},
    )
    said = repr((made.left_out, made.notes))
    assert "--open postgres:5432" in said
    assert "PGDATA=/var/lib/postgresql/data/pgdata was added" in said
    assert "container_name: <masked>" in said
    assert "4711" not in said


def test_a_secret_that_is_given_by_name_is_to_be_stored_as_well() -> None:
    made = of("environment: {PW: '${DB_PASSWORD:?}'}", variables={"DB_PASSWORD": "secret://DB_PASSWORD"})
    assert "PW=secret://DB_PASSWORD" in env(made)
    assert "Secrets to store before deploying (web): akash-mcp secret set DB_PASSWORD." in made.notes
