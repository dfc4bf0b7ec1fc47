// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"io"
	"os"
	"time"

	"github.com/pion/webrtc/v3"
	"github.com/pion/webrtc/v3/pkg/media"
	"github.com/pion/webrtc/v3/pkg/media/h264reader"
	"github.com/pion/webrtc/v3/pkg/media/oggreader"
)

// published is what a publisher says of itself.
type published struct {
	Pictures  int     `json:"pictures"`
	Sounds    int     `json:"sounds"`
	Connected float64 `json:"connected"`
}

func publish(url, video, audio string, length time.Duration) (*published, error) {
	pictures, err := readPictures(video)
	if err != nil {
		return nil, err
	}
	sounds, err := readSounds(audio)
	if err != nil {
		return nil, err
	}
	s, err := open()
	if err != nil {
		return nil, err
	}
	videoTrack, err := s.add(webrtc.MimeTypeH264, "video")
	if err != nil {
		return nil, err
	}
	audioTrack, err := s.add(webrtc.MimeTypeOpus, "audio")
	if err != nil {
		return nil, err
	}
	if err = s.negotiate(url); err != nil {
		return nil, err
	}
	result := &published{Connected: time.Since(s.posted).Seconds()}
	done := make(chan int)
	go func() { done <- send(audioTrack, sounds, 20*time.Millisecond, length) }()
	result.Pictures = send(videoTrack, pictures, time.Second/30, length)
	result.Sounds = <-done
	return result, s.leave()
}

// add gives the session a track to send, and reads what is reported of it: repairs come of that.
func (s *session) add(kind, name string) (*webrtc.TrackLocalStaticSample, error) {
	track, err := webrtc.NewTrackLocalStaticSample(webrtc.RTPCodecCapability{MimeType: kind}, name, "pion")
	if err != nil {
		return nil, err
	}
	transceiver, err := s.peer.AddTransceiverFromTrack(
		track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			if _, _, err := transceiver.Sender().ReadRTCP(); err != nil {
				return
			}
		}
	}()
	return track, nil
}

// send gives a track its samples at the speed of life, from the first again behind the last, and counts them.
func send(track *webrtc.TrackLocalStaticSample, samples [][]byte, each, length time.Duration) int {
	begun, count := time.Now(), 0
	for ; time.Duration(count)*each < length; count++ {
		time.Sleep(time.Until(begun.Add(time.Duration(count) * each)))
		if err := track.WriteSample(media.Sample{Data: samples[count%len(samples)], Duration: each}); err != nil {
			break
		}
	}
	return count
}

// readPictures cuts a file of Annex B into pictures: one begins with the first NAL unit that is no slice behind a slice, or
// with a slice that begins a picture (first_mb_in_slice 0).
func readPictures(path string) ([][]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	reader, err := h264reader.NewReader(file)
	if err != nil {
		return nil, err
	}
	var pictures [][]byte
	var picture []byte
	hasSlice := false
	for {
		nal, err := reader.NextNAL()
		if errors.Is(err, io.EOF) {
			return append(pictures, picture), nil
		}
		if err != nil {
			return nil, err
		}
		kind := nal.Data[0] & 0x1F
		isSlice := kind == 1 || kind == 5
		if hasSlice && (!isSlice || nal.Data[1]&0x80 != 0) {
			pictures, picture, hasSlice = append(pictures, picture), nil, false
		}
		hasSlice = hasSlice || isSlice
		picture = append(append(picture, 0, 0, 0, 1), nal.Data...)
	}
}

// readSounds takes the packets of a file of Ogg, behind the two pages of its head.
func readSounds(path string) ([][]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	reader, _, err := oggreader.NewWith(file)
	if err != nil {
		return nil, err
	}
	var sounds [][]byte
	for number := 0; ; number++ {
		page, _, err := reader.ParseNextPage()
		if errors.Is(err, io.EOF) {
			return sounds, nil
		}
		if err != nil {
			return nil, err
		}
		if number > 0 {
			sounds = append(sounds, page)
		}
	}
}
