import type { Connection } from '../commands/context.ts';
import { NO_DISK } from '../commands/errors.ts';
import type {
  ExplainWhat,
  QuarantinedRecord,
  ReplicaVersion,
  Server,
  ServerDisk,
  ServerKeyspace,
  ServerMoves,
  ServerNode,
  ServerSlotRange,
} from '../commands/server.ts';
import { equalsInConstantTime } from '../lib/constant-time.ts';
import { type HashKey, halfSipHash } from '../lib/half-sip-hash.ts';
import { allMembers } from '../membership/topology.ts';
import type { MadeBackup } from '../ports/disk.ts';
import type { NodeName, PeerIdentity } from '../ports/outbox.ts';
import type { Peer } from '../replication/peer.ts';
import type { SurveyResult } from '../replication/survey.ts';
import type { ReplyWriter } from '../resp/reply-writer.ts';
import type { Cluster } from './cluster.ts';
import type { Node } from './node.ts';
import type { NodeOptions, NodePorts } from './node-options.ts';

/** What commands see of the node and its cluster. */
export class ServerView implements Server {
  readonly runId: string;
  readonly startedWallMs: number;
  readonly #node: Node;
  readonly #options: NodeOptions;
  readonly #ports: NodePorts;
  readonly #password: Buffer;
  #cluster: Server['cluster'];
  /** What was last shown of each keyspace, good while the cluster looks the same (`Node.viewVersion`). */
  readonly #shown = new Map<number, Shown>();
  /** Node ids of Redis Cluster's kind, by name. */
  readonly #nodeIds = new Map<NodeName, string>();

  constructor(node: Node, options: NodeOptions, ports: NodePorts, startedWallMs: number, runId: string) {
    this.#node = node;
    this.#options = options;
    this.#ports = ports;
    this.runId = runId;
    this.startedWallMs = startedWallMs;
    this.#password = Buffer.from(options.password);
  }

  get version(): string {
    return this.#options.version;
  }

  get processId(): number {
    return this.#ports.process.id;
  }

  get port(): number {
    return this.#options.client.port;
  }

  wallMs(): number {
    return this.#ports.clock.wallMs();
  }

  wallMicros(): number {
    return Math.floor(this.#ports.clock.wallMs() * 1000);
  }

  monotonicMs(): number {
    return this.#ports.clock.monotonicMs();
  }

  get cluster(): Server['cluster'] {
    const cluster = this.#node.cluster;
    if (cluster === undefined) return undefined;
    const { epoch, members } = cluster.topology;
    if (this.#cluster?.epoch !== epoch) this.#cluster = { id: cluster.id, epoch, size: members.length };
    return this.#cluster;
  }

  get isLoading(): boolean {
    return this.#node.isLoading;
  }

  get disk(): ServerDisk | undefined {
    return this.#node.storage?.disk;
  }

  backup(name: string, done: (made: MadeBackup) => void): void {
    const { storage } = this.#node;
    if (storage === undefined) done({ error: NO_DISK });
    else storage.backup(name, done);
  }

  get unfoundedReason(): string {
    return `${this.#node.candidatesSeen} of ${this.#options.expectNodes} members seen`;
  }

  get self(): ServerNode {
    const self = this.nodes(this.#options.defaultKeyspace).find(node => node.isSelf);
    // A node that has left is on no list, and still answers.
    return self ?? this.#describe(this.#node.identity(), undefined, 0, 0);
  }

  nodes(db: number): readonly ServerNode[] {
    return this.#show(db).nodes;
  }

  /** The same array until something in it changes, so that a reply made from it can be kept as long. */
  slotRanges(db: number): readonly ServerSlotRange[] {
    const shown = this.#show(db);
    shown.ranges ??= this.#rangesOf(db, shown.nodes);
    return shown.ranges;
  }

  replicasOf(db: number, slot: number): readonly ServerNode[] {
    const cluster = this.#node.cluster;
    const keyspace = cluster?.keyspaces.get(db);
    if (cluster === undefined || keyspace === undefined) return [];
    const nodes = this.nodes(db);
    return keyspace.placement.replicasOf(slot).map(peer => nodes.find(({ name }) => name === peer.name)!);
  }

  keyspaces(): readonly ServerKeyspace[] {
    const cluster = this.#node.cluster;
    return this.#options.keyspaces.map(policy => {
      const keyspace = cluster?.keyspaces.get(policy.db);
      const store = keyspace?.store;
      return {
        db: policy.db,
        name: policy.name,
        policy: policy.policy,
        replicas: keyspace?.placement.replicaCount ?? 0,
        read: String(policy.read),
        write: String(policy.write),
        readNeed: keyspace?.readNeed ?? 0,
        writeNeed: keyspace?.writeNeed ?? 0,
        sloppy: policy.sloppy,
        readRepair: policy.readRepair,
        durability: keyspace?.durability.mode ?? policy.durability,
        keys: store?.keyCount ?? 0,
        tombstones: store?.tombstoneCount ?? 0,
        expiring: store?.expiringCount ?? 0,
        usedBytes: store?.usedBytes ?? 0,
        reservedBytes: store?.reservedBytes ?? 0,
        maxMemoryBytes: policy.maxMemoryBytes,
        refillingSlots: keyspace?.refill.slotsLeft ?? 0,
      };
    });
  }

  keysInSlot(db: number, slot: number): number {
    return this.#node.cluster?.keyspaces.get(db)?.store.slotCount(slot) ?? 0;
  }

  explain(db: number, key: Buffer, what: ExplainWhat, done: (versions: readonly ReplicaVersion[]) => void): void {
    const keyspace = this.#node.cluster?.keyspaces.get(db);
    if (keyspace === undefined) done([]);
    else this.#node.explainer!.explain(keyspace, key, what, done);
  }

  converged(db: number, done: (result: SurveyResult) => void): void {
    const cluster = this.#node.cluster;
    const keyspace = cluster?.keyspaces.get(db);
    if (cluster === undefined || keyspace === undefined) done({ unavailable: this.unfoundedReason });
    else cluster.survey.run(keyspace, done);
  }

  sync(db: number, done: (unavailable?: string) => void): void {
    const cluster = this.#node.cluster;
    const keyspace = cluster?.keyspaces.get(db);
    if (cluster === undefined || keyspace === undefined) done(this.unfoundedReason);
    else cluster.antiEntropy.sync(keyspace, done);
  }

  quarantined(): readonly QuarantinedRecord[] {
    const context = this.#node.cluster?.context;
    if (context === undefined) return [];
    return [...context.quarantine.list()].map(({ from, keyspace, key, record }) => ({
      db: keyspace.db,
      key,
      dot: context.actors.dotText(record.dot),
      aheadMs: context.guard.aheadMs(record.dot.stamp),
      from: from.name,
    }));
  }

  dropQuarantined(of: { readonly db: number; readonly key: Buffer } | 'all'): number {
    const quarantine = this.#node.cluster?.context.quarantine;
    if (quarantine === undefined) return 0;
    if (of !== 'all') return quarantine.drop(of.db, of.key) ? 1 : 0;
    const { size } = quarantine;
    quarantine.clear();
    return size;
  }

  movesOf(name: NodeName): ServerMoves | undefined {
    return this.#node.ringChanges?.movesOf(name);
  }

  leave(name: NodeName, done: (error: string | undefined) => void): void {
    const { ringChanges } = this.#node;
    if (ringChanges === undefined) done(this.unfoundedReason);
    else ringChanges.leave(name, done);
  }

  forget(name: NodeName, done: (error: string | undefined) => void): void {
    const { ringChanges } = this.#node;
    if (ringChanges === undefined) done(this.unfoundedReason);
    else ringChanges.forget(name, done);
  }

  get faultCommands(): boolean {
    return this.#options.faultCommands;
  }

  drill(about: readonly NodeName[], down: boolean): void {
    this.#node.drill(about, down);
  }

  deferReply(connection: Connection): (fill: (reply: ReplyWriter) => void) => void {
    return this.#node.sessions.get(connection.id)!.defer();
  }

  *connections(): Iterable<Connection> {
    for (const session of this.#node.sessions.values()) yield session.connection;
  }

  checkPassword(user: string, password: Buffer): 'ok' | 'wrong' | 'no password is set' {
    if (this.#password.length === 0) return 'no password is set';
    const matches = equalsInConstantTime(this.#password, password);
    return matches && user === 'default' ? 'ok' : 'wrong';
  }

  settings(): ReadonlyMap<string, string> {
    return this.#options.settings;
  }

  statistics(): Readonly<Record<string, string | number>> {
    const hints = this.#node.cluster?.hints;
    const journals = [...(this.#node.cluster?.keyspaces.values() ?? [])].map(({ conflicts }) => conflicts);
    const gauges = {
      hintsPending: hints?.size ?? 0,
      hintsBytes: hints?.byteLength ?? 0,
      quarantined: this.#node.cluster?.context.quarantine.size ?? 0,
      quarantineOverflowed: this.#node.cluster?.context.quarantine.overflowed ?? 0,
      conflicts: journals.reduce((sum, { noted }) => sum + noted, 0),
      conflictsKept: journals.reduce((sum, { size }) => sum + size, 0),
      conflictsBytes: journals.reduce((sum, { byteLength }) => sum + byteLength, 0),
    };
    const { state, offsetMs } = this.#node.clockVerdict;
    return {
      ...this.#node.counters,
      ...gauges,
      ...this.#node.clientCounters,
      clockState: state,
      clockOffsetMs: offsetMs,
      drills: this.#node.drills.inForce,
    };
  }

  memory(): { readonly residentBytes: number; readonly heapUsedBytes: number } {
    return this.#ports.process.memory();
  }

  #show(db: number): Shown {
    const version = this.#node.viewVersion;
    let shown = this.#shown.get(db);
    if (shown?.version !== version) {
      shown = { version, nodes: this.#nodesOf(db), ranges: undefined };
      this.#shown.set(db, shown);
    }
    return shown;
  }

  #nodesOf(db: number): readonly ServerNode[] {
    const cluster = this.#node.cluster;
    if (cluster === undefined) return [this.#describe(this.#node.identity(), undefined, 0, 0)];
    const counts = this.#slotCounts(cluster, db);
    const places = allMembers(cluster.topology);
    return cluster.peers.map(peer => {
      const place = places.find(member => member.name === peer.name)!;
      const believed = this.#node.memberOf(peer.name)?.identity;
      const identity = peer.isSelf ? this.#node.identity() : (believed ?? { ...place, actor: '', clusterId: '' });
      const { primary, replica } = counts.get(peer)!;
      return this.#describe(identity, peer, primary, replica);
    });
  }

  #rangesOf(db: number, nodes: readonly ServerNode[]): readonly ServerSlotRange[] {
    const cluster = this.#node.cluster;
    const keyspace = cluster?.keyspaces.get(db);
    if (cluster === undefined || keyspace === undefined) return [];
    const { owners } = cluster;
    const byName = new Map(nodes.map(node => [node.name, node]));
    return cluster.ring.slotRanges(keyspace.placement.replicaCount).map(({ first, last, members }) => {
      const replicas = members.map(index => byName.get(owners[index]!.name)!);
      const live = replicas.filter(isUp);
      return { first, last, nodes: [...live, ...replicas.filter(node => !isUp(node))] };
    });
  }

  #describe(identity: PeerIdentity, peer: Peer | undefined, primarySlots: number, replicaSlots: number): ServerNode {
    const { name, actor, client, bus, zone, weight } = identity;
    const isSelf = name === this.#options.name;
    const member = this.#node.memberOf(name);
    return {
      name,
      clusterNodeId: this.#nodeId(name),
      actor,
      client,
      bus,
      zone,
      weight,
      isSelf,
      status: isSelf ? 'alive' : (member?.status ?? 'unknown'),
      linked: isSelf || (peer?.linked ?? false),
      refilling: peer?.refilling ?? false,
      heldDown: this.#node.drills.isDown(name),
      clockOff: peer?.clockOff ?? false,
      ring: this.#node.ringChanges?.placeOf(name) ?? 'none',
      primarySlots,
      replicaSlots,
    };
  }

  #slotCounts(cluster: Cluster, db: number): Map<Peer, { primary: number; replica: number }> {
    const counts = new Map(cluster.peers.map(peer => [peer, { primary: 0, replica: 0 }]));
    const replicas = cluster.keyspaces.get(db)?.placement.replicaCount ?? 1;
    const table = cluster.ring.table(replicas);
    for (const [list, slots] of table.slotsByList().entries()) {
      for (const [rank, index] of table.lists[list]!.entries()) {
        const count = counts.get(cluster.owners[index]!)!;
        count.replica += slots;
        if (rank === 0) count.primary += slots;
      }
    }
    return counts;
  }

  /** 160 bits of the name: Redis Cluster's clients know a node by such an id, and it must be the same after a restart. */
  #nodeId(name: NodeName): string {
    let id = this.#nodeIds.get(name);
    if (id === undefined) {
      const bytes = Buffer.from(name);
      const words = [0, 1, 2, 3, 4].map(word => halfSipHash(bytes, [word, 0x636f7465] satisfies HashKey));
      id = words.map(word => word.toString(16).padStart(8, '0')).join('');
      this.#nodeIds.set(name, id);
    }
    return id;
  }
}

interface Shown {
  readonly version: number;
  readonly nodes: readonly ServerNode[];
  ranges: readonly ServerSlotRange[] | undefined;
}

function isUp(node: ServerNode): boolean {
  return node.status === 'alive' || node.status === 'suspect';
}
