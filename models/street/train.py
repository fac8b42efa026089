#!/usr/bin/env python3
"""Trains the demo street's detector and writes street.onnx.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install torch==2.6.0 numpy==2.4.6 onnx onnxruntime==1.24.4
    models/street/frames.sh DIR            # rendered by the binary, encoded and decoded by ffmpeg
    /tmp/venv/bin/python models/street/train.py train DIR --minutes 28
    /tmp/venv/bin/python models/street/train.py judge DIR

Frames are RGB, 448 x 256, one after another in NAME.rgb, with a line of NAME.jsonl for each:
[[class, left, top, right, bottom, visible], ...], boxes 0..1. Names that begin with `v` are for judging only.
"""
import argparse
import json
import pathlib
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

W, H, STRIDE = 448, 256, 8
BATCH = 8
GW, GH = W // STRIDE, H // STRIDE
CLASSES = ["person", "bicycle", "car", "bag"]
NC = len(CLASSES)
SEEN, HINTED = 0.30, 0.08     # from how much visible on an object must be found; below the second it is background
HERE = pathlib.Path(__file__).resolve().parent


# ---------------------------------------------------------------- the net
def conv(i, o, stride=1, k=3, groups=1):
    return nn.Sequential(nn.Conv2d(i, o, k, stride, k // 2, groups=groups, bias=False), nn.BatchNorm2d(o), nn.ReLU(inplace=True))


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.a, self.b = conv(c, c), nn.Sequential(nn.Conv2d(c, c, 3, 1, 1, bias=False), nn.BatchNorm2d(c))

    def forward(self, x):
        return F.relu(x + self.b(self.a(x)))


class Street(nn.Module):
    """One grid of stride 8; at each of its cells each class has a box and a score of its own, so that a rider and the
    bicycle below, whose middles share a cell, are both found."""

    def __init__(self):
        super().__init__()
        self.s4 = nn.Sequential(conv(3, 12, 2), conv(12, 24, 2), conv(24, 24))
        self.s8 = nn.Sequential(conv(24, 40, 2), Block(40))
        self.s16 = nn.Sequential(conv(40, 56, 2), Block(56))
        self.s32 = nn.Sequential(conv(56, 64, 2), Block(64))
        self.up32, self.up16 = conv(64, 56, k=1), conv(56, 40, k=1)
        self.mix16, self.mix8 = conv(56, 56), conv(40, 48)
        self.score_stem, self.box_stem = conv(48, 40), conv(48, 40)
        self.score, self.box = nn.Conv2d(40, NC, 1), nn.Conv2d(40, 4 * NC, 1)
        nn.init.constant_(self.score.bias, -4.6)
        nn.init.normal_(self.score.weight, std=0.01)
        nn.init.normal_(self.box.weight, std=0.01)
        nn.init.constant_(self.box.bias, 0.7)

    def forward(self, x):
        c8 = self.s8(self.s4(x))
        c16 = self.s16(c8)
        c32 = self.s32(c16)
        p16 = self.mix16(c16 + F.interpolate(self.up32(c32), scale_factor=2.0, mode="nearest"))
        p8 = self.mix8(c8 + F.interpolate(self.up16(p16), scale_factor=2.0, mode="nearest"))
        sides = torch.exp(self.box(self.box_stem(p8)).clamp(-4.0, 4.2)) * STRIDE
        return self.score(self.score_stem(p8)), sides


def middles():
    ys, xs = torch.meshgrid(torch.arange(GH), torch.arange(GW), indexing="ij")
    return torch.stack([xs, ys]).float() * STRIDE + STRIDE / 2


class Decoded(nn.Module):
    """The net with boxes in pixels of the input: (1, 4 + classes, cells * classes), YOLOv8's layout."""

    def __init__(self, net):
        super().__init__()
        self.net = net
        self.register_buffer("mid", middles().reshape(1, 1, 2, GH * GW))
        self.register_buffer("own", torch.eye(NC).reshape(1, NC, NC, 1))

    def forward(self, x):
        score, sides = self.net(x)
        sides = sides.reshape(1, NC, 4, GH * GW)
        lt, rb = sides[:, :, :2], sides[:, :, 2:]
        centre, size = self.mid + (rb - lt) / 2, lt + rb
        scores = score.sigmoid().reshape(1, NC, 1, GH * GW) * self.own
        return torch.cat([centre, size, scores], 2).permute(0, 2, 1, 3).reshape(1, 4 + NC, NC * GH * GW)


# ---------------------------------------------------------------- data
def read(folder, want):
    sets = []
    for labels in sorted(folder.glob("*.jsonl")):
        if not want(labels.stem):
            continue
        pixels = labels.with_suffix(".rgb")
        if not pixels.exists():
            continue
        truth = [np.array(json.loads(line), np.float32).reshape(-1, 6) for line in labels.open()]
        if pixels.stat().st_size != len(truth) * H * W * 3:
            print(f"{pixels.name}: not {len(truth)} frames; still being rendered?", flush=True)
            continue
        sets.append((np.memmap(pixels, np.uint8, "r").reshape(-1, H, W, 3), truth))
    return sets


def targets(truth):
    """Per class and cell: 1 an object, 0 none, -1 do not care; and the box (left, top, right, bottom in pixels)."""
    want = np.zeros((NC, GH, GW), np.float32)
    box = np.zeros((NC, 4, GH, GW), np.float32)
    order = sorted(range(len(truth)), key=lambda i: -(truth[i][3] - truth[i][1]) * (truth[i][4] - truth[i][2]))
    for i in order:      # small ones last: they win the cells they share
        c, x0, y0, x1, y1, seen = truth[i]
        c, x0, x1, y0, y1 = int(c), x0 * W, x1 * W, y0 * H, y1 * H
        if seen < HINTED or x1 - x0 < 2 or y1 - y0 < 2:
            continue
        mx, my = (x0 + x1) / 2, (y0 + y1) / 2
        clear = seen >= SEEN and y1 - y0 >= 7 and x1 - x0 >= 4
        rx, ry = (min(1.45 * STRIDE, (x1 - x0) / 2), min(1.45 * STRIDE, (y1 - y0) / 2)) if clear else ((x1 - x0) / 2, (y1 - y0) / 2)
        gx0, gx1 = np.ceil((mx - rx) / STRIDE - 0.5), np.floor((mx + rx) / STRIDE - 0.5)
        gy0, gy1 = np.ceil((my - ry) / STRIDE - 0.5), np.floor((my + ry) / STRIDE - 0.5)
        if gx1 < gx0:
            gx0 = gx1 = np.floor(mx / STRIDE)
        if gy1 < gy0:
            gy0 = gy1 = np.floor(my / STRIDE)
        ys = slice(int(np.clip(gy0, 0, GH - 1)), int(np.clip(gy1, 0, GH - 1)) + 1)
        xs = slice(int(np.clip(gx0, 0, GW - 1)), int(np.clip(gx1, 0, GW - 1)) + 1)
        if clear:
            want[c, ys, xs] = 1
            box[c, :, ys, xs] = np.array([x0, y0, x1, y1])[:, None, None]
        else:
            part = want[c, ys, xs]
            part[part == 0] = -1
    return want, box


def sample(sets, rng):
    frames, truth = sets[rng.choice(len(sets), p=read.weights)]
    i = rng.integers(len(frames))
    picture, boxes = np.array(frames[i]).astype(np.float32) / 255, truth[i].copy()
    if rng.random() < 0.5:
        picture = picture[:, ::-1]
        boxes[:, [1, 3]] = 1 - boxes[:, [3, 1]]
    if rng.random() < 0.8:
        picture = (picture - 0.5) * rng.uniform(0.75, 1.25) + 0.5 + rng.uniform(-0.12, 0.12)
        picture = picture * rng.uniform(0.93, 1.07, 3).astype(np.float32)
    if rng.random() < 0.3:
        picture = picture + rng.normal(0, rng.uniform(0.005, 0.03), picture.shape).astype(np.float32)
    want, box = targets(boxes)
    return np.ascontiguousarray(np.clip(picture, 0, 1).transpose(2, 0, 1), np.float32), want, box


def batch(sets, rng):
    return [torch.from_numpy(np.stack(part)) for part in zip(*(sample(sets, rng) for _ in range(BATCH)))]


# ---------------------------------------------------------------- training
def loss_of(score, sides, want, box, mid):
    sides = sides.reshape(-1, NC, 4, GH, GW)
    x0, y0 = mid[0] - sides[:, :, 0], mid[1] - sides[:, :, 1]
    x1, y1 = mid[0] + sides[:, :, 2], mid[1] + sides[:, :, 3]
    hit = want > 0
    bx0, by0, bx1, by1 = (box[:, :, k][hit] for k in range(4))
    px0, py0, px1, py1 = x0[hit], y0[hit], x1[hit], y1[hit]
    inter = (torch.minimum(px1, bx1) - torch.maximum(px0, bx0)).clamp(0) * (torch.minimum(py1, by1) - torch.maximum(py0, by0)).clamp(0)
    union = (px1 - px0) * (py1 - py0) + (bx1 - bx0) * (by1 - by0) - inter
    iou = inter / union
    hull = (torch.maximum(px1, bx1) - torch.minimum(px0, bx0)) * (torch.maximum(py1, by1) - torch.minimum(py0, by0))
    count = hit.sum().clamp(min=1)
    fit = (1 - iou + (hull - union) / hull).sum() / count
    # The score learns how well its box fits (quality focal loss), so that the best box survives suppression.
    goal = torch.zeros_like(score)
    goal[hit] = iou.detach()
    weight = (score.sigmoid() - goal).abs().pow(2) * (want >= 0)
    found = (F.binary_cross_entropy_with_logits(score, goal, reduction="none") * weight).sum() / count
    return 2.0 * found + 1.5 * fit, found.item(), fit.item()


def train(folder, minutes, out):
    torch.manual_seed(7)
    torch.set_num_threads(1)      # on a busy machine two threads mostly wait for each other
    net = Street().to(memory_format=torch.channels_last)
    print("parameters:", sum(p.numel() for p in net.parameters()), flush=True)
    calm = [p for p in net.parameters() if p.ndim < 2]
    keen = [p for p in net.parameters() if p.ndim >= 2]
    opt = torch.optim.AdamW([{"params": keen, "weight_decay": 0.02}, {"params": calm, "weight_decay": 0.0}], lr=2e-3)
    slow = {k: v.clone() for k, v in net.state_dict().items()}
    rng, mid, began, step, sets = np.random.default_rng(7), middles(), time.time(), 0, []
    net.train()
    hands, waiting = ThreadPoolExecutor(1), None
    while (done := (time.time() - began) / (minutes * 60)) < 1:
        if step % 200 == 0:      # more frames may have been rendered meanwhile
            sets = read(folder, lambda name: name[0] in "ab")
            sizes = np.array([len(frames) for frames, _ in sets], float)
            read.weights = sizes / sizes.sum()
        waiting = waiting or hands.submit(batch, sets, rng)
        pictures, want, box = waiting.result()
        waiting = hands.submit(batch, sets, rng)
        rate = 2e-3 * min(1.0, (step + 1) / 100) * (0.5 * (1 + np.cos(np.pi * done)) + 0.005)
        for group in opt.param_groups:
            group["lr"] = rate
        with torch.autocast("cpu", dtype=torch.bfloat16):
            score, sides = net(pictures.to(memory_format=torch.channels_last))
        loss, found, fit = loss_of(score.float(), sides.float(), want, box, mid)
        opt.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 10.0)
        opt.step()
        step += 1
        keep = min(0.995, step / (step + 20))
        for k, v in net.state_dict().items():
            slow[k] = slow[k] * keep + v * (1 - keep) if v.is_floating_point() else v.clone()
        if step % 50 == 0:
            print(f"{done:6.1%} step {step} found {found:.3f} fit {fit:.3f} frames {int(sizes.sum())} {(time.time() - began) / step:.2f} s/step", flush=True)
        if step % 500 == 0:
            torch.save(slow, out.with_suffix(".pt"))
    net.load_state_dict(slow)
    torch.save(slow, out.with_suffix(".pt"))
    export(net, out)


def export(net, out):
    net.eval()
    torch.onnx.export(Decoded(net).eval(), torch.zeros(1, 3, H, W), str(out), input_names=["images"], output_names=["output0"],
                      opset_version=17, dynamo=False)
    print("wrote", out, out.stat().st_size, "bytes", flush=True)


# ---------------------------------------------------------------- judging
def detections(session, picture, floor=0.05, overlap=0.35):
    out = session.run(None, {"images": np.ascontiguousarray(picture.transpose(2, 0, 1)[None], np.float32) / 255})[0][0]
    found = []
    for c in range(NC):
        keep = out[4 + c] > floor
        cx, cy, w, h = out[:4, keep]
        boxes = np.stack([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2], 1)
        scores, left = out[4 + c, keep], []
        for i in np.argsort(-scores):
            if all(iou(boxes[i], boxes[j]) < overlap for j in left):
                left.append(i)
        found += [(c, scores[i], boxes[i]) for i in left]
    return found


def iou(a, b):
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    inter = max(w, 0) * max(h, 0)
    return inter / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inter + 1e-9)


def judge(folder, model, level, names="v"):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    tally = np.zeros((NC, 4), int)      # clear objects, found, detections, false
    spent, frames_seen = 0.0, 0
    for frames, truth in read(folder, lambda name: name.startswith(names)):
        for picture, boxes in zip(frames, truth):
            began = time.process_time()
            found = [f for f in detections(session, picture) if f[1] >= level]
            spent, frames_seen = spent + time.process_time() - began, frames_seen + 1
            taken = set()
            for c, score, box in sorted(found, key=lambda f: -f[1]):
                rows = [(iou(box, b[1:5] * [W, H, W, H]), i) for i, b in enumerate(boxes) if b[0] == c and i not in taken]
                best = max(rows, default=(0, -1))
                tally[c, 2] += 1
                if best[0] >= 0.5:
                    taken.add(best[1])
                else:
                    tally[c, 3] += 1
            for i, (c, x0, y0, x1, y1, seen) in enumerate(boxes):
                if seen >= 0.5 and (y1 - y0) * H >= 12 and (x1 - x0) * W >= 5:
                    tally[int(c), 0] += 1
                    tally[int(c), 1] += i in taken
    print(f"{frames_seen} frames, {1000 * spent / frames_seen:.1f} ms of CPU a frame with suppression in Python")
    for name, (clear, hit, said, wrong) in zip(CLASSES, tally):
        print(f"{name:8} recall {hit / max(clear, 1):.3f} of {clear}, precision {1 - wrong / max(said, 1):.3f} of {said} (confidence {level})")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["train", "export", "judge"])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--minutes", type=float, default=28)
    parser.add_argument("--model", type=pathlib.Path, default=HERE / "street.onnx")
    parser.add_argument("--level", type=float, default=0.4)
    args = parser.parse_args()
    if args.what == "train":
        train(args.folder, args.minutes, args.model)
    elif args.what == "export":
        net = Street()
        net.load_state_dict(torch.load(args.model.with_suffix(".pt")))
        export(net, args.model)
    else:
        judge(args.folder, args.model, args.level)
