package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// What the simulator's control interface says, as far as we look at it; simulator/README.md describes it.
type (
	serviceState struct {
		Streams []stream     `json:"streams"`
		Cameras []testCamera `json:"cameras"`
	}

	stream struct {
		ID     string `json:"id"`
		State  string `json:"state"` // active or ended
		Camera string `json:"camera"`
		Lost   int    `json:"lost_pictures"` // by the counters of neighbouring pictures
	}

	testCamera struct {
		Name   string `json:"name"`
		Number int    `json:"number"` // burned into its pictures
	}

	call struct {
		N      int64     `json:"n"`
		At     time.Time `json:"at"` // its start
		Op     string    `json:"op"`
		Stream string    `json:"stream"`
		Status int       `json:"status"`
		Chat   *chat     `json:"chat"`
	}

	chat struct {
		Media       []string `json:"media"`
		Counters    []int    `json:"counters"`     // of the pictures answered from; -1: none to be read
		LiveCounter int      `json:"live_counter"` // where the camera was when the question arrived; -1: not known
		Content     string   `json:"content"`
	}
)

// active is the state of a stream, and of a lease, that is in use.
const active = "active"

// fetch reads a JSON document from one of our children.
func fetch(ctx context.Context, url string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", url, response.Status)
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, 64<<20)).Decode(into); err != nil {
		return fmt.Errorf("GET %s: %w", url, err)
	}
	return nil
}
