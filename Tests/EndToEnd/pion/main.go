// SPDX-License-Identifier: Apache-2.0

// Publishes by WHIP and watches by WHEP with pion, and says as JSON what went and what came:
//
//	pion publish URL VIDEO.h264 AUDIO.ogg SECONDS
//	pion watch URL SECONDS
//
// Nothing is encoded or decoded. The video is Annex B at 30 pictures a second, the audio has a packet of 20 ms on a page.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/webrtc/v3"
)

func main() {
	result, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "pion:", err)
		os.Exit(1)
	}
	json.NewEncoder(os.Stdout).Encode(result)
}

func run(words []string) (interface{}, error) {
	switch {
	case len(words) == 5 && words[0] == "publish":
		return publish(words[1], words[2], words[3], length(words[4]))
	case len(words) == 3 && words[0] == "watch":
		return watch(words[1], length(words[2]))
	}
	return nil, fmt.Errorf("usage: pion publish URL VIDEO AUDIO SECONDS, pion watch URL SECONDS")
}

func length(text string) time.Duration {
	seconds, _ := strconv.ParseFloat(text, 64)
	return time.Duration(seconds * float64(time.Second))
}

// session is one connection by WHIP or WHEP.
type session struct {
	peer      *webrtc.PeerConnection
	connected chan struct{}
	// When the offer was posted, and how long it took to be answered.
	posted   time.Time
	answered time.Duration
	location string
}

var feedback = []webrtc.RTCPFeedback{{Type: "nack"}, {Type: "nack", Parameter: "pli"}, {Type: "ccm", Parameter: "fir"}}

// What browsers publish besides H.264, to be watched.
var browsers = []webrtc.RTPCodecParameters{
	{PayloadType: 96, RTPCodecCapability: webrtc.RTPCodecCapability{
		MimeType: "video/VP8", ClockRate: 90000, RTCPFeedback: feedback}},
	{PayloadType: 45, RTPCodecCapability: webrtc.RTPCodecCapability{
		MimeType: "video/AV1", ClockRate: 90000, RTCPFeedback: feedback}},
}

// open makes a connection that knows H.264, Opus and what else is named, as this machine's addresses only: loopback too.
func open(more ...webrtc.RTPCodecParameters) (*session, error) {
	media := &webrtc.MediaEngine{}
	for _, codec := range []struct {
		kind  webrtc.RTPCodecType
		codec webrtc.RTPCodecParameters
	}{
		{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecParameters{PayloadType: 102, RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeH264, ClockRate: 90000, RTCPFeedback: feedback,
			SDPFmtpLine: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"}}},
		{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecParameters{PayloadType: 111, RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2, SDPFmtpLine: "minptime=10;useinbandfec=1"}}},
	} {
		if err := media.RegisterCodec(codec.codec, codec.kind); err != nil {
			return nil, err
		}
	}
	for _, codec := range more {
		if err := media.RegisterCodec(codec, webrtc.RTPCodecTypeVideo); err != nil {
			return nil, err
		}
	}
	interceptors := &interceptor.Registry{}
	if err := webrtc.RegisterDefaultInterceptors(media, interceptors); err != nil {
		return nil, err
	}
	settings := webrtc.SettingEngine{}
	settings.SetIncludeLoopbackCandidate(true)
	api := webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithInterceptorRegistry(interceptors),
		webrtc.WithSettingEngine(settings))
	peer, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, err
	}
	opened := &session{peer: peer, connected: make(chan struct{})}
	var once sync.Once
	peer.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		if state == webrtc.PeerConnectionStateConnected {
			once.Do(func() { close(opened.connected) })
		}
	})
	return opened, nil
}

// negotiate posts an offer with all candidates and waits for the keys.
func (s *session) negotiate(url string) error {
	offer, err := s.peer.CreateOffer(nil)
	if err != nil {
		return err
	}
	gathered := webrtc.GatheringCompletePromise(s.peer)
	if err = s.peer.SetLocalDescription(offer); err != nil {
		return err
	}
	<-gathered
	s.posted = time.Now()
	answer, err := http.Post(url, "application/sdp", strings.NewReader(s.peer.LocalDescription().SDP))
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusCreated {
		return fmt.Errorf("%s: %s", answer.Status, text)
	}
	s.answered, s.location = time.Since(s.posted), answer.Header.Get("Location")
	description := webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: string(text)}
	if err = s.peer.SetRemoteDescription(description); err != nil {
		return err
	}
	select {
	case <-s.connected:
		return nil
	case <-time.After(20 * time.Second):
		return fmt.Errorf("not connected: %s", s.peer.ConnectionState())
	}
}

// leave ends the session at the server and here.
func (s *session) leave() error {
	request, err := http.NewRequest(http.MethodDelete, s.location, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("DELETE: %s", answer.Status)
	}
	return s.peer.Close()
}
