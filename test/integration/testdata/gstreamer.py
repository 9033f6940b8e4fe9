"""An RTSP camera made with GStreamer's RTSP server, which wants a digest login as admin.

Arguments: a clip (H.264 in MP4), the password, and the largest size of a packet in bytes. Says on its output the port.
"""
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer

clip, password, size = sys.argv[1:]
Gst.init(None)

token = GstRtspServer.RTSPToken.new()
token.set_string("media.factory.role", "viewer")
auth = GstRtspServer.RTSPAuth.new()
auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
auth.add_digest("admin", password, token)
permissions = GstRtspServer.RTSPPermissions.new()
permissions.add_permission_for_role("viewer", "media.factory.access", True)
permissions.add_permission_for_role("viewer", "media.factory.construct", True)

factory = GstRtspServer.RTSPMediaFactory.new()
factory.set_launch(f"( filesrc location={clip} ! qtdemux ! rtph264pay name=pay0 pt=96 mtu={size} )")
factory.set_permissions(permissions)
server = GstRtspServer.RTSPServer.new()
server.set_address("127.0.0.1")
server.set_service("0")
server.set_auth(auth)
server.get_mount_points().add_factory("/live", factory)
server.attach(None)
print(server.get_bound_port(), flush=True)
GLib.MainLoop().run()
