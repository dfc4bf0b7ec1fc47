# SPDX-License-Identifier: Apache-2.0
"""A lint for live HLS and Low-Latency HLS, written from the rules.

The sources are RFC 8216bis (draft-pantos-hls-rfc8216bis) and Apple's HLS Authoring Specification; nothing here was
taken from what our own writer does. Every rule is data in `findings.RULES` and bears the section it comes from.
"""
