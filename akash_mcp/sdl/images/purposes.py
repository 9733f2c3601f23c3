"""What well-known images are for, where a provider does that itself or makes it impossible."""

from __future__ import annotations

PROXIES = frozenset(
    {
        "acme-companion",
        "caddy-docker-proxy",
        "docker-gen",
        "letsencrypt-nginx-proxy-companion",
        "nginx-proxy",
        "traefik",
    }
)
"""Web proxies that take their routes from the labels or variables of other containers, and what serves them alone."""

CONTAINER_TOOLS = frozenset(
    {
        "autoheal",
        "diun",
        "docker-autoheal",
        "docker-socket-proxy",
        "dockge",
        "dozzle",
        "lazydocker",
        "ofelia",
        "ouroboros",
        "portainer",
        "portainer-ce",
        "portainer-ee",
        "socket-proxy",
        "watchtower",
        "whats-up-docker",
        "wud",
        "yacht",
    }
)
"""Programs that watch, start or update other containers, and do nothing else."""

_VPNS = frozenset({"gluetun", "nordlynx", "tailscale", "warp", "wireguard"})


def is_vpn(name: str) -> bool:
    """Whether an image of this name (`names.image_name`) sends its traffic through a private network."""
    return name in _VPNS or "vpn" in name or "wireguard" in name
