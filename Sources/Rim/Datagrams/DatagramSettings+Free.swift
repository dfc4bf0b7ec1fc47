// SPDX-License-Identifier: Apache-2.0

extension DatagramSettings {
    /// Throws where the port is taken. Threads that share a port would share it with another process as well, and each
    /// would get half of what is meant for the other; so ask before the first of them.
    public func checkIsFree() throws(DatagramFailure) {
        var alone = self
        alone.isShared = false
        _ = try DatagramSocket(alone)
    }
}
