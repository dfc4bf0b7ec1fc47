// SPDX-License-Identifier: Apache-2.0

import Bytes
import Cluster
import Gossip
import Identity
import Logging
import Media
import NIOCore
import NIOPosix
import Telemetry
import Transport

/// The shell around the gossip core: it feeds packets, messages and time in, and obeys what comes out. Confined to its
/// event loop.
final class GossipLoop {
    let eventLoop: any EventLoop
    let settings: ClusterNodeSettings
    let shared: ClusterShare
    let metrics: ClusterMetrics
    private let listeners: ClusterListeners
    private let log: StormLog
    private let logger: Logger
    private var core: ClusterCore
    private var wire: GossipWire
    private var streams: [StreamName: GossipConnection] = [:]
    private var accepted: UInt64 = 0
    private var directives: [ClusterCore.Directive] = []
    private var random = SystemRandomNumberGenerator()
    private var channel: (any Channel)?
    private var timer: NIODeadline?
    private var isViewDue = false
    private var departure: EventLoopPromise<Void>?

    /// A stream of one of the two pools.
    struct StreamName: Hashable {
        let stream: GossipStream
        let pool: GossipPool
    }

    init(
        settings: ClusterNodeSettings, boot: UInt64, listeners: ClusterListeners, metrics: ClusterMetrics,
        log: StormLog,
        logger: Logger, on eventLoop: any EventLoop
    ) {
        self.eventLoop = eventLoop
        self.settings = settings
        self.listeners = listeners
        self.metrics = metrics
        self.logger = logger
        self.log = log
        let keyring = Keyring(settings.key)
        core = ClusterCore(
            description: settings.description, boot: boot, settings: settings.gossip, now: SystemClock.now())
        wire = GossipWire(settings, boot: boot, keyring: keyring)
        shared = ClusterShare(view: core.view, keyring: keyring)
    }

    /// Begins to talk over open ports.
    func start(_ channel: any Channel) {
        self.channel = channel
        listeners.view(shared.view)
        work { $0.tick(now: $1, using: &$2, into: &$3) }
    }
}

// MARK: - What others tell

extension GossipLoop {
    /// A datagram came.
    func receive(_ packet: ByteSlice, from endpoint: Endpoint) {
        let now = SystemClock.now()
        do throws(SealFailure) {
            let (datagram, pool) = try wire.open(packet, now: now)
            if case .load(let report)? = datagram.message, report.node != datagram.sender {
                return metrics.malformed.add()  // nobody speaks for another
            }
            metrics.packetsReceived.add()
            metrics.bytesReceived.add(packet.count)
            work { core, now, _, directives in
                core.receive(datagram, from: endpoint, pool: pool, now: now, into: &directives)
            }
        } catch {
            refuse(error, from: endpoint)
        }
    }

    /// Somebody connected.
    func accept(_ channel: any Channel) throws {
        accepted += 1
        let connection = GossipConnection(.accepted(accepted), pool: nil, loop: self, wire.identities, shared.keyring)
        try channel.pipeline.syncOperations.addHandler(connection)
    }

    /// A connection learnt which pool its peer speaks for.
    func opened(_ connection: GossipConnection, pool: GossipPool) {
        streams[StreamName(stream: connection.stream, pool: pool)] = connection
    }

    /// A message came on a connection.
    func receive(_ message: GossipStreamMessage, on stream: GossipStream, pool: GossipPool) {
        work { $0.receive(message, on: stream, pool: pool, now: $1, into: &$3) }
    }

    /// A connection ended.
    func closed(_ connection: GossipConnection) {
        guard let pool = connection.pool else { return }
        let name = StreamName(stream: connection.stream, pool: pool)
        if streams[name] === connection { streams[name] = nil }
    }

    /// Bytes came that no member sent.
    func refuse(_ failure: SealFailure, from endpoint: Endpoint) {
        metrics.refused(failure)
        log.record(
            "gossip refused", level: .warning, metadata: ["from": "\(endpoint)", "reason": "\(failure.label)"],
            now: SystemClock.now())
    }
}

// MARK: - What the node wants

extension GossipLoop {
    func change(_ change: (inout NodeDescription) -> Void) {
        var description = core.region.own.description
        change(&description)
        work { $0.set(description, now: $1, into: &$3) }
    }

    func publish(_ entry: StreamEntry) { work { $0.publish(entry, now: $1, into: &$3) } }

    func report(_ load: LoadReport) {
        listeners.load(load)
        work { $0.report(load, now: $1, into: &$3) }
    }

    func storeAnswered() { work { $0.storeAnswered(now: $1, into: &$3) } }

    func regionLoad(_ load: UInt16) { core.regionLoad = load }

    func order(_ order: KeyOrder) {
        wire.use(shared.keyring)
        work { $0.order(order, now: $1, into: &$3) }
    }

    func steer(_ order: SteeringOrder) { work { $0.steer(order, now: $1, into: &$3) } }

    func leave(_ gone: EventLoopPromise<Void>) {
        departure = gone
        work { $0.leave(now: $1, into: &$3) }
    }
}

// MARK: - Obeying

extension GossipLoop {
    /// Feeds the core one event and obeys every directive in order.
    private func work(
        _ event: (inout ClusterCore, Duration, inout SystemRandomNumberGenerator, inout [ClusterCore.Directive]) -> Void
    ) {
        var wanted = directives
        directives = []
        event(&core, SystemClock.now(), &random, &wanted)
        for directive in wanted { obey(directive) }
        wanted.removeAll(keepingCapacity: true)
        directives = wanted
        showView()
        arm()
    }

    private func obey(_ directive: ClusterCore.Directive) {
        switch directive {
        case .changed(let member, let before): changed(member, before)
        case .close(let stream, let pool): streams[StreamName(stream: stream, pool: pool)]?.finish()
        case .findSeeds(let pool): findSeeds(pool)
        case .hasLeft: hasLeft()
        case .keyOrder(let order): if shared.obey(order) { wire.use(shared.keyring) }
        case .load(let report): listeners.load(report)
        case .open(let stream, let pool, let endpoint, let message): open(stream, pool, endpoint, message)
        case .region: break
        case .report(let report, let pool): tell(report, pool)
        case .send(let datagram, let pool, let endpoint): send(datagram, pool, endpoint)
        case .storeAnswered(let node): listeners.storeAnswered(node)
        case .stream(let entry): listeners.stream(entry)
        case .write(let message, let stream, let pool):
            streams[StreamName(stream: stream, pool: pool)]?.write(message)
        }
    }

    private func send(_ datagram: GossipDatagram, _ pool: GossipPool, _ endpoint: Endpoint) {
        guard let channel, let address = SocketAddress(endpoint) else { return }
        let packet = wire.seal(datagram, in: pool)
        metrics.packetsSent.add()
        metrics.bytesSent.add(packet.count)
        let envelope = AddressedEnvelope(remoteAddress: address, data: ByteBuffer(bytes: packet))
        let sent = eventLoop.makePromise(of: Void.self)
        sent.futureResult.assumeIsolatedUnsafeUnchecked().whenFailure { [weak self] _ in
            self?.sendFailed(pool, endpoint)
        }
        channel.writeAndFlush(envelope, promise: sent)
    }

    private func sendFailed(_ pool: GossipPool, _ endpoint: Endpoint) {
        metrics.sendFailures.add()
        work { $0.sendFailed(to: endpoint, pool: pool, now: $1, using: &$2, into: &$3) }
    }

    private func open(_ stream: GossipStream, _ pool: GossipPool, _ endpoint: Endpoint, _ message: GossipStreamMessage)
    {
        guard let address = SocketAddress(endpoint) else { return }
        let connection = GossipConnection(stream, pool: pool, loop: self, wire.identities, shared.keyring)
        streams[StreamName(stream: stream, pool: pool)] = connection
        connection.write(message)
        let bound = NIOLoopBound(connection, eventLoop: eventLoop)
        ClientBootstrap(group: eventLoop)
            .connectTimeout(TimeAmount(settings.gossip.region.streamTimeout))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(bound.value) }
            }
            .connect(to: address)
            .assumeIsolatedUnsafeUnchecked().whenFailure { [weak self] _ in self?.closed(connection) }
    }

    private func findSeeds(_ pool: GossipPool) {
        let sources = pool == .region ? settings.seeds : settings.remoteSeeds
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        let eventLoop = eventLoop
        Task { [findMore = settings.findMore] in
            async let more = findMore(pool)
            let seeds = await SeedSource.endpoints(of: sources) + more
            eventLoop.execute { bound.value.found(seeds, pool) }
        }
    }

    private func found(_ seeds: [Endpoint], _ pool: GossipPool) {
        let own = core.region.own.description.gossip
        if !seeds.isEmpty, pool == .region, core.region.liveCount == 1 {
            log.record(
                "no member was found yet", level: .warning, metadata: ["seeds": "\(seeds.count)"],
                now: SystemClock.now())
        }
        work { core, now, random, directives in
            core.found(
                seeds: seeds.filter { $0 != own }, pool: pool, now: now, using: &random, into: &directives)
        }
    }

    private func hasLeft() {
        channel?.close(promise: nil)
        for connection in streams.values { connection.finish() }
        departure?.succeed()
        departure = nil
        channel = nil
    }
}

// MARK: - Telling, and time

extension GossipLoop {
    private func changed(_ member: Member, _ before: Member?) {
        listeners.member(member)
        guard member.health != before?.health || member.description.isDraining != before?.description.isDraining else {
            return
        }
        metrics.changed(to: member.health)
        logger.info(
            "member changed",
            metadata: [
                "member": "\(member.id)", "health": "\(member.health)", "incarnation": "\(member.incarnation)",
                "draining": "\(member.description.isDraining)",
            ])
    }

    private func tell(_ report: GossipReport, _ pool: GossipPool) {
        if case .paused = report, departure != nil { return }
        metrics.told(report)
        log.record(
            "gossip", level: .warning, metadata: ["report": "\(report.sentence)", "pool": "\(pool)"],
            now: SystemClock.now())
    }

    /// Many changes at once make one view, as a view is a copy of all.
    private func showView() {
        guard core.viewVersion != shared.view.version, !isViewDue else { return }
        isViewDue = true
        eventLoop.assumeIsolatedUnsafeUnchecked().scheduleTask(in: .milliseconds(20)) { [self] in
            isViewDue = false
            let view = core.view
            shared.set(view)
            metrics.follow(view)
            listeners.view(view)
        }
    }

    /// Keeps one timer running.
    private func arm() {
        guard channel != nil else { return }
        let wanted = SystemClock.deadline(core.nextDeadline)
        guard timer.map({ wanted < $0 }) ?? true else { return }
        timer = wanted
        eventLoop.assumeIsolatedUnsafeUnchecked().scheduleTask(deadline: wanted) { [self] in fire(wanted) }
    }

    private func fire(_ deadline: NIODeadline) {
        guard timer == deadline, channel != nil else { return }
        timer = nil
        work { $0.tick(now: $1, using: &$2, into: &$3) }
    }
}
