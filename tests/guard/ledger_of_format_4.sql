BEGIN TRANSACTION;
CREATE TABLE diagnoses (           -- why a lease did not work, as far as it was seen while that could be seen
    dseq TEXT PRIMARY KEY,
    at REAL NOT NULL,
    findings TEXT NOT NULL
) STRICT;
INSERT INTO "diagnoses" VALUES('1764000000007',1764000025.0,'[["It crashes.", ["exit 1"], "Fix it."]]');
CREATE TABLE keys (                -- with which questions are sealed, so that each process knows the others' questions
    name TEXT PRIMARY KEY,
    secret BLOB NOT NULL
) STRICT;
INSERT INTO "keys" VALUES('questions',X'30403111F020FBAA635BCA1C545993B518F82C661207144546F7CEC9A3F3965A');
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
, held_until REAL, name TEXT, manifest_version TEXT) STRICT;
INSERT INTO "operations" VALUES('op_0000000000000001','launch','planned',NULL,'Deploy number 1.',NULL,NULL,NULL,1764000000.0,1764000000.0,1764000060.0,'',NULL);
INSERT INTO "operations" VALUES('op_0000000000000002','launch','reserved',NULL,'Deploy number 2.',NULL,NULL,NULL,1764000001.0,1764000001.0,1764000061.0,'',NULL);
INSERT INTO "operations" VALUES('op_0000000000000003','launch','unknown',NULL,'Deploy number 3.','sdl 3','[3]',NULL,1764000002.0,1764000003.0,1764000062.0,'',NULL);
INSERT INTO "operations" VALUES('op_0000000000000004','launch','created','1764000000004','Deploy number 4.','sdl 4 secret://DB_4','[4]',NULL,1764000004.0,1764000005.0,1764000065.0,'',NULL);
INSERT INTO "operations" VALUES('op_0000000000000005','launch','offered','1764000000005','Deploy number 5.','sdl 5 secret://DB_5','[5]',NULL,1764000006.0,1764000008.0,NULL,'',NULL);
INSERT INTO "operations" VALUES('op_0000000000000006','launch','leased','1764000000006','Deploy number 6.','sdl 6 secret://DB_6','[6]',24,1764000009.0,1764000011.0,1764000070.0,'shop',NULL);
INSERT INTO "operations" VALUES('op_0000000000000007','launch','ready','1764000000007','Deploy number 7.','sdl 7b','[7b]',NULL,1764000012.0,1764000014.0,NULL,'shop','abc=');
INSERT INTO "operations" VALUES('op_0000000000000008','launch','refused',NULL,'Deploy number 8.',NULL,NULL,NULL,1764000015.0,1764000016.0,NULL,'',NULL);
INSERT INTO "operations" VALUES('op_0000000000000009','launch','closed','1764000000009','Deploy number 9.',NULL,NULL,NULL,1764000017.0,1764000019.0,NULL,'',NULL);
INSERT INTO "operations" VALUES('op_000000000000000a','fund','done','1764000000007','Add $1.',NULL,NULL,NULL,1764000020.0,1764000020.0,NULL,'',NULL);
INSERT INTO "operations" VALUES('op_000000000000000b','update','done','1764000000007','Update.',NULL,NULL,NULL,1764000021.0,1764000021.0,NULL,'',NULL);
INSERT INTO "operations" VALUES('op_000000000000000c','fund','unknown','1764000000007','Add $1.',NULL,NULL,NULL,1764000022.0,1764000022.0,NULL,'',NULL);
INSERT INTO "operations" VALUES('op_000000000000000d','close','planned','1764000000005','Close it.',NULL,NULL,NULL,1764000023.0,1764000023.0,1764000083.0,'',NULL);
INSERT INTO "operations" VALUES('op_000000000000000e','exec','reserved','1764000000007','Run a command.',NULL,NULL,NULL,1764000024.0,1764000024.0,NULL,'',NULL);
CREATE TABLE provider_failures (   -- which providers failed us lately
    provider TEXT NOT NULL,
    at REAL NOT NULL,
    reason TEXT NOT NULL
) STRICT;
INSERT INTO "provider_failures" VALUES('akash1bad',1764000025.0,'it closed a lease');
CREATE TABLE refusals (            -- what the Console refused lately, as far as it counts that
    account TEXT NOT NULL,         -- a hash of its address and our key
    route TEXT NOT NULL,           -- method and path
    subject TEXT NOT NULL,         -- a hash of what was asked for
    status INTEGER NOT NULL,       -- 429: until then it takes nothing of the route
    at REAL NOT NULL,
    until REAL NOT NULL            -- then it is forgotten
) STRICT;
INSERT INTO "refusals" VALUES('acc','POST /v1/leases','subj',422,1764000025.0,1764000625.0);
CREATE TABLE reservations (
    op_id TEXT PRIMARY KEY,
    dseq TEXT,
    opens INTEGER NOT NULL,        -- 1: this reservation is a deployment's first
    amount_uact INTEGER NOT NULL,  -- the most it can cost
    spent_uact INTEGER,            -- what it did cost, once that is known
    state TEXT NOT NULL CHECK (state IN ('held', 'settled', 'refused')),
    at REAL NOT NULL
) STRICT;
INSERT INTO "reservations" VALUES('op_0000000000000002',NULL,1,2000000,NULL,'held',1764000001.0);
INSERT INTO "reservations" VALUES('op_0000000000000003',NULL,1,2000000,NULL,'held',1764000002.0);
INSERT INTO "reservations" VALUES('op_0000000000000004','1764000000004',1,2000000,NULL,'held',1764000004.0);
INSERT INTO "reservations" VALUES('op_0000000000000005','1764000000005',1,2000000,NULL,'held',1764000006.0);
INSERT INTO "reservations" VALUES('op_0000000000000006','1764000000006',1,2000000,NULL,'held',1764000009.0);
INSERT INTO "reservations" VALUES('op_0000000000000007','1764000000007',1,2000000,NULL,'held',1764000012.0);
INSERT INTO "reservations" VALUES('op_0000000000000008',NULL,1,2000000,NULL,'refused',1764000015.0);
INSERT INTO "reservations" VALUES('op_0000000000000009','1764000000009',1,2000000,250000,'settled',1764000017.0);
INSERT INTO "reservations" VALUES('op_000000000000000a','1764000000007',0,1000000,NULL,'held',1764000020.0);
INSERT INTO "reservations" VALUES('op_000000000000000c','1764000000007',0,1000000,NULL,'held',1764000022.0);
CREATE TABLE steps (
    op_id TEXT NOT NULL,
    at REAL NOT NULL,
    state TEXT NOT NULL,
    note TEXT NOT NULL
) STRICT;
INSERT INTO "steps" VALUES('op_0000000000000001',1764000000.0,'planned','');
INSERT INTO "steps" VALUES('op_0000000000000002',1764000001.0,'planned','');
INSERT INTO "steps" VALUES('op_0000000000000002',1764000001.0,'reserved','approved by two-step');
INSERT INTO "steps" VALUES('op_0000000000000003',1764000002.0,'planned','');
INSERT INTO "steps" VALUES('op_0000000000000003',1764000002.0,'reserved','approved by two-step');
INSERT INTO "steps" VALUES('op_0000000000000003',1764000003.0,'unknown','no answer');
INSERT INTO "steps" VALUES('op_0000000000000004',1764000004.0,'planned','');
INSERT INTO "steps" VALUES('op_0000000000000004',1764000004.0,'reserved','approved by two-step');
INSERT INTO "steps" VALUES('op_0000000000000004',1764000005.0,'created','');
INSERT INTO "steps" VALUES('op_0000000000000005',1764000006.0,'planned','');
INSERT INTO "steps" VALUES('op_0000000000000005',1764000006.0,'reserved','approved by two-step');
INSERT INTO "steps" VALUES('op_0000000000000005',1764000007.0,'created','');
INSERT INTO "steps" VALUES('op_0000000000000005',1764000008.0,'offered','leasing from akash1aaa');
INSERT INTO "steps" VALUES('op_0000000000000006',1764000009.0,'planned','');
INSERT INTO "steps" VALUES('op_0000000000000006',1764000009.0,'reserved','approved by two-step');
INSERT INTO "steps" VALUES('op_0000000000000006',1764000010.0,'created','');
INSERT INTO "steps" VALUES('op_0000000000000006',1764000011.0,'offered','x');
INSERT INTO "steps" VALUES('op_0000000000000006',1764000011.0,'leased','akash1aaa');
INSERT INTO "steps" VALUES('op_0000000000000007',1764000012.0,'planned','');
INSERT INTO "steps" VALUES('op_0000000000000007',1764000012.0,'reserved','approved by two-step');
INSERT INTO "steps" VALUES('op_0000000000000007',1764000013.0,'created','');
INSERT INTO "steps" VALUES('op_0000000000000007',1764000014.0,'leased','akash1aaa');
INSERT INTO "steps" VALUES('op_0000000000000007',1764000014.0,'ready','');
INSERT INTO "steps" VALUES('op_0000000000000008',1764000015.0,'planned','');
INSERT INTO "steps" VALUES('op_0000000000000008',1764000015.0,'reserved','approved by two-step');
INSERT INTO "steps" VALUES('op_0000000000000008',1764000016.0,'refused','no credit');
INSERT INTO "steps" VALUES('op_0000000000000009',1764000017.0,'planned','');
INSERT INTO "steps" VALUES('op_0000000000000009',1764000017.0,'reserved','approved by two-step');
INSERT INTO "steps" VALUES('op_0000000000000009',1764000018.0,'created','');
INSERT INTO "steps" VALUES('op_0000000000000009',1764000019.0,'ready','');
INSERT INTO "steps" VALUES('op_0000000000000009',1764000019.0,'closed','proven closed, $0.25 spent');
INSERT INTO "steps" VALUES('op_000000000000000a',1764000020.0,'planned','');
INSERT INTO "steps" VALUES('op_000000000000000a',1764000020.0,'done','');
INSERT INTO "steps" VALUES('op_000000000000000b',1764000021.0,'planned','');
INSERT INTO "steps" VALUES('op_000000000000000b',1764000021.0,'done','');
INSERT INTO "steps" VALUES('op_000000000000000c',1764000022.0,'planned','');
INSERT INTO "steps" VALUES('op_000000000000000c',1764000022.0,'unknown','no answer');
INSERT INTO "steps" VALUES('op_000000000000000d',1764000023.0,'planned','');
INSERT INTO "steps" VALUES('op_000000000000000e',1764000024.0,'planned','');
INSERT INTO "steps" VALUES('op_000000000000000e',1764000024.0,'reserved','approved by elicitation');
CREATE TABLE tokens (              -- two-step approvals, by the operation that each opens: made of the token's hash
    op_id TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,     -- of the plan that was shown
    arguments TEXT NOT NULL,       -- a hash of the tool and the arguments that it was shown for
    expires_at REAL NOT NULL
) STRICT;
INSERT INTO "tokens" VALUES('op_c91c73b9028d29e9','ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff','call-hash',1764000325.0);
CREATE INDEX reservations_by_dseq ON reservations (dseq);
CREATE INDEX operations_by_dseq ON operations (dseq);
CREATE UNIQUE INDEX launches_by_dseq ON operations (dseq) WHERE kind = 'launch';
CREATE INDEX refusals_by_route ON refusals (account, route);
COMMIT;
