#!/usr/bin/env python3
"""Compares two COCO results files of the same model, box by box and by average precision.

  pip install numpy==2.2.6 pycocotools==2.0.10
  compare_detect.py --annotations instances.json --reference reference.json --ours ours.json

Boxes above 0.3 of the one file are looked for in the other (which is read from 0.25 on, so that a score of 0.301 against 0.299 is no
miss): same picture, same category, IoU >= 0.9, score within 0.05, each box once. Exit 1 where less than 97 % are found, either way, or
AP is more than a point lower.
"""
import argparse, contextlib, io, json, sys
from collections import defaultdict
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval


def iou(a, b):
    w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0]); h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    inter = max(w, 0) * max(h, 0)
    return inter / (a[2] * a[3] + b[2] * b[3] - inter)


def matched(these, those):
    pool = defaultdict(list)
    for r in those:
        if r["score"] >= 0.25:
            pool[r["image_id"], r["category_id"]].append(r)
    wanted = sorted((r for r in these if r["score"] > 0.3), key=lambda r: -r["score"])
    missed = []
    for r in wanted:
        near = [(iou(r["bbox"], o["bbox"]), o) for o in pool[r["image_id"], r["category_id"]]]
        near = [(v, o) for v, o in near if v >= 0.9 and abs(o["score"] - r["score"]) <= 0.05]
        if near:
            pool[r["image_id"], r["category_id"]].remove(max(near, key=lambda n: n[0])[1])
        else:
            missed.append(r)
    return len(wanted), missed


def average_precision(truth, results):
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(truth, truth.loadRes(results), "bbox")
        evaluation.evaluate(); evaluation.accumulate(); evaluation.summarize()
    return 100 * evaluation.stats[0]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--annotations", "--reference", "--ours"):
        p.add_argument(name, required=True)
    p.add_argument("--verbose", action="store_true")
    a = p.parse_args()
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(a.annotations)
    reference, ours = json.load(open(a.reference)), json.load(open(a.ours))
    fine = True
    for name, these, those in (("reference found in ours", reference, ours), ("ours found in reference", ours, reference)):
        count, missed = matched(these, those)
        share = 1 - len(missed) / count if count else 1.0
        fine &= share >= 0.97
        print(f"{name}: {count - len(missed)} of {count} = {100 * share:.2f} %")
        for r in missed if a.verbose else []:
            print("   missed", r)
    ap = average_precision(truth, reference), average_precision(truth, ours)
    fine &= ap[1] >= ap[0] - 1
    print(f"AP: reference {ap[0]:.2f}, ours {ap[1]:.2f}  -> {'within' if fine else 'NOT within'} the limits")
    sys.exit(0 if fine else 1)


main()
