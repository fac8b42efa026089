-- A store of version 5 as that version made it, with something in every table. Frozen: never changed, only joined by the next.
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
ALTER TABLE alert_changes ADD COLUMN channel TEXT NOT NULL DEFAULT 'alert';
ALTER TABLE alerts ADD COLUMN channel TEXT NOT NULL DEFAULT 'alert';
CREATE INDEX alerts_by_channel ON alerts (channel, alert_id);

-- That rules are armed or disarmed: of a camera or of all, one rule or all.
CREATE TABLE arming_orders (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    camera TEXT,
    rule TEXT,
    state TEXT NOT NULL,
    until_at INTEGER,
    given_at INTEGER NOT NULL,
    given_by TEXT NOT NULL,
    -- When another order took its place.
    ended_at INTEGER
);

-- That a standing thing is watched.
CREATE TABLE watch_orders (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    camera TEXT NOT NULL,
    class TEXT NOT NULL,
    x REAL NOT NULL,
    y REAL NOT NULL,
    w REAL NOT NULL,
    h REAL NOT NULL,
    given_at INTEGER NOT NULL,
    given_by TEXT NOT NULL,
    ended_at INTEGER,
    -- Who took it back; or the alert that it was good for.
    ended_by TEXT,
    alert_id BLOB
);
CREATE INDEX watch_orders_open ON watch_orders (camera) WHERE ended_at IS NULL;

-- How each alert of which people are told stands with them: a summary of its history, and what the service has to do when.
CREATE TABLE alert_states (
    alert_id BLOB PRIMARY KEY,
    kind TEXT NOT NULL,
    camera TEXT,
    zone TEXT,
    priority INTEGER NOT NULL,
    state TEXT NOT NULL,
    -- Records published about it; 0: none, it is new.
    revision INTEGER NOT NULL,
    opened_at INTEGER NOT NULL,
    captured_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    -- When the service must look at it: a deadline, or its expiry.
    due_at INTEGER,
    incident BLOB,
    -- Its last row in alert_state_changes.
    row INTEGER
) WITHOUT ROWID;
CREATE INDEX alert_states_due ON alert_states (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX alert_states_near ON alert_states (kind, captured_at);
CREATE INDEX alert_states_incident ON alert_states (incident) WHERE incident IS NOT NULL;
CREATE TABLE transitions (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    alert_id BLOB NOT NULL,
    number INTEGER NOT NULL,
    request_id TEXT NOT NULL,
    action TEXT NOT NULL,
    actor TEXT NOT NULL,
    role TEXT NOT NULL,
    at INTEGER NOT NULL,
    reason TEXT,
    disposition TEXT,
    recipient TEXT,
    from_state TEXT NOT NULL,
    to_state TEXT NOT NULL,
    recorded_at INTEGER NOT NULL,
    late INTEGER NOT NULL,
    UNIQUE (alert_id, number),
    UNIQUE (alert_id, request_id)
);
CREATE TRIGGER transitions_stay BEFORE UPDATE ON transitions BEGIN SELECT RAISE(ABORT, 'what was done is never changed'); END;

-- Deadlines that passed; `after` is the transition with which one began to run, 0 the opening.
CREATE TABLE escalations (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    alert_id BLOB NOT NULL,
    timer TEXT NOT NULL,
    after INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    raised_at INTEGER NOT NULL,
    UNIQUE (alert_id, timer, after)
);

-- Every record about a state, in the order of recording: `row` is the feed's number for it.
CREATE TABLE alert_state_changes (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    alert_id BLOB NOT NULL,
    revision INTEGER NOT NULL,
    json TEXT NOT NULL,
    UNIQUE (alert_id, revision)
);

-- One thing that several cameras saw; its id is that of the first alert about it.
CREATE TABLE incidents (
    incident_id BLOB PRIMARY KEY,
    kind TEXT NOT NULL,
    began_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL
) WITHOUT ROWID;

-- Alerts that people raised, by the id of their request.
CREATE TABLE reports (
    request_id TEXT PRIMARY KEY,
    alert_id BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX reports_by_alert ON reports (alert_id);

-- What was read from Kafka: the offset after the last record whose effect is in here.
CREATE TABLE consumed_offsets (
    topic TEXT NOT NULL,
    partition INTEGER NOT NULL,
    next_offset INTEGER NOT NULL,
    PRIMARY KEY (topic, partition)
) WITHOUT ROWID;

CREATE TABLE deliveries (
    -- Its row in the outbox.
    row INTEGER PRIMARY KEY,
    recorded_at INTEGER NOT NULL,
    -- A record without it is a promise and is never deleted. The outbox's own column of the name speaks only of what was sent before
    -- version 5: taking it out would write all that is in the outbox anew, on a disk that may be full.
    sent_at INTEGER
);
INSERT INTO deliveries (row, recorded_at, sent_at) SELECT row, recorded_at, sent_at FROM outbox ORDER BY row;
DROP INDEX outbox_unsent;
CREATE INDEX deliveries_unsent ON deliveries (row) WHERE sent_at IS NULL;

INSERT INTO meta VALUES ('epoch', '0123456789abcdef0123456789abcdef'), ('alive_at', '1772352005000000000');
INSERT INTO alert_changes (row, alert_id, revision, captured_at, json) VALUES
    (41, x'019ca0c3a80070008000000000000001', 1, 1772352000000000000, '{"alert_id":"019ca0c3-a800-7000-8000-000000000001","revision":1,"phase":"opened"}'),
    (42, x'019ca0c3a80070008000000000000001', 2, 1772352001000000000, '{"alert_id":"019ca0c3-a800-7000-8000-000000000001","revision":2,"phase":"ended"}'),
    (43, x'019ca0c3a80070008000000000000002', 1, 1772352002000000000, '{"alert_id":"019ca0c3-a800-7000-8000-000000000002","revision":1,"phase":"ended"}');
INSERT INTO alerts (alert_id, camera, kind, revision, is_open, row) VALUES
    (x'019ca0c3a80070008000000000000001', 'gate-north', 'loitering', 2, 0, 42),
    (x'019ca0c3a80070008000000000000002', 'gate-south', 'line_cross', 1, 0, 43);
INSERT INTO outbox (row, topic, key, headers, value, captured_at, recorded_at, sent_at) VALUES
    (51, 'lightbar.alerts.v1', 'gate-north', '[["ce_id","019ca0c3-a800-7000-8000-000000000001.1"]]', x'7b2261223a317d', 1772352000000000000, 1772352000100000000, NULL),
    (52, 'lightbar.alerts.v1', 'gate-north', '[["ce_id","019ca0c3-a800-7000-8000-000000000001.2"]]', x'7b2261223a327d', 1772352001000000000, 1772352001100000000, NULL),
    (53, 'lightbar.alerts.v1', 'gate-south', '[["ce_id","019ca0c3-a800-7000-8000-000000000002.1"]]', x'7b2261223a337d', 1772352002000000000, 1772352002100000000, NULL);
INSERT INTO deliveries VALUES (51, 1772352000100000000, 1772352000200000000), (52, 1772352001100000000, NULL), (53, 1772352002100000000, NULL);
INSERT INTO sequences VALUES ('urn:lightbar:county:camera:gate-north', '0123456789abcdef0123456789abcdef', 7);
INSERT INTO blind_intervals (id, camera, from_at, to_at, cause) VALUES
    (1, 'gate-north', 1772350000000000000, 1772350060000000000, 'stalled'),
    (2, 'gate-south', 1772352003000000000, NULL, 'unreachable');
INSERT INTO cameras VALUES ('gate-north', NULL, 1772350060000000000), ('gate-south', 'unreachable', 1772352003000000000);

INSERT INTO explanations VALUES (x'019ca0c3a80070008000000000000001', '{"kind":"loitering"}');

UPDATE alerts SET channel = 'record' WHERE kind = 'line_cross';
UPDATE alert_changes SET channel = 'record' WHERE row = 43;
INSERT INTO arming_orders (camera, rule, state, until_at, given_at, given_by) VALUES ('gate-north', NULL, 'disarmed', NULL, 1772351000000000000, 'anna');
INSERT INTO watch_orders (camera, class, x, y, w, h, given_at, given_by) VALUES ('gate-north', 'bicycle', 0.25, 0.5, 0.125, 0.25, 1772351000000000000, 'bert');
INSERT INTO alert_states VALUES
    (x'019ca0c3a80070008000000000000001', 'loitering', 'gate-north', 'rack', 2, 'acknowledged', 2, 1772352000000000000, 1772352000000000000, 1772352600000000000, 1772352600000000000, x'019ca0c3a80070008000000000000001', 62);
INSERT INTO transitions VALUES
    (71, x'019ca0c3a80070008000000000000001', 1, 'r-1', 'acknowledge', 'anna', 'operator', 1772352003000000000, NULL, NULL, NULL, 'new', 'acknowledged', 1772352003100000000, 0);
INSERT INTO escalations VALUES (81, x'019ca0c3a80070008000000000000001', 'acknowledge', 0, 1772352002500000000, 1772352002600000000);
INSERT INTO alert_state_changes VALUES
    (61, x'019ca0c3a80070008000000000000001', 1, '{"alert_id":"019ca0c3-a800-7000-8000-000000000001","state_revision":1}'),
    (62, x'019ca0c3a80070008000000000000001', 2, '{"alert_id":"019ca0c3-a800-7000-8000-000000000001","state_revision":2}');
INSERT INTO incidents VALUES (x'019ca0c3a80070008000000000000001', 'loitering', 1772352000000000000, 1772352000000000000);
INSERT INTO reports VALUES ('report-1', x'019ca0c3a80070008000000000000001');
INSERT INTO consumed_offsets VALUES ('lightbar.dispatch-status.v1', 0, 17);
PRAGMA application_id = 0x4c425354;
PRAGMA user_version = 5;
