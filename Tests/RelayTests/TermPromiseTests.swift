// SPDX-License-Identifier: Apache-2.0

import Identity
import Relay
import Testing

@Suite("What is promised to who takes a term")
struct TermPromiseTests {
    private let terms = (1...4 as ClosedRange<UInt64>).map { Term(number: $0, salt: 0) }

    @Test("is to list nothing of lower terms for ten seconds, and to acknowledge nothing of them ever")
    func lapses() {
        let promise = TermPromise(terms[2], now: .seconds(5))
        for (term, admits) in zip(terms, [false, false, true, true]) {
            #expect(promise.admitsAcknowledging(term) == admits)
            #expect(promise.admitsListing(term, holding: terms[0], now: .milliseconds(14_999)) == admits)
            #expect(promise.admitsListing(term, holding: terms[0], now: .seconds(15)))
        }
    }

    @Test("holds for good where anything of the term is here")
    func begun() {
        let promise = TermPromise(terms[2], now: .zero)
        for newest in terms[2...] {
            #expect(!promise.admitsListing(terms[1], holding: newest, now: .seconds(3600)))
        }
    }

    @Test("begins anew with the same term and with a higher one, and stays what it was with a lower one")
    func raised() {
        var promise = TermPromise(terms[1], now: .zero)
        promise.raise(to: terms[0], now: .seconds(1))
        #expect(promise == TermPromise(terms[1], now: .zero))
        promise.raise(to: terms[1], now: .seconds(2))
        #expect(promise == TermPromise(terms[1], now: .seconds(2)))
        promise.raise(to: terms[2], now: .seconds(3))
        #expect(promise == TermPromise(terms[2], now: .seconds(3)))
    }
}
