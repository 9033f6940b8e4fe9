package api

import (
	"encoding/json"
	"net/http"

	"github.com/google/uuid"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/model"
)

type priceReply struct {
	ID       string `json:"id"`
	Model    string `json:"model"`
	Provider string `json:"provider"`
	Version  string `json:"version"`
	Input    int64  `json:"input_microcents_per_token"`
	Output   int64  `json:"output_microcents_per_token"`
	Cached   int64  `json:"cached_input_microcents_per_token,omitempty"`
	Public   bool   `json:"public"`
}

func priceOf(m model.Model) priceReply {
	return priceReply{
		ID:    uuid.NewSHA1(uuid.NameSpaceURL, []byte("overshoot-simulator:price:"+m.ID)).String(),
		Model: m.ID, Provider: m.Provider, Version: "2026-06-01",
		Input: m.Input, Output: m.Output, Cached: m.Cached, Public: true,
	}
}

// listPrices answers GET /billing/pricing.
func (c *call) listPrices() {
	prices := []priceReply{}
	for _, m := range model.Catalogue() {
		prices = append(prices, priceOf(m))
	}
	c.reply(http.StatusOK, prices)
}

// getPrice answers GET /billing/pricing/{model}; the slash in a model's id may come as it is or escaped.
func (c *call) getPrice() {
	m, found := model.Find(c.r.PathValue("model"))
	if !found {
		c.fail(http.StatusNotFound, "Price not found")
		return
	}
	c.reply(http.StatusOK, priceOf(m))
}

// microcentsPerCent is the size of a cent.
const microcentsPerCent = 1_000_000

// getBalance answers GET /billing/accounts/me/balance.
func (c *call) getBalance() {
	balance := c.Keys.Balance(c.key.User)
	c.reply(http.StatusOK, map[string]any{
		"user_id": c.key.UserID(), "balance_microcents": balance, "balance_cents": balance / microcentsPerCent,
	})
}

// checkout answers POST /billing/checkout: a page where a person could pay. It is here to be caught in the call log.
func (c *call) checkout() {
	var request struct {
		Cents int64 `json:"amount_cents"`
	}
	if err := json.Unmarshal(c.body, &request); err != nil || request.Cents < 100 {
		c.reply(http.StatusUnprocessableEntity, invalidBody(problem{
			[]any{"body", "amount_cents"}, "a whole number from 100 on is needed", "greater_than_equal",
		}))
		return
	}
	c.reply(http.StatusOK, map[string]string{"url": "https://checkout.example.test/" + uuid.NewString()})
}
