#!/bin/sh
# Runs the binaries for boards (arm64, armv7) that are in dist/ through their commands and a job, on an emulated CPU. Needs qemu-user-static.
set -eu
cd "$(dirname "$0")/.."
root=$(pwd)
command -v qemu-aarch64-static >/dev/null && command -v qemu-arm-static >/dev/null || {
	echo "missing: apt-get install qemu-user-static, or run make boards" >&2
	exit 1
}
mkdir -p bin
CGO_ENABLED=0 go test -c -tags boards -o bin/boards.test ./test/integration
alone() { "$@"; }
if unshare -rn true 2>/dev/null; then # nothing but loopback
	alone() { unshare -rn sh -c 'ip link set lo up && exec "$@"' sh "$@"; }
fi
cd test/integration
alone "$root/bin/boards.test" -test.v -test.timeout 10m -test.run '^TestBoards'
