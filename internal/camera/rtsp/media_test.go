package rtsp_test

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"slices"
	"strings"
	"testing"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtpmjpeg"
	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/camera/rtsp"
	"github.com/pion/rtp"
)

const (
	noMedia   = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=live\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n"
	h265Video = "m=video 0 RTP/AVP 98\r\na=rtpmap:98 H265/90000\r\na=fmtp:98 sprop-vps=QAE=; sprop-sps=QgE=; sprop-pps=RAE=\r\na=control:h265\r\n"
	jpegVideo = "m=video 0 RTP/AVP 26\r\na=control:jpeg\r\n"
)

// What a camera offers, in which order and spelling ever, and what we take of it.
func TestTheVideoThatIsChosen(t *testing.T) {
	spelled := func(name string, payloadType string) string {
		video := strings.ReplaceAll(strings.ReplaceAll(goodVideo, "H264/90000", name), "96", payloadType)
		return noMedia + strings.Replace(video, "trackID=1", "h264", 1)
	}
	for name, tc := range map[string]struct {
		sdp     string
		codec   camera.Codec
		control string
		sets    int
	}{
		"H.264 before all":        {noMedia + jpegVideo + h265Video + goodVideo, camera.H264, "trackID=1", 2},
		"H.265 before MJPEG":      {noMedia + jpegVideo + h265Video, camera.H265, "h265", 3},
		"MJPEG":                   {noMedia + "m=audio 0 RTP/AVP 0\r\na=control:a\r\n" + jpegVideo, camera.MJPEG, "jpeg", 0},
		"MJPEG of another number": {noMedia + "m=video 0 RTP/AVP 96\r\na=rtpmap:96 JPEG/90000\r\na=control:jpeg\r\n", camera.MJPEG, "jpeg", 0},
		"the first of two":        {noMedia + goodVideo + strings.Replace(goodVideo, "trackID=1", "sub", 1), camera.H264, "trackID=1", 2},
		"one towards it first": {
			noMedia + "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=sendonly\r\na=control:back\r\n" + goodVideo,
			camera.H264, "trackID=1", 2,
		},
		"small letters":            {spelled("h264/90000", "96"), camera.H264, "h264", 2},
		"with a dot":               {spelled("H.264/90000", "96"), camera.H264, "h264", 2},
		"by its other name":        {spelled("AVC/90000", "96"), camera.H264, "h264", 2},
		"HEVC":                     {strings.ReplaceAll(noMedia+h265Video, "H265/", "HEVC/"), camera.H265, "h265", 3},
		"a number of its own":      {spelled("H264/90000", "35"), camera.H264, "h264", 2},
		"a number out of range":    {spelled("H264/90000", "77"), camera.H264, "h264", 2},
		"another clock":            {spelled("H264/1000", "96"), camera.H264, "h264", 2},
		"H.265 without parameters": {noMedia + "m=video 0 RTP/AVP 98\r\na=rtpmap:98 H265/90000\r\na=control:h265\r\n", camera.H265, "h265", 0},
		"H.265 with nonsense":      {strings.Replace(noMedia+h265Video, "QgE=", "!", 1), camera.H265, "h265", 2},
	} {
		t.Run(name, func(t *testing.T) {
			s := play(t, answers{base.Describe: func(r *base.Request) string { return describes(r, tc.sdp) }})
			v, stop, ended := run(t, source(t, s.address, "/live", password))
			if f := next(t, v.begun, ended); f.Codec != tc.codec || len(f.Sets) != tc.sets {
				t.Errorf("the format is %s with the sets %x", f.Codec, f.Sets)
			}
			if got := s.wait(t, base.Setup).URL.Path; got != "/live/"+tc.control {
				t.Errorf("set up %s", got)
			}
			stop()
			<-ended
		})
	}
}

func TestParameterSetsOfADescription(t *testing.T) {
	for parameters, want := range map[string]string{
		"sprop-parameter-sets=AQ==,Ag==":                    "1 2",
		"sprop-parameter-sets=AQ,Ag":                        "1 2",
		"packetization-mode=1;sprop-parameter-sets= AQ== ":  "1",
		`sprop-parameter-sets="AQ==,Ag=="; x`:               "1 2",
		"SPROP-PARAMETER-SETS=,,AQ==,*":                     "1",
		"sprop-pps=Aw==;sprop-sps=Ag==;sprop-vps=AQ==,BA==": "1 4 2 3",
		"": "",
	} {
		var got []string
		for _, set := range rtsp.SetsOf(parameters) {
			got = append(got, string('0'+set[0]))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %v, want %s", parameters, got, want)
		}
	}
}

func TestH265ArrivesAsItWasSent(t *testing.T) {
	s := serve(t, &format.H265{PayloadTyp: 96})
	v, stop, ended := run(t, source(t, s.address, "/live", password))
	if f := next(t, v.begun, ended); f.Codec != camera.H265 || len(f.Sets) != 0 {
		t.Errorf("the format is %+v", f)
	}
	<-s.playing
	synchronise(t, s, v)
	stop()
	<-ended
}

// pictureOf makes a JPEG and the packets in which it travels.
func pictureOf(t *testing.T, shade uint8, number uint16) (file []byte, packets []*rtp.Packet) {
	t.Helper()
	// The standard library's JPEG is 4:2:0 with the usual Huffman tables, which is what RFC 2435 can carry.
	img := image.NewYCbCr(image.Rect(0, 0, 320, 240), image.YCbCrSubsampleRatio420)
	for i := range img.Y {
		img.Y[i] = uint8(i*31) ^ shade
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, &jpeg.Options{Quality: 90}); err != nil {
		t.Fatal(err)
	}
	encoder := &rtpmjpeg.Encoder{InitialSequenceNumber: &number}
	if err := encoder.Init(); err != nil {
		t.Fatal(err)
	}
	packets, err := encoder.Encode(out.Bytes())
	if err != nil || len(packets) < 3 {
		t.Fatalf("%d packets, %v", len(packets), err)
	}
	for _, p := range packets {
		p.Timestamp = uint32(number) * 9000
	}
	return out.Bytes(), packets
}

func TestMJPEGArrivesAsWholeFiles(t *testing.T) {
	first, packets := pictureOf(t, 0, 100)
	second, more := pictureOf(t, 0x55, 100+uint16(len(packets)))
	third, last := pictureOf(t, 0xaa, 100+uint16(len(packets)+len(more)))
	r := &recorder{}
	pass := rtsp.Path(camera.MJPEG, r)
	pass(&rtp.Packet{Header: rtp.Header{SequenceNumber: 98}, Payload: []byte{1}}) // rubbish, and 99 is missing
	more = slices.Delete(slices.Clone(more), 1, 2)                                // of the second, a part is missing
	for _, p := range slices.Concat(packets, more, last) {
		pass(p)
		pass(p) // and all of it comes twice
	}
	if len(r.packets) != 2 || r.packets[0].Lost != 1 || r.packets[1].Lost != 1 {
		t.Fatalf("%d pictures of %d, %d and %d bytes", len(r.packets), len(first), len(second), len(third))
	}
	for i, want := range [][]byte{first, third} {
		p := r.packets[i]
		got, err := jpeg.Decode(bytes.NewReader(p.Payload))
		if err != nil || !p.Marker || p.Timestamp%9000 != 0 {
			t.Fatalf("picture %d: %v, %+v", i, err, p.Timestamp)
		}
		original, err := jpeg.Decode(bytes.NewReader(want))
		if err != nil {
			t.Fatal(err)
		}
		if got.Bounds() != original.Bounds() || color.GrayModel.Convert(got.At(17, 9)) != color.GrayModel.Convert(original.At(17, 9)) {
			t.Errorf("picture %d is another", i)
		}
	}
}

// FuzzMJPEG passes packets as they come; lengths cuts data into them.
func FuzzMJPEG(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 1, 255, 4, 4, 0, 0, 0, 64, 1, 2, 3}, uint8(8))
	f.Fuzz(func(t *testing.T, data []byte, length uint8) {
		pass := rtsp.Path(camera.MJPEG, &recorder{})
		for n, part := range slices.Collect(slices.Chunk(data, int(length)+1)) {
			pass(&rtp.Packet{Header: rtp.Header{SequenceNumber: uint16(n), Marker: n%3 == 2}, Payload: part})
		}
	})
}
