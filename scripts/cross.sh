#!/bin/sh
# Builds the static binaries of a release and checks that each stays below 40 MB. $1: linker flags.
set -eu
cd "$(dirname "$0")/.."
mkdir -p dist
limit=$((40 * 1000 * 1000))
for target in amd64 arm64 arm/7; do
	arch=${target%/*}
	file="dist/overshoot-agent-linux-$(echo "$target" | tr -d /)"
	GOOS=linux GOARCH=$arch GOARM=7 CGO_ENABLED=0 go build -trimpath -ldflags "$1" -o "$file" ./cmd/overshoot-agent
	size=$(wc -c <"$file")
	echo "$file: $size bytes"
	[ "$size" -lt "$limit" ] || {
		echo "$file is larger than $limit bytes" >&2
		exit 1
	}
done
