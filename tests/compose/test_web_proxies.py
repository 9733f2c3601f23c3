"""Labels and variables for web proxies become web addresses and host names; the proxy itself is not needed."""

from __future__ import annotations

import pytest
from conversion import convert, left_out, noted, published, services, why

TRAEFIK = """
services:
  proxy:
    image: traefik:v3.2
    command: [--providers.docker=true]
    ports: [{ports}]
    volumes: ["/var/run/docker.sock:/var/run/docker.sock:ro"]
  blog:
    image: ghost:5.101
    labels: {labels}
"""
RULE = "traefik.http.routers.blog.rule=Host(`blog.example.org`)"
PORT = "traefik.http.services.blog.loadbalancer.server.port=2368"


def behind_traefik(*labels: str, ports: str = "80, 443, '443:443/udp', 8080") -> str:
    return TRAEFIK.format(ports=ports, labels=list(labels))


def one(fields: str) -> str:
    return f"services: {{web: {{image: 'example/app:1', {fields}}}}}"


ROUTES: dict[str, tuple[str, tuple[int, tuple[str, ...]]]] = {
    "Traefik": (
        'labels: ["traefik.http.routers.r.rule=Host(`a.example.org`)", '
        '"traefik.http.services.s.loadbalancer.server.port=3000"]',
        (3000, ("a.example.org",)),
    ),
    "several names, of both ways to write them": (
        'labels: {traefik.http.routers.r.rule: "Host(`A.example.org`, `b.example.org`) || Host(\\"c.example.org\\")", '
        "traefik.http.services.s.loadbalancer.server.port: 3000}",
        (3000, ("a.example.org", "b.example.org", "c.example.org")),
    ),
    "two routers to one port": (
        "labels: {traefik.http.routers.r.rule: Host(`a.example.org`), "
        "traefik.http.routers.r-tls.rule: Host(`a.example.org`), "
        "traefik.http.services.s.loadbalancer.server.port: 3000}",
        (3000, ("a.example.org",)),
    ),
    "Traefik 1": (
        'labels: ["traefik.port=3000", "traefik.frontend.rule=Host:a.example.org,b.example.org;PathPrefix:/x"]',
        (3000, ("a.example.org", "b.example.org")),
    ),
    "labels for Swarm": (
        "deploy: {labels: [traefik.http.routers.r.rule=Host(`a.example.org`), "
        "traefik.http.services.s.loadbalancer.server.port=3000]}",
        (3000, ("a.example.org",)),
    ),
    "the port that it exposes": (
        "expose: [9001, 9000], labels: [traefik.http.routers.r.rule=Host(`a.example.org`)]",
        (9000, ("a.example.org",)),
    ),
    "no rule at all": ("expose: [9000], labels: [traefik.enable=true]", (9000, ())),
    "caddy": (
        'labels: {caddy: "a.example.org, https://b.example.org:443", caddy.reverse_proxy: "{{upstreams 3000}}"}',
        (3000, ("a.example.org", "b.example.org")),
    ),
    "nginx-proxy": (
        'environment: {VIRTUAL_HOST: "a.example.org,b.example.org", VIRTUAL_PORT: 3000}',
        (3000, ("a.example.org", "b.example.org")),
    ),
    "Coolify, which makes up the name": ("environment: [SERVICE_FQDN_APP_3000]", (3000, ())),
    "Coolify, with a name": (
        "environment: {SERVICE_URL_APP_3000: 'https://a.example.org/api'}",
        (3000, ("a.example.org",)),
    ),
}


@pytest.mark.parametrize(("fields", "expected"), ROUTES.values(), ids=ROUTES.keys())
def test_what_a_proxy_is_told_is_the_web_address(fields: str, expected: tuple[int, tuple[str, ...]]) -> None:
    made = convert(one(fields))
    port, hosts = expected
    assert published(made) == {"web": [(port, 80, "TCP", hosts)]}
    assert not any("labels" in what for what in left_out(made))
    assert made.report.ok


@pytest.mark.parametrize(
    "fields",
    [
        "labels: [traefik.enable=false, traefik.http.routers.r.rule=Host(`a.example.org`)], expose: [80]",
        "labels: {com.example.team: core}, expose: [80]",
        "labels: [traefik.tcp.routers.r.rule=HostSNI(`*`), traefik.enable=true], expose: [5432]",
        "environment: {SERVICE_FQDN_OTHER: https://a.example.org}, expose: [80]",  # another service's
        "environment: [SERVICE_PASSWORD_APP], expose: [80]",
    ],
)
def test_what_tells_no_route_opens_nothing(fields: str) -> None:
    (ports,) = published(convert(one(fields))).values()
    assert [port for port, *_ in ports] == [65_535]  # where nothing listens


def test_a_proxy_is_left_out_where_it_only_leads_to_others() -> None:
    made = convert(behind_traefik(RULE, PORT))
    assert list(services(made)) == ["blog"]
    assert published(made) == {"blog": [(2368, 80, "TCP", ("blog.example.org",))]}
    assert "ingress does its work: it leads to blog" in why(made, "the service")
    assert "take its labels" in why(made, "the service")
    assert "CNAME" in noted(made, "blog.example.org")


@pytest.mark.parametrize(
    "text",
    [
        behind_traefik(RULE, PORT, ports="80, '5432:5432'"),  # it leads to a database as well
        behind_traefik("com.example.team=core"),  # nothing says what it leads to
    ],
)
def test_a_proxy_stays_where_it_does_more_or_its_routes_are_unknown(text: str) -> None:
    made = convert(text)
    assert list(services(made)) == ["proxy", "blog"]
    assert "cannot see or start containers" in why(made, "docker.sock")


def test_what_serves_the_proxy_alone_goes_with_it() -> None:
    made = convert(
        "services:\n"
        "  proxy: {image: nginxproxy/nginx-proxy:1.6, ports: [80, 443]}\n"
        "  acme: {image: nginxproxy/acme-companion:2.4, depends_on: [proxy]}\n"
        "  web: {image: 'nginx:1.29.3', environment: {VIRTUAL_HOST: a.example.org}}\n"
    )
    assert published(made) == {"web": [(80, 80, "TCP", ("a.example.org",))]}


CHECKS = "traefik.http.routers.blog.middlewares"
CLOSED = {
    "a password": [f"{CHECKS}=pw@docker", "traefik.http.middlewares.pw.basicauth.users=a:b"],
    "a login that another file defines": [f"{CHECKS}=headers@file,authelia@file"],
    "addresses": [f"{CHECKS}=home", "traefik.http.middlewares.home.ipallowlist.sourcerange=10.0.0.0/8"],
    "addresses, as Traefik 2 has them": [
        f"{CHECKS}=home",
        "traefik.http.middlewares.home.ipwhitelist=10.0.0.0/8",
    ],
    "what another file defines": [f"{CHECKS}=secured@file"],
    "a plugin": [f"{CHECKS}=p", "traefik.http.middlewares.p.plugin.geoblock.countries=DE"],
    "a password in a chain": [
        f"{CHECKS}=all",
        "traefik.http.middlewares.all.chain.middlewares=gzip,pw",
        "traefik.http.middlewares.pw.digestauth.users=a:b",
    ],
    "a middleware that a variable names": [f"{CHECKS}=${{ASKS}}"],
    "a password that a variable holds": [
        f"{CHECKS}=x",
        "traefik.http.middlewares.x.basicauth.users=${USERS}",
    ],
    "a chain that a variable names": [f"{CHECKS}=x", "traefik.http.middlewares.x.chain.middlewares=${ALL}"],
    "another file's of the same name": [f"{CHECKS}=x@file", "traefik.http.middlewares.x.compress=true"],
    "addresses in a rule": [
        "traefik.http.routers.blog.rule=Host(`blog.example.org`) && ClientIP(`10.0.0.0/8`)"
    ],
    "a header": ["traefik.http.routers.blog.rule=Host(`blog.example.org`) && Header(`X-Key`, `k`)"],
    "an inner door": ["traefik.http.routers.blog.entrypoints=internal"],
    "certificates": ["traefik.http.routers.blog.tls.options=mtls@file"],
    "a password of Traefik 1": ["traefik.frontend.auth.basic.users=a:b"],
    "addresses of Traefik 1": ["traefik.web.frontend.whiteList.sourceRange=10.0.0.0/8"],
    "a password of caddy": ["caddy=a.example.org", "caddy.basic_auth.user=x"],
    "a password of caddy, deeper": ["caddy=a.example.org", "caddy.handle.0_basicauth.bob=x"],
    "a snippet of caddy": ["caddy=a.example.org", "caddy.import=secure *"],
    "addresses of caddy": ["caddy=a.example.org", "caddy.@in.not.remote_ip=10.0.0.0/8"],
    "addresses of caddy, in a line": ["caddy=a.example.org", "caddy.@in=not client_ip 10.0.0.0/8"],
}


@pytest.mark.parametrize("labels", CLOSED.values(), ids=CLOSED.keys())
def test_what_a_proxy_guards_is_not_opened_to_everyone(labels: list[str]) -> None:
    made = convert(behind_traefik(RULE, PORT, *labels))
    (ports,) = published(made).values()
    assert [port for port, *_ in ports] == [65_535]
    assert "asks who may pass" in why(made, "its web address")


def test_a_guard_is_known_wherever_it_is_defined() -> None:
    text = behind_traefik(RULE, PORT, f"{CHECKS}=pw")
    text += "  other: {image: 'x:1', labels: [traefik.http.middlewares.pw.basicauth.users=a:b]}\n"
    assert "(pw)" in why(convert(text), "its web address")


def test_other_middlewares_are_listed_and_close_nothing() -> None:
    made = convert(behind_traefik(RULE, PORT, f"{CHECKS}=gzip@docker,secure-headers@file"))
    assert published(made) == {"blog": [(2368, 80, "TCP", ("blog.example.org",))]}
    assert left_out(made, "blog") == [f"labels: {CHECKS}"]
    more = [
        "traefik.http.middlewares.x.headers.sslredirect=true",
        "traefik.http.middlewares.all.chain.middlewares=x",
    ]
    doors = "traefik.http.routers.blog.entrypoints=web,internal"
    made = convert(behind_traefik(RULE, PORT, f"{CHECKS}=all@docker", doors, *more))
    assert published(made) == {"blog": [(2368, 80, "TCP", ("blog.example.org",))]}


def test_what_asks_before_every_service_closes_all() -> None:
    for proxy in (
        "command: --entrypoints.web.http.middlewares=sso@file",
        "environment: {TRAEFIK_ENTRYPOINTS_WEB_HTTP_MIDDLEWARES: sso@file}",
    ):
        made = convert(
            f"services:\n  proxy: {{image: 'traefik:3', ports: [80], {proxy}}}\n"
            f"  blog: {{image: 'ghost:6', labels: ['{RULE}']}}\n"
        )
        assert "asks who may pass" in why(made, "its web address")


def test_labels_in_a_file_may_ask_who_may_pass() -> None:
    made = convert(one(f"expose: [80], label_file: ./labels, labels: ['{RULE}']"))
    assert "label_file" in why(made, "its web address")


def test_what_nginx_proxy_keeps_inside_is_not_opened() -> None:
    variables = "{VIRTUAL_HOST: a.example.org, NETWORK_ACCESS: internal}"
    made = convert(one(f"expose: [80], environment: {variables}"))
    assert "NETWORK_ACCESS" in why(made, "its web address")


def test_a_host_name_leads_to_one_service() -> None:
    made = convert(
        "services:\n"
        "  a: {image: 'x:1', labels: [traefik.http.routers.a.rule=Host(`h.example.org`), traefik.port=1000]}\n"
        "  b: {image: 'x:1', labels: [traefik.http.routers.b.rule=Host(`h.example.org`) && PathPrefix(`/b`)], "
        "expose: [2000]}\n"
    )
    assert published(made) == {"a": [(1000, 80, "TCP", ("h.example.org",))], "b": [(2000, 80, "TCP", ())]}
    assert left_out(made, "b") == [
        "labels: traefik.http.routers.b.rule: all but its host names",
        "the host name h.example.org",
    ]
    assert made.report.ok  # the provider refuses a name that is there twice


@pytest.mark.parametrize(
    "host", ["*.example.org", "localhost", "app.localhost", "nas.lan", "10.0.0.1", "a_b.org"]
)
def test_a_host_name_that_no_provider_can_lead_to_is_listed(host: str) -> None:
    made = convert(one(f"expose: [80], labels: ['traefik.http.routers.r.rule=Host(`{host}`)']"))
    assert left_out(made) == [f"the host name {host}"]
    assert made.report.ok


def test_a_second_web_address_of_one_service_is_listed() -> None:
    made = convert(
        one(
            "labels: {traefik.http.routers.a.rule: Host(`a.example.org`), traefik.http.routers.a.service: x, "
            "traefik.http.routers.b.rule: Host(`b.example.org`), traefik.http.routers.b.service: y, "
            "traefik.http.services.x.loadbalancer.server.port: 1000, "
            "traefik.http.services.y.loadbalancer.server.port: 2000}"
        )
    )
    assert published(made) == {"web": [(1000, 80, "TCP", ("a.example.org",))]}
    assert left_out(made) == ["labels: a web address for port 2000"]


def test_a_rule_that_needs_a_variable_is_listed() -> None:
    text = one(
        "expose: [80], labels: ['traefik.http.routers.r.rule=Host(`a.${DOMAIN}`)', traefik.enable=true]"
    )
    assert left_out(convert(text)) == ["labels[0]"]
    made = convert(text, variables={"DOMAIN": "example.org"})
    assert published(made) == {"web": [(80, 80, "TCP", ("a.example.org",))]}


def test_the_web_address_is_for_the_routed_port_and_others_stay_open() -> None:
    made = convert(one(f"ports: ['80:80', '2222:22'], labels: ['{RULE}', '{PORT}']"))
    assert published(made) == {
        "web": [(2368, 80, "TCP", ("blog.example.org",)), (80, 10_080, "TCP", ()), (22, None, "TCP", ())]
    }


@pytest.mark.parametrize(
    ("image", "part"),
    [
        ("containrrr/watchtower:1.7", "does nothing without it"),
        ("portainer/portainer-ce:2.21", "does nothing without it"),
        ("traefik:v3.2", "ingress does its work"),
        ("example/ci:1", "leave the service out if"),
    ],
)
def test_the_socket_of_docker_is_told_for_what_it_is(image: str, part: str) -> None:
    made = convert(
        f"services: {{a: {{image: '{image}', volumes: ['/var/run/docker.sock:/var/run/docker.sock']}}}}"
    )
    assert "a provider gives no access to a container runtime" in why(made, "docker.sock")
    assert part in why(made, "docker.sock")
