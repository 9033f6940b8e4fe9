package camera

// A Reporter is a source that can tell what it found out about its camera. Not every source is one.
type Reporter interface {
	// Report tells what the newest attempt has found so far, also one that failed. Any goroutine may call it, at any time.
	Report() Report
}

// A Report is for the eyes of a person. It holds no credentials: neither the user's, nor what the camera wrote into its own answers.
type Report struct {
	Facts  []Fact // in the order in which they were found
	Answer string // the camera's own description of its video (SDP), as it came but for credentials; "" where there is none
}

// A Fact is one line of a report.
type Fact struct{ Name, Value string }

// Names of facts that sources share; a source may add others.
const (
	FactServer    = "server"         // what the camera calls itself, as "Server: Hipcam RealServer/V1.0"
	FactAddress   = "address"        // where it was really reached, after redirects
	FactLogin     = "authentication" // none, Basic, Digest MD5 or Digest SHA-256
	FactMedia     = "media"          // one for each thing it offers, as "video H.265", "audio G711 (back channel, left alone)"
	FactChosen    = "chosen"         // the one of them that is taken
	FactNearest   = "nearest"        // in one sentence what could not be had of what was asked for
	FactSets      = "parameter sets" // whether they come with the description, or have to come with the pictures
	FactRepaired  = "repaired"       // what of its answers had to be corrected
	FactTransport = "transport"      // TCP or UDP, as really used
	FactSession   = "session"        // for how long it keeps a session of which it hears nothing
	FactKeepalive = "keepalive"      // how and how often it is told that somebody watches
)

// fact returns the first of a name, "" when there is none.
func (r Report) fact(name string) string {
	for _, f := range r.Facts {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}
