// Package switches is the list of what the simulator can do in more than one way: where the sources about the service
// disagree, where they are silent, and where a test wants another figure. Every switch has a name, a default, the values it
// may take and a sentence about it, so that a wrong name or value is refused instead of ignored.
package switches

// The switches that take a whole number.
const (
	TTLSeconds          = "ttl_seconds"
	TombstoneSeconds    = "tombstone_seconds"
	PublishTokenSeconds = "publish_token_seconds"
	ViewerTokenSeconds  = "viewer_token_seconds"
	RetentionSeconds    = "retention_seconds"
	MaxStreamsPerKey    = "max_streams_per_key"
	RateLimitRPS        = "rate_limit_rps"
	ClockSkewMS         = "clock_skew_ms"
	ChatLatencyMS       = "chat_latency_ms"
	FaultDelayMS        = "fault_delay_ms"
)

// The switches that take one of a few words.
const (
	ActivityRenewsLease  = "activity_renews_lease"
	OldIndex             = "old_index"
	FutureIndex          = "future_index"
	BadQuery             = "bad_query"
	NegativeOffsetOrigin = "negative_offset_origin"
	EndOffsetZero        = "end_offset_zero"
	TimeBeforeFirstFrame = "stream_time_before_first_frame"
	DeleteAgain          = "delete_again"
	PublisherLeave       = "publisher_leave"
	OldPublishToken      = "old_publish_token"
	StreamLimitStatus    = "stream_limit_status"
	WrongRegion          = "wrong_region"
	MissingRegion        = "missing_region"
	HomeRegion           = "home_region"
	CreateExtra          = "create_extra"
	PublicSource         = "public_source"
	ModelsShape          = "models_shape"
	ChatFaults           = "chat_faults"
	EndReason            = "end_reason"
	ExtraFields          = "extra_fields"
	RegionHeader         = "region_header"
)

// ModelsUnavailable takes model ids separated by commas.
const ModelsUnavailable = "models_unavailable"

// A Definition describes one switch.
type Definition struct {
	Name    string   `json:"name"`
	Default string   `json:"default"`
	Values  []string `json:"values,omitempty"` // the words it takes; none: see Min and Max, or any text
	Min     int      `json:"min,omitempty"`
	Max     int      `json:"max,omitempty"` // 0: takes no number
	Doc     string   `json:"doc"`
}

const (
	day  = 86_400
	hour = 3_600_000 // in ms
)

// Definitions returns every switch, in the order in which a person would read them.
func Definitions() []Definition {
	onOff := []string{"on", "off"}
	return []Definition{
		number(TTLSeconds, "300", 1, day, "life of a lease from create or keepalive"),
		word(ActivityRenewsLease, "off", onOff, "frames and questions renew the lease as well"),
		word(OldIndex, "evicted", []string{"evicted", "clamp"}, "an evicted frame_index: 410 frame_evicted, or the oldest retained frame"),
		word(FutureIndex, "409", []string{"409", "422"}, "status of a frame_index that has not arrived yet"),
		word(BadQuery, "400", []string{"400", "422-validation", "422-framework"}, "answer to a malformed ovs:// query"),
		word(NegativeOffsetOrigin, "newest-frame", []string{"newest-frame", "now"}, "what negative offsets count back from"),
		word(EndOffsetZero, "oldest-frame", []string{"oldest-frame", "live-edge"}, "what end_offset_ms=0 means"),
		number(RetentionSeconds, "600", 1, day, "how long a frame can be addressed; for streams created from now on"),
		word(TimeBeforeFirstFrame, "0", []string{"0", "null", "missing"}, "stream_time_ms before the first frame"),
		word(DeleteAgain, "200", []string{"200", "204", "404"}, "second DELETE inside the tombstone"),
		number(TombstoneSeconds, "60", 0, day, "how long an ended stream can still be read"),
		word(PublisherLeave, "stays-active", []string{"stays-active", "ends-stream"}, "what a leaving publisher does to its stream"),
		word(OldPublishToken, "own-expiry", []string{"own-expiry", "void-on-keepalive"}, "how long an old publish token lets a publisher join"),
		number(PublishTokenSeconds, "300", 1, day, "life of a publish token"),
		number(ViewerTokenSeconds, "300", 1, day, "life of a viewer token"),
		number(MaxStreamsPerKey, "0", 0, 10_000, "streams a key may hold, 0 for any number; a key's own max_streams comes first"),
		word(StreamLimitStatus, "429", []string{"429", "403", "503"}, "answer to a create over the limit"),
		number(RateLimitRPS, "10", 0, 10_000, "chat requests per second and user, 0 for any number"),
		word(WrongRegion, "e3", []string{"e3", "e2-for-chat", "proxy"}, "a call for another region: 409 in the region shape, for chat in the chat shape, or served"),
		word(MissingRegion, "proxy", []string{"proxy", "409"}, "a call without region header for a stream outside the home region"),
		word(HomeRegion, "us-central1", []string{"us-central1", "us-west1"}, "where a stream is created that asks for no region"),
		word(CreateExtra, "none", []string{"none", "402", "409", "503", "delayed"}, "create refused, or answered 201 only after fault_delay_ms"),
		word(PublicSource, "opens", []string{"opens", "refused"}, "create with a source at a public address (nothing is ever pulled)"),
		word(ModelsShape, "v1beta", []string{"v1beta", "v1", "v0.2", "no-status"}, "shape of the model list"),
		{Name: ModelsUnavailable, Doc: "ids of models that serve no request, separated by commas"},
		number(ChatLatencyMS, "150", 0, hour, "how long the model thinks"),
		word(ChatFaults, "none", []string{"none", "slow-first-byte", "cut-sse", "429", "500", "502", "503", "504", "empty-choices", "null-content", "not-json"}, "what goes wrong with every chat completion"),
		number(FaultDelayMS, "5000", 0, hour, "delay of slow-first-byte and of a delayed create"),
		word(EndReason, "documented", []string{"documented", "reaped", "unknown-word"}, "word for an end by the system"),
		word(ExtraFields, "on", onOff, "random unknown fields in every JSON object answered"),
		word(RegionHeader, "on", onOff, "X-Overshoot-Region on answers"),
		number(ClockSkewMS, "0", -hour, hour, "how far the server's wall clock is ahead, on every *_at_ms"),
	}
}

func number(name, value string, least, most int, doc string) Definition {
	return Definition{Name: name, Default: value, Min: least, Max: most, Doc: doc}
}

func word(name, value string, values []string, doc string) Definition {
	return Definition{Name: name, Default: value, Values: values, Doc: doc}
}
