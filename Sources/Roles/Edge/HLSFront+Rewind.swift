// SPDX-License-Identifier: Apache-2.0

import Bytes
import HLS
import Identity
import Replica
import WebServer

/// What is no longer in the window: playlists that reach back, and the media that they list.
extension HLSFront {
    /// What a directive other than a wait comes to.
    enum Resolution {
        case answer(MediaAnswer, of: EdgeStream)
        /// The archive is asked first.
        case wait(ErrandTable.Group)
    }

    /// What becomes of a question about a stream.
    /// - Parameters:
    ///   - stream: as it is served here.
    ///   - hasLooked: whether it has waited for the archive's word.
    func resolve(
        _ directive: BlockingReload.Directive, to question: Question, of stream: EdgeStream, hasLooked: Bool = false
    ) -> Resolution {
        guard let rewind = edge.rewind, let listener else { return plain(directive, question, stream) }
        switch (directive, question.resource) {
        case (.playlist(let key, let isDelta, _), .mediaPlaylist(let rendition)):
            let wish = RewindWish(question.query, rewind.settings)
            guard wish.reaches, rewind.keeps(stream.replica.id) else { return plain(directive, question, stream, wish) }
            switch rewind.view(of: stream.replica, rendition, at: key, query: wish.query, telling: listener) {
            case .ready(let past, let isSettled):
                let told = isSettled ? directive : .playlist(key, isDelta: isDelta, .never)
                let answer = stream.answer(told, to: question, wish: wish, rewind: past, by: desk)
                return .answer(answer, of: stream)
            case .unknown: return .answer(Refusals.of(.unavailable), of: stream)
            case .wait(let errand): return .wait(errands.group(errand, directive, question, stream))
            }
        case (.multivariantPlaylist, _):
            return plain(directive, question, stream, RewindWish(question.query, rewind.settings))
        case (.refuse(.notFound), .initSection), (.refuse(.notFound), .segment):
            switch rewind.media(question.resource, of: stream.replica, hasLooked: hasLooked, telling: listener) {
            case .absent: return .answer(Refusals.notFound, of: stream)
            case .answer(let answer): return .answer(answer, of: stream)
            case .busy: return .answer(Refusals.of(.unavailable), of: stream)
            case .wait(let errand): return .wait(errands.group(errand, directive, question, stream))
            }
        default: return plain(directive, question, stream)
        }
    }

    /// What the window alone says.
    private func plain(
        _ directive: BlockingReload.Directive, _ question: Question, _ stream: EdgeStream, _ wish: RewindWish = .none
    ) -> Resolution {
        .answer(
            stream.answer(directive, to: question, wish: wish, rewind: wish.withoutPast, by: desk), of: stream)
    }

    /// The archive has answered, or lets nobody wait any longer: media is sent, and all else decided on again.
    func finished(_ errand: Errand, _ answer: MediaAnswer?) {
        for group in errands.take(errand) {
            // The stream may have gone meanwhile.
            let isHere = edge.stream(group.stream.replica.id) != nil
            let resolution =
                answer.map { Resolution.answer(isHere ? $0 : Refusals.notFound, of: group.stream) }
                ?? resolve(group.directive, to: group.question, of: group.stream, hasLooked: true)
            switch resolution {
            case .answer(let answer, let stream):
                while let exchange = group.list.popFirst() { send(answer, on: exchange, of: stream) }
            case .wait(let next): while let exchange = group.list.popFirst() { next.list.append(exchange) }
            }
        }
    }
}
