"""What stands in the ledger's file: each version of it, as what it added to the one before.

The last one is written in what SQLite and PostgreSQL both take as it stands: TEXT, BIGINT and DOUBLE PRECISION, no
rowid, no STRICT, named parameters. Amounts are in uact, moments in seconds since the epoch.
"""

from __future__ import annotations

_FIRST = """
CREATE TABLE reservations (
    op_id TEXT PRIMARY KEY,
    dseq TEXT,
    opens INTEGER NOT NULL,        -- 1: this reservation is a deployment's first
    amount_uact INTEGER NOT NULL,  -- the most it can cost
    spent_uact INTEGER,            -- what it did cost, once that is known
    state TEXT NOT NULL CHECK (state IN ('held', 'settled', 'refused')),
    at REAL NOT NULL
) STRICT;
CREATE INDEX reservations_by_dseq ON reservations (dseq);
CREATE TABLE operations (
    op_id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    dseq TEXT,
    summary TEXT NOT NULL,
    sdl TEXT,                      -- what it runs, and what the provider is sent: kept while it is open,
    manifest TEXT,                 -- since they can hold secrets
    runtime_limit_hours INTEGER,
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL
) STRICT;
CREATE INDEX operations_by_dseq ON operations (dseq);
CREATE TABLE steps (
    op_id TEXT NOT NULL,
    at REAL NOT NULL,
    state TEXT NOT NULL,
    note TEXT NOT NULL
) STRICT;
"""

_SECOND = """
-- Until then whoever carries it out has its deployment in hand.
ALTER TABLE operations ADD COLUMN held_until REAL;
-- One creation is one launch's: two that took up the same deployment were one too many.
UPDATE operations SET dseq = NULL WHERE kind = 'launch' AND dseq IS NOT NULL AND rowid NOT IN
    (SELECT MIN(rowid) FROM operations WHERE kind = 'launch' GROUP BY dseq);
CREATE UNIQUE INDEX launches_by_dseq ON operations (dseq) WHERE kind = 'launch';
CREATE TABLE tokens (              -- two-step approvals, by the operation that each opens: made of the token's hash
    op_id TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,     -- of the plan that was shown
    arguments TEXT NOT NULL,       -- a hash of the tool and the arguments that it was shown for
    expires_at REAL NOT NULL
) STRICT;
CREATE TABLE keys (                -- with which questions are sealed, so that each process knows the others' questions
    name TEXT PRIMARY KEY,
    secret BLOB NOT NULL
) STRICT;
CREATE TABLE diagnoses (           -- why a lease did not work, as far as it was seen while that could be seen
    dseq TEXT PRIMARY KEY,
    at REAL NOT NULL,
    findings TEXT NOT NULL
) STRICT;
CREATE TABLE provider_failures (   -- which providers failed us lately
    provider TEXT NOT NULL,
    at REAL NOT NULL,
    reason TEXT NOT NULL
) STRICT;
"""

_THIRD = """
-- What a launch's deployment is called.
ALTER TABLE operations ADD COLUMN name TEXT;
CREATE TABLE refusals (            -- what the Console refused lately, as far as it counts that
    account TEXT NOT NULL,         -- a hash of its address and our key
    route TEXT NOT NULL,           -- method and path
    subject TEXT NOT NULL,         -- a hash of what was asked for
    status INTEGER NOT NULL,       -- 429: until then it takes nothing of the route
    at REAL NOT NULL,
    until REAL NOT NULL            -- then it is forgotten
) STRICT;
CREATE INDEX refusals_by_route ON refusals (account, route);
"""

_FOURTH = """
-- Which version of its definition the Console has since our last change of it; NULL while that is the manifest's hash.
ALTER TABLE operations ADD COLUMN manifest_version TEXT;
"""

_FIFTH = """
ALTER TABLE reservations RENAME TO old_reservations;
ALTER TABLE operations RENAME TO old_operations;
ALTER TABLE steps RENAME TO old_steps;
ALTER TABLE tokens RENAME TO old_tokens;
ALTER TABLE keys RENAME TO old_keys;
ALTER TABLE diagnoses RENAME TO old_diagnoses;
ALTER TABLE provider_failures RENAME TO old_failures;
DROP TABLE refusals;
DROP INDEX reservations_by_dseq;
DROP INDEX operations_by_dseq;
DROP INDEX launches_by_dseq;
CREATE TABLE reservations (
    op_id TEXT PRIMARY KEY,
    account TEXT NOT NULL,         -- whose money: '' is what was written before anybody knew
    agent TEXT NOT NULL,           -- in whose name: '' where nobody named one
    dseq TEXT,
    opens BIGINT NOT NULL,         -- 1: this reservation is a deployment's first
    amount_uact BIGINT NOT NULL,   -- the most it can cost
    spent_uact BIGINT,             -- what it did cost, once that is known
    rate_uact BIGINT NOT NULL,     -- the most it can cost an hour; 0 where it adds to what another one opened
    state TEXT NOT NULL,           -- held, settled or refused
    at DOUBLE PRECISION NOT NULL
);
CREATE INDEX reservations_held ON reservations (account, state) WHERE state = 'held';
CREATE INDEX reservations_of_a_time ON reservations (account, at);
CREATE INDEX reservations_by_dseq ON reservations (account, dseq);
CREATE TABLE spent (               -- what was settled, by the day on which it was reserved
    account TEXT NOT NULL,
    agent TEXT NOT NULL,
    day TEXT NOT NULL,             -- 2026-11-29, in UTC
    spent_uact BIGINT NOT NULL,
    PRIMARY KEY (account, agent, day)
);
CREATE TABLE operations (
    op_id TEXT PRIMARY KEY,
    number BIGINT NOT NULL,        -- in the order of their beginning
    account TEXT NOT NULL,
    agent TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    dseq TEXT,
    name TEXT NOT NULL,            -- what a launch's deployment is called
    summary TEXT NOT NULL,
    plan TEXT,                     -- as it was approved: kept while the operation is open, since what it sends can
    sdl TEXT,                      -- hold secrets, as what it runs and what the provider is sent
    manifest TEXT,
    manifest_version TEXT,         -- which version the Console has since our last change; NULL: the manifest's hash
    runtime_limit_hours BIGINT,
    ends_at DOUBLE PRECISION,      -- when a deployment's run ends at the latest, by our own hand
    until TEXT,                    -- what ends it earlier
    created_at DOUBLE PRECISION NOT NULL,
    updated_at DOUBLE PRECISION NOT NULL,
    worker TEXT,                   -- who carries it out
    epoch BIGINT NOT NULL,         -- how many have: who comes with an older one has lost it
    lease_until DOUBLE PRECISION,  -- so long it has its deployment in hand; NULL: it has let go
    retry_at DOUBLE PRECISION,     -- when what did not work is tried again
    tries BIGINT NOT NULL,         -- how often it was
    follows TEXT                   -- the launch whose provider failed, and that this one goes on with elsewhere
);
CREATE UNIQUE INDEX launches_by_dseq ON operations (account, dseq) WHERE kind = 'launch';
CREATE INDEX operations_by_number ON operations (number);
CREATE INDEX operations_by_dseq ON operations (account, dseq);
CREATE INDEX launches_open ON operations (account, number)
    WHERE kind = 'launch' AND state NOT IN ('planned', 'refused', 'closed');
CREATE INDEX operations_open ON operations (account, lease_until)
    WHERE state NOT IN ('ready', 'done', 'refused', 'closed');
CREATE TABLE steps (
    op_id TEXT NOT NULL,
    number BIGINT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    state TEXT NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (op_id, number)
);
CREATE TABLE sends (               -- each request that may spend, before it is sent: whoever writes its row sends it
    op_id TEXT NOT NULL,
    step TEXT NOT NULL,            -- create, lease, deposit, limit
    epoch BIGINT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    about TEXT NOT NULL,           -- JSON: what was known before, by which what became of it is found
    answer TEXT,                   -- refused or taken; NULL: not known
    PRIMARY KEY (op_id, step)
);
CREATE TABLE tokens (              -- two-step approvals, by the operation that each opens: made of the token's hash
    op_id TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,     -- of the plan that was shown
    arguments TEXT NOT NULL,       -- a hash of the tool and the arguments that it was shown for
    expires_at DOUBLE PRECISION NOT NULL
);
CREATE TABLE keys (                -- with which questions are sealed, so that each process knows the others' questions
    name TEXT PRIMARY KEY,
    secret TEXT NOT NULL           -- in hexadecimal
);
CREATE TABLE diagnoses (           -- why a lease did not work, as far as it was seen while that could be seen
    account TEXT NOT NULL,
    dseq TEXT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    findings TEXT NOT NULL,
    PRIMARY KEY (account, dseq)
);
CREATE TABLE provider_failures (   -- which providers failed us lately
    provider TEXT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    reason TEXT NOT NULL
);
CREATE TABLE refusals (            -- what the Console refused lately, as far as it counts that
    account TEXT NOT NULL,         -- a hash of its address and our key
    route TEXT NOT NULL,           -- method and path
    subject TEXT NOT NULL,         -- a hash of what was asked for
    status BIGINT NOT NULL,        -- 429: until then it takes nothing of the route
    at DOUBLE PRECISION NOT NULL,
    until DOUBLE PRECISION NOT NULL    -- then it is forgotten
);
CREATE INDEX refusals_by_route ON refusals (account, route);
CREATE TABLE duties (              -- what one process does for all: who, and until when
    name TEXT PRIMARY KEY,
    worker TEXT NOT NULL,
    lease_until DOUBLE PRECISION NOT NULL
);
CREATE INDEX operations_that_follow ON operations (follows) WHERE follows IS NOT NULL;
CREATE INDEX operations_to_slim ON operations (account, updated_at) WHERE summary <> '';
CREATE TABLE audit (               -- what was asked, answered and done: rows are added, never changed or folded
    account TEXT NOT NULL,
    number BIGINT NOT NULL,        -- from 1 for each account, without gaps
    at DOUBLE PRECISION NOT NULL,
    agent TEXT NOT NULL,
    client TEXT NOT NULL,          -- the MCP client that called, as it names itself; '' where none did
    op_id TEXT,
    event TEXT NOT NULL,
    via TEXT NOT NULL,             -- how the answer was given; '' where nobody was asked
    text TEXT NOT NULL,
    exposure_uact BIGINT,          -- the most it can cost; NULL where the row is not about that
    previous TEXT NOT NULL,        -- the hash of the row before
    hash TEXT NOT NULL,
    PRIMARY KEY (account, number)
);
CREATE TABLE notices (             -- what was found and has to be told, to the account's agents and to the person
    account TEXT NOT NULL,
    number BIGINT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    level TEXT NOT NULL,
    dseq TEXT,
    op_id TEXT,
    about TEXT NOT NULL,           -- what makes two of them equal
    text TEXT NOT NULL,
    told_at DOUBLE PRECISION,      -- in an answer; NULL: not yet
    sent_at DOUBLE PRECISION,      -- to the command and webhook of the person; NULL: not yet
    PRIMARY KEY (account, number)
);
CREATE INDEX notices_untold ON notices (account, number) WHERE told_at IS NULL;
CREATE INDEX notices_unsent ON notices (account, number) WHERE sent_at IS NULL;
CREATE TABLE waiting (             -- plans that wait for a person at a terminal, and their answers
    op_id TEXT PRIMARY KEY,        -- the operation that a yes opens
    account TEXT NOT NULL,
    agent TEXT NOT NULL,
    client TEXT NOT NULL,          -- the MCP client that called, as it names itself
    call TEXT NOT NULL,            -- a hash of the tool and its arguments
    fingerprint TEXT NOT NULL,     -- of the plan
    tool TEXT NOT NULL,
    plan TEXT NOT NULL,            -- as JSON: it can hold what an SDL holds, and goes when this is over
    summary TEXT NOT NULL,         -- what the person is shown
    record TEXT NOT NULL,          -- what may be kept of it
    exposure_uact BIGINT NOT NULL, -- the most it can cost beyond what is held
    made_at DOUBLE PRECISION NOT NULL,
    expires_at DOUBLE PRECISION NOT NULL,
    answer TEXT                    -- yes or no; NULL: nobody answered
);
CREATE UNIQUE INDEX waiting_by_call ON waiting (account, agent, call);
CREATE TABLE accounts (            -- which account each key is, as the Console last told
    key_hash TEXT PRIMARY KEY,     -- made with a secret of this file, so that no key can be tried on it
    account TEXT NOT NULL,
    seen_at DOUBLE PRECISION NOT NULL
);
CREATE TABLE histories (           -- the accounts all of whose spending since then is in this file
    account TEXT PRIMARY KEY,
    mark TEXT NOT NULL,            -- tells this file from others; stands outside it as well
    reached BIGINT NOT NULL,       -- the number of the newest operation, as it stands outside
    began_at DOUBLE PRECISION NOT NULL
);
CREATE TABLE jobs (                -- how runs ended that were to end by themselves, and what their log said last
    account TEXT NOT NULL,
    dseq TEXT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    how TEXT NOT NULL,
    exit_code BIGINT,              -- as the log says; NULL: it says nothing
    lines TEXT NOT NULL,           -- JSON
    PRIMARY KEY (account, dseq)
);
INSERT INTO reservations SELECT op_id, '', '', dseq, opens, amount_uact, spent_uact, 0, state, at FROM old_reservations;
INSERT INTO spent SELECT '', '', strftime('%Y-%m-%d', at, 'unixepoch'), SUM(spent_uact) FROM old_reservations
    WHERE state = 'settled' GROUP BY 3;
INSERT INTO operations SELECT op_id, ROW_NUMBER() OVER (ORDER BY rowid), '', '', kind, state, dseq, COALESCE(name, ''),
    summary, NULL, sdl, manifest, manifest_version, runtime_limit_hours, NULL, NULL, created_at, updated_at, NULL, 1,
    held_until, NULL, 0, NULL FROM old_operations;
INSERT INTO steps SELECT op_id, ROW_NUMBER() OVER (PARTITION BY op_id ORDER BY rowid), at, state, note FROM old_steps;
INSERT INTO tokens SELECT op_id, fingerprint, arguments, expires_at FROM old_tokens;
INSERT INTO keys SELECT name, lower(hex(secret)) FROM old_keys;
INSERT INTO diagnoses SELECT '', dseq, at, findings FROM old_diagnoses;
INSERT INTO provider_failures SELECT provider, at, reason FROM old_failures;
-- What was under way when its server ended, or whose outcome nobody knew, is taken up by the next one.
UPDATE operations SET lease_until = 0 WHERE kind <> 'exec' AND (state IN ('planned', 'reserved', 'unknown')
    OR (state IN ('created', 'offered') AND lease_until IS NOT NULL));
-- What is leased runs, and what was approved for it was not kept: it is a person's to judge, and not to be closed.
UPDATE operations SET lease_until = NULL WHERE state = 'leased';
DROP TABLE old_reservations;
DROP TABLE old_operations;
DROP TABLE old_steps;
DROP TABLE old_tokens;
DROP TABLE old_keys;
DROP TABLE old_diagnoses;
DROP TABLE old_failures;
"""

_SIXTH = """
CREATE TABLE sdls (                -- SDLs that were checked or written lately, so that nobody has to send one again
    sdl_id TEXT PRIMARY KEY,       -- made of a hash of the text
    sdl TEXT NOT NULL,
    until DOUBLE PRECISION NOT NULL    -- then it is forgotten
);
-- They were good for five minutes, and for a call that no tool takes any more.
DROP TABLE tokens;
CREATE TABLE tokens (              -- two-step approvals, by the operation that each opens: made of the token's hash
    op_id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    agent TEXT NOT NULL,
    tool TEXT NOT NULL,            -- that planned it, and carries it out
    kind TEXT NOT NULL,            -- of plan
    plan TEXT NOT NULL,            -- as JSON: it can hold what an SDL holds, and goes when this is over
    expires_at DOUBLE PRECISION NOT NULL
);
ALTER TABLE waiting ADD COLUMN kind TEXT NOT NULL DEFAULT '';
-- Their kind is not known, so a yes could not be carried out: the person is asked anew. One that was used is done.
DELETE FROM waiting WHERE op_id NOT IN (SELECT op_id FROM operations);
UPDATE waiting SET plan = '', summary = '';
CREATE TABLE provider_runs (       -- what became of our leases, a row for each deployment at a provider
    account TEXT NOT NULL,
    dseq TEXT NOT NULL,
    provider TEXT NOT NULL,
    leased_at DOUBLE PRECISION NOT NULL,
    ready_seconds DOUBLE PRECISION,    -- from then until all of it ran; NULL: nobody watched
    seen_at DOUBLE PRECISION,      -- when it was last seen to run; NULL: never
    closed_at DOUBLE PRECISION,    -- when its provider ended it; NULL: that is not known
    other_gpu BIGINT,              -- 1: its containers saw another GPU than promised, 0: that one; NULL: not told
    failure TEXT,                  -- how it failed by the provider's fault, in our words
    PRIMARY KEY (account, dseq, provider)
);
CREATE INDEX provider_runs_of_a_time ON provider_runs (leased_at);
"""

_SEVENTH = """
CREATE TABLE akua_results (        -- what became of what we did at Akua
    op_id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    operation_id TEXT,             -- Akua's own, which tells how far it is; NULL: there is none
    resource_id TEXT,              -- the install, cluster or package that it made or changed
    version_id TEXT,               -- the version of a package that it made
    render_id TEXT,                -- the render by which an install is brought to another version
    outcome TEXT                   -- succeeded, failed or cancelled; NULL: it goes on there, or nobody knows
);
CREATE INDEX akua_results_by_resource ON akua_results (account, resource_id);
"""

VERSIONS = (_FIRST, _SECOND, _THIRD, _FOURTH, _FIFTH, _SIXTH, _SEVENTH)
"""What each version of the file added to the one before. A statement ends with its line."""
