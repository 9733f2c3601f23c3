"""Images that keep data for others and let in whom their own configuration says: databases, caches, queues."""

from __future__ import annotations

DATA_STORES = frozenset(
    {
        "cassandra",
        "clickhouse",
        "clickhouse-server",
        "couchdb",
        "eclipse-mosquitto",
        "elasticsearch",
        "etcd",
        "influxdb",
    }
    | {
        "kafka",
        "keydb",
        "mariadb",
        "memcached",
        "mongo",
        "mysql",
        "nats",
        "neo4j",
        "opensearch",
        "percona",
        "pgbouncer",
    }
    | {
        "pgvector",
        "postgis",
        "postgres",
        "rabbitmq",
        "redis",
        "redis-stack-server",
        "timescaledb",
        "valkey",
        "vault",
    }
)
"""By the last part of an image's name."""
