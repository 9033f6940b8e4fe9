# A static binary in an otherwise empty image, or in one with ffmpeg, run by a user without privileges.
#
#   docker build -t overshoot-agent --build-arg VERSION=$(git describe --tags --always) .
#   docker run --network host --read-only --cap-drop ALL --security-opt no-new-privileges \
#     -v ./config.yaml:/etc/overshoot-agent/config.yaml:ro -v ./overshoot-key:/run/secrets/overshoot-key:ro \
#     -v overshoot-agent:/var/lib/overshoot-agent overshoot-agent
#
# In that configuration: key_file: /run/secrets/overshoot-key. User 65532 must be able to read both files. The
# host's network saves a NAT on the way of the video, and makes the status page of 127.0.0.1:9464 reachable.
#
# That image has no ffmpeg, and so takes H.264 without B-frames only. One that transcodes the rest on the processor, on Debian:
#
#   docker build -t overshoot-agent --target ffmpeg --build-arg VERSION=$(git describe --tags --always) .
#
# For USB cameras either needs --device /dev/video0 --group-add $(getent group video | cut -d: -f3); see docs/sources.md.
# For encoders in hardware it needs their devices (--device /dev/dri), their group (--group-add) and their drivers beside it.

# Built on the machine's own platform for the wanted one: Go compiles for others, and emulation is slow.
FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS build
WORKDIR /src

# Before the source, so that a change of it does not download everything again.
COPY go.mod go.sum ./
RUN go mod download

COPY cmd cmd
COPY internal internal
ARG VERSION=devel
ARG TARGETOS=linux
ARG TARGETARCH
ARG TARGETVARIANT
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH GOARM=${TARGETVARIANT#v} \
    go build -trimpath -ldflags "-s -w -X main.release=$VERSION" -o /out/overshoot-agent ./cmd/overshoot-agent \
    && mkdir /out/state

FROM debian:bookworm-slim AS ffmpeg
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates ffmpeg && rm -rf /var/lib/apt/lists/*
COPY --from=build /out/overshoot-agent /overshoot-agent
COPY --from=build --chown=65532:65532 /out/state /var/lib/overshoot-agent
VOLUME /var/lib/overshoot-agent
USER 65532:65532
ENTRYPOINT ["/overshoot-agent"]
CMD ["run", "--config", "/etc/overshoot-agent/config.yaml"]

FROM scratch
LABEL org.opencontainers.image.title="overshoot-agent" \
      org.opencontainers.image.description="Publishes cameras to Overshoot and delivers the answers" \
      org.opencontainers.image.source="https://github.com/overshoot-ai/overshoot-agent" \
      org.opencontainers.image.licenses="Apache-2.0"

# Whom to trust with TLS, and time zones for TZ=; Go finds the zones by ZONEINFO.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /usr/local/go/lib/time/zoneinfo.zip /usr/share/zoneinfo.zip
ENV ZONEINFO=/usr/share/zoneinfo.zip

COPY --from=build /out/overshoot-agent /overshoot-agent

# A new volume takes its owner from the folder in the image.
COPY --from=build --chown=65532:65532 /out/state /var/lib/overshoot-agent
VOLUME /var/lib/overshoot-agent

USER 65532:65532
ENTRYPOINT ["/overshoot-agent"]
CMD ["run", "--config", "/etc/overshoot-agent/config.yaml"]
