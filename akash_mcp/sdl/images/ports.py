"""Ports on which well-known images listen, for files that name none."""

from __future__ import annotations

from collections.abc import Mapping

PORTS: Mapping[str, tuple[int, ...]] = {
    "cassandra": (9042,),
    "chroma": (8000,),
    "clickhouse": (8123, 9000),
    "clickhouse-server": (8123, 9000),
    "consul": (8500,),
    "couchdb": (5984,),
    "eclipse-mosquitto": (1883,),
    "elasticsearch": (9200,),
    "etcd": (2379,),
    "httpd": (80,),
    "influxdb": (8086,),
    "kafka": (9092,),
    "keydb": (6379,),
    "mariadb": (3306,),
    "meilisearch": (7700,),
    "memcached": (11211,),
    "minio": (9000,),
    "mongo": (27017,),
    "mysql": (3306,),
    "nats": (4222,),
    "neo4j": (7474, 7687),
    "nginx": (80,),
    "ollama": (11434,),
    "opensearch": (9200,),
    "percona": (3306,),
    "pgvector": (5432,),
    "postgis": (5432,),
    "postgres": (5432,),
    "prometheus": (9090,),
    "qdrant": (6333,),
    "rabbitmq": (5672,),
    "redis": (6379,),
    "redis-stack-server": (6379,),
    "searxng": (8080,),
    "timescaledb": (5432,),
    "traefik": (80,),
    "valkey": (6379,),
    "vault": (8200,),
    "zookeeper": (2181,),
}
"""TCP ports on which well-known images listen, by the last part of their name: on a network of Compose every port is
open to the neighbours, so files seldom name them."""
