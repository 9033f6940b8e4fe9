#!/bin/sh
# Runs every fuzz target of both modules for a while each. $1: how long.
set -eu
cd "$(dirname "$0")/.."
for module in . simulator; do
	(
		cd "$module"
		grep -rlE '^func Fuzz' --include='*_test.go' . | sort | while read -r file; do
			for target in $(grep -oE '^func Fuzz[A-Za-z0-9_]*' "$file" | cut -d' ' -f2); do
				echo "fuzz $module $target"
				# Minimising keeps long inputs busy for minutes and finds nothing more.
				go test "./$(dirname "$file")" -run '^$' -fuzz "^$target\$" -fuzztime "$1" -fuzzminimizetime 10x
			done
		done
	)
done
