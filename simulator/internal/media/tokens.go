package media

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/livekit/protocol/auth"
	"github.com/livekit/protocol/livekit"
	"github.com/twitchtv/twirp"
)

// gatewayIdentity is the participant that a Room joins as. It is hidden: others in the room do not see it.
const gatewayIdentity = "media-gateway"

// PublishToken returns a token that may join a room and publish, and do nothing else. ttl must be positive; the server
// takes a token for 60 s more than that, and never ends a session because its token expired.
func (g *Gateway) PublishToken(room, identity string, ttl time.Duration) (string, error) {
	return g.token(identity, ttl, &auth.VideoGrant{Room: room, RoomJoin: true}, true, false)
}

// ViewerToken returns a token that may join a room and watch, under an identity of its own.
func (g *Gateway) ViewerToken(room string, ttl time.Duration) (string, error) {
	return g.token("viewer-"+rand.Text(), ttl, &auth.VideoGrant{Room: room, RoomJoin: true}, false, true)
}

// gatewayToken returns a token for the gateway itself, to be used at once.
func (g *Gateway) gatewayToken(room string) (string, error) {
	return g.token(gatewayIdentity, time.Minute, &auth.VideoGrant{Room: room, RoomJoin: true, Hidden: true}, false, true)
}

func (g *Gateway) token(identity string, ttl time.Duration, grant *auth.VideoGrant, publish, subscribe bool) (string, error) {
	if ttl <= 0 {
		return "", fmt.Errorf("making a token for room %s: it would be valid for %v", grant.Room, ttl) // the library takes that for its default
	}
	grant.SetCanPublish(publish)
	grant.SetCanSubscribe(subscribe)
	grant.SetCanPublishData(false)
	token, err := auth.NewAccessToken(g.server.APIKey(), g.server.APISecret()).
		SetIdentity(identity).SetValidFor(ttl).SetVideoGrant(grant).ToJWT()
	if err != nil {
		return "", fmt.Errorf("making a token for room %s: %w", grant.Room, err)
	}
	return token, nil
}

// DeleteRoom ends a room and disconnects all in it. A room that is not there counts as deleted.
func (g *Gateway) DeleteRoom(ctx context.Context, room string) error {
	_, err := g.service.DeleteRoom(ctx, &livekit.DeleteRoomRequest{Room: room})
	if refusal, ok := errors.AsType[twirp.Error](err); ok && refusal.Code() == twirp.NotFound {
		return nil
	}
	if err != nil {
		return fmt.Errorf("deleting room %s: %w", room, err)
	}
	return nil
}

// RemovePublisher disconnects all that may publish in a room. They can join again while their tokens last.
func (g *Gateway) RemovePublisher(ctx context.Context, room string) error {
	list, err := g.service.ListParticipants(ctx, &livekit.ListParticipantsRequest{Room: room})
	if err != nil {
		return fmt.Errorf("listing the participants of room %s: %w", room, err)
	}
	var problems []error
	for _, participant := range list.Participants {
		if !participant.GetPermission().GetCanPublish() {
			continue
		}
		request := &livekit.RoomParticipantIdentity{Room: room, Identity: participant.Identity}
		if _, err := g.service.RemoveParticipant(ctx, request); err != nil {
			problems = append(problems, fmt.Errorf("removing %s from room %s: %w", participant.Identity, room, err))
		}
	}
	return errors.Join(problems...)
}
