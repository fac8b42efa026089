#!/usr/bin/env bash
# Installs what Lightbar needs and this machine lacks: system packages, Rust, the pinned ONNX Runtime, Kafka's jars.
#
#   scripts/setup.sh demo    what `make demo` and `make build` need
#   scripts/setup.sh kafka   that, and a real Apache Kafka broker in .tools/
#   scripts/setup.sh test    that, and what only the tests use (a browser, a second RTSP server)
#   scripts/setup.sh all     everything (the same as `test` today)
#
# Each step looks first and does only what is missing; a second run ends at once. What is downloaded is checked against
# the sha256 below before it gets its name, so there is never half a file. Nothing outside .tools/ is touched except by
# apt and rustup, and both are announced.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tools=$root/.tools
mode=${1:-demo}

# The oldest compiler that builds this; Cargo.toml's `rust-version` says the same.
rust_version=1.95

# The library that the `ort` crate loads at run time (see Cargo.toml): the one inside the wheel of this release.
ort_version=1.24.4
ort_sha256_x86_64=e54ad52e61d2d4618dcff8fa1480ac66b24ee2eab73331322db1049f11ccf330
ort_sha256_aarch64=046ff290045a387676941a02a8ae5c3ebec6b4f551ae228711968c4a69d8f6b7

packages_build=(
  build-essential make pkg-config cmake mold curl ca-certificates unzip python3 python3-pip
  libssl-dev libsasl2-dev libzstd-dev libcurl4-openssl-dev zlib1g-dev
  libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev libgstrtspserver-1.0-dev
)
packages_run=(
  gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad
  gstreamer1.0-plugins-ugly gstreamer1.0-libav gstreamer1.0-rtsp kcat
)
packages_kafka=(openjdk-17-jre-headless maven)
packages_test=(openjdk-17-jdk-headless vlc-bin vlc-plugin-base chromium)

step() { printf '==> %s\n' "$*"; }
note() { printf '    %s\n' "$*"; }
fail() {
  printf '\nset-up stopped: %s\n' "$1" >&2
  shift
  for line in "$@"; do printf '  %s\n' "$line" >&2; done
  exit 1
}

with_kafka() { [[ $mode != demo ]]; }

# ------------------------------------------------------------------ system packages

missing_packages() {
  local package
  for package in "$@"; do
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true) == installed ]] || printf '%s\n' "$package"
  done
}

install_packages() {
  local wanted=("${packages_build[@]}" "${packages_run[@]}") missing as_root=()
  if with_kafka; then wanted+=("${packages_kafka[@]}"); fi
  if [[ $mode == test || $mode == all ]]; then wanted+=("${packages_test[@]}"); fi
  step "system packages (${#wanted[@]})"
  if ! command -v dpkg-query apt-get >/dev/null; then
    fail "this machine has no apt; the set-up is written for Debian 12 and what derives from it" \
      "install the equivalents of these packages, then run the cargo commands of the Makefile yourself:" "${wanted[*]}"
  fi
  mapfile -t missing < <(missing_packages "${wanted[@]}")
  if ((${#missing[@]} == 0)); then
    note "all there"
    return
  fi
  if ((EUID != 0)); then
    if ! command -v sudo >/dev/null; then
      fail "${#missing[@]} system packages are missing, and there is neither root nor sudo here" "run this as root, then try again:" \
        "apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
    fi
    as_root=(sudo)
  fi
  note "installing: ${missing[*]}"
  local command=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get)
  if ! { "${command[@]}" -q update && "${command[@]}" -q install -y --no-install-recommends "${missing[@]}"; }; then
    fail "apt did not install the packages (its own words are above)" "when that is mended, run this as root and try again:" \
      "apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
  fi
}

# ------------------------------------------------------------------ Rust

rust_is_new_enough() {
  local found
  found=$(cargo --version 2>/dev/null | cut -d' ' -f2) || return 1
  [[ -n $found && $(printf '%s\n%s\n' "$rust_version" "$found" | sort -V | head -1) == "$rust_version" ]]
}

install_rust() {
  step "Rust $rust_version or newer"
  export PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
  if rust_is_new_enough; then
    note "$(cargo --version)"
    return
  fi
  local by_hand="curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh"
  if command -v rustup >/dev/null; then
    note "$(cargo --version 2>/dev/null || echo 'no cargo'): updating by rustup"
    rustup update stable || fail "rustup could not update the stable toolchain" "try: rustup update stable"
  else
    note "installing by rustup (https://rustup.rs) into ${CARGO_HOME:-$HOME/.cargo}"
    local installer
    installer=$(mktemp)
    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs -o "$installer" ||
      { rm -f "$installer"; fail "rustup could not be fetched" "with a network that reaches it, run: $by_hand"; }
    sh "$installer" -y --profile minimal --component clippy --component rustfmt --no-modify-path ||
      { rm -f "$installer"; fail "rustup did not install Rust (its own words are above)" "by hand: $by_hand"; }
    rm -f "$installer"
  fi
  rust_is_new_enough || fail "cargo is still older than $rust_version: $(cargo --version 2>&1 || true)" \
    "if another cargo comes first in PATH, remove it or pin the toolchain: rustup default stable"
  note "$(cargo --version)"
}

# ------------------------------------------------------------------ ONNX Runtime

install_onnxruntime() {
  local library=$tools/onnxruntime/lib/libonnxruntime.so.$ort_version machine sha256 work wheel
  step "ONNX Runtime $ort_version"
  if [[ -f $library && -e $tools/onnxruntime/lib/libonnxruntime.so ]]; then
    note "${library#"$root"/}"
    return
  fi
  machine=$(uname -m)
  case $machine in
    x86_64) sha256=$ort_sha256_x86_64 ;;
    aarch64) sha256=$ort_sha256_aarch64 ;;
    *) fail "there is no pinned ONNX Runtime for $machine" "build version $ort_version and name the library in ORT_DYLIB_PATH" ;;
  esac
  work=$(mktemp -d "$tools/onnxruntime.XXXXXX")
  # shellcheck disable=SC2064  # the folder of now is meant
  trap "rm -rf '$work'" EXIT
  note "fetching the wheel by pip (17 MB)"
  # The library is plain C++ and the same in each wheel of a release; cp311 is named so that the sha256 is always one.
  python3 -m pip download --quiet --no-deps --only-binary=:all: --implementation cp --python-version 311 --abi cp311 \
    --platform "manylinux_2_28_$machine" --platform "manylinux_2_27_$machine" --dest "$work" "onnxruntime==$ort_version" ||
    fail "pip could not fetch onnxruntime $ort_version (its own words are above)" \
      "is the package index reachable? behind a proxy set HTTPS_PROXY, for a mirror PIP_INDEX_URL; then try again"
  wheel=$(find "$work" -name 'onnxruntime-*.whl' | head -1)
  if ! printf '%s  %s\n' "$sha256" "$wheel" | sha256sum --check --status; then
    fail "the ONNX Runtime wheel is not the pinned one" "want sha256 $sha256" "got  sha256 $(sha256sum "$wheel" | cut -d' ' -f1)" \
      "somebody between here and the package index changed it, or the pin in scripts/setup.sh is wrong; nothing was kept"
  fi
  mkdir -p "$work/lib"
  unzip -p "$wheel" "onnxruntime/capi/libonnxruntime.so.$ort_version" >"$work/lib/libonnxruntime.so.$ort_version"
  ln -s "libonnxruntime.so.$ort_version" "$work/lib/libonnxruntime.so"
  ln -s "libonnxruntime.so.$ort_version" "$work/lib/libonnxruntime.so.1"
  rm -f "$wheel"
  chmod 755 "$work"
  rm -rf "$tools/onnxruntime"
  mv "$work" "$tools/onnxruntime"
  trap - EXIT
  note "${library#"$root"/}"
}

# ------------------------------------------------------------------ Kafka

install_kafka() {
  step "Apache Kafka (for tests, \`make kafka\` and KAFKA=real)"
  [[ -x $root/scripts/kafka.sh ]] || fail "scripts/kafka.sh is missing or not executable" "is this a whole checkout? git status"
  "$root/scripts/kafka.sh" fetch || fail "Kafka's jars could not be fetched (the words are above)" \
    "is Maven's repository reachable? behind a proxy or for a mirror, see ~/.m2/settings.xml; then: scripts/kafka.sh fetch"
}

# ------------------------------------------------------------------ Python packages of the tests

# Into a folder of their own, named in PYTHONPATH by the tests: nothing of the machine's Python changes.
install_python_packages() {
  local folder=$tools/python wanted=$root/tests/requirements.txt fresh=$tools/python.new
  step "Python packages of the tests"
  if [[ -f $folder/.complete ]] && cmp -s "$folder/.complete" "$wanted"; then
    note "${folder#"$root"/}"
    return
  fi
  rm -rf "$fresh"
  python3 -m pip install --quiet --no-deps --only-binary=:all: --require-hashes --disable-pip-version-check \
    --root-user-action=ignore --target "$fresh" --requirement "$wanted" ||
    fail "pip could not install tests/requirements.txt (its own words are above)" \
      "is the package index reachable? behind a proxy set HTTPS_PROXY, for a mirror PIP_INDEX_URL; then try again"
  cp "$wanted" "$fresh/.complete"
  rm -rf "$folder"
  mv "$fresh" "$folder"
  note "${folder#"$root"/}"
}

# ------------------------------------------------------------------ promtool

# Out of Debian's package, which is not installed: that would start a server here that nobody asked for.
install_promtool() {
  local work
  step "promtool (tests the alert rules)"
  if command -v promtool >/dev/null || [[ -x $tools/promtool ]]; then
    note "$(command -v promtool || echo .tools/promtool)"
    return
  fi
  work=$(mktemp -d "$tools/promtool.XXXXXX")
  # apt reads as a user of its own, who may not write here.
  if ! (cd "$work" && apt-get -q -o APT::Sandbox::User=root download prometheus && dpkg-deb --extract prometheus_*.deb .); then
    rm -rf "$work"
    fail "apt could not fetch the package prometheus (its own words are above)" \
      "is a Debian mirror reachable? try: apt-get update; the tests of the alert rules want promtool in PATH"
  fi
  mv "$work/usr/bin/promtool" "$tools/promtool"
  rm -rf "$work"
  note ".tools/promtool"
}

# ------------------------------------------------------------------ in order

case $mode in
  demo | kafka | test | all) ;;
  *) fail "unknown mode: $mode" "usage: scripts/setup.sh demo|kafka|test|all" ;;
esac

mkdir -p "$tools"
exec 9>"$tools/setup.lock"
flock 9   # two makes at once wait for each other instead of unpacking over each other

stamp=$tools/setup.$mode.stamp
# The stamp is of everything that decides what is installed; a change there makes the next run look at each step again.
recipes=("$root/scripts/setup.sh" "$root/scripts/kafka.sh" "$root/deploy/kafka/pom.xml" "$root/tests/requirements.txt")
recipe=$({ cat "${recipes[@]}" 2>/dev/null || true; } | sha256sum | cut -d' ' -f1)
kafka_is_there() { ! with_kafka || [[ -d $tools/kafka/libs ]]; }
if [[ -f $stamp && $(<"$stamp") == "$recipe" && -f $tools/onnxruntime/lib/libonnxruntime.so ]] && kafka_is_there &&
  PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH" rust_is_new_enough; then
  exit 0
fi

install_packages
install_rust
install_onnxruntime
if with_kafka; then install_kafka; fi
if [[ $mode == test || $mode == all ]]; then
  install_python_packages
  install_promtool
fi
printf '%s\n' "$recipe" >"$stamp.new"
mv "$stamp.new" "$stamp"
step "set up for: $mode"
