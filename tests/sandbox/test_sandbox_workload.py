"""What a tenant sees of containers that fare badly: by image, by command, and over time."""

from __future__ import annotations

from typing import Any

import pytest
from provider_world import expose, manifest, service, stateful

from akash_mcp.sandbox.clock import Clock
from akash_mcp.sandbox.provider.images import canonical, kind_of, short_name
from akash_mcp.sandbox.provider.manifest import decode
from akash_mcp.sandbox.provider.workload import LeaseKey, Workload

KEY = LeaseKey("akash1owner", "7", 1, 1, "akash1provider")


def _still() -> Clock:
    return Clock(monotonic=lambda: 0.0, wall=lambda: 1_763_759_482.0)


def workload(image: str = "nginx", **changes: Any) -> Workload:
    group = decode(manifest(service(image=image, **changes))).groups[0]
    return Workload(KEY, group, _still())


def after(seconds: float, running: Workload) -> tuple[int, list[str], list[str]]:
    """So many simulated seconds later: ready pods, reasons of events so far, and what the first pod's log says."""
    running.clock.skip(seconds)
    pods = running.pods()
    log = list(pods[0].container.log) if pods and pods[0].container else []
    return sum(pod.is_ready for pod in pods), [event.reason for event in running.events], log


def test_an_image_that_runs() -> None:
    running = workload()
    assert after(0, running) == (0, [], [])
    assert after(2, running) == (0, ["Scheduled", "Pulling"], [])
    ready, reasons, log = after(10, running)
    assert (ready, reasons[-1]) == (1, "Started")
    assert any("start worker process" in line for line in log)


@pytest.mark.parametrize(("image", "last_line"), [
    ("postgres:17", "database system is ready to accept connections"),
    ("redis", "Ready to accept connections tcp"),
    ("vllm/vllm-openai:latest", "Application startup complete."),
    ("ghcr.io/acme/shop", "listening on 80"),
])  # fmt: skip
def test_each_kind_of_image_logs_in_its_own_way(image: str, last_line: str) -> None:
    _, _, log = after(120, workload(image))
    assert last_line in log[-1]


def test_an_image_that_does_not_exist_backs_off_for_ever() -> None:
    running = workload("acme/does-not-exist:1")
    ready, reasons, _ = after(8, running)
    assert ready == 0
    assert reasons == ["Scheduled", "Pulling", "Failed", "Failed", "BackOff", "Failed"]
    notes = [event.note for event in running.events]
    assert "Error: ErrImagePull" in notes
    assert "Error: ImagePullBackOff" in notes
    assert "docker.io/acme/does-not-exist:1: not found" in notes[2]
    assert after(3600, running)[1].count("Pulling") > 5


def test_a_private_image_wants_credentials() -> None:
    running = workload("registry.example/private/app:1")
    after(30, running)
    assert any("pull access denied" in event.note for event in running.events)
    credentials = {"host": "registry.example", "email": "", "username": "u", "password": "secret"}
    assert after(30, workload("registry.example/private/app:1", credentials=credentials))[0] == 1


def test_a_crashing_image_logs_its_error_and_is_restarted_ever_more_rarely() -> None:
    running = workload("acme/crash:1")
    ready, reasons, log = after(9, running)
    assert (ready, reasons[-2:]) == (0, ["Started", "BackOff"])
    assert log[-1] == "RuntimeError: DATABASE_URL is not set"
    starts = [after(60, running)[1].count("Started") for _ in range(20)]
    assert starts[1] == 5  # at once, and after 10, 20 and 40 s of back-off
    assert starts[-1] - starts[-6] == 1  # 300 s at the end


def test_a_command_crashes_as_it_is_written() -> None:
    running = workload(command=["sh", "-c", "echo no config >&2; sleep 2; exit 3"])
    ready, _, log = after(5.5, running)
    assert (ready, log) == (1, ["no config"])
    first = ["Scheduled", "Pulling", "Pulled", "Created", "Started"]
    assert after(1.5, running)[:2] == (0, first)
    assert after(2, running)[:2] == (1, [*first, "Pulled", "Created", "Started"])
    assert after(2.5, running)[:2] == (0, [*first, "Pulled", "Created", "Started", "BackOff"])


def test_a_command_that_succeeds_is_started_again_too() -> None:
    assert "BackOff" in after(20, workload(command=["true"]))[1]


def test_what_ran_for_more_than_ten_minutes_is_started_again_at_once() -> None:
    running = workload(command=["sleep", "601"])
    _, reasons, _ = after(3 * 610, running)
    assert (reasons.count("Started"), "BackOff" in reasons) == (4, False)


def test_a_job_tells_its_epochs_and_ends_and_is_started_again() -> None:
    running = workload("acme/job:1", env=["EPOCHS=2", "EPOCH_SECONDS=5"])
    ready, _, log = after(14.5, running)
    assert (ready, log) == (0, ["loading data", "epoch 1/2", "epoch 2/2", "saved model.pt"])
    ready, reasons, log = after(1.5, running)
    assert (ready, reasons[-3:], log) == (1, ["Pulled", "Created", "Started"], ["loading data"])


def test_a_job_fails_where_it_is_told_to() -> None:
    assert after(14.5, workload("acme/job:1", env=["EPOCHS=2", "EPOCH_SECONDS=5", "EXIT_CODE=1"]))[2][-1] == (
        "RuntimeError: loss is nan"
    )


def test_a_command_that_never_ends_runs() -> None:
    assert after(1_000_000, workload(command=["sleep", "infinity"]))[0] == 1


@pytest.mark.parametrize(("image", "last_line"), [("oom", "Killed"), ("oom-silent", "Loading weights: 91%")])
def test_running_out_of_memory_is_told_by_no_event(image: str, last_line: str) -> None:
    running = workload(f"acme/{image}:1")
    ready, reasons, log = after(22, running)
    assert (ready, log[-1], reasons[-1]) == (0, last_line, "BackOff")
    assert not any("OOM" in f"{event.reason} {event.note}" for event in running.events)


@pytest.mark.parametrize(
    ("image", "note"),
    [
        ("ratelimited/app:1", "429 Too Many Requests"),
        ("no-registry.example/app:1", "lookup no-registry.example: no such host"),
        ("acme/arm64-only:1", "no match for platform in manifest"),
    ],
)
def test_a_registry_that_does_not_give_the_image(image: str, note: str) -> None:
    running = workload(image)
    assert after(30, running)[0] == 0
    assert any(note in event.note for event in running.events)


def test_an_image_name_with_capitals_is_invalid() -> None:
    assert after(100, workload("ghcr.io/Acme/App:1"))[:2] == (0, ["Scheduled", "InspectFailed", "Failed"])
    assert after(100, workload("GHCR.io/acme/app:V1"))[0] == 1


def test_a_huge_image_takes_minutes() -> None:
    running = workload("acme/huge:1")
    assert after(230, running)[:2] == (0, ["Scheduled", "Pulling"])
    assert after(20, running)[0] == 1


def test_a_program_that_the_image_lacks_is_never_started() -> None:
    running = workload(command=["does-not-exist"])
    assert after(7, running)[:2] == (
        0,
        ["Scheduled", "Pulling", "Pulled", "Created", "Failed", "Pulled", "Created", "Failed"],
    )
    assert "executable file not found in $PATH" in running.events[-1].note


@pytest.mark.parametrize("resource", ["memory", "gpu", "storage"])
def test_what_there_is_no_room_for_is_named(resource: str) -> None:
    running = workload(f"acme/unschedulable-{resource}")
    after(10, running)
    assert resource in running.events[0].note


def test_a_crowded_provider_has_room_for_one_replica() -> None:
    assert after(20, workload("acme/crowded", count=3))[0] == 1


def test_a_pod_that_fits_nowhere_stays_pending() -> None:
    assert after(10_000, workload("acme/unschedulable")) == (0, ["FailedScheduling"], [])


def test_a_volume_that_never_mounts_keeps_the_container_from_starting() -> None:
    assert after(10_000, workload("acme/stuck")) == (0, ["Scheduled", "FailedMount"], [])


def test_a_restart_begins_a_new_log() -> None:
    running = workload(command=["sh", "-c", "echo once; exit 1"])
    assert after(5, running)[2] == ["once"]
    first = running.pods()[0].container
    after(12, running)
    second = running.pods()[0].container
    assert first is not second
    assert first is not None
    assert not first.running


def test_an_update_keeps_the_pods_of_services_that_did_not_change() -> None:
    hidden = [expose(port=5432, **{"global": False})]
    before = decode(manifest(service(), service("db", "postgres", expose=hidden))).groups[0]
    running = Workload(KEY, before, Clock(monotonic=lambda: 0.0))
    after(60, running)
    names = {pod.service.name: pod.name for pod in running.pods()}
    running.update(
        decode(manifest(service(image="nginx:2"), service("db", "postgres", expose=hidden))).groups[0]
    )
    later = {pod.service.name: pod.name for pod in running.pods()}
    assert later["db"] == names["db"]
    assert later["web"] != names["web"]
    assert f"Deleted pod: {names['web']}" in [event.note for event in running.events]
    assert after(60, running)[0] == 2


def test_closing_kills_what_runs_and_nothing_happens_any_more() -> None:
    running = workload("acme/crash:1", count=2)
    after(5, running)
    running.close()
    events = len(running.events)
    assert after(3600, running)[0] == 0
    assert len(running.events) == events


def test_a_jump_of_the_clock_loses_nothing() -> None:
    steps, jump = workload("acme/crash:1"), workload("acme/crash:1")
    for _ in range(600):
        after(1, steps)
    after(600, jump)
    assert [event.reason for event in steps.events] == [event.reason for event in jump.events]


def test_the_namespace_is_45_letters_of_base32hex() -> None:
    assert len(KEY.namespace) == 45
    assert KEY.namespace == KEY.namespace.lower()


@pytest.mark.parametrize(
    ("image", "name", "kind", "whole"),
    [
        ("nginx", "nginx", "nginx", "docker.io/library/nginx:latest"),
        ("acme/nginx-plus:1", "nginx-plus", "nginx", "docker.io/acme/nginx-plus:1"),
        ("localhost:5000/app", "app", "generic", "localhost:5000/app:latest"),
        ("ghcr.io/a/b@sha256:00", "b", "generic", "ghcr.io/a/b@sha256:00"),
    ],
)
def test_image_references(image: str, name: str, kind: str, whole: str) -> None:
    assert (short_name(image), kind_of(image), canonical(image)) == (name, kind, whole)


# What a command does, and what is pretended.


def test_a_command_goes_on_in_simulated_time() -> None:
    script = "i=0; while true; do i=$((i+1)); echo tick $i; sleep 10; done"
    running = workload(command=["sh", "-c", script])
    assert after(5, running)[2] == ["tick 1"]
    assert after(20, running)[2] == ["tick 1", "tick 2", "tick 3"]
    assert after(3600, running)[2][-1] == "tick 363"


@pytest.mark.parametrize(
    "script", ["while true; do :; done", "while true; do yes; done | cat", "f() { f; }; f"]
)
def test_a_command_that_never_ends_costs_nothing(script: str) -> None:
    running = workload(command=["sh", "-c", script])
    ready, _, log = after(1_000_000, running)
    assert ready == 1
    assert log[-1].startswith("the sandbox plays no more of this command: more than ")


SERVERS = {
    "writes a file and runs on": ("cat > /etc/app.toml <<'EOF'\na = 1\nEOF\n\nserve --fast", "serve --fast"),
    "a job": ("true & serve", "true &"),
    "a quote over lines": ("printf 'a\nb\n'\nserve", "serve"),
    "known words, then a server": ("echo starting; exec ./serve 'a  b'", "./serve a b"),
    "in a pipe": ("serve | tee log", "serve"),
    "to be put in": ("x=$(serve)", "serve"),
}


@pytest.mark.parametrize(("script", "unplayed"), SERVERS.values(), ids=SERVERS.keys())
def test_a_command_that_we_cannot_play_says_so_and_runs_on(script: str, unplayed: str) -> None:
    ready, _, log = after(1000, workload("ghcr.io/acme/app:1", command=["sh", "-c", script]))
    assert ready == 1
    assert log[-1] == (
        f"the sandbox does not run this command: {unplayed}; it acts as if it ran on and listened on 80"
    )


def test_what_a_command_wrote_is_there_until_it_restarts_and_on_a_volume_after_that() -> None:
    script = "[ -f /tmp/seen ] && echo again; touch /tmp/seen; echo kept >> /data/log; cat /data/log; exit 1"
    plain = stateful("web", "acme/app:1") | {"command": ["sh", "-c", script]}
    running = Workload(KEY, decode(manifest(plain)).groups[0], _still())
    assert after(6.5, running)[2] == ["kept"]
    log = after(300, running)[2]
    assert set(log) == {"kept"}
    assert len(log) > 1
    running.update(decode(manifest(plain | {"env": ["A=1"]})).groups[0])
    assert after(6.5, running)[2] == [*log, "kept"]


@pytest.mark.parametrize("path", ["/", "/etc", "/usr", "/tmp/a/b", "/data/"])
def test_a_volume_hides_what_the_image_has_there(path: str) -> None:
    for read_only in (False, True):
        params = {"storage": [{"name": "data", "mount": path, "readOnly": read_only}]}
        script = f"ls {path}; touch {path}/x; sleep infinity"
        mounted = stateful("web", "nginx") | {"command": ["sh", "-c", script], "params": params}
        running = Workload(KEY, decode(manifest(mounted)).groups[0], _still())
        refused = [f"touch: cannot touch '{path}/x': Read-only file system"] * read_only
        assert after(6, running)[2] == ["lost+found", *refused]


def test_a_command_that_is_not_run_shows_no_value_of_a_variable() -> None:
    command = ["sh", "-c", "./serve --token=$TOKEN"]
    log = after(10, workload("acme/app:1", command=command, env=["TOKEN=hunter22"]))[2]
    assert log[0].startswith("the sandbox does not run this command: ./serve --token=$TOKEN; ")


def test_what_an_image_may_hold_is_not_taken_to_be_missing() -> None:
    for script in (
        "cd /app && ./serve",
        "cat /etc/app.toml",
        ". /opt/env",
        "sh /usr/bin/run",
        "echo x > /app/y",
    ):
        log = after(30, workload("acme/app:1", command=["sh", "-c", f"set -e; {script}"]))[2]
        assert log[0].startswith("the sandbox does not run this command: ")
    script = "cat /tmp/x; mkdir /app; cat /app/x; exit 1"
    assert after(6.5, workload("acme/app:1", command=["sh", "-c", script]))[2] == [
        "cat: /tmp/x: No such file or directory",
        "cat: /app/x: No such file or directory",
    ]


def test_each_replica_has_a_volume_of_its_own_and_a_read_only_one_stays_as_it_is() -> None:
    script = "echo $HOSTNAME >> /data/who; cat /data/who; sleep infinity"
    twice = stateful("web", "acme/app:1") | {"command": ["sh", "-c", script], "count": 2}
    running = Workload(KEY, decode(manifest(twice)).groups[0], _still())
    running.clock.skip(30)
    assert [list(pod.container.log) for pod in running.pods() if pod.container] == [["web-0"], ["web-1"]]
    params = {"storage": [{"name": "data", "mount": "/data", "readOnly": True}]}
    sealed = stateful("web", "acme/app:1") | {"command": ["touch", "/data/x"], "params": params}
    running = Workload(KEY, decode(manifest(sealed)).groups[0], _still())
    assert after(6, running)[2] == ["touch: cannot touch '/data/x': Read-only file system"]


LISTENERS = [
    ("nginx:1.29", None, [], {80}),
    ("docker.io/library/nginx", ["nginx", "-g", "daemon off;"], [], {80}),
    ("nginx", ["sh", "-c", "echo 'server { listen 3000; }' | tr -d x"], [], None),
    ("nginx", ["sh", "-c", "echo ' listen 3000;' > /etc/nginx/conf.d/a.conf; nginx"], [], {3000}),
    ("nginx", ["sleep", "infinity"], [], set()),
    ("nginx", ["sh", "-c", "echo page | nc -l -p 3000"], [], {3000}),
    ("nginx", ["sh", "-c", "nc -l -p 3000 -w 9; sleep infinity"], [], set()),
    ("python:3.13", ["python", "-m", "http.server", "3000"], [], {3000}),
    ("python:3.13", ["python3", "-m", "http.server"], [], {8000}),
    ("python:3.13", ["python", "main.py"], [], None),
    ("python:3.13", ["gunicorn", "app:app", "-b", "0.0.0.0:5000"], [], {5000}),
    ("vllm/vllm-openai:v0.11", ["--model", "a/b"], [], {8000}),
    ("vllm/vllm-openai:v0.11", ["--model", "a/b", "--port=3000"], [], {3000}),
    ("ollama/ollama", None, ["OLLAMA_HOST=0.0.0.0:3000"], {3000}),
    ("ollama/ollama", None, [], {11434}),
    ("louislam/uptime-kuma:1", None, ["PORT=3000"], {3000}),
    ("postgres:17", ["postgres", "-p", "5433"], [], {5433}),
    ("acme/nginx", None, [], None),
    ("acme/deaf", None, [], set()),
]


@pytest.mark.parametrize(("image", "command", "env", "ports"), LISTENERS)
def test_who_answers_on_which_port(
    image: str, command: list[str] | None, env: list[str], ports: set[int] | None
) -> None:
    running = workload(image, args=command, env=env)
    running.clock.skip(120)
    (pod,) = running.pods()
    asked = {80, 3000, 5000, 5432, 5433, 8000, 11434}
    assert {port for port in asked if pod.listens(port, running.clock.elapsed())} == (
        asked if ports is None else ports
    )
