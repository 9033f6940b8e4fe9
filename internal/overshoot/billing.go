package overshoot

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
)

// Microcents is an amount of money: 1 US$ is 100 000 000.
type Microcents int64

// Price is what one token of a model costs.
type Price struct {
	Model   string
	Version string // changes whenever a price does; a date
	Input   Microcents
	Output  Microcents
	Cached  Microcents // input found in the prompt cache; equals Input when not said
}

// Balance returns the credit left on the account of the key.
func (c *Client) Balance(ctx context.Context) (Microcents, error) {
	var balance Microcents
	req := request{
		op: OpBalance, method: http.MethodGet, url: c.root + "/billing/accounts/me/balance",
		timeout: c.controlTimeout,
	}
	err := c.do(ctx, req, func(r reply) (err error) {
		balance, err = decodeBalance(r.body)
		return err
	})
	return balance, err
}

// Pricing lists the prices of all models.
func (c *Client) Pricing(ctx context.Context) ([]Price, error) {
	var prices []Price
	req := request{
		op: OpPricing, method: http.MethodGet, url: c.root + "/billing/pricing",
		open: true, timeout: c.controlTimeout,
	}
	err := c.do(ctx, req, func(r reply) (err error) {
		prices, err = decodePricing(r.body)
		return err
	})
	return prices, err
}

func decodeBalance(text []byte) (Microcents, error) {
	var body struct {
		Microcents optional[float64] `json:"balance_microcents"`
	}
	if err := json.Unmarshal(text, &body); err != nil {
		return 0, err
	}
	if !body.Microcents.known {
		return 0, errors.New("the answer has no balance_microcents")
	}
	return Microcents(integer(body.Microcents, 0)), nil
}

type priceBody struct {
	Model   optional[string]  `json:"model"`
	Version optional[string]  `json:"version"`
	Input   optional[float64] `json:"input_microcents_per_token"`
	Output  optional[float64] `json:"output_microcents_per_token"`
	Cached  optional[float64] `json:"cached_input_microcents_per_token"`
}

// decodePricing leaves out entries without a model or without both prices: a price
// of zero by accident would hide a cost.
func decodePricing(text []byte) ([]Price, error) {
	var entries []optional[priceBody]
	if err := json.Unmarshal(text, &entries); err != nil {
		return nil, err
	}
	prices := []Price{}
	for _, entry := range entries {
		p := entry.value
		if p.Model.value == "" || !p.Input.known || !p.Output.known {
			continue
		}
		input := integer(p.Input, 0)
		prices = append(prices, Price{
			Model: p.Model.value, Version: p.Version.value,
			Input: Microcents(input), Output: Microcents(integer(p.Output, 0)),
			Cached: Microcents(integer(p.Cached, input)),
		})
	}
	return prices, nil
}
