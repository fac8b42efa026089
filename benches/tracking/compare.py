#!/usr/bin/env python3
"""The tracker against its rivals on a busy street: the same poor detections to all, judged by TrackEval's definitions.

    cargo build --release && python3 benches/tracking/compare.py            # 20 seeds, 25 and 5 frames per second
    python3 benches/tracking/compare.py --seeds 4 --fps 5 --tune 20         # rivals tuned on other seeds, too

Makes its own virtual environment (pinned: requirements.txt) in target/tracking. Sequences, truth and detections come from
`lightbar street mot`; half of the seeds are day, half dusk. Rivals are the package `trackers`, without appearance, with its
default parameters, with thresholds and patience like ours ("suited"), and with `--tune N` also with the best of N draws from the ranges that the package itself names
(`search_space`), chosen on seeds that are not judged. All trackers are judged online: only what they said at each frame.
What is hidden to more than nine tenths is not asked for. All objects count as one class.
"""

import argparse
import inspect
import json
import multiprocessing
import os
import pathlib
import random
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
WORK = ROOT / "target" / "tracking"
CLASSES = "person,bicycle,motorcycle,car,bus,truck,van,animal,bag"
SIZE = (960, 540)
SECONDS = 30
LEAST_VISIBLE = 0.1
RIVALS = ("sort", "bytetrack", "ocsort", "cbiou", "botsort")
# Our own thresholds and patience, where a rival knows such: its defaults are meant for surer detectors.
SUITED = {
    "track_activation_threshold": 0.4,
    "high_conf_det_threshold": 0.4,
    "minimum_consecutive_frames": 2,
    "lost_track_buffer": 60,
}
TUNING_SEEDS = (1001, 1002, 1003, 1004)


def in_own_environment():
    """Runs this script again with the pinned packages, made ready at the first time."""
    venv = WORK / "venv"
    python = venv / "bin" / "python"
    stamp, wanted = venv / "pinned.txt", (HERE / "requirements.txt").read_text()
    if pathlib.Path(sys.prefix) == venv:
        return
    if not stamp.exists() or stamp.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", "-r", str(HERE / "requirements.txt")], check=True)
        stamp.write_text(wanted)
    os.execv(python, [str(python), *sys.argv])


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lightbar", default=str(ROOT / "target/release/lightbar"), help="the binary to judge")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--fps", type=float, nargs="+", default=[25, 5])
    parser.add_argument("--only", nargs="+", default=None, help="judge only these (lightbar, lightbar-1class, %s)" % ", ".join(RIVALS))
    parser.add_argument("--tune", type=int, default=0, metavar="N", help="draws of parameters for each rival")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--json", type=pathlib.Path, help="write the figures here, too")
    return parser.parse_args()


def sequence(lightbar, seed, fps):
    """The files of a sequence, made where they are missing."""
    folder = WORK / "sequences"
    folder.mkdir(parents=True, exist_ok=True)
    light = 1.0 if seed % 2 else 0.5
    truth, found = folder / f"{seed}-{fps:g}.gt", folder / f"{seed}-{fps:g}.det"
    if not (truth.exists() and found.exists()):
        parts = [f"{p}.{os.getpid()}" for p in (truth, found)]
        command = [lightbar, "street", "mot", "--seed", str(seed), "--fps", str(fps), "--seconds", str(SECONDS)]
        command += ["--light", str(light), "--out-gt", parts[0], "--out-det", parts[1]]
        subprocess.run(command, check=True)
        for part, whole in zip(parts, (truth, found)):
            os.replace(part, whole)
    return truth, found


def read_rows(path):
    import numpy as np

    rows = np.loadtxt(path, delimiter=",", ndmin=2)
    return rows if rows.size else np.zeros((0, 10))


def run_ours(lightbar, found, fps, classes):
    out = WORK / f"ours.{os.getpid()}.txt"
    command = [lightbar, "track", "--detections", str(found), "--size", "%dx%d" % SIZE, "--fps", str(fps)]
    command += ["--online", "--out", str(out)] + (["--classes", CLASSES] if classes else [])
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    rows = read_rows(out)
    return rows[:, [0, 1, 2, 3, 4, 5]]


def make_rival(name, fps, parameters):
    import trackers

    kinds = {
        "sort": trackers.SORTTracker,
        "bytetrack": trackers.ByteTrackTracker,
        "ocsort": trackers.OCSORTTracker,
        "cbiou": trackers.CBIoUTracker,
        "botsort": trackers.BoTSORTTracker,
    }
    more = {"enable_cmc": False} if name == "botsort" else {}
    return kinds[name](frame_rate=fps, **more, **parameters)


def run_rival(name, found, fps, parameters):
    import numpy as np
    import supervision as sv

    tracker = make_rival(name, fps, parameters)
    rows = read_rows(found)
    frames, out = rows[:, 0].astype(int), []
    for frame in range(1, int(SECONDS * fps) + 1):
        here = rows[frames == frame]
        boxes = here[:, 2:6].copy()
        boxes[:, 2:] += boxes[:, :2]
        given = sv.Detections(
            xyxy=boxes.astype(np.float32),
            confidence=here[:, 6].astype(np.float32),
            class_id=here[:, 7].astype(int),
        )
        told = tracker.update(given)
        for (left, top, right, bottom), number in zip(told.xyxy, told.tracker_id if len(told) else ()):
            if number is not None and number >= 0:
                out.append([frame, number, left, top, right - left, bottom - top])
    return np.array(out).reshape(-1, 6)


def evaluation(truth, tracks, fps):
    """TrackEval's data for one sequence."""
    import numpy as np

    wanted = read_rows(truth)
    wanted = wanted[wanted[:, 8] >= LEAST_VISIBLE]
    number = lambda ids: {value: i for i, value in enumerate(sorted(set(ids)))}
    gt_ids, track_ids = number(wanted[:, 1]), number(tracks[:, 1])
    data = {"gt_ids": [], "tracker_ids": [], "similarity_scores": []}
    for frame in range(1, int(SECONDS * fps) + 1):
        a, b = wanted[wanted[:, 0] == frame], tracks[tracks[:, 0] == frame]
        data["gt_ids"].append(np.array([gt_ids[i] for i in a[:, 1]], dtype=int))
        data["tracker_ids"].append(np.array([track_ids[i] for i in b[:, 1]], dtype=int))
        data["similarity_scores"].append(overlaps(a[:, 2:6], b[:, 2:6]))
    return data | {
        "num_timesteps": int(SECONDS * fps),
        "num_gt_ids": len(gt_ids),
        "num_tracker_ids": len(track_ids),
        "num_gt_dets": len(wanted),
        "num_tracker_dets": len(tracks),
    }


def overlaps(a, b):
    import numpy as np

    least, most = np.maximum(a[:, None, :2], b[None, :, :2]), a[:, None, :2] + a[:, None, 2:]
    most = np.minimum(most, b[None, :, :2] + b[None, :, 2:])
    both = np.clip(most - least, 0, None).prod(axis=2)
    return both / np.maximum(a[:, 2:].prod(axis=1)[:, None] + b[:, 2:].prod(axis=1)[None, :] - both, 1e-9)


def judge(job):
    """One tracker on one sequence."""
    import trackeval

    lightbar, who, parameters, seed, fps = job
    truth, found = sequence(lightbar, seed, fps)
    if who.startswith("lightbar"):
        tracks = run_ours(lightbar, found, fps, classes=who == "lightbar")
    else:
        tracks = run_rival(who, found, fps, parameters)
    data = evaluation(truth, tracks, fps)
    quiet = {"PRINT_CONFIG": False}
    metrics = {
        "HOTA": trackeval.metrics.HOTA(),
        "CLEAR": trackeval.metrics.CLEAR(quiet),
        "Identity": trackeval.metrics.Identity(quiet),
    }
    return {name: metric.eval_sequence(data) for name, metric in metrics.items()}


def summary(results):
    """All sequences as one, as TrackEval combines them."""
    import numpy as np
    import trackeval

    quiet = {"PRINT_CONFIG": False}
    metrics = {
        "HOTA": trackeval.metrics.HOTA(),
        "CLEAR": trackeval.metrics.CLEAR(quiet),
        "Identity": trackeval.metrics.Identity(quiet),
    }
    whole = {n: m.combine_sequences({i: r[n] for i, r in enumerate(results)}) for n, m in metrics.items()}
    hota = whole["HOTA"]
    return {
        "HOTA": 100 * float(np.mean(hota["HOTA"])),
        "DetA": 100 * float(np.mean(hota["DetA"])),
        "AssA": 100 * float(np.mean(hota["AssA"])),
        "IDF1": 100 * float(whole["Identity"]["IDF1"]),
        "MOTA": 100 * float(whole["CLEAR"]["MOTA"]),
        "IDSW": int(whole["CLEAR"]["IDSW"]),
        "Frag": int(whole["CLEAR"]["Frag"]),
    }


def suited(name, fps):
    known = inspect.signature(type(make_rival(name, fps, {})).__init__).parameters
    return {key: value for key, value in SUITED.items() if key in known}


def drawn(name, draws):
    """Parameters drawn from the ranges that the package names for tuning."""
    rng = random.Random(name)
    space = type(make_rival(name, 25, {})).search_space
    for _ in range(draws):
        yield {
            key: rng.randrange(*how["range"]) if how["type"] == "randint" else rng.uniform(*how["range"])
            for key, how in space.items()
        }


def tuned(pool, lightbar, name, fps, draws):
    """The parameters with the best HOTA + IDF1 on the tuning seeds."""
    candidates = [{}] + list(drawn(name, draws))
    jobs = [(lightbar, name, parameters, seed, fps) for parameters in candidates for seed in TUNING_SEEDS]
    results = pool.map(judge, jobs, chunksize=1)
    size = len(TUNING_SEEDS)
    scores = [summary(results[i * size : (i + 1) * size]) for i in range(len(candidates))]
    best = max(range(len(candidates)), key=lambda i: scores[i]["HOTA"] + scores[i]["IDF1"])
    return candidates[best]


def main():
    args = arguments()
    lightbar = str(pathlib.Path(args.lightbar).resolve())
    seeds = range(args.first_seed, args.first_seed + args.seeds)
    figures = []
    with multiprocessing.Pool(args.jobs) as pool:
        for fps in args.fps:
            field = [("lightbar", {}), ("lightbar-1class", {})] + [(name, {}) for name in RIVALS]
            field = [entry for entry in field if not args.only or entry[0] in args.only]
            field += [(name, suited(name, fps)) for name, _ in list(field) if name in RIVALS]
            if args.tune:
                rivals = sorted({name for name, _ in field if name in RIVALS})
                field += [(name, tuned(pool, lightbar, name, fps, args.tune)) for name in rivals]
            jobs = [(lightbar, who, parameters, seed, fps) for who, parameters in field for seed in seeds]
            results = pool.map(judge, jobs, chunksize=1)
            print(f"\n{args.seeds} seeds of {SECONDS} s at {fps:g} frames per second")
            print(f"{'':24}{'HOTA':>7}{'IDF1':>7}{'MOTA':>7}{'DetA':>7}{'AssA':>7}{'IDSW':>7}{'Frag':>7}")
            for i, (who, parameters) in enumerate(field):
                total = summary(results[i * len(seeds) : (i + 1) * len(seeds)])
                label = "suited" if parameters and set(parameters) <= set(SUITED) else "tuned"
                name = f"{who}, {label}" if parameters else who
                print(f"{name:24}" + "".join(f"{total[k]:7.2f}" for k in ("HOTA", "IDF1", "MOTA", "DetA", "AssA")), end="")
                print(f"{total['IDSW']:7}{total['Frag']:7}", flush=True)
                figures.append({"fps": fps, "tracker": who, "parameters": parameters, **total})
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    in_own_environment()
    main()
