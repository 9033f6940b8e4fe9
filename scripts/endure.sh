#!/usr/bin/env bash
# Runs the tests of the spool with the numbers that the promises are made of, such as hundreds of kills instead of a few, and shows the
# figures. It takes about a quarter of an hour. Without the race detector, so that it is the disk that sets the pace.
set -euo pipefail
cd "$(dirname "$0")/.."
export OVERSHOOT_FAULTS=full
go test -count=1 -timeout 60m -v ./internal/spool | grep -vE '^=== (RUN|PAUSE|CONT|NAME)'
go test -run '^$' -bench . -benchtime 3s ./internal/spool
