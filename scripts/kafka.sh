#!/usr/bin/env bash
# A real Apache Kafka on this machine, one node in KRaft mode, for tests, benches and `make kafka`.
#
#   scripts/kafka.sh fetch                       jars into .tools/kafka/libs (Maven; quick the second time)
#   scripts/kafka.sh run   [--port N] [--data D] [--sasl USER:PASSWORD]   in the foreground until Ctrl-C
#   scripts/kafka.sh start [--port N] [--data D] [--sasl USER:PASSWORD]   in the background; returns when it answers
#   scripts/kafka.sh stop  [--data D]
#
# `run` and `start` also take  --with FILE            lines for server.properties that are added and win
#                              --scram USER:PASSWORD  a SCRAM-SHA-512 account, made with the data folder
#
# Port 9092 and .tools/kafka/data unless told; the controller listens on the port after it. Topics are never created by
# mistake: auto-creation is off, as it should be where you run it in earnest. With --sasl the listener asks for SASL PLAIN.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
libs="$root/.tools/kafka/libs"
port=9092
data="$root/.tools/kafka/data"
sasl=""
with=""
scram=""

say() { printf 'kafka: %s\n' "$*"; }
fail() { printf 'kafka: %s\n' "$*" >&2; exit 1; }

fetch() {
  local stamp="$libs/.complete" want
  want="$(sha256sum "$root/deploy/kafka/pom.xml" | cut -d' ' -f1)"
  if [[ -f $stamp && "$(cat "$stamp")" == "$want" ]]; then
    say "jars are there ($libs)"
    return
  fi
  command -v mvn >/dev/null || fail "Maven is missing: apt-get install maven (or put the jars of kafka_2.13 into $libs)"
  say "fetching the broker's jars by Maven (about 45 MB)"
  local fresh="$libs.new"
  rm -rf "$fresh"; mkdir -p "$fresh"
  mvn -q -B -f "$root/deploy/kafka/pom.xml" dependency:copy-dependencies "-DoutputDirectory=$fresh" \
    || fail "Maven did not give the jars: is a Maven repository reachable? (see the lines above)"
  printf '%s' "$want" > "$fresh/.complete"
  rm -rf "$libs"; mv "$fresh" "$libs"
  say "$(find "$libs" -name '*.jar' | wc -l) jars in $libs"
}

prepare() {
  command -v java >/dev/null || fail "Java is missing: apt-get install default-jre-headless"
  [[ -f $libs/.complete ]] || fetch
  mkdir -p "$data"
  data="$(cd "$data" && pwd)"
  local protocol=PLAINTEXT
  [[ -z $sasl ]] || protocol=SASL_PLAINTEXT
  cat > "$data/server.properties" <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$((port + 1))
listeners=CLIENT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$((port + 1))
advertised.listeners=CLIENT://127.0.0.1:$port
listener.security.protocol.map=CLIENT:$protocol,CONTROLLER:PLAINTEXT,INTERNAL:PLAINTEXT
inter.broker.listener.name=CLIENT
controller.listener.names=CONTROLLER
log.dirs=$data/log
auto.create.topics.enable=false
num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
PROPERTIES
  if [[ -n $sasl ]]; then
    local user="${sasl%%:*}" password="${sasl#*:}"
    cat >> "$data/server.properties" <<PROPERTIES
sasl.enabled.mechanisms=PLAIN
sasl.mechanism.inter.broker.protocol=PLAIN
listener.name.client.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="$user" password="$password" user_$user="$password";
PROPERTIES
    chmod 600 "$data/server.properties"
  fi
  # Where a key stands twice, Java takes the last.
  [[ -z $with ]] || cat "$with" >> "$data/server.properties"
  if [[ ! -f $data/log/meta.properties ]]; then
    local account=()
    [[ -z $scram ]] || account=(--add-scram "SCRAM-SHA-512=[name=${scram%%:*},password=${scram#*:}]")
    java -Xmx128m -cp "$libs/*" kafka.tools.StorageTool format -t MkU3OEVBNTcwNTJENDM2Qg -c "$data/server.properties" "${account[@]}" \
      > "$data/format.log" 2>&1 || { cat "$data/format.log" >&2; fail "formatting $data failed"; }
  fi
}

# -XX:TieredStopAtLevel=1: a test broker lives for seconds, its start is what costs.
java_broker=(java -Xmx512m -Xms64m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp "$libs/*" kafka.Kafka)

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }

running() { [[ -f $data/pid ]] && kill -0 "$(cat "$data/pid")" 2>/dev/null; }

start() {
  ! running || { say "is running already (process $(cat "$data/pid"))"; return; }
  ! answers || fail "port $port is taken by something else; use --port"
  prepare
  nohup "${java_broker[@]}" "$data/server.properties" > "$data/broker.log" 2>&1 &
  printf '%s' "$!" > "$data/pid"
  for _ in $(seq 600); do
    if answers; then say "listens on 127.0.0.1:$port, log in $data/broker.log"; return; fi
    running || { tail -n 20 "$data/broker.log" >&2; fail "the broker ended (log in $data/broker.log)"; }
    sleep 0.1
  done
  fail "the broker did not listen within 60 s (log in $data/broker.log)"
}

stop() {
  running || { say "is not running"; return; }
  kill "$(cat "$data/pid")"
  for _ in $(seq 300); do
    running || { rm -f "$data/pid"; say "stopped"; return; }
    sleep 0.1
  done
  fail "process $(cat "$data/pid") did not stop within 30 s"
}

command="${1:-}"
[[ $# -eq 0 ]] || shift
while [[ $# -gt 0 ]]; do
  [[ $# -ge 2 ]] || fail "$1 wants a value"
  case "$1" in
    --port) port="$2" ;;
    --data) data="$2" ;;
    --sasl) sasl="$2" ;;
    --with) with="$2" ;;
    --scram) scram="$2" ;;
    *) fail "unknown option $1 (known: --port, --data, --sasl, --with, --scram)" ;;
  esac
  shift 2
done

case "$command" in
  fetch) fetch ;;
  run) prepare; say "listens on 127.0.0.1:$port; Ctrl-C ends it"; exec "${java_broker[@]}" "$data/server.properties" ;;
  start) start ;;
  stop) stop ;;
  *) sed -n '2,14s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 2 ;;
esac
