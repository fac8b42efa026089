#!/usr/bin/env bash
# Renders the frames that train.py learns from (a*, b*) and is judged on (v*): scenes by chance, encoded and decoded as cameras
# and services do, in several sizes, codecs and qualities.
#   models/street/frames.sh DIR [path of the lightbar binary]
set -euo pipefail
dir=$1 lightbar=${2:-target/release/lightbar}
mkdir -p "$dir"

chunk() {   # name, first seed, scenes, width, height, encoder, quality, scaler
  local file=$dir/$1
  "$lightbar" street render --seed "$2" --scenes "$3" --frames 4 --width "$4" --height "$5" --labels "$file.jsonl" |
    ffmpeg -v error -y -f rawvideo -pix_fmt yuv420p -s "$4x$5" -r 5 -i - -c:v "$6" -preset ultrafast -crf "$7" \
      -color_primaries bt709 -color_trc bt709 -colorspace bt709 -color_range tv -f matroska "$file.mkv"
  ffmpeg -v error -y -i "$file.mkv" -fps_mode passthrough \
    -vf "scale=448:256:flags=$8:in_color_matrix=bt709,format=rgb24" -f rawvideo "$file.rgb"
  rm "$file.mkv"
  echo "$1: $(wc -l <"$file.jsonl") frames"
}

while read -r line; do
  # shellcheck disable=SC2086  # a line is the arguments
  chunk $line </dev/null
done <<'END'
v0 900000 40 960 540 libx264 27 bilinear
v1 910000 40 960 540 libx265 30 bilinear
a0 10000 170 640 360 libx264 25 bilinear
a1 20000 130 960 540 libx264 29 bilinear
a2 30000 170 640 360 libx264 31 area
a3 40000 130 960 540 libx265 30 bilinear
a4 50000 170 800 450 libx264 23 bilinear
a5 60000 130 960 540 libx264 26 area
a6 70000 90 1280 720 libx264 28 bilinear
a7 80000 170 640 360 libx264 34 bicubic
a8 90000 150 960 540 libx264 24 bilinear
a9 100000 150 960 540 libx264 30 bilinear
b0 110000 170 640 360 libx264 27 bilinear
b1 120000 150 960 540 libx264 27 bilinear
b2 130000 150 800 450 libx265 28 area
END
