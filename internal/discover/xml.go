package discover

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
)

// maxNesting is how deep elements may stand inside one another. ONVIF's answers stay below twenty.
const maxNesting = 64

// unmarshal reads a stranger's XML. It is lenient where cameras are sloppy: entities nobody declared, elements nobody closed, a character
// set that is not the declared one. All that we look for in it is ASCII, apart from names that people gave.
func unmarshal(text []byte, into any) error {
	plain := xml.NewDecoder(bytes.NewReader(bytes.ToValidUTF8(text, []byte("?"))))
	plain.Strict = false
	plain.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	err := xml.NewTokenDecoder(&shallow{from: plain}).Decode(into)
	if errors.Is(err, io.EOF) {
		return errors.New("no XML")
	}
	return err
}

// A shallow reader passes XML on until it gets too deep.
type shallow struct {
	from  *xml.Decoder
	depth int
}

func (s *shallow) Token() (xml.Token, error) {
	token, err := s.from.Token()
	switch token.(type) {
	case xml.StartElement:
		s.depth++
	case xml.EndElement:
		s.depth--
	}
	if s.depth > maxNesting {
		return nil, fmt.Errorf("more than %d elements inside one another", maxNesting)
	}
	return token, err
}
