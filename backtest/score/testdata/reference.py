"""An independent computation of what package score says of the files in this folder.

    python3 backtest/score/testdata/reference.py            prints it, as reference.json holds it

It shares nothing with the Go code: plain loops over plain definitions.
"""
import csv
import json
import math
import os

DAY = 86_400_000
here = os.path.dirname(os.path.abspath(__file__))


def table(name):
    with open(os.path.join(here, name), newline="") as f:
        return list(csv.DictReader(f))


def wilson(k, n, z=1.959963984540054):
    p = k / n
    mid = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return mid - half, mid + half


events = {e["id"]: e for e in table("events.csv")}
labels = {r["id"]: r for r in table("labels.csv") if r["id"] in events}
hits = {r["id"] for r in table("hits.csv")}
scores = {r["id"]: float(r["score"]) for r in table("scores.csv")}
alerts = table("alerts.csv")
positive = {i for i, r in labels.items() if r["fraud"] == "1"}
negative = set(labels) - positive
out = {}

for name, false in (("unknown", negative), ("negative", set(events) - positive)):
    tp, fp, fn = len(hits & positive), len(hits & false), len(positive - hits)
    rest = len(hits - positive - false)
    ranked = sorted((scores[i], i) for i in positive | false)[::-1]
    ap, found = 0.0, 0
    for t in sorted({s for s, _ in ranked}, reverse=True):
        above = [i for s, i in ranked if s >= t]
        now = len(positive & set(above))
        ap += (now - found) / len(positive) * now / len(above)
        found = now
    top = []
    days = sorted({int(events[i]["time"]) // DAY for _, i in ranked})
    for d in days:
        today = [(s, i in positive) for s, i in ranked if int(events[i]["time"]) // DAY == d]
        k = min(5, len(today))
        cut = today[k - 1][0]
        sure = [p for s, p in today if s > cut]
        tied = [p for s, p in today if s == cut]
        top.append((sum(sure) + (k - len(sure)) * sum(tied) / len(tied)) / k)
    low, high = wilson(tp, tp + fp)
    out[name] = {
        "tp": tp, "fp": fp, "fn": fn, "unknown": rest,
        "precision": tp / (tp + fp), "precision_low": low, "precision_high": high,
        "precision_least": tp / (tp + fp + rest), "precision_most": (tp + rest) / (tp + fp + rest),
        "recall": tp / (tp + fn), "f1": 2 * tp / (2 * tp + fp + fn),
        "caught": math.fsum(float(events[i]["amount"]) for i in hits & positive),
        "missed": math.fsum(float(events[i]["amount"]) for i in positive - hits),
        "mistaken": math.fsum(float(events[i]["amount"]) for i in hits & false),
        "average_precision": ap, "top5": sum(top) / len(top),
    }

# Incidents: positives of one key that are at most a day apart.
incidents = []
for key in sorted({e["key"] for e in events.values()}):
    times = sorted(int(events[i]["time"]) for i in positive if events[i]["key"] == key)
    for t in times:
        if incidents and incidents[-1][0] == key and t - incidents[-1][2] <= 24 * 3_600_000:
            incidents[-1][2] = t
        else:
            incidents.append([key, t, t])
delays = []
for key, start, end in incidents:
    opened = [int(a["opened"]) for a in alerts if a["key"] == key and int(a["opened"]) <= end and int(a["resolved"]) >= start]
    if opened:
        delays.append(max(0, min(opened) - start))
delays.sort()
met = [a for a in alerts if any(k == a["key"] and int(a["opened"]) <= e and int(a["resolved"]) >= s for k, s, e in incidents)]
flagged = {a["key"] for a in alerts}
bad = {events[i]["key"] for i in positive}
out["incidents"] = {
    "caught": len(delays), "missed": len(incidents) - len(delays),
    "median": delays[math.ceil(0.5 * len(delays)) - 1], "p90": delays[math.ceil(0.9 * len(delays)) - 1], "most": delays[-1],
    "positive_alerts": len(met), "keys_tp": len(flagged & bad), "keys_fn": len(bad - flagged),
    "classes": {c: [sum(1 for i in positive & hits if labels[i]["scenario"] == c), sum(1 for i in positive if labels[i]["scenario"] == c)]
                for c in sorted({labels[i]["scenario"] for i in positive})},
}
print(json.dumps(out, indent=1, sort_keys=True))
