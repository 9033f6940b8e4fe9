package rtsp

import (
	"errors"
	"io"
	"net"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
	"github.com/overshoot-ai/overshoot-agent/internal/camera"
)

// diagnose turns an error of the client into a reason and an advice.
func diagnose(err error) (camera.Reason, string) {
	if bad, ok := errors.AsType[liberrors.ErrClientBadStatusCode](err); ok {
		return diagnoseStatus(bad.Code)
	}
	if _, ok := errors.AsType[liberrors.ErrClientTCPTimeout](err); ok {
		return camera.Stalled, "opening it again"
	}
	if _, ok := errors.AsType[liberrors.ErrClientUDPTimeout](err); ok {
		return camera.Stalled, "no packet came by UDP: use `transport: tcp`, or let UDP through the firewall"
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return camera.Unreachable, "the name does not resolve: check it, or use the camera's IP address"
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return camera.Unreachable, "check that the camera is on, that address and port are right (RTSP is usually 554) and that it can be reached from here"
	}
	if errors.Is(err, io.EOF) {
		return camera.Closed, ""
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return camera.Closed, ""
	}
	return camera.Protocol, ""
}

func diagnoseStatus(code base.StatusCode) (camera.Reason, string) {
	switch code {
	case base.StatusUnauthorized, base.StatusForbidden:
		return camera.Auth, "check username and password; trying again rarely, so that the camera does not lock the account"
	case base.StatusNotFound, base.StatusMethodNotValidInThisState:
		return camera.NotFound, "the camera has no stream of that name: check the path of the URL in its manual"
	case base.StatusNotEnoughBandwidth, base.StatusServiceUnavailable:
		return camera.Busy, "the camera has too many viewers: close others, or take the stream from a relay"
	}
	return camera.Protocol, ""
}
