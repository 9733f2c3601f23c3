"""Passwords that everybody knows: those of documentation, those of a first try, and what is to be put in their place.

They are compared in small letters, without "-", "_" and spaces.
"""

from __future__ import annotations

import re

WELL_KNOWN_PASSWORDS = frozenset({
    "123", "1234", "12345", "123456", "1234567", "12345678", "123456789", "1234567890", "abc123", "admin",
    "admin123", "adminadmin", "administrator", "amasterkey", "default", "demo", "dev", "development",
    "docker", "elastic", "example", "foobared", "grafana", "guest", "letmein", "mariadb", "masterkey",
    "minio", "minio123", "minioadmin", "mongo", "mongodb", "mypassword", "mysecret", "mysecretpassword",
    "mysecretpw", "mysql", "neo4j", "none", "null", "p@ssw0rd", "pass", "pass123", "passw0rd", "passwd",
    "password", "password1", "password123", "pgadmin", "postgres", "postgrespassword", "postgresql", "qwerty",
    "rabbitmq", "redis", "root", "rootpassword", "sample", "secret", "strongpassword", "supersecret", "test",
    "test123", "testing", "toor", "user", "xxx",
})  # fmt: skip
PLACEHOLDER = re.compile(r"changeme|changethis|replaceme|replacewith|your|<.*>|\[.*\]|insert|enteryour")
"""How what was never filled in begins."""
