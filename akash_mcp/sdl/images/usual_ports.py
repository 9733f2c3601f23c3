"""What usually listens on a TCP port, for images that are not known: by the port numbers that each documents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from akash_mcp.sdl.images.guards import Guard, Kind

UNUSED_PORT = 65_535
"""What we expose where nothing else is to be open, since providers run nothing without an open port. Nothing listens
there."""


@dataclass(frozen=True, slots=True)
class UsualPort:
    """What a port usually is, and who usually gets in."""

    what: str
    kind: Kind
    guard: Guard = Guard.UNKNOWN


USUAL_PORTS: Mapping[int, UsualPort] = {
    22: UsualPort("SSH", Kind.SHELL, Guard.PASSWORD),
    23: UsualPort("Telnet", Kind.SHELL),
    1433: UsualPort("SQL Server", Kind.DATABASE),
    1521: UsualPort("Oracle", Kind.DATABASE),
    2049: UsualPort("NFS", Kind.STORE),
    2181: UsualPort("ZooKeeper", Kind.DATABASE),
    2375: UsualPort("a Docker daemon", Kind.SHELL, Guard.NONE),
    2379: UsualPort("etcd", Kind.DATABASE),
    3306: UsualPort("MySQL", Kind.DATABASE),
    3389: UsualPort("a remote desktop", Kind.DESKTOP, Guard.PASSWORD),
    4222: UsualPort("NATS", Kind.QUEUE),
    4369: UsualPort("RabbitMQ", Kind.QUEUE),
    5432: UsualPort("PostgreSQL", Kind.DATABASE),
    5672: UsualPort("RabbitMQ", Kind.QUEUE),
    5900: UsualPort("VNC", Kind.DESKTOP),
    5901: UsualPort("VNC", Kind.DESKTOP),
    5984: UsualPort("CouchDB", Kind.DATABASE),
    6333: UsualPort("Qdrant", Kind.DATABASE),
    6379: UsualPort("Redis", Kind.CACHE),
    7474: UsualPort("Neo4j", Kind.DATABASE),
    7687: UsualPort("Neo4j", Kind.DATABASE),
    8086: UsualPort("InfluxDB", Kind.DATABASE),
    9042: UsualPort("Cassandra", Kind.DATABASE),
    9092: UsualPort("Kafka", Kind.QUEUE),
    9200: UsualPort("Elasticsearch", Kind.SEARCH),
    9300: UsualPort("Elasticsearch", Kind.SEARCH),
    11211: UsualPort("Memcached", Kind.CACHE),
    15672: UsualPort("RabbitMQ", Kind.QUEUE),
    19530: UsualPort("Milvus", Kind.DATABASE),
    26257: UsualPort("CockroachDB", Kind.DATABASE),
    27017: UsualPort("MongoDB", Kind.DATABASE),
}
