package livekit

import (
	"bytes"
	"strings"
	"testing"
)

func TestTokensAreTakenOutOfTheLog(t *testing.T) {
	const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJzaW0tMSJ9.a-b_c9"
	log := `{"msg":"starting"}` + "\n" + `{"error":"invalid token: ` + jwt + `, err","url":"/rtc?access_token=` + jwt + `"}` + "\n"
	want := `{"msg":"starting"}` + "\n" + `{"error":"invalid token: <token>, err","url":"/rtc?access_token=<token>"}` + "\n"
	for size := 1; size <= len(log); size++ {
		var got bytes.Buffer
		redactor := &redactor{out: &got}
		for rest := log; rest != ""; {
			piece := rest[:min(size, len(rest))]
			rest = strings.TrimPrefix(rest, piece)
			if n, err := redactor.Write([]byte(piece)); n != len(piece) || err != nil {
				t.Fatalf("wrote %d of %d bytes: %v", n, len(piece), err)
			}
		}
		if got.String() != want {
			t.Fatalf("in pieces of %d bytes: %s", size, got.String())
		}
	}
}
