// SPDX-License-Identifier: Apache-2.0

package main

import (
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v3"
)

// watched is what came of one track.
type watched struct {
	Packets int `json:"packets"`
	// Packets that never came, and those that came behind others, as repairs do.
	Lost int `json:"lost"`
	Late int `json:"late"`
	// Pictures, by their marked packets, or packets of sound.
	Units int `json:"units"`
	// Seconds from the offer to the first, and from the first to the last.
	First  float64 `json:"first"`
	Played float64 `json:"played"`
}

func watch(url string, length time.Duration) (map[string]*watched, error) {
	s, err := open(browsers...)
	if err != nil {
		return nil, err
	}
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecTypeAudio} {
		direction := webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}
		if _, err := s.peer.AddTransceiverFromKind(kind, direction); err != nil {
			return nil, err
		}
	}
	var lock sync.Mutex
	result := map[string]*watched{}
	s.peer.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		seen := &watched{}
		lock.Lock()
		result[track.Kind().String()] = seen
		lock.Unlock()
		s.peer.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: uint32(track.SSRC())}})
		seen.take(track, s, &lock)
	})
	if err := s.negotiate(url); err != nil {
		return nil, err
	}
	time.Sleep(length)
	lock.Lock()
	defer lock.Unlock()
	taken := map[string]*watched{}
	for kind, seen := range result {
		now := *seen
		taken[kind] = &now
	}
	return taken, s.leave()
}

// take reads a track to its end.
func (w *watched) take(track *webrtc.TrackRemote, s *session, lock *sync.Mutex) {
	var highest uint16
	var first time.Time
	for {
		packet, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		now := time.Now()
		lock.Lock()
		if w.Packets == 0 {
			first, highest = now, packet.SequenceNumber-1
			w.First = now.Sub(s.posted).Seconds()
		}
		w.Packets++
		if step := packet.SequenceNumber - highest; step < 0x8000 {
			w.Lost += int(step) - 1
			highest = packet.SequenceNumber
		} else {
			w.Lost--
			w.Late++
		}
		if packet.Marker || track.Kind() == webrtc.RTPCodecTypeAudio {
			w.Units++
		}
		w.Played = now.Sub(first).Seconds()
		lock.Unlock()
	}
}
