"""An RTSP camera made with GStreamer's RTSP server.

Arguments: a clip (video in MP4), what puts it into RTP (as rtph264pay), the way to log in (none, basic or digest; as admin), the password, and a PEM file with a
certificate and its key for rtsps, or "". Says on its output the port, and each session that a viewer ends.
"""
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gio, GLib, Gst, GstRtsp, GstRtspServer

clip, payloader, login, password, certificate = sys.argv[1:]
Gst.init(None)


def say(text):
    print(text, flush=True)


factory = GstRtspServer.RTSPMediaFactory.new()
factory.set_launch(f"( filesrc location={clip} ! qtdemux ! {payloader} name=pay0 pt=96 )")
server = GstRtspServer.RTSPServer.new()
server.set_address("127.0.0.1")
server.set_service("0")
auth = GstRtspServer.RTSPAuth.new()
if login != "none":
    token = GstRtspServer.RTSPToken.new()
    token.set_string("media.factory.role", "viewer")
    if login == "digest":
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest("admin", password, token)
    else:
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic("admin", password), token)
    permissions = GstRtspServer.RTSPPermissions.new()
    permissions.add_permission_for_role("viewer", "media.factory.access", True)
    permissions.add_permission_for_role("viewer", "media.factory.construct", True)
    factory.set_permissions(permissions)
if certificate:
    auth.set_tls_certificate(Gio.TlsCertificate.new_from_file(certificate))
if login != "none" or certificate:
    server.set_auth(auth)
server.get_mount_points().add_factory("/live", factory)
server.connect("client-connected", lambda _, client: client.connect("teardown-request", lambda *_: say("teardown")))
server.attach(None)
say(server.get_bound_port())
GLib.MainLoop().run()
