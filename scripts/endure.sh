#!/usr/bin/env bash
# Runs the tests of the spool with the numbers that the promises are made of, such as hundreds of kills instead of a few, and shows the
# figures. It takes about a quarter of an hour. Without the race detector, so that it is the disk that sets the pace. An argument names the
# tests to run, such as SIGKILL, which takes two minutes; without one the benchmarks run as well.
set -euo pipefail
cd "$(dirname "$0")/.."
export OVERSHOOT_FAULTS=full
go test -count=1 -timeout 60m -v -run "${1:-.}" ./internal/spool | grep -vE '^=== (RUN|PAUSE|CONT|NAME)'
[ $# -gt 0 ] || go test -run '^$' -bench . -benchtime 3s ./internal/spool
