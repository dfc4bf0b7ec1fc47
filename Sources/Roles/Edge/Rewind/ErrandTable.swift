// SPDX-License-Identifier: Apache-2.0

import HLS
import Identity
import WebServer

/// What the archive is asked for.
enum Errand: Hashable, Sendable {
    /// What it lists of a rendition.
    case history(RenditionID)
    /// The media under a path.
    case media(String)
}

/// One rendition of one stream.
struct RenditionID: Hashable, Sendable {
    let stream: StreamID
    let rendition: RenditionName
}

/// Who waits on one event loop for the archive's word.
final class ErrandTable {
    /// Those who asked the same.
    final class Group {
        let directive: BlockingReload.Directive
        let question: Question
        let stream: EdgeStream
        let list = WaitList()

        fileprivate init(_ directive: BlockingReload.Directive, _ question: Question, _ stream: EdgeStream) {
            self.directive = directive
            self.question = question
            self.stream = stream
        }
    }

    private var groups: [Errand: [Group]] = [:]

    /// Those who ask `question`, and wait for `errand` before it is answered as `directive` says.
    func group(
        _ errand: Errand, _ directive: BlockingReload.Directive, _ question: Question, _ stream: EdgeStream
    ) -> Group {
        let known = groups[errand]?.first {
            $0.directive == directive && $0.question == question && $0.stream === stream
        }
        if let known { return known }
        // The question's query is a slice of the loop's scratch bytes; a group keeps its own.
        let group = Group(directive, question.kept, stream)
        groups[errand, default: []].append(group)
        return group
    }

    /// Takes those who waited for an errand.
    func take(_ errand: Errand) -> [Group] { groups.removeValue(forKey: errand) ?? [] }
}
