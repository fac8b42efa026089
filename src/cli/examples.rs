//! The examples under each command's `--help`.

pub(super) const LIGHTBAR: &str = "\
Examples:
  lightbar demo                                   a street of six cameras, a broker and a page, on this machine
  lightbar check --config lightbar.toml           what would run, or what is wrong
  lightbar run --config lightbar.toml             the service
  lightbar feed                                   its alerts, live, in the terminal

Exit status: 0 done, 1 failed, 2 wrong configuration or command line.";

pub(super) const RUN: &str = "\
Examples:
  lightbar run --config /etc/lightbar/lightbar.toml
  lightbar run --config /etc/lightbar/conf.d      all *.toml of a folder, in name order
  GATE_PW=... LIGHTBAR_LOG=debug lightbar run --config lightbar.toml

SIGTERM or Ctrl-C stops in order, a second one at once; SIGHUP reads the configuration again.";

pub(super) const CHECK: &str = "\
Examples:
  lightbar check --config lightbar.toml
  lightbar check --config conf.d --probe          also connects to cameras and brokers

Exit status: 0 good, 1 something did not answer the probe, 2 wrong.";

pub(super) const DEMO: &str = "\
Examples:
  lightbar demo                                   until Ctrl-C; the page is printed at the start
  lightbar demo --seconds 150                     ends by itself, with a summary against the truth
  lightbar demo --seconds 150 --summary sum.json";

pub(super) const FEED: &str = "\
Examples:
  lightbar feed
  lightbar feed --help";

pub(super) const RELOAD: &str = "\
Examples:
  lightbar reload --config /etc/lightbar/lightbar.toml

Checks the configuration, signals the service that runs in its data_dir, and waits for its answer. Cameras, zones and rules
change without touching other cameras; what holds only after a restart is said. A wrong configuration changes nothing.

Exit status: 0 applied, 1 no service or no answer, 2 wrong configuration.";

pub(super) const BLIND: &str = "\
Examples:
  lightbar blind --config lightbar.toml           when which camera was not seen, and why";

pub(super) const REPLAY: &str = "\
Examples:
  lightbar replay --config lightbar.toml --camera gate-north --video evening.mp4 --out alerts.jsonl
  lightbar replay --config lightbar.toml --video recordings/ --out alerts.jsonl --watched watched.jsonl
  lightbar replay --config lightbar.toml --video recordings/ --out before.jsonl --detections seen.jsonl
  lightbar replay --config changed.toml --from-detections seen.jsonl --out after.jsonl     a rule change in seconds
  lightbar replay --config lightbar.toml --video evening.mp4 --out - --trace all --lang zh-CN

The same files and configuration give the same alerts, ids included.";

pub(super) const SCORE: &str = "\
Examples:
  lightbar score --truth truth.jsonl --alerts alerts.jsonl
  lightbar score --truth truth.jsonl --alerts alerts.jsonl --json score.json --picture score.svg
  lightbar score --truth truth.jsonl --alerts alerts.jsonl --video evening.mp4=gate-north
  lightbar score --truth truth.jsonl --alerts alerts.jsonl --min-f1 0.95 --fail-on-missed       for CI
  lightbar score --compare before.jsonl after.jsonl --truth truth.jsonl     what a change gains and loses

Truth, one JSON object per line:
  {\"camera\": \"gate\", \"kind\": \"line_cross\", \"start_s\": 6.3, \"tolerance_s\": 0.5, \"direction\": \"left_to_right\"}
  {\"camera\": \"gate\", \"kind\": \"loitering\", \"start_s\": 24, \"due_s\": 39, \"class\": \"person\"}
  {\"camera\": \"gate\", \"watched\": [0, 3600]}

Exit status: 0 good, 1 a bar that was set is missed, 2 a file or the command line is wrong.";

pub(super) const EXPLAIN: &str = "\
Examples:
  lightbar explain 0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b --config lightbar.toml
  lightbar explain 0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b --data-dir /var/lib/lightbar --lang zh-CN
  lightbar explain 0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b --config lightbar.toml --json | jq .tracks[].moments

Says which rule and revision spoke, when its condition began and its threshold was reached, what mattered to the object's
track, and what was held back. Ids: lightbar feed --json | jq -r .alert_id";

pub(super) const DETECT: &str = "\
Examples:
  lightbar detect --model model.toml --annotations instances.json --out results.json images/";

pub(super) const TRACK: &str = "\
Examples:
  lightbar track --detections det.txt --size 1920x1080 --fps 25 --out tracks.txt";

pub(super) const MODEL: &str = "\
Examples:
  lightbar model list                             what can be fetched
  lightbar model pull yolox-nano-416              fetches and checks one
  lightbar model check models/street/model.toml   whether a model is whole and understood";

pub(super) const SCHEMA: &str = "\
Examples:
  lightbar schema > alert.v1.schema.json";

pub(super) const CONTRACT: &str = "\
Examples:
  lightbar contract check --bootstrap broker:9092 --topic lightbar.alerts.v1 --from-beginning
  lightbar contract trial --bootstrap broker:9092 --topic my-trial      what your consumer must survive
  lightbar contract check --help";

pub(super) const COMPLETIONS: &str = "\
Examples:
  lightbar completions bash > /etc/bash_completion.d/lightbar
  lightbar completions zsh > ~/.zfunc/_lightbar
  lightbar completions fish > ~/.config/fish/completions/lightbar.fish
  lightbar completions powershell >> $PROFILE";

pub(super) const ARM: &str = "Examples:
  lightbar arm                                    everything, until somebody says otherwise
  lightbar arm --camera gate-north --for 8h
  lightbar arm --camera gate-north --rule bicycle-gone
  lightbar arm --as-configured                    takes orders back
  lightbar arm --list                             orders, and how each rule stands";

pub(super) const DISARM: &str = "Examples:
  lightbar disarm --for 30m                       everything, for half an hour
  lightbar disarm --camera gate-north --rule into-yard";

pub(super) const WATCH: &str = "Examples:
  lightbar watch --list                           what is watched, and what could be
  lightbar watch --camera gate-north --track 17
  lightbar watch --camera gate-north --at 0.35,0.70";

pub(super) const UNWATCH: &str = "Examples:
  lightbar unwatch 3                              the order's number in lightbar watch --list";

pub(super) const ALERT: &str = "Examples:
  lightbar alert 0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b                     what was done with it
  lightbar alert 0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b acknowledge
  lightbar alert 0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b dispatch --recipient unit-7
  lightbar alert 0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b dismiss --disposition false_environment --reason 'a cat'";

pub(super) const DISPATCH_SIMULATE: &str = "Examples:
  lightbar dispatch simulate                                               answers on 127.0.0.1:9092 until Ctrl-C
  lightbar dispatch simulate --bootstrap broker:9092 --system county-110 --pace 20
  lightbar dispatch simulate --refuse 0.2 --repeat 0.3 --reorder 0.3 --garble 0.1 --silent 0.1 --seed 7

The service takes its answers where its configuration names the system: [[dispatch]] id = \"simulated\".";

pub(super) const STORE: &str = "\
Examples:
  lightbar store info --config /etc/lightbar/lightbar.toml
  lightbar store check --data-dir /var/lib/lightbar
  lightbar store repair --config /etc/lightbar/lightbar.toml";

pub(super) const STORE_INFO: &str = "\
Examples:
  lightbar store info --config /etc/lightbar/lightbar.toml
  lightbar store info --data-dir /var/lib/lightbar --json | jq .unsent_records";

pub(super) const STORE_CHECK: &str = "\
Examples:
  lightbar store check --data-dir /var/lib/lightbar

Exit status: 0 sound, 1 not sound (every fault is a line), 2 wrong command line.";

pub(super) const STORE_EXPORT: &str = "\
Examples:
  lightbar store export --data-dir /var/lib/lightbar --out alerts.jsonl
  lightbar store export --data-dir /var/lib/lightbar --out - | jq -r 'select(.table == \"alert_changes\").json.text.en.headline'

Exit status: 0 all was read, 1 some places could not be read.";

pub(super) const STORE_REPAIR: &str = "\
Examples:
  lightbar store repair --config /etc/lightbar/lightbar.toml

Unsent records keep their bytes and their order. The new store has a new epoch. Consumers may get some records twice, under the same ce_id.";

pub(super) const STORE_BACKUP: &str = "\
Examples:
  lightbar store backup --data-dir /var/lib/lightbar --out /mnt/backup/lightbar-today.db

To restore: stop the service, put the copy in the place of lightbar.db, remove lightbar.db-wal and lightbar.db-shm, start it.";

pub(super) const EVIDENCE: &str = "\
Examples:
  lightbar evidence list --config /etc/lightbar/lightbar.toml
  lightbar evidence verify /var/lib/lightbar/evidence
  lightbar evidence export --help
  lightbar evidence key --config /etc/lightbar/lightbar.toml > site-7.key.json";

pub(super) const EVIDENCE_LIST: &str = "\
Examples:
  lightbar evidence list --config /etc/lightbar/lightbar.toml
  lightbar evidence list --data-dir /var/lib/lightbar --camera gate-north";

pub(super) const EVIDENCE_VERIFY: &str = "\
Examples:
  lightbar evidence verify case-17.zip --key site-7.key.json
  lightbar evidence verify /var/lib/lightbar/evidence
  lightbar evidence verify /var/lib/lightbar/evidence/gate-north --key site-7.key.json

A bundle needs nothing but itself; it carries its keys. So without --key it is only shown that all of it fits together, not who made
it. With --key nobody else may have signed; where the service changed its key, give each.

Exit status: 0 as it was sealed, 1 not so (every finding is a line) or it cannot be read, 2 wrong command line.";

pub(super) const EVIDENCE_EXPORT: &str = "\
Examples:
  lightbar evidence export --config lightbar.toml --alert 0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b \\
      --case 2026-017 --purpose 'theft of a bicycle' --out case-17.zip
  lightbar evidence export --config lightbar.toml --camera gate-north --from 2026-03-01T18:00:00+08:00 \\
      --to 2026-03-01T20:00:00+08:00 --case 2026-017 --purpose 'theft of a bicycle' --out case-17.zip

The bundle is verified when it is written. Manifests of what lies between go with it, so that nobody can have left out what does
not suit.

Exit status: 0 written and as it was sealed, 1 not so, 2 wrong command line.";

pub(super) const EVIDENCE_KEY: &str = "\
Examples:
  lightbar evidence key --config /etc/lightbar/lightbar.toml > site-7.key.json

Whoever verifies must get it by another way than the evidence. Its id goes to standard error.";

pub(super) const KAFKA_TOPICS: &str = "Examples:
  lightbar kafka topics --check --config /etc/lightbar                  what is there and what should be; exit 1 where they differ
  lightbar kafka topics --create --config /etc/lightbar                 on three brokers or more
  lightbar kafka topics --create --config demo.toml --single-broker --partitions 3";

pub(super) const RESEND: &str = "Examples:
  lightbar resend --config /etc/lightbar --from 2026-03-01T00:00:00+08:00 --to 2026-03-08T00:00:00+08:00 --dry-run
  lightbar resend --config /etc/lightbar --from 2026-03-01T18:00:00+08:00 --to 2026-03-01T20:00:00+08:00 --camera gate-north
  lightbar resend --config /etc/lightbar --from 2026-03-01T00:00:00Z --to 2026-03-02T00:00:00Z --kind object_removed --topic case-17";
