#!/usr/bin/env python3
"""Detects with plain Python the way each model's authors do: the yardstick for `lightbar detect`.

  pip install onnxruntime==1.24.4 opencv-python-headless==4.12.0.88 numpy==2.2.6
  reference_detect.py --model yolox_nano_416.onnx --kind yolox --annotations instances.json --out results.json IMAGES_DIR

Kinds: yolox (YOLOX's ONNX demo: top-left letterbox, BGR 0..255, grid decoded here), yolov8 (Ultralytics: centred letterbox,
RGB 0..1), e2e and nms (the same input, finished rows), detr (DEIMv2's ONNX demo: stretched, RGB 0..1), ssd (TensorFlow:
stretched, RGB bytes). `--noise 0.05` moves that share of the input's values by one level of 255: what it changes, no two pipelines
can be asked to agree on. Only numpy and OpenCV; no code of Lightbar, no code of the authors.
"""
import argparse, json, os
import cv2, numpy as np, onnxruntime as ort

COCO90_GAPS = {12, 26, 29, 30, 45, 66, 68, 69, 71, 83}


def letterbox(image, size, centred):
    height, width = image.shape[:2]
    ratio = min(size[0] / height, size[1] / width)
    whole = (lambda v: int(round(v))) if centred else int
    new = (max(1, whole(width * ratio)), max(1, whole(height * ratio)))
    small = cv2.resize(image, new, interpolation=cv2.INTER_LINEAR)
    canvas = np.full((size[0], size[1], 3), 114, np.uint8)
    left, top = ((size[1] - new[0]) / 2, (size[0] - new[1]) / 2) if centred else (0, 0)
    left, top = int(round(left - 0.1)), int(round(top - 0.1))
    canvas[top:top + new[1], left:left + new[0]] = small
    return canvas, ratio, left, top


def iou(box, boxes):
    x0, y0 = np.maximum(box[0], boxes[:, 0]), np.maximum(box[1], boxes[:, 1])
    x1, y1 = np.minimum(box[2], boxes[:, 2]), np.minimum(box[3], boxes[:, 3])
    inter = np.clip(x1 - x0, 0, None) * np.clip(y1 - y0, 0, None)
    area = lambda b: (b[..., 2] - b[..., 0]) * (b[..., 3] - b[..., 1])
    return inter / (area(box) + area(boxes) - inter)


def nms(boxes, scores, classes, threshold):
    keep = []
    for c in np.unique(classes):
        order = np.where(classes == c)[0]
        order = order[np.argsort(-scores[order], kind="stable")]
        while len(order):
            keep.append(order[0])
            order = order[1:][iou(boxes[order[0]], boxes[order[1:]]) <= threshold]
    return np.array(sorted(keep, key=lambda i: -scores[i]), int)


def centre_to_corners(c, wh):
    return np.concatenate((c - wh / 2, c + wh / 2), 1)


def disturbed(levels, noise, seed=np.random.default_rng(1)):
    if not noise:
        return levels
    step = (seed.random(levels.shape) < noise) * seed.choice([-1, 1], levels.shape)
    return np.clip(levels.astype(int) + step, 0, 255).astype(np.uint8)


def detect(session, kind, image, floor, noise):
    """Boxes (corners in picture pixels), scores, zero-based COCO class numbers (category numbers less one for ssd)."""
    height, width = image.shape[:2]
    port = session.get_inputs()[0]
    if kind == "ssd":
        size = port.shape[1:3]
        tensor = cv2.resize(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), (size[1], size[0]))[None]
        tensor = disturbed(tensor, noise)
        boxes, classes, scores, count = session.run(None, {port.name: tensor})
        n = int(count[0])
        boxes = boxes[0, :n][:, [1, 0, 3, 2]] * [width, height, width, height]
        return boxes, scores[0, :n], classes[0, :n].astype(int)
    size = port.shape[2:4]
    if kind == "detr":
        rgb = cv2.resize(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), (size[1], size[0]))
        tensor = disturbed(rgb, noise).astype(np.float32).transpose(2, 0, 1)[None] / 255
        feed = {port.name: tensor, session.get_inputs()[1].name: np.array([[width, height]], np.int64)}
        labels, boxes, scores = session.run(["labels", "boxes", "scores"], feed)
        return boxes[0], scores[0], labels[0]
    centred = kind != "yolox"
    canvas, ratio, left, top = letterbox(image, size, centred)
    canvas = disturbed(canvas, noise)
    if centred:
        canvas = cv2.cvtColor(canvas, cv2.COLOR_BGR2RGB)
    tensor = canvas.astype(np.float32).transpose(2, 0, 1)[None]
    out = session.run(None, {port.name: np.ascontiguousarray(tensor / 255 if centred else tensor)})[0]
    if kind == "yolox":
        out = out[0]
        grids, strides = [], []
        for stride in (8, 16, 32):
            xs, ys = np.meshgrid(np.arange(size[1] // stride), np.arange(size[0] // stride))
            grids.append(np.stack((xs, ys), 2).reshape(-1, 2)); strides.append(np.full((xs.size, 1), stride))
        grid, stride = np.concatenate(grids), np.concatenate(strides)
        boxes = centre_to_corners((out[:, :2] + grid) * stride, np.exp(out[:, 2:4]) * stride)
        each = out[:, 4:5] * out[:, 5:]
    elif kind == "yolov8":
        out = out[0].T
        boxes, each = centre_to_corners(out[:, :2], out[:, 2:4]), out[:, 4:]
    if kind in ("yolox", "yolov8"):
        classes = each.argmax(1); scores = each[np.arange(len(each)), classes]
        sure = scores >= floor
        boxes, scores, classes = boxes[sure], scores[sure], classes[sure]
        keep = nms(boxes, scores, classes, 0.65)
        boxes, scores, classes = boxes[keep], scores[keep], classes[keep]
    elif kind == "e2e":
        boxes, scores, classes = out[0][:, :4], out[0][:, 4], out[0][:, 5].astype(int)
    else:
        boxes, scores, classes = out[:, 1:5], out[:, 6], out[:, 5].astype(int)
    return (boxes - [left, top, left, top]) / ratio, scores, classes


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--model", required=True); p.add_argument("--kind", required=True, choices=["yolox", "yolov8", "e2e", "nms", "detr", "ssd"])
    p.add_argument("--annotations", required=True); p.add_argument("--out", required=True); p.add_argument("--confidence", type=float, default=0.01)
    p.add_argument("--noise", type=float, default=0.0); p.add_argument("images")
    a = p.parse_args()
    coco = json.load(open(a.annotations))
    ids = [c["id"] for c in sorted(coco["categories"], key=lambda c: c["id"])]
    options = ort.SessionOptions(); options.intra_op_num_threads = 1; options.log_severity_level = 3
    session = ort.InferenceSession(a.model, options, providers=["CPUExecutionProvider"])
    results = []
    for entry in coco["images"]:
        image = cv2.imread(os.path.join(a.images, entry["file_name"]), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
        height, width = image.shape[:2]
        for box, score, number in zip(*detect(session, a.kind, image, a.confidence, a.noise)):
            x0, y0, x1, y1 = np.clip(box, 0, [width, height, width, height]).tolist()
            if score < max(a.confidence, 1e-9) or x1 <= x0 or y1 <= y0:
                continue
            category = int(number) + 1 if a.kind == "ssd" else ids[int(number)]
            results.append({"image_id": entry["id"], "category_id": category, "bbox": [x0, y0, x1 - x0, y1 - y0], "score": float(score)})
    json.dump(results, open(a.out, "w"))
    print(f"{len(results)} objects on {len(coco['images'])} pictures -> {a.out}")


main()
