"""Puts a FraudConfirmed event among card payments for each fraud, a week after it.

    python3 confirm.py payments.jsonl labels.csv > history.jsonl

payments.jsonl is JSON lines in order of time, with id, time, customer_id, terminal_id and amount; labels.csv has the
columns id and fraud. Frauds that would be confirmed after the last payment are left out.
"""
import csv
import datetime
import json
import sys
from collections import deque

WEEK = datetime.timedelta(days=7)


def when(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


with open(sys.argv[2], newline="") as f:
    frauds = {row["id"] for row in csv.DictReader(f) if row["fraud"] == "1"}
waiting = deque()
with open(sys.argv[1]) as f:
    for line in f:
        e = json.loads(line)
        at = when(e["time"])
        while waiting and waiting[0][0] <= at:
            print(json.dumps(waiting.popleft()[1], separators=(",", ":")))
        print(line, end="")
        if e["id"] in frauds:
            known = at + WEEK
            waiting.append((known, {
                "id": "fraud-" + e["id"], "type": "FraudConfirmed", "time": known.isoformat().replace("+00:00", "Z"),
                "payment": e["id"], "customer_id": e["customer_id"], "terminal_id": e["terminal_id"], "amount": e["amount"]}))
