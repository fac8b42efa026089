"""Follows Lightbar's alerts: consumer.py BROKER:9092 TOPIC [END after so many records]."""

import json
import sys
from datetime import datetime, timedelta, timezone

from confluent_kafka import Consumer

LATE = timedelta(minutes=1)
seen = set()  # keep both of these in your database, in one transaction with what you do
last = {}


def handle(headers, value):
    family, phase, version = headers["ce_type"].rsplit(".", 3)[-3:]
    if (family, version) != ("alert", "v1"):
        return print("pass over", headers["ce_type"])
    source, event = headers["ce_source"], headers["ce_id"]
    if (source, event) in seen:
        return print("repeat")
    seen.add((source, event))
    count, run = int(headers["ce_sequence"]), (source, headers["ce_epoch"])
    if count > last.get(run, count - 1) + 1:
        print("gap of", count - last[run] - 1, "at", source)
    last[run] = count
    alert = json.loads(value)
    now = datetime.now(timezone.utc)
    if phase == "ended":
        todo = "close"
    elif phase != "opened":  # updated, or a word of the future
        todo = "update"
    elif alert["status"] != "Actual":
        todo = "drill"
    elif now > datetime.fromisoformat(headers["ce_expirytime"].replace("Z", "+00:00")):
        todo = "expired"  # record it, send nobody
    elif now - datetime.fromisoformat(headers["ce_time"].replace("Z", "+00:00")) > LATE:
        todo = "late"
    else:
        todo = "act"
    speaker = alert.get("camera") or alert.get("node")
    print(todo, speaker["id"], alert["kind"], alert["text"]["en"]["headline"], flush=True)


bootstrap, topic, records = sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else None
consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "example-python",
                     "auto.offset.reset": "earliest", "enable.auto.commit": False})
consumer.subscribe([topic])
while records is None or records > 0:
    message = consumer.poll()
    if message.error():
        raise SystemExit(message.error())
    handle({name: text.decode() for name, text in message.headers()}, message.value())
    consumer.commit(message, asynchronous=False)
    records = records and records - 1
consumer.close()
