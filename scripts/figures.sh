#!/bin/sh
# Measures what the agent costs beside a floor, on loopback: see test/figures. Arguments go to it, such as -cameras 5 -rounds 3; -help lists them.
# It needs the cores to itself, and about ten minutes. Where the kernel permits it, it runs in a network namespace that has nothing but loopback.
set -eu
cd "$(dirname "$0")/.."
go build -o bin/figures ./test/figures
go build -o bin/figures-relay ./test/figures/relay

# The name of the clip says how it was made; whoever makes it tells it.
made=$(cd simulator && go run ./cmd/make-clips --dir "$PWD/../.cache/clips" 1080p30:2)
clip=$(echo "$made" | grep -oE '/[^ ]+\.h264')

alone() { unshare -rn sh -c 'ip link set lo up && exec "$@"' sh "$@"; }
if ! unshare -rn true 2>/dev/null; then
	echo "no network namespaces here: using the loopback of this machine" >&2
	alone() { "$@"; }
fi
uname -srm
grep -m1 'model name' /proc/cpuinfo || true
alone bin/figures -agent bin/overshoot-agent -relay bin/figures-relay -livekit-server .cache/livekit-server -clip "$clip" "$@"
