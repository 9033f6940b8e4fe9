// Package model is the simulated vision model: what models there are and what they cost, and how one answers from what was
// really to be seen in the pictures it was given. It understands no prompt; it fills in what the answer's shape asks for.
package model

import "strings"

// TokensPerFrame is what a picture counts as, whatever its size.
const TokensPerFrame = 280

// A Model is one entry of the catalogue. Prices are in microcents per token.
type Model struct {
	ID       string
	Provider string
	Video    bool // takes segments, not only single frames
	Input    int64
	Output   int64
	Cached   int64 // 0: no price of its own for cached input
}

// Catalogue returns the models of the documentation of mid 2026, with made-up prices.
func Catalogue() []Model {
	return []Model{
		{ID: "google/gemma-4-26B-A4B-it", Provider: "google", Video: true, Input: 11, Output: 44, Cached: 3},
		{ID: "google/gemma-4-31B-it", Provider: "google", Video: true, Input: 14, Output: 56, Cached: 4},
		{ID: "Qwen/Qwen3.6-27B-FP8", Provider: "overshoot", Video: true, Input: 12, Output: 48, Cached: 3},
		{ID: "Qwen/Qwen3.6-35B-A3B-FP8", Provider: "overshoot", Video: true, Input: 9, Output: 36, Cached: 2},
		{ID: "Hcompany/Holo3-35B-A3B", Provider: "overshoot", Video: true, Input: 9, Output: 36},
		{ID: "gemini-3-flash-preview", Provider: "google", Video: true, Input: 50, Output: 300, Cached: 5},
		{ID: "claude-haiku-4-5-20251001", Provider: "anthropic", Input: 100, Output: 500, Cached: 10},
		{ID: "gpt-5.4-mini", Provider: "openai", Input: 75, Output: 450},
	}
}

// Find returns the model with this id; ids are case-sensitive.
func Find(id string) (Model, bool) {
	for _, m := range Catalogue() {
		if m.ID == id {
			return m, true
		}
	}
	return Model{}, false
}

// Hosted tells whether the service runs the model itself rather than passing requests through: only those ids contain a slash.
func (m Model) Hosted() bool { return strings.Contains(m.ID, "/") }

// Cost returns what a completion costs, in microcents. Cached tokens are part of the prompt's.
func (m Model) Cost(usage Usage) int64 {
	cached := m.Cached
	if cached == 0 {
		cached = m.Input
	}
	return int64(usage.PromptTokens-usage.CachedTokens)*m.Input + int64(usage.CachedTokens)*cached + int64(usage.CompletionTokens)*m.Output
}
