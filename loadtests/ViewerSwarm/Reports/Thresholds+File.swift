// SPDX-License-Identifier: Apache-2.0

import Foundation
import Swarm

extension Thresholds {
    init(file: String) throws { self = try Thresholds(json: Data(contentsOf: URL(fileURLWithPath: file))) }
}
