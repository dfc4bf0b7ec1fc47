// SPDX-License-Identifier: Apache-2.0

import Access
import HLS
import Replica
public import Telemetry

/// What the edge counts.
public struct EdgeMetrics: Sendable {
    let playlistRenderings: Counter
    let mediaRenderings: Counter
    let groupsSkipped: Counter
    let viewers: Gauge
    let viewersTooMany: Counter
    private let tokenRefusals: Counter
    private let decisions: [Counter]
    private let came: [ViewerSession.Kind: Counter]
    private let badPaths: Counter

    /// The handles in `registry`.
    public init(_ registry: MetricRegistry) {
        playlistRenderings = registry.counter(Self.playlistFamily)
        mediaRenderings = registry.counter(Self.mediaFamily)
        groupsSkipped = registry.counter(Self.skippedFamily)
        viewers = registry.gauge(Self.viewersFamily)
        viewersTooMany = registry.counter(Self.refusedFamily, "too_many")
        tokenRefusals = registry.counter(Self.refusedFamily, "token")
        badPaths = registry.counter(Self.badPathFamily)
        decisions = Decision.allCases.map { registry.counter(Self.decisionFamily, $0.rawValue) }
        came = Dictionary(
            uniqueKeysWithValues: ViewerSession.Kind.allCases.map {
                ($0, registry.counter(Self.cameFamily, $0.rawValue))
            })
    }

    func refused(_ failure: MediaPath.Failure) { badPaths.add() }

    func viewersRefused(_ refusal: AccessRefusal) { tokenRefusals.add() }

    func viewersCame(_ kind: ViewerSession.Kind) { came[kind]?.add() }

    func decided(_ directive: BlockingReload.Directive) { decisions[Decision(directive).index].add() }

    /// What became of a request, as the label says it.
    private enum Decision: String, CaseIterable {
        case initSection = "init_section"
        case multivariantPlaylist = "multivariant_playlist"
        case part
        case playlist
        case refuse
        case segment
        case wait

        init(_ directive: BlockingReload.Directive) {
            self =
                switch directive {
                case .initSection: .initSection
                case .multivariantPlaylist: .multivariantPlaylist
                case .part: .part
                case .playlist: .playlist
                case .refuse: .refuse
                case .segment: .segment
                case .wait: .wait
                }
        }

        var index: Int {
            switch self {
            case .initSection: 0
            case .multivariantPlaylist: 1
            case .part: 2
            case .playlist: 3
            case .refuse: 4
            case .segment: 5
            case .wait: 6
            }
        }
    }

    private static let playlistFamily = MetricFamily(
        "millrace_hls_playlist_renderings_total", .counter,
        help: "Playlists rendered; far fewer than are answered, as all who ask the same share one.")
    private static let mediaFamily = MetricFamily(
        "millrace_hls_media_renderings_total", .counter,
        help: "Parts, segments and init sections made ready to send.")
    private static let skippedFamily = MetricFamily(
        "millrace_play_groups_skipped_total", .counter,
        help: "Groups of pictures that viewers of FLV and RTMP lost for being slow, counted when they leave.")
    private static let viewersFamily = MetricFamily(
        "millrace_viewers", .gauge, help: "Viewer sessions on this node.")
    private static let refusedFamily = MetricFamily(
        "millrace_viewers_refused_total", .counter, labels: [.oneOf("reason", ["token", "too_many"])],
        help: "Viewers not let in, by reason.")
    private static let badPathFamily = MetricFamily(
        "millrace_hls_bad_paths_total", .counter, help: "Requests for media under names that can not be.")
    private static let decisionFamily = MetricFamily(
        "millrace_hls_decisions_total", .counter,
        labels: [.oneOf("decision", Decision.allCases.map(\.rawValue))],
        help: "What became of requests for playlists and media; those that wait count again when they are answered.")
    private static let cameFamily = MetricFamily(
        "millrace_viewers_came_total", .counter,
        labels: [.oneOf("protocol", ViewerSession.Kind.allCases.map(\.rawValue))], help: "Viewer sessions begun.")

    /// What is declared.
    public static let families = [
        playlistFamily, mediaFamily, skippedFamily, viewersFamily, refusedFamily, badPathFamily, decisionFamily,
        cameFamily,
    ]
}
