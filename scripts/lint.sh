#!/bin/sh
# One command for all linters, the same here and in CI. Their versions are pinned in tools/go.mod.
set -eu
cd "$(dirname "$0")/.."
tool="go tool -modfile=$(pwd)/tools/go.mod"

unformatted=$($tool gofumpt -l cmd internal simulator test)
[ -z "$unformatted" ] || {
	echo "not formatted, run make fmt:" >&2
	echo "$unformatted" >&2
	exit 1
}
for module in . simulator; do
	(
		cd "$module"
		echo "lint $module"
		# The tags are of tests that need a VM or an emulator.
		go vet -tags vm,boards ./...
		$tool staticcheck -tags vm,boards ./...
		go mod tidy -diff
	)
done
(cd tools && go mod tidy -diff)
(cd simulator/livekit-server && go mod tidy -diff)

# The database of known vulnerabilities is not reachable everywhere; where it is, findings count.
if found=$($tool govulncheck ./... 2>&1); then
	echo "govulncheck: no known vulnerability"
elif echo "$found" | grep -q 'fetching vulnerabilities'; then
	echo "govulncheck: its database cannot be reached from here"
else
	echo "$found" >&2
	exit 1
fi
