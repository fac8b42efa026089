#!/usr/bin/env python3
"""The whole line on N cameras, always busy, against the floor and against a plain script: ratios measured in one run,
several times over, for a rented machine is not equally fast from minute to minute.

Serves one video over real RTSP, then measures in turn, `--rounds` times, CPU seconds per second of video:
  R  receive: rtspsrc ! depayload ! parse, one camera, GStreamer alone
  D  decode:  the same file through the same software decoder, GStreamer alone
  I  infer:   ONNX Runtime alone, CPU seconds per inference of the same model, one thread
  D', I'      the same at the camera's pace, 25 pictures and 5 inferences a second: caches are cold and the core has slept, as in life
  L  `lightbar run` on N cameras of that stream, publishing to nobody's Kafka (the outbox grows)
  S  a script of OpenCV, ONNX Runtime and ByteTrack on one camera of that stream (--script), as users write it
and prints   overhead = L / (N * (R + D) + inferences * I)   and the same with D' and I' as overhead_paced,   and   script ratio = S / ((L + missing * I) / N): on a machine that is busy
with other things the service looks at fewer frames than the script, and is charged for those that are missing.

  ffmpeg -i one-by-one-person-detection.mp4 -vf scale=1920:1080,fps=25 -c:v libx264 -b:v 4M -g 50 -bf 0 -an clip.mp4   # 1080p25, 4 Mbit/s
  benches/whole_line.py --video clip.mp4 --model yolox_nano_416.onnx --cameras 2 --seconds 60 [--script script_pipeline.py]
Needs: make build, cargo build --release --example rtsp_file, gst-launch-1.0, and for I and S the Python packages onnxruntime==1.24.4 opencv-python-headless==4.12.0.88
supervision==0.25.1 "numpy<2.3" (pass --python for the interpreter that has them).
"""
import argparse
import json
import os
import pathlib
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

INFER = """
import os, sys, time
import numpy as np, onnxruntime as ort
options = ort.SessionOptions(); options.intra_op_num_threads = 1
options.add_session_config_entry("session.intra_op.allow_spinning", "0")
session = ort.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
node = session.get_inputs()[0]
tensor = np.random.default_rng(1).random([d if isinstance(d, int) else 1 for d in node.shape], dtype=np.float32) * 255
for _ in range(3): session.run(None, {node.name: tensor})
def cost(pause):
    n, cpu = 60, time.process_time()
    for _ in range(n):
        time.sleep(pause)
        session.run(None, {node.name: tensor})
    return (time.process_time() - cpu) / n
print(cost(0), cost(float(sys.argv[2])))
"""


def cpu_of(pid: int) -> float:
    """CPU seconds, user and system, of a running process."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cpu_of_command(command: list[str], seconds: float | None = None) -> float:
    """CPU seconds that a command takes, stopped after `seconds` by SIGINT where given."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        child.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        child.send_signal(signal.SIGINT)
        child.wait(timeout=20)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)


def metric(text: str, name: str) -> float:
    """Sum of a counter over its labels."""
    rows = (line.rsplit(" ", 1) for line in text.splitlines() if line.startswith((name + "{", name + " ")))
    return sum(float(value) for _, value in rows)


def scrape(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        return answer.read().decode()


def line_config(args, url: str, folder: str) -> str:
    cameras = "".join(f'''
[[camera]]
id = "cam{i}"
url = "{url}"
fps = {args.fps}
decoder = "software"
[[camera.zone]]
id = "middle"
points = [[0.25, 0.25], [0.75, 0.25], [0.75, 0.95], [0.25, 0.95]]
[[camera.line]]
id = "middle-line"
points = [[0.5, 1.0], [0.5, 0.0]]
[[camera.rule]]
id = "stay"
kind = "loitering"
zone = "middle"
dwell_s = 10
[[camera.rule]]
id = "cross"
kind = "line_cross"
line = "middle-line"
direction = "any"
''' for i in range(args.cameras))
    return f'''
[service]
site = "bench"
node = "bench-1"
data_dir = "{folder}/data"
[http]
listen = "127.0.0.1:{args.port}"
[kafka]
enabled = false
[inference]
model = "{pathlib.Path(args.model).resolve()}"
providers = ["cpu"]
workers = 1
threads = 1
{cameras}'''


def measure_line(args, url: str) -> tuple[float, float]:
    """CPU seconds per second of the service on all cameras, and inferences per second."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "line.toml")
        path.write_text(line_config(args, url, folder))
        log = open(pathlib.Path(folder, "log"), "w")
        service = subprocess.Popen([args.lightbar, "run", "--config", str(path)], stderr=log)
        try:
            deadline = time.monotonic() + 60
            while True:
                try:
                    if metric(scrape(args.port), "lightbar_analyze_observations_total") >= 10 * args.cameras:
                        break
                except OSError:
                    pass
                if time.monotonic() > deadline or service.poll() is not None:
                    sys.exit("the service analysed nothing:\n" + pathlib.Path(folder, "log").read_text()[-3000:])
                time.sleep(0.5)
            first, cpu, began = metric(scrape(args.port), "lightbar_analyze_observations_total"), cpu_of(service.pid), time.monotonic()
            time.sleep(args.seconds)
            took = time.monotonic() - began
            cpu = (cpu_of(service.pid) - cpu) / took
            return cpu, (metric(scrape(args.port), "lightbar_analyze_observations_total") - first) / took
        finally:
            service.terminate()
            service.wait(timeout=30)


def main() -> None:
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--video", required=True)
    a.add_argument("--model", required=True)
    a.add_argument("--cameras", type=int, default=2)
    a.add_argument("--fps", type=float, default=5)
    a.add_argument("--seconds", type=float, default=60)
    a.add_argument("--rounds", type=int, default=3, help="all figures so many times; the medians are given, each round on stderr")
    a.add_argument("--port", type=int, default=18080)
    a.add_argument("--lightbar", default="target/release/lightbar")
    a.add_argument("--server", default="target/release/examples/rtsp_file", help="built by: cargo build --release --example rtsp_file")
    a.add_argument("--script", help="script_pipeline.py to compare with")
    a.add_argument("--python", default=sys.executable)
    args = a.parse_args()

    server = subprocess.Popen([args.server, args.video], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)
    try:
        served = json.loads(server.stdout.readline())
        rounds = [measure_round(args, served["url"], served["codec"]) for _ in range(args.rounds)]
        for figures in rounds:
            print(json.dumps({k: round(v, 4) for k, v in figures.items()}), file=sys.stderr)
        print(json.dumps({k: round(statistics.median(r[k] for r in rounds), 4) for k in rounds[0]}, indent=1))
    finally:
        server.stdin.close()
        server.wait(timeout=10)


def measure_round(args, url: str, codec: str) -> dict[str, float]:
    """All figures once, one after the other, so that their ratios speak of the same minute."""
    receive = cpu_of_command(["gst-launch-1.0", "-e", "-q", "rtspsrc", f"location={url}", "protocols=tcp", "buffer-mode=none", "!",
                              f"rtp{codec}depay", "!", f"{codec}parse", "!", "fakesink"], args.seconds) / args.seconds
    length = float(subprocess.run(["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", args.video],
                                  capture_output=True, text=True, check=True).stdout)
    decoding = ["gst-launch-1.0", "-q", "filesrc", f"location={args.video}", "!", "qtdemux", "!", f"{codec}parse", "!",
                f"avdec_{codec}", "max-threads=1", "!", "fakesink"]
    decode = cpu_of_command(decoding) / length
    decode_paced = cpu_of_command([*decoding, "sync=true"], args.seconds) / args.seconds
    inferring = [args.python, "-c", INFER, args.model, str(1 / args.fps)]
    infer, infer_paced = map(float, subprocess.run(inferring, capture_output=True, text=True, check=True).stdout.split())
    line, inferences = measure_line(args, url)
    figures = {"R": receive, "D": decode, "I": infer, "D'": decode_paced, "I'": infer_paced, "L": line, "cameras": args.cameras, "inferences_per_s": inferences,
               "overhead": line / (args.cameras * (receive + decode) + inferences * infer),
               "overhead_paced": line / (args.cameras * (receive + decode_paced) + inferences * infer_paced)}
    if args.script:
        out = subprocess.run([args.python, args.script, url, "--model", args.model, "--fps", str(args.fps), "--seconds", str(args.seconds)],
                             capture_output=True, text=True, check=True).stdout
        figures["S"] = float(out.split("cores ")[1].split()[0])
        missing = max(0.0, args.cameras * args.fps - inferences)
        figures["script_ratio"] = figures["S"] / ((line + missing * infer) / args.cameras)
    return figures


if __name__ == "__main__":
    main()
