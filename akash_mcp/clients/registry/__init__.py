"""A registry of container images, asked over its own HTTP API (opencontainers/distribution-spec): is an image there,
can it be pulled, and what does it say of itself.

    https (one question to one host), challenges, answers → tokens → manifests → reader
"""
