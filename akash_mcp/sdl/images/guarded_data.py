"""Databases, caches, queues, search engines and file stores, and how their images are guarded.

What is said of an image is what its public documentation says; where that leaves something open, it is unknown.
"""

from __future__ import annotations

from akash_mcp.sdl.images.guards import ASKING_PROXY, Guard, GuardedImage, Kind

_HUB = "hub.docker.com"
_BITNAMI = ("bitnami", "bitnamilegacy", "bitnamisecure")


def _bitnami(*names: str) -> tuple[str, ...]:
    return tuple(f"{owner}/{name}" for owner in _BITNAMI for name in names)


_WITHOUT_GRANTS = ("--skip-grant-tables", "--skip_grant_tables")
_REDIS_HOW = (
    'write args: ["--requirepass", "$(REDIS_PASSWORD)"] and REDIS_PASSWORD=secret://REDIS_PASSWORD under env'
)

_DATABASES = (
    GuardedImage(
        "PostgreSQL",
        Kind.DATABASE,
        ("postgres", "postgis", "pgvector", "timescaledb", "timescaledb-ha"),
        f"{_HUB}/_/postgres",
        without=Guard.UNKNOWN,  # it does not start then, unless its disk holds a database already
        passwords=("POSTGRES_PASSWORD", "POSTGRES_PASSWORD_FILE"),
        opened_by=("POSTGRES_HOST_AUTH_METHOD=trust",),
    ),
    GuardedImage(
        "PostgreSQL",
        Kind.DATABASE,
        _bitnami("postgresql", "postgresql-repmgr"),
        f"{_HUB}/r/bitnami/postgresql",
        without=Guard.UNKNOWN,
        passwords=("POSTGRESQL_PASSWORD", "POSTGRES_PASSWORD", "POSTGRESQL_POSTGRES_PASSWORD"),
        empty_by=("ALLOW_EMPTY_PASSWORD=yes",),
    ),
    GuardedImage(
        "MySQL",
        Kind.DATABASE,
        ("mysql", "mysql-server", "percona", "percona-server"),
        f"{_HUB}/_/mysql",
        without=Guard.UNKNOWN,
        passwords=("MYSQL_ROOT_PASSWORD", "MYSQL_ROOT_PASSWORD_FILE"),
        user_passwords=("MYSQL_PASSWORD",),
        opened_by=_WITHOUT_GRANTS,
        empty_by=("MYSQL_ALLOW_EMPTY_PASSWORD=*", "ALLOW_EMPTY_PASSWORD=yes"),
        guarded_by=("MYSQL_RANDOM_ROOT_PASSWORD=*",),
    ),
    GuardedImage(
        "MariaDB",
        Kind.DATABASE,
        ("mariadb",),
        f"{_HUB}/_/mariadb",
        without=Guard.UNKNOWN,
        passwords=(
            "MARIADB_ROOT_PASSWORD",
            "MARIADB_ROOT_PASSWORD_FILE",
            "MARIADB_ROOT_PASSWORD_HASH",
            "MYSQL_ROOT_PASSWORD",
        ),
        user_passwords=("MARIADB_PASSWORD", "MYSQL_PASSWORD"),
        opened_by=_WITHOUT_GRANTS,
        empty_by=("MARIADB_ALLOW_EMPTY_ROOT_PASSWORD=*", "MYSQL_ALLOW_EMPTY_PASSWORD=*"),
        guarded_by=("MARIADB_RANDOM_ROOT_PASSWORD=*", "MYSQL_RANDOM_ROOT_PASSWORD=*"),
    ),
    GuardedImage(
        "MongoDB",
        Kind.DATABASE,
        ("mongo", "mongodb-community-server", "percona-server-mongodb"),
        f"{_HUB}/_/mongo",
        passwords=(
            "MONGO_INITDB_ROOT_PASSWORD",
            "MONGO_INITDB_ROOT_PASSWORD_FILE",
            "MONGODB_INITDB_ROOT_PASSWORD",
        ),
        opened_by=("--noauth",),
        guarded_by=("--auth", "--keyFile"),
        by_script=True,
        ports=(27017, 27018, 27019),
        programs=("mongod",),
        how="set MONGO_INITDB_ROOT_USERNAME=root and MONGO_INITDB_ROOT_PASSWORD=secret://MONGO_INITDB_ROOT_PASSWORD",
    ),
    GuardedImage(
        "MongoDB",
        Kind.DATABASE,
        _bitnami("mongodb"),
        f"{_HUB}/r/bitnami/mongodb",
        without=Guard.UNKNOWN,
        passwords=("MONGODB_ROOT_PASSWORD", "MONGODB_PASSWORD"),
        empty_by=("ALLOW_EMPTY_PASSWORD=yes",),
        by_script=True,
    ),
    GuardedImage(
        "SQL Server",
        Kind.DATABASE,
        ("mssql/server", "azure-sql-edge"),
        "mcr.microsoft.com/en-us/artifact/mar/mssql/server",
        without=Guard.UNKNOWN,
        passwords=("MSSQL_SA_PASSWORD", "SA_PASSWORD"),
    ),
    GuardedImage(
        "CouchDB",
        Kind.DATABASE,
        ("couchdb",),
        f"{_HUB}/_/couchdb",
        without=Guard.UNKNOWN,
        before=(3, Guard.NONE),
        passwords=("COUCHDB_PASSWORD",),
    ),
    GuardedImage(
        "InfluxDB",
        Kind.DATABASE,
        ("influxdb",),
        f"{_HUB}/_/influxdb",
        without=Guard.FIRST_VISITOR,
        before=(2, Guard.NONE),
        passwords=("DOCKER_INFLUXDB_INIT_PASSWORD", "INFLUXDB_ADMIN_USER_PASSWORD"),
        guarded_by=("INFLUXDB_HTTP_AUTH_ENABLED=yes",),
        by_script=True,
    ),
    GuardedImage(
        "Neo4j",
        Kind.DATABASE,
        ("neo4j",),
        "neo4j.com/docs/operations-manual/current/docker",
        without=Guard.WELL_KNOWN,
        passwords=("NEO4J_AUTH", "NEO4J_AUTH_FILE"),
        opened_by=("NEO4J_AUTH=none", "NEO4J_dbms_security_auth__enabled=no"),
        by_script=True,
        how="set NEO4J_AUTH=secret://NEO4J_AUTH, which is stored as neo4j/PASSWORD",
    ),
    GuardedImage(
        "ClickHouse",
        Kind.DATABASE,
        ("clickhouse", "clickhouse-server"),
        f"{_HUB}/r/clickhouse/clickhouse-server",
        without=Guard.UNKNOWN,  # older images let everybody in; newer ones let nobody in from outside
        passwords=("CLICKHOUSE_PASSWORD", "CLICKHOUSE_PASSWORD_FILE"),
        opened_by=("CLICKHOUSE_SKIP_USER_SETUP=yes",),
    ),
    GuardedImage(
        "ArangoDB",
        Kind.DATABASE,
        ("arangodb",),
        f"{_HUB}/_/arangodb",
        without=Guard.UNKNOWN,
        passwords=("ARANGO_ROOT_PASSWORD", "ARANGO_ROOT_PASSWORD_FILE"),
        opened_by=("ARANGO_NO_AUTH=*",),
        guarded_by=("ARANGO_RANDOM_ROOT_PASSWORD=*",),
    ),
    GuardedImage(
        "SurrealDB",
        Kind.DATABASE,
        ("surrealdb",),
        f"{_HUB}/r/surrealdb/surrealdb",
        without=Guard.UNKNOWN,
        passwords=("SURREAL_PASS",),
        options=("--pass", "-p"),
        opened_by=("--unauthenticated", "SURREAL_UNAUTHENTICATED=yes"),
    ),
    GuardedImage(
        "Cassandra",
        Kind.DATABASE,
        ("cassandra", "scylla"),
        f"{_HUB}/_/cassandra",
        how="build an image that sets one",
    ),
    GuardedImage(
        "CockroachDB",
        Kind.DATABASE,
        ("cockroach",),
        "cockroachlabs.com/docs/stable/cockroach-start-single-node",
        without=Guard.UNKNOWN,
        passwords=("COCKROACH_PASSWORD",),
        opened_by=("--insecure",),
    ),
    GuardedImage(
        "etcd",
        Kind.DATABASE,
        ("etcd",),
        "etcd.io/docs/latest/op-guide/authentication",
        guarded_by=("--client-cert-auth", "ETCD_CLIENT_CERT_AUTH=yes"),
        ports=(2379, 2380),
        programs=("etcd",),
        how="set ETCD_CLIENT_CERT_AUTH=true, with certificates in the image",
    ),
    GuardedImage(
        "etcd",
        Kind.DATABASE,
        _bitnami("etcd"),
        f"{_HUB}/r/bitnami/etcd",
        without=Guard.UNKNOWN,
        passwords=("ETCD_ROOT_PASSWORD",),
        empty_by=("ALLOW_NONE_AUTHENTICATION=yes",),
    ),
    GuardedImage(
        "ZooKeeper",
        Kind.DATABASE,
        ("zookeeper", "cp-zookeeper"),
        f"{_HUB}/_/zookeeper",
        guarded_by=("ZOO_ENABLE_AUTH=yes",),
        how="build an image that sets one",
    ),
    GuardedImage(
        "Qdrant",
        Kind.DATABASE,
        ("qdrant",),
        "qdrant.tech/documentation/guides/security",
        passwords=("QDRANT__SERVICE__API_KEY",),
    ),
    GuardedImage(
        "Weaviate",
        Kind.DATABASE,
        ("weaviate",),
        "docs.weaviate.io/deploy/configuration/authentication",
        opened_by=("AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED=yes",),
        passwords=("AUTHENTICATION_APIKEY_ALLOWED_KEYS",),
        guarded_by=("AUTHENTICATION_OIDC_ENABLED=yes", "AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED=no"),
    ),
    GuardedImage(
        "Chroma",
        Kind.DATABASE,
        ("chroma",),
        "docs.trychroma.com/production/administration/auth",
        passwords=("CHROMA_SERVER_AUTHN_CREDENTIALS", "CHROMA_SERVER_AUTH_CREDENTIALS"),
        guarded_by=("CHROMA_SERVER_AUTHN_CREDENTIALS_FILE=*",),
        how=ASKING_PROXY,  # Chroma from 1.0 on has no way of its own
    ),
    GuardedImage(
        "Milvus",
        Kind.DATABASE,
        ("milvus",),
        "milvus.io/docs/authenticate.md",
        guarded_by=("COMMON_SECURITY_AUTHORIZATIONENABLED=yes",),
        how="set COMMON_SECURITY_AUTHORIZATIONENABLED=true and another password",
    ),
)

_CACHES_AND_QUEUES = (
    GuardedImage(
        "Redis",
        Kind.CACHE,
        ("redis", "redis-stack-server", "redis-stack", "redismod"),
        f"{_HUB}/_/redis",
        options=("--requirepass", "requirepass"),
        may_guard=("--user", "--aclfile"),
        ports=(6379,),
        programs=("redis-server",),
        how=_REDIS_HOW,
    ),
    GuardedImage(
        "Valkey",
        Kind.CACHE,
        ("valkey", "keydb"),
        f"{_HUB}/r/valkey/valkey",
        options=("--requirepass", "requirepass"),
        may_guard=("--user", "--aclfile"),
        ports=(6379,),
        programs=("valkey-server", "keydb-server"),
        how=_REDIS_HOW,
    ),
    GuardedImage(
        "Redis",
        Kind.CACHE,
        _bitnami("redis", "valkey", "redis-cluster"),
        f"{_HUB}/r/bitnami/redis",
        without=Guard.UNKNOWN,
        passwords=("REDIS_PASSWORD", "VALKEY_PASSWORD", "REDIS_PASSWORD_FILE"),
        empty_by=("ALLOW_EMPTY_PASSWORD=yes",),
        by_script=True,
    ),
    GuardedImage(
        "Dragonfly",
        Kind.CACHE,
        ("dragonfly",),
        "dragonflydb.io/docs/managing-dragonfly/flags",
        passwords=("DFLY_requirepass", "DFLY_PASSWORD"),
        options=("--requirepass",),
    ),
    GuardedImage(
        "Memcached",
        Kind.CACHE,
        ("memcached",),
        f"{_HUB}/_/memcached",
        guarded_by=("-S", "--enable-sasl", "-Y", "--auth-file"),
        ports=(11211,),
        programs=("memcached",),
        how="build an image that has a file of passwords",
    ),
    GuardedImage(
        "RabbitMQ",
        Kind.QUEUE,
        ("rabbitmq",),
        f"{_HUB}/_/rabbitmq",
        without=Guard.WELL_KNOWN,
        passwords=("RABBITMQ_DEFAULT_PASS", "RABBITMQ_DEFAULT_PASS_FILE"),
        how="set RABBITMQ_DEFAULT_USER=app and RABBITMQ_DEFAULT_PASS=secret://RABBITMQ_DEFAULT_PASS",
    ),
    GuardedImage(
        "RabbitMQ",
        Kind.QUEUE,
        _bitnami("rabbitmq"),
        f"{_HUB}/r/bitnami/rabbitmq",
        without=Guard.WELL_KNOWN,
        passwords=("RABBITMQ_PASSWORD", "RABBITMQ_DEFAULT_PASSWORD"),
    ),
    GuardedImage(
        "Kafka",
        Kind.QUEUE,
        ("kafka", "cp-kafka"),
        f"{_HUB}/r/apache/kafka",
        may_guard=("KAFKA_SASL_ENABLED_MECHANISMS=*", "KAFKA_CFG_SASL_ENABLED_MECHANISMS=*"),
        how="set KAFKA_SASL_ENABLED_MECHANISMS, with users",
    ),
    GuardedImage(
        "NATS",
        Kind.QUEUE,
        ("nats",),
        f"{_HUB}/_/nats",
        options=("--auth", "--pass"),
        how='write "--auth" and a token under args',
    ),
    GuardedImage(
        "ActiveMQ",
        Kind.QUEUE,
        ("activemq", "activemq-classic", "activemq-artemis"),
        f"{_HUB}/r/apache/activemq-classic",
        without=Guard.WELL_KNOWN,
        passwords=("ACTIVEMQ_CONNECTION_PASSWORD", "ACTIVEMQ_WEB_PASSWORD", "ARTEMIS_PASSWORD"),
    ),
    GuardedImage(
        "Mosquitto", Kind.QUEUE, ("eclipse-mosquitto",), f"{_HUB}/_/eclipse-mosquitto", without=Guard.UNKNOWN
    ),
)

_SEARCH_AND_STORES = (
    GuardedImage(
        "Elasticsearch",
        Kind.SEARCH,
        ("elasticsearch",),
        f"{_HUB}/_/elasticsearch",
        without=Guard.PASSWORD,  # from 8 on it makes one by itself
        before=(8, Guard.NONE),
        passwords=("ELASTIC_PASSWORD", "ELASTIC_PASSWORD_FILE"),
        before_needs=("xpack.security.enabled=yes", "-Expack.security.enabled true"),
        opened_by=(
            "xpack.security.enabled=no",
            "ES_SETTING_XPACK_SECURITY_ENABLED=no",
            "-Expack.security.enabled false",
            "-E xpack.security.enabled=false",
        ),
        how="set xpack.security.enabled=true and ELASTIC_PASSWORD=secret://ELASTIC_PASSWORD",
    ),
    GuardedImage(
        "Elasticsearch",
        Kind.SEARCH,
        _bitnami("elasticsearch"),
        f"{_HUB}/r/bitnami/elasticsearch",
        passwords=("ELASTICSEARCH_PASSWORD",),
        how="set ELASTICSEARCH_ENABLE_SECURITY=true and ELASTICSEARCH_PASSWORD=secret://ELASTICSEARCH_PASSWORD",
    ),
    GuardedImage(
        "OpenSearch",
        Kind.SEARCH,
        ("opensearch",),
        f"{_HUB}/r/opensearchproject/opensearch",
        without=Guard.UNKNOWN,
        before=(2, Guard.WELL_KNOWN),
        passwords=("OPENSEARCH_INITIAL_ADMIN_PASSWORD",),
        opened_by=("DISABLE_SECURITY_PLUGIN=yes", "plugins.security.disabled=yes"),
    ),
    GuardedImage(
        "Meilisearch",
        Kind.SEARCH,
        ("meilisearch",),
        "meilisearch.com/docs/learn/security/basic_security",
        passwords=("MEILI_MASTER_KEY",),
        options=("--master-key",),
    ),
    GuardedImage(
        "Typesense",
        Kind.SEARCH,
        ("typesense",),
        f"{_HUB}/r/typesense/typesense",
        without=Guard.UNKNOWN,
        passwords=("TYPESENSE_API_KEY",),
        options=("--api-key",),
    ),
    GuardedImage(
        "Solr", Kind.SEARCH, ("solr",), f"{_HUB}/_/solr", how="build an image that has security.json"
    ),
    GuardedImage(
        "MinIO",
        Kind.STORE,
        ("minio",),
        f"{_HUB}/r/minio/minio",
        without=Guard.WELL_KNOWN,
        passwords=("MINIO_ROOT_PASSWORD", "MINIO_ROOT_PASSWORD_FILE", "MINIO_SECRET_KEY"),
        how="set MINIO_ROOT_USER=app and MINIO_ROOT_PASSWORD=secret://MINIO_ROOT_PASSWORD",
    ),
)

GUARDED_DATA = (*_DATABASES, *_CACHES_AND_QUEUES, *_SEARCH_AND_STORES)
"""Every image of this page."""
