"""What Akua may do wrong on demand, by name. Nothing of it changes what is true, except where it says so."""

from __future__ import annotations

from akash_mcp.sandbox.faults import Catalogue

AKUA = Catalogue(
    texts={
        "429": "answer 429; value: seconds for Retry-After (1)",
        "503": "answer 503; value: before (nothing happened), after (it all did)",
        "504": "answer 504; value: before (nothing happened), after (it all did)",
        "501": "answer 501, as what exists and is not played",
        "html": "answer with a web page, as a proxy in front does; value: the status (502)",
        "message-shape": 'answer {"message"} in place of the envelope; value: the status (500)',
        "tag-shape": 'answer {"_tag"} in place of the envelope; value: the status (500)',
        "empty-body": "do what was asked, and answer with its status and no body",
        "drop-connection": "cut the connection, no answer; value: before (nothing happened), after (it all did)",
        "slow": "wait before answering; value: real seconds (2)",
        "key-revoked": "the token is no longer good: 401 on every route",
        "lost-workspace": "the list of workspaces is empty",
        "page-no-cursor": "a page says that there is more, and has no cursor",
        "page-same-cursor": "a page says that there is more, and its cursor leads to itself",
        "page-empty-more": "a page is empty and says that there is more, each time with another cursor",
        "page-huge": "a page is far longer than its limit; value: how many entries (10000)",
        "install-fails": "a new install fails in its last step",
        "install-degraded": "a new install arrives, and is degraded instead of healthy",
        "operation-fails": "an operation fails in its last step",
        "operation-stuck": "an operation never gets past its last step",
        "operation-lies": "an operation succeeds with no response; value: nothing (it did not do it either)",
        "stale-etag": "each resource changes once just before a write with If-Match: 409",
        "log-failure": "a stream of logs breaks off with a failure; value: httpapi, http-api (how it is spelt)",
        "log-plain": "lines of logs are plain text and no JSON",
        "log-endless": "a stream of logs never ends, whatever was asked",
        "log-giant": "a stream of logs has one giant line; value: megabytes (16)",
        "huge-body": "an answer is giant; value: megabytes (64)",
        "wrong-types": "answers have other types; value: text (numbers and booleans as text), null (all but ids)",
        "milliseconds": "timestamps are milliseconds",
    },
    numeric=("429", "html", "message-shape", "tag-shape", "slow", "page-huge", "log-giant", "huge-body"),
    choices={
        "503": ("before", "after"),
        "504": ("before", "after"),
        "drop-connection": ("before", "after"),
        "operation-lies": ("nothing",),
        "log-failure": ("httpapi", "http-api"),
        "wrong-types": ("text", "null"),
    },
)
