# overshoot-agent. `make demo` shows it at work, `make test` tests it; both install what they need on a Debian machine with Go.
# `make help` lists the rest.

export GOFLAGS := -buildvcs=false
CACHE   := $(CURDIR)/.cache
LIVEKIT := $(CACHE)/livekit-server
CLIPS   := $(CACHE)/clips
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS := -s -w -X main.release=$(VERSION)
TOOL    := go tool -modfile=$(CURDIR)/tools/go.mod

DEMO_SECONDS ?= 0

.PHONY: help build demo test test-simulator faults test-binaries bench fuzz lint fmt cross cross-openh264 clean deps figures delivery endure vm boards

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

build: bin/overshoot-agent ## build the agent: bin/overshoot-agent, static

demo: deps $(LIVEKIT) bin/overshoot-simulator bin/overshoot-agent clips ## run simulator, two test cameras and the agent; DEMO_SECONDS=30 ends by itself
	@bin/overshoot-agent demo --simulator bin/overshoot-simulator --livekit-server $(LIVEKIT) --clips $(CLIPS) --seconds $(DEMO_SECONDS)

test: deps test-binaries bin/overshoot-agent clips ## unit tests and the whole binary against real parts, with the race detector
	@scripts/test.sh

test-simulator: deps $(LIVEKIT) clips ## the simulator's own tests
	@scripts/test.sh simulator

faults: deps test-binaries bin/overshoot-agent clips ## the whole binary against faults in their full number, with figures; about half an hour
	@scripts/faults.sh

endure: deps ## the spool's promises in full numbers: kills, damage, full and failing disks; about a quarter of an hour
	@scripts/endure.sh

bench: ## time and allocations of the packet path
	go test -run '^$$' -bench . -benchmem ./internal/hub ./internal/h264 ./internal/camera/rtsp ./internal/publish/...

figures: deps $(LIVEKIT) bin/overshoot-agent clips ## cost of the agent beside a floor, with 1, 5 and 25 cameras; about twelve minutes
	@scripts/figures.sh

delivery: deps ## results per second and time on the way to each kind of sink; four minutes
	@scripts/delivery.sh

fuzz: ## fuzz everything that strangers send, FUZZ_TIME each (default 1m)
	@scripts/fuzz.sh $(or $(FUZZ_TIME),1m)

lint: ## formatting, vet, staticcheck, tidy modules, known vulnerabilities
	@scripts/lint.sh

fmt: ## format the code
	$(TOOL) gofumpt -w cmd internal simulator test

cross: ## build for linux/amd64, arm64 and armv7 into dist/, and check the size
	@scripts/cross.sh "$(LDFLAGS)"

cross-openh264: ## the same with the encoder openh264 inside, for machines without ffmpeg; see docs/encoders.md
	@scripts/deps.sh cross
	@scripts/cross.sh "$(LDFLAGS)" openh264

vm: deps bin/overshoot-agent bin/overshoot-agent-openh264 bin/overshoot-simulator $(LIVEKIT) clips ## all that needs real V4L2 devices, in a VM with an emulated CPU; eight minutes
	@scripts/vm/test.sh

boards: deps cross $(LIVEKIT) bin/overshoot-simulator clips ## the binaries for arm64 and armv7 in dist/ at work, on an emulated CPU
	@scripts/deps.sh cross
	@scripts/boards.sh

clean: ## remove everything that was built
	rm -rf bin dist $(CACHE)

# The build cache of Go knows best what is up to date.
.PHONY: bin/overshoot-agent bin/overshoot-agent-openh264 bin/overshoot-simulator clips
bin/overshoot-agent:
	@echo "building the agent"
	@CGO_ENABLED=0 go build -trimpath -ldflags "$(LDFLAGS)" -o $@ ./cmd/overshoot-agent

bin/overshoot-agent-openh264:
	@echo "building the agent with the encoder openh264"
	@CGO_ENABLED=1 go build -trimpath -tags netgo,osusergo -ldflags "$(LDFLAGS) -linkmode external -extldflags '-static'" -o $@ ./cmd/overshoot-agent

bin/overshoot-simulator:
	@echo "building the simulator"
	@cd simulator && CGO_ENABLED=0 go build -trimpath -o ../$@ ./cmd/overshoot-simulator

test-binaries: $(LIVEKIT) bin/overshoot-simulator
	@echo "building the agent with the race detector"
	@CGO_ENABLED=1 go build -race -o bin/overshoot-agent-race ./cmd/overshoot-agent

$(LIVEKIT): simulator/livekit-server/go.mod
	@echo "building livekit-server, once; one to four minutes"
	@mkdir -p $(CACHE)
	@cd simulator/livekit-server && CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o $@ github.com/livekit/livekit-server/cmd/server

clips: deps
	@cd simulator && go run ./cmd/make-clips --dir $(CLIPS) 720p30:1 1080p30:2 720p30:2 $(addprefix 360p30:,1 2 3 4 5 6 7 8 9 10 11 12)

deps:
	@scripts/deps.sh
