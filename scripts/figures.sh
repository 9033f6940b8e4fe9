#!/bin/sh
# Measures what the agent costs: CPU and memory with N 1080p30 cameras of 4 Mbit/s, a viewer in each room, one question a second each.
# $1: N. SECONDS_MEASURED (default 30) after a warm-up of 10 s. The cameras' pictures are not decoded by the simulator meanwhile.
set -eu
cd "$(dirname "$0")/.."
n=$1
measured=${SECONDS_MEASURED:-30}
work=$(mktemp -d)
simulator= agent=
trap 'kill $agent $simulator 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT

cameras=$(seq -s, -f 'cam-%g=1080p30' "$n")
bin/overshoot-simulator --livekit-server .cache/livekit-server --clips .cache/clips --cameras "$cameras" \
	--no-decode >"$work/ready.json" 2>"$work/simulator.log" &
simulator=$!
until [ -s "$work/ready.json" ]; do
	kill -0 $simulator || { cat "$work/simulator.log" >&2; exit 1; }
	sleep 0.2
done

field() { grep -oE "\"$1\":\"[^\"]*\"" "$work/ready.json" | cut -d'"' -f4; }
{
	echo "overshoot: {base_url: '$(field api)', keys: [{name: main, key: ovs-simulator-key, max_streams: $n}]}"
	echo "cameras:"
	i=0
	for url in $(field url | grep '^rtsp'); do
		i=$((i + 1))
		echo "  - {name: cam-$i, source: '$url', watches: [look]}"
	done
	echo "watches: {look: {prompt: 'What is there?', model: google/gemma-4-26B-A4B-it, every: 1s, sinks: [events]}}"
	echo "sinks: {events: {type: file, path: '$work/results.jsonl'}}"
	echo "status: {listen: '127.0.0.1:19465'}"
	echo "state_dir: $work/state"
} >"$work/agent.yaml"
bin/overshoot-agent run --config "$work/agent.yaml" >"$work/agent.log" 2>&1 &
agent=$!

ticks() { awk '{print $14 + $15}' /proc/$agent/stat; }
sleep 10
kill -0 $agent || { cat "$work/agent.log" >&2; exit 1; }
before=$(ticks)
sleep "$measured"
after=$(ticks)
hz=$(getconf CLK_TCK)
echo "$n camera(s): $(echo "$before $after $hz $measured $n" | awk '{c = ($2-$1)/$3/$4*100; printf "%.2f %% of a core, %.2f %% each", c, c/$5}'), $(awk '/VmRSS/ {printf "%.1f MB resident", $2/1024}' /proc/$agent/status), $(wc -l <"$work/results.jsonl") results"
