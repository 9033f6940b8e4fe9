package api

import (
	"net/http"
	"slices"
	"strings"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/model"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/switches"
)

type modelReply struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	OwnedBy string `json:"owned_by"`
	Status  string `json:"status,omitempty"`
}

// oldModelReply is an entry of v0.2's list.
type oldModelReply struct {
	Model  string `json:"model"`
	Ready  bool   `json:"ready"`
	Status string `json:"status"`
}

// modelsCreated is the made-up birthday of all models, in Unix seconds.
const modelsCreated = 1_780_000_000

// listModels answers GET /models.
func (c *call) listModels() {
	shape := c.Switches.Text(switches.ModelsShape)
	list, old := []modelReply{}, []oldModelReply{}
	for _, m := range model.Catalogue() {
		reply := modelReply{ID: m.ID, Object: "model", Created: modelsCreated, OwnedBy: m.Provider, Status: "ready"}
		ready := c.serving(m.ID)
		old = append(old, oldModelReply{Model: m.ID, Ready: ready, Status: map[bool]string{true: "ready", false: "unavailable"}[ready]})
		if !ready {
			reply.Status = "unavailable"
		}
		switch {
		case shape == "v1" && !ready:
			continue // v1 left dead models out
		case shape == "v1" && !m.Hosted():
			reply.Status = "loading"
		case shape == "no-status":
			reply.Status = ""
		}
		list = append(list, reply)
	}
	if shape == "v0.2" {
		c.reply(http.StatusOK, old)
		return
	}
	c.reply(http.StatusOK, map[string]any{"object": "list", "data": list})
}

// serving tells whether a model takes requests.
func (c *call) serving(id string) bool {
	return !slices.Contains(strings.Split(c.Switches.Text(switches.ModelsUnavailable), ","), id)
}
