package overshoot

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
)

// Model is one entry of the list of models.
type Model struct {
	ID     string
	Status string // as sent; "" when not said
}

// Usable tells whether the model may be asked now. A degraded one may, as a second
// choice after a ready one; words of other versions of the service count as no.
func (m Model) Usable() bool { return m.Status == "ready" || m.Status == "degraded" }

// Models lists the models in the order of the service. A model that is ready now
// can still refuse a question later.
func (c *Client) Models(ctx context.Context) ([]Model, error) {
	var models []Model
	req := request{
		op: OpModels, method: http.MethodGet, url: c.api + "/models",
		open: true, timeout: c.controlTimeout,
	}
	err := c.do(ctx, req, func(r reply) (err error) {
		models, err = decodeModels(r.body)
		return err
	})
	return models, err
}

type modelBody struct {
	ID     optional[string] `json:"id"`
	Model  optional[string] `json:"model"` // its name in v0.2
	Status optional[string] `json:"status"`
}

// decodeModels reads both shapes: {"data": [{"id", "status"}]} and, from v0.2, the
// bare array [{"model", "status"}]. Entries without a name are left out.
func decodeModels(text []byte) ([]Model, error) {
	var entries []optional[modelBody]
	if err := json.Unmarshal(text, &entries); err != nil {
		var list struct {
			Data []optional[modelBody] `json:"data"`
		}
		if err := json.Unmarshal(text, &list); err != nil {
			return nil, err
		}
		entries = list.Data
	}
	if entries == nil {
		return nil, errors.New("the answer has no list of models")
	}
	models := []Model{}
	for _, entry := range entries {
		id := entry.value.ID.value
		if id == "" {
			id = entry.value.Model.value
		}
		if id != "" {
			models = append(models, Model{ID: id, Status: entry.value.Status.value})
		}
	}
	return models, nil
}
