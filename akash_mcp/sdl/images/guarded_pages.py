"""Admin and monitoring pages, shells, desktops and applications, and how their images are guarded.

What is said of an image is what its public documentation says; where that leaves something open, it is unknown.
"""

from __future__ import annotations

from akash_mcp.sdl.images.guards import ASKING_PROXY, Guard, GuardedImage, Kind

_HUB = "hub.docker.com"


def _monitor(what: str, image: str) -> GuardedImage:
    """A page of Prometheus' family: all of them read their logins from one kind of file."""
    return GuardedImage(
        what,
        Kind.MONITOR,
        (image,),
        "prometheus.io/docs/prometheus/latest/configuration/https",
        guarded_by=("--web.config.file",),
        how="set --web.config.file to a file in the image",
    )


def _set_up_at_first_visit(
    what: str, image: str, source: str, *passwords: str, ports: tuple[int, ...] = ()
) -> GuardedImage:
    return GuardedImage(
        what, Kind.APP, (image,), source, without=Guard.FIRST_VISITOR, passwords=passwords, ports=ports
    )


_ADMIN_PAGES = (
    # Both ask for the login of the database behind them.
    GuardedImage("Adminer", Kind.ADMIN, ("adminer",), f"{_HUB}/_/adminer", without=Guard.PASSWORD),
    GuardedImage(
        "phpMyAdmin",
        Kind.ADMIN,
        ("phpmyadmin",),
        f"{_HUB}/_/phpmyadmin",
        without=Guard.PASSWORD,
        opened_by=("PMA_PASSWORD=*", "PMA_PASSWORD_FILE=*"),
    ),
    GuardedImage(
        "pgAdmin",
        Kind.ADMIN,
        ("pgadmin4", "pgadmin"),
        "pgadmin.org/docs/pgadmin4/latest/container_deployment.html",
        without=Guard.UNKNOWN,
        passwords=("PGADMIN_DEFAULT_PASSWORD", "PGADMIN_DEFAULT_PASSWORD_FILE"),
        opened_by=("PGADMIN_CONFIG_SERVER_MODE=no",),
    ),
    GuardedImage(
        "Portainer",
        Kind.ADMIN,
        ("portainer", "portainer-ce", "portainer-ee"),
        "docs.portainer.io/advanced/cli",
        without=Guard.FIRST_VISITOR,
        options=("--admin-password",),
        guarded_by=("--admin-password-file",),
    ),
    GuardedImage(
        "Redis Commander",
        Kind.ADMIN,
        ("redis-commander",),
        "github.com/joeferner/redis-commander",
        passwords=("HTTP_PASSWORD", "HTTP_PASSWORD_FILE"),
        options=("--http-auth-password",),
        how="set HTTP_USER=admin and HTTP_PASSWORD=secret://HTTP_PASSWORD",
    ),
    GuardedImage(
        "Redis Insight",
        Kind.ADMIN,
        ("redisinsight",),
        f"{_HUB}/r/redis/redisinsight",
        how=ASKING_PROXY,
    ),
    GuardedImage(
        "mongo-express",
        Kind.ADMIN,
        ("mongo-express",),
        f"{_HUB}/_/mongo-express",
        without=Guard.WELL_KNOWN,
        before=(1, Guard.NONE),
        passwords=("ME_CONFIG_BASICAUTH_PASSWORD", "ME_CONFIG_BASICAUTH_PASSWORD_FILE"),
        opened_by=("ME_CONFIG_BASICAUTH=no", "ME_CONFIG_BASICAUTH_ENABLED=no"),
        how="set ME_CONFIG_BASICAUTH_USERNAME=app and ME_CONFIG_BASICAUTH_PASSWORD=secret://ME_CONFIG_BASICAUTH_PASSWORD",
    ),
    GuardedImage(
        "Kibana",
        Kind.ADMIN,
        ("kibana",),
        f"{_HUB}/_/kibana",
        without=Guard.UNKNOWN,  # as its search engine is
    ),
    GuardedImage(
        "OpenSearch Dashboards",
        Kind.ADMIN,
        ("opensearch-dashboards",),
        f"{_HUB}/r/opensearchproject/opensearch-dashboards",
        without=Guard.UNKNOWN,
        opened_by=("DISABLE_SECURITY_DASHBOARDS_PLUGIN=yes",),
    ),
    GuardedImage(
        "Kafdrop", Kind.ADMIN, ("kafdrop",), "github.com/obsidiandynamics/kafdrop", how=ASKING_PROXY
    ),
    GuardedImage(
        "Consul",
        Kind.ADMIN,
        ("consul",),
        "developer.hashicorp.com/consul/docs/secure/acl",
        may_guard=("CONSUL_LOCAL_CONFIG=*",),
        how="set CONSUL_LOCAL_CONFIG with acl.enabled and a default policy of deny",
    ),
    GuardedImage(
        "Kafka UI",
        Kind.ADMIN,
        ("kafka-ui",),
        "docs.kafka-ui.provectus.io/configuration/authentication",
        passwords=("SPRING_SECURITY_USER_PASSWORD",),
        guarded_by=("AUTH_TYPE=login_form", "AUTH_TYPE=oauth2", "AUTH_TYPE=ldap"),
        how="set AUTH_TYPE=LOGIN_FORM and SPRING_SECURITY_USER_PASSWORD=secret://SPRING_SECURITY_USER_PASSWORD",
    ),
    GuardedImage(
        "pgweb",
        Kind.ADMIN,
        ("pgweb",),
        "github.com/sosedoff/pgweb",
        passwords=("PGWEB_AUTH_PASS",),
        options=("--auth-pass",),
    ),
    GuardedImage(
        "CloudBeaver",
        Kind.ADMIN,
        ("cloudbeaver",),
        f"{_HUB}/r/dbeaver/cloudbeaver",
        without=Guard.FIRST_VISITOR,
        passwords=("CB_ADMIN_PASSWORD",),
    ),
    GuardedImage(
        "Supabase Studio",
        Kind.ADMIN,
        ("supabase/studio",),
        "supabase.com/docs/guides/self-hosting/docker",
        how=ASKING_PROXY,
    ),
    GuardedImage(
        "Dozzle",
        Kind.ADMIN,
        ("dozzle",),
        "dozzle.dev/guide/authentication",
        guarded_by=("DOZZLE_AUTH_PROVIDER=simple", "DOZZLE_AUTH_PROVIDER=forward-proxy"),
        how="set DOZZLE_AUTH_PROVIDER=simple, with users in the image",
    ),
    GuardedImage(
        "Flower",
        Kind.ADMIN,
        ("flower",),
        "flower.readthedocs.io/en/latest/auth.html",
        passwords=("FLOWER_BASIC_AUTH",),
        options=("--basic_auth", "--basic-auth"),
        how="set FLOWER_BASIC_AUTH=secret://FLOWER_BASIC_AUTH, which is stored as USER:PASSWORD",
    ),
    GuardedImage(
        "the dashboard of Traefik",
        Kind.ADMIN,
        ("traefik",),
        "doc.traefik.io/traefik/operations/dashboard",
        without=None,
        opened_by=("--api.insecure", "--api.insecure true", "TRAEFIK_API_INSECURE=yes"),
        ports=(8080,),
    ),
    GuardedImage(
        "Hasura",
        Kind.ADMIN,
        ("hasura/graphql-engine",),
        "hasura.io/docs/2.0/deployment/securing-graphql-endpoint",
        passwords=("HASURA_GRAPHQL_ADMIN_SECRET", "HASURA_GRAPHQL_ACCESS_KEY"),
        options=("--admin-secret",),
    ),
    GuardedImage(
        "Node-RED",
        Kind.SHELL,
        ("node-red",),
        "nodered.org/docs/user-guide/runtime/securing-node-red",
        how="build an image with adminAuth in its settings.js",
    ),
    GuardedImage(
        "Ray",
        Kind.SHELL,
        (),
        "docs.ray.io/en/latest/ray-security",
        ports=(8265,),
        programs=("ray",),
        how=ASKING_PROXY,
    ),
    GuardedImage(
        "the Docker daemon",
        Kind.SHELL,
        ("docker",),
        f"{_HUB}/_/docker",
        ports=(2375,),
        programs=("dockerd",),
        how="use port 2376 and TLS certificates",
    ),
)

_MONITORS = (
    _monitor("Prometheus", "prometheus"),
    _monitor("Alertmanager", "alertmanager"),
    _monitor("the Pushgateway", "pushgateway"),
    _monitor("the node exporter", "node-exporter"),
    GuardedImage(
        "cAdvisor",
        Kind.MONITOR,
        ("cadvisor",),
        "github.com/google/cadvisor/blob/master/docs/web.md",
        guarded_by=("--http_auth_file", "-http_auth_file"),
        how="set --http_auth_file to a file in the image",
    ),
    GuardedImage(
        "Mailpit",
        Kind.MONITOR,
        ("mailpit",),
        "mailpit.axllent.org/docs/configuration/passwords",
        passwords=("MP_UI_AUTH",),
        guarded_by=("MP_UI_AUTH_FILE=*", "--ui-auth-file"),
        how="set MP_UI_AUTH=secret://MP_UI_AUTH, which is stored as USER:PASSWORD",
    ),
    GuardedImage(
        "MailHog",
        Kind.MONITOR,
        ("mailhog",),
        "github.com/mailhog/MailHog/blob/master/docs/Auth.md",
        guarded_by=("MH_AUTH_FILE=*", "-auth-file"),
        how="set MH_AUTH_FILE to a file in the image",
    ),
)

_SHELLS = (
    GuardedImage(
        "code-server",
        Kind.SHELL,
        ("code-server",),
        "coder.com/docs/code-server/FAQ",
        without=Guard.PASSWORD,  # one that it makes by itself
        passwords=("PASSWORD", "HASHED_PASSWORD"),
        opened_by=("--auth none", "--no-auth"),
        ports=(8080, 8443),
        programs=("code-server",),
    ),
    GuardedImage(
        "code-server",
        Kind.SHELL,
        ("linuxserver/code-server",),
        "docs.linuxserver.io/images/docker-code-server",
        passwords=("PASSWORD", "HASHED_PASSWORD", "FILE__PASSWORD"),
    ),
    GuardedImage(
        "openvscode-server",
        Kind.SHELL,
        ("openvscode-server",),
        "github.com/gitpod-io/openvscode-server",
        passwords=("CONNECTION_TOKEN", "CONNECTION_SECRET"),
        options=("--connection-token",),
    ),
    GuardedImage(
        "Jupyter",
        Kind.SHELL,
        (
            "base-notebook",
            "minimal-notebook",
            "scipy-notebook",
            "datascience-notebook",
            "tensorflow-notebook",
            "pytorch-notebook",
            "pyspark-notebook",
            "all-spark-notebook",
            "r-notebook",
        ),
        "jupyter-server.readthedocs.io/en/latest/operators/security.html",
        without=Guard.PASSWORD,  # a token that it makes by itself and shows in its log
        passwords=("JUPYTER_TOKEN",),
        options=(
            "--NotebookApp.token",
            "--ServerApp.token",
            "--IdentityProvider.token",
            "--LabApp.token",
            "--NotebookApp.password",
            "--ServerApp.password",
        ),
        ports=(8888,),
        programs=("jupyter", "jupyter-lab", "jupyter-notebook", "start-notebook.sh", "start-notebook.py"),
        how="set JUPYTER_TOKEN=secret://JUPYTER_TOKEN, and no empty token in the command",
    ),
    GuardedImage(
        "ttyd",
        Kind.SHELL,
        ("ttyd",),
        "github.com/tsl0922/ttyd",
        options=("--credential", "-c"),
        ports=(7681,),
        programs=("ttyd",),
        how='write "--credential" and USER:PASSWORD under args',
    ),
    GuardedImage(
        "a desktop",
        Kind.DESKTOP,
        ("webtop", "ubuntu-desktop-lxde-vnc"),
        "docs.linuxserver.io/images/docker-webtop",
        passwords=("PASSWORD", "VNC_PASSWORD", "HTTP_PASSWORD"),
    ),
    GuardedImage(
        "Selenium",
        Kind.DESKTOP,
        ("standalone-chrome", "standalone-firefox", "standalone-edge", "standalone-chromium", "selenium/hub"),
        "github.com/SeleniumHQ/docker-selenium",
        passwords=("SE_ROUTER_PASSWORD",),
        how="set SE_ROUTER_USERNAME=app and SE_ROUTER_PASSWORD=secret://SE_ROUTER_PASSWORD",
    ),
)

_APPLICATIONS = (
    GuardedImage(
        "Grafana",
        Kind.APP,
        ("grafana", "grafana-oss", "grafana-enterprise"),
        "grafana.com/docs/grafana/latest/setup-grafana/configure-docker",
        without=Guard.WELL_KNOWN,
        passwords=("GF_SECURITY_ADMIN_PASSWORD", "GF_SECURITY_ADMIN_PASSWORD__FILE"),
        opened_by=("GF_AUTH_ANONYMOUS_ORG_ROLE=admin",),
        guarded_by=("GF_AUTH_DISABLE_LOGIN_FORM=yes",),
    ),
    GuardedImage(
        "n8n",
        Kind.APP,
        ("n8n",),
        "docs.n8n.io/hosting/configuration/user-management-self-hosted",
        without=Guard.FIRST_VISITOR,
        before=(1, Guard.UNKNOWN),
        passwords=("N8N_BASIC_AUTH_PASSWORD",),
        empty_by=("N8N_USER_MANAGEMENT_DISABLED=yes",),
    ),
    GuardedImage(
        "Open WebUI",
        Kind.APP,
        ("open-webui",),
        "docs.openwebui.com/getting-started/env-configuration",
        without=Guard.FIRST_VISITOR,
        opened_by=("WEBUI_AUTH=no",),
    ),
    _set_up_at_first_visit("Uptime Kuma", "uptime-kuma", "github.com/louislam/uptime-kuma"),
    _set_up_at_first_visit("WordPress", "wordpress", f"{_HUB}/_/wordpress"),
    _set_up_at_first_visit("Ghost", "ghost", f"{_HUB}/_/ghost"),
    _set_up_at_first_visit(
        "Gitea", "gitea", "docs.gitea.com/installation/install-with-docker", ports=(3000,)
    ),
    _set_up_at_first_visit(
        "Metabase", "metabase", "metabase.com/docs/latest/configuring-metabase/setting-up-metabase"
    ),
    _set_up_at_first_visit(
        "Home Assistant", "home-assistant", "home-assistant.io/getting-started/onboarding"
    ),
    _set_up_at_first_visit("Nextcloud", "nextcloud", f"{_HUB}/_/nextcloud", "NEXTCLOUD_ADMIN_PASSWORD"),
    GuardedImage(
        "File Browser",
        Kind.APP,
        ("filebrowser",),
        "filebrowser.org/configuration",
        without=Guard.UNKNOWN,  # older versions have a well-known password
        opened_by=("--noauth", "FB_NOAUTH=yes"),
    ),
    GuardedImage(
        "Guacamole", Kind.DESKTOP, ("guacamole",), f"{_HUB}/r/guacamole/guacamole", without=Guard.UNKNOWN
    ),
    GuardedImage("Ollama", Kind.MODELS, ("ollama",), "docs.ollama.com/faq", how=ASKING_PROXY),
    GuardedImage(
        "vLLM",
        Kind.MODELS,
        ("vllm-openai",),
        "docs.vllm.ai/en/latest/serving/openai_compatible_server.html",
        passwords=("VLLM_API_KEY",),
        options=("--api-key",),
        ports=(8000,),
    ),
)

GUARDED_PAGES = (*_ADMIN_PAGES, *_MONITORS, *_SHELLS, *_APPLICATIONS)
"""Every image of this page."""
