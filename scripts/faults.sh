#!/usr/bin/env bash
# Runs the integration suite with the numbers that the promises are made of, such as a hundred kills instead of eight, or three minutes
# without a webhook instead of some seconds, and shows the figures. It takes about three quarters of an hour.
set -euo pipefail
cd "$(dirname "$0")/.."
export OVERSHOOT_FAULTS=full GOTESTSUM_FORMAT=standard-verbose
scripts/test.sh -parallel 4 ./test/integration | grep -vE '^=== (RUN|PAUSE|CONT|NAME)'
