package rtsp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
	"github.com/overshoot-ai/overshoot-agent/internal/camera"
)

// diagnose turns an error of the client into a reason and an advice.
func (s *Source) diagnose(err error) (camera.Reason, string) {
	if bad, ok := errors.AsType[liberrors.ErrClientBadStatusCode](err); ok {
		return s.diagnoseStatus(bad.Code)
	}
	if reason, advice := diagnoseClient(err); reason != "" {
		return reason, advice
	}
	if handshake, ok := errors.AsType[*handshakeError](err); ok {
		return camera.Protocol, diagnoseTLS(handshake.err)
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return camera.Unreachable, "the name does not resolve: check it, or use the camera's IP address"
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return camera.Unreachable, diagnoseDial(op)
	}
	if errors.Is(err, io.EOF) {
		return camera.Closed, ""
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return camera.Closed, ""
	}
	return camera.Protocol, ""
}

func (s *Source) diagnoseStatus(code base.StatusCode) (camera.Reason, string) {
	switch code {
	case base.StatusUnauthorized:
		if s.url.User == nil {
			return camera.Auth, "the camera wants a user name and a password: set username and password"
		}
		return camera.Auth, "check username and password; trying again rarely, so that the camera does not lock the account"
	case base.StatusForbidden:
		return camera.Auth, "the camera forbids this user the stream: check the user's rights, or whether the account is locked"
	case base.StatusNotFound, base.StatusMethodNotValidInThisState:
		return camera.NotFound, "the camera has no stream of that name: check the path of the URL in its manual"
	case base.StatusNotEnoughBandwidth, base.StatusServiceUnavailable:
		return camera.Busy, "the camera has too many viewers: close others, or take the stream from a relay"
	case base.StatusBadRequest:
		return camera.Protocol, "the camera does not understand the request: check the path of the URL in its manual"
	case base.StatusUnsupportedTransport:
		return camera.Protocol, "the camera refuses `transport: " + string(s.transport) + "`: use the other one, or auto"
	case base.StatusInternalServerError:
		return camera.Protocol, "the camera has a problem of its own, often for a minute after it starts: if it stays, restart the camera"
	}
	return camera.Protocol, ""
}

// diagnoseClient knows the errors that the client makes itself; the reason is empty for others.
func diagnoseClient(err error) (camera.Reason, string) {
	switch {
	case has[liberrors.ErrClientTCPTimeout](err):
		return camera.Stalled, "opening it again"
	case has[liberrors.ErrClientUDPTimeout](err):
		return camera.Stalled, "no packet came by UDP: use `transport: tcp`, or let UDP through the firewall"
	case has[liberrors.ErrClientRequestTimedOut](err):
		return camera.Unreachable, "something accepts connections there but does not answer: check that it is the RTSP port, and restart the camera"
	case has[liberrors.ErrClientAuthSetup](err):
		return camera.Auth, "the camera asks for a login of a kind we do not know: set its RTSP authentication to digest or basic"
	case has[liberrors.ErrClientServerRequestedTCP](err):
		return camera.Protocol, "the camera sends its video by TCP only: use `transport: tcp`"
	case has[liberrors.ErrClientServerRequestedUDP](err):
		return camera.Protocol, "the camera sends its video by UDP only: use `transport: udp`"
	case has[liberrors.ErrClientH264PacketizationMode0](err):
		return camera.Protocol, "the camera's packets are too large for UDP: use `transport: tcp`"
	case has[liberrors.ErrClientSDPInvalid](err), has[liberrors.ErrClientContentTypeMissing](err), has[liberrors.ErrClientContentTypeUnsupported](err):
		return camera.Protocol, "the camera's description of its stream makes no sense: update its firmware, or take the stream from a recorder or relay"
	case has[liberrors.ErrClientUnhandledMethod](err):
		return camera.Closed, "the camera sent a request of its own, which usually ends the session"
	}
	return "", ""
}

func has[T error](err error) bool {
	_, ok := errors.AsType[T](err)
	return ok
}

func diagnoseDial(op *net.OpError) string {
	switch {
	case errors.Is(op, syscall.ECONNREFUSED):
		return "nothing listens on that port: check that the camera is on and has RTSP enabled, and the port, which is usually 554"
	case errors.Is(op, syscall.EHOSTUNREACH), errors.Is(op, syscall.ENETUNREACH):
		return "there is no way to that address: check that the camera is on, its address, and the network between"
	case op.Timeout():
		return "nobody answers: check that the camera is on, its address, and the firewalls between"
	}
	return "check that the camera is on, that address and port are right (RTSP is usually 554) and that it can be reached from here"
}

func diagnoseTLS(err error) string {
	if has[tls.RecordHeaderError](err) {
		return "that port does not speak TLS: use rtsp://, or the port for RTSPS, which is usually 322"
	}
	if has[*wrongCertificateError](err) {
		return "if the camera has a new certificate, put its fingerprint in the configuration; if not, somebody else is answering"
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, io.EOF) {
		return "check that this is the port for RTSPS, which is usually 322"
	}
	bad, ok := errors.AsType[*tls.CertificateVerificationError](err)
	if !ok {
		return "the camera's TLS may be too old (1.2 is the least): update its firmware, or use rtsp://"
	}
	pin := fmt.Sprintf("pin it with `tls: {fingerprint: %s}` once you have checked that it is the camera's", fingerprintOf(bad.UnverifiedCertificates))
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](bad); ok && invalid.Reason == x509.Expired {
		return "the certificate is out of date: check the clocks of camera and agent, or " + pin
	}
	if has[x509.HostnameError](bad) {
		return "the certificate is for another name: write the name in it as `tls: {server_name: …}`, or " + pin
	}
	return "name the authority that signed the certificate as `tls: {ca_file: …}`, or " + pin
}
