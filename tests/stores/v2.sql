-- A store of version 2 as that version made it, with something in every table. Frozen: never changed, only joined by the next.
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- Every revision of every alert, in the order of recording: `row` is the feed's event id.
CREATE TABLE alert_changes (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    alert_id BLOB NOT NULL,
    revision INTEGER NOT NULL,
    captured_at INTEGER NOT NULL,
    json TEXT NOT NULL,
    UNIQUE (alert_id, revision)
);

-- Each alert as it is now.
CREATE TABLE alerts (
    alert_id BLOB PRIMARY KEY,
    camera TEXT,
    kind TEXT NOT NULL,
    revision INTEGER NOT NULL,
    is_open INTEGER NOT NULL,
    row INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX alerts_open ON alerts (alert_id) WHERE is_open = 1;

-- What must reach Kafka. A row without `sent_at` is a promise and is never deleted.
CREATE TABLE outbox (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    topic TEXT NOT NULL,
    key TEXT NOT NULL,
    headers TEXT NOT NULL,
    value BLOB NOT NULL,
    captured_at INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    sent_at INTEGER
);
CREATE INDEX outbox_unsent ON outbox (row) WHERE sent_at IS NULL;

-- How many events each source has had within the epoch.
CREATE TABLE sequences (
    source TEXT NOT NULL,
    epoch TEXT NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (source, epoch)
) WITHOUT ROWID;

-- When which camera was not seen, and why. At most one interval of a camera is open.
CREATE TABLE blind_intervals (
    id INTEGER PRIMARY KEY,
    camera TEXT NOT NULL,
    from_at INTEGER NOT NULL,
    to_at INTEGER,
    cause TEXT NOT NULL
);
CREATE INDEX blind_by_camera ON blind_intervals (camera, from_at);
CREATE UNIQUE INDEX blind_open ON blind_intervals (camera) WHERE to_at IS NULL;

-- The last word on each camera's health; no cause: it is seen.
CREATE TABLE cameras (
    camera TEXT PRIMARY KEY,
    cause TEXT,
    since INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE explanations (
    alert_id BLOB PRIMARY KEY,
    json TEXT NOT NULL
) WITHOUT ROWID;

INSERT INTO meta VALUES ('epoch', '0123456789abcdef0123456789abcdef'), ('alive_at', '1772352005000000000');
INSERT INTO alert_changes (row, alert_id, revision, captured_at, json) VALUES
    (41, x'019ca0c3a80070008000000000000001', 1, 1772352000000000000, '{"alert_id":"019ca0c3-a800-7000-8000-000000000001","revision":1,"phase":"opened"}'),
    (42, x'019ca0c3a80070008000000000000001', 2, 1772352001000000000, '{"alert_id":"019ca0c3-a800-7000-8000-000000000001","revision":2,"phase":"ended"}'),
    (43, x'019ca0c3a80070008000000000000002', 1, 1772352002000000000, '{"alert_id":"019ca0c3-a800-7000-8000-000000000002","revision":1,"phase":"ended"}');
INSERT INTO alerts (alert_id, camera, kind, revision, is_open, row) VALUES
    (x'019ca0c3a80070008000000000000001', 'gate-north', 'loitering', 2, 0, 42),
    (x'019ca0c3a80070008000000000000002', 'gate-south', 'line_cross', 1, 0, 43);
INSERT INTO outbox (row, topic, key, headers, value, captured_at, recorded_at, sent_at) VALUES
    (51, 'lightbar.alerts.v1', 'gate-north', '[["ce_id","019ca0c3-a800-7000-8000-000000000001.1"]]', x'7b2261223a317d', 1772352000000000000, 1772352000100000000, 1772352000200000000),
    (52, 'lightbar.alerts.v1', 'gate-north', '[["ce_id","019ca0c3-a800-7000-8000-000000000001.2"]]', x'7b2261223a327d', 1772352001000000000, 1772352001100000000, NULL),
    (53, 'lightbar.alerts.v1', 'gate-south', '[["ce_id","019ca0c3-a800-7000-8000-000000000002.1"]]', x'7b2261223a337d', 1772352002000000000, 1772352002100000000, NULL);
INSERT INTO sequences VALUES ('urn:lightbar:county:camera:gate-north', '0123456789abcdef0123456789abcdef', 7);
INSERT INTO blind_intervals (id, camera, from_at, to_at, cause) VALUES
    (1, 'gate-north', 1772350000000000000, 1772350060000000000, 'stalled'),
    (2, 'gate-south', 1772352003000000000, NULL, 'unreachable');
INSERT INTO cameras VALUES ('gate-north', NULL, 1772350060000000000), ('gate-south', 'unreachable', 1772352003000000000);

INSERT INTO explanations VALUES (x'019ca0c3a80070008000000000000001', '{"kind":"loitering"}');
PRAGMA application_id = 0x4c425354;
PRAGMA user_version = 2;
