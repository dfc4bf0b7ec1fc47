// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Node

@main
enum Main {
    static func main() async { await MillraceCommand.main() }
}
