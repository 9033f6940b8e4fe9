#!/bin/sh
# Measures what the agent costs beside a floor, with 1, 5 and 25 cameras; about twelve minutes. Whatever is given goes to test/figures, which
# explains its flags: scripts/figures.sh -cameras 5 -payloads 1400. Wants a machine that does nothing else.
set -eu
cd "$(dirname "$0")/.."
go build -trimpath -o bin/figures ./test/figures
CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o bin/figures-relay ./test/figures/relay
set -- bin/figures -agent bin/overshoot-agent -relay bin/figures-relay -livekit-server .cache/livekit-server \
	-clip "$(ls .cache/clips/1080p30-camera1-*.h264 | head -1)" "$@"
if unshare -rn true 2>/dev/null; then # nothing but loopback: the viewers find each other at once
	exec unshare -rn sh -c 'ip link set lo up && exec "$@"' sh "$@"
fi
exec "$@"
