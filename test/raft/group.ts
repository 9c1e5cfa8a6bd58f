import { drawBelow, drawChance } from '../../src/lib/draw.ts';
import { SeededRandom } from '../../src/lib/seeded-random.ts';
import { Configuration, type MemberId } from '../../src/raft/configuration.ts';
import type { Decision, Effects, HardState } from '../../src/raft/effects.ts';
import type { Entry } from '../../src/raft/entry.ts';
import type { Message } from '../../src/raft/messages.ts';
import type { RaftLimits } from '../../src/raft/options.ts';
import { Raft } from '../../src/raft/raft.ts';
import { EMPTY_SNAPSHOT, foundingSnapshot, type SnapshotMeta } from '../../src/raft/snapshot.ts';

/** Small, so that everything that has a bound meets it. */
export const TIGHT_LIMITS: Partial<RaftLimits> = {
  electionTicks: 10,
  heartbeatTicks: 2,
  maxBatchBytes: 200,
  maxInflight: 3,
  maxUncommittedBytes: 2_000,
  maxPendingReads: 16,
  snapshotChunkBytes: 24,
  maxLearnerLag: 5,
};

/** What survives a crash. */
interface Disk {
  hardState: HardState;
  snapshot: SnapshotMeta;
  /** The state machine at the snapshot. */
  image: Buffer;
  entries: Entry[];
  incoming: Buffer[];
}

/** The state machine: the numbers of the commands applied, in order, and where it stands. */
export interface Machine {
  applied: number;
  commands: string[];
}

/** A member's process as the checks see it. */
export interface WatchedPeer {
  readonly id: MemberId;
  /** Of this process: the origin of its proposals. */
  readonly actor: string;
  readonly starts: number;
  readonly machine: Machine;
  readonly raft: Pick<Raft, 'role' | 'term' | 'log'> | undefined;
}

/** A member's process around the core, and its disk. */
export interface Peer extends WatchedPeer {
  readonly disk: Disk;
  raft: Raft | undefined;
  machine: Machine;
  actor: string;
  starts: number;
}

/** What the checks are told as it happens. */
export interface Observer {
  applied(peer: WatchedPeer, entry: Entry): void;
  restored(peer: WatchedPeer, snapshot: SnapshotMeta): void;
  decided(peer: WatchedPeer, decision: Decision): void;
  answered(peer: WatchedPeer, read: number): void;
}

export const SILENT: Observer = { applied() {}, restored() {}, decided() {}, answered() {} };

/** Members on a network that a test plays. Nothing happens by itself. */
export class Group {
  readonly random: SeededRandom;
  readonly peers = new Map<MemberId, Peer>();
  readonly limits: Partial<RaftLimits>;
  observer: Observer = SILENT;
  /** Messages under way, in the order they were sent. */
  wire: Message[] = [];

  constructor(
    voters: readonly MemberId[],
    { seed = 1, limits = TIGHT_LIMITS }: { seed?: number; limits?: Partial<RaftLimits> } = {},
  ) {
    this.random = new SeededRandom(seed);
    this.limits = limits;
    const snapshot = foundingSnapshot(new Configuration(voters));
    for (const id of voters) this.#add(id, snapshot);
  }

  /** A member that is to join: with nothing. */
  join(id: MemberId): Peer {
    return this.#add(id, EMPTY_SNAPSHOT);
  }

  peer(id: MemberId): Peer {
    return this.peers.get(id)!;
  }

  raft(id: MemberId): Raft {
    return this.peer(id).raft!;
  }

  running(): Peer[] {
    return [...this.peers.values()].filter(({ raft }) => raft !== undefined);
  }

  /** The one of the latest term. */
  leader(): Peer | undefined {
    const leaders = this.running().filter(({ raft }) => raft!.role === 'leader');
    return leaders.sort((a, b) => b.raft!.term - a.raft!.term)[0];
  }

  start(peer: Peer): void {
    const { disk } = peer;
    peer.starts++;
    peer.actor = `${peer.id}#${peer.starts}`;
    peer.machine = machineOf(disk);
    disk.incoming = [];
    peer.raft = new Raft(
      { id: peer.id, actor: peer.actor, limits: this.limits },
      {
        random: this.random,
        snapshots: {
          read: (index, offset, maxBytes) => {
            if (disk.snapshot.index !== index) return undefined;
            const data = disk.image.subarray(offset, offset + maxBytes);
            return { data, isLast: offset + data.length >= disk.image.length };
          },
        },
      },
      { hardState: disk.hardState, snapshot: disk.snapshot, entries: [...disk.entries] },
    );
  }

  stop(peer: Peer): void {
    peer.raft = undefined;
  }

  /** Does what a member wants done, until nothing is left. `crash` may end it between two steps of persisting. */
  work(peer: Peer, crash: () => boolean = () => false): void {
    for (;;) {
      const effects = peer.raft?.takeEffects();
      if (effects === undefined) return;
      if (!this.#persist(peer, effects, crash)) return this.stop(peer);
      this.wire.push(...effects.messages);
      this.#apply(peer, effects);
      for (const decision of effects.decisions) this.observer.decided(peer, decision);
      for (const read of effects.reads) this.observer.answered(peer, read);
      peer.raft!.done(effects);
    }
  }

  deliver(message: Message): void {
    const peer = this.peers.get(message.to);
    if (peer?.raft === undefined) return;
    peer.raft.receive(message);
    this.work(peer);
  }

  tick(peer: Peer): void {
    peer.raft?.tick();
    this.work(peer);
  }

  /** Ticks everyone and delivers everything, so many times. `lost`: messages that are not delivered. */
  run(ticks: number, lost: (message: Message) => boolean = () => false): void {
    for (let i = 0; i < ticks; i++) {
      for (const peer of this.running()) this.tick(peer);
      this.settle(lost);
    }
  }

  settle(lost: (message: Message) => boolean = () => false): void {
    for (let i = 0; this.wire.length > 0; i++) {
      if (i > 100_000) throw new Error('messages without end');
      const message = this.wire.shift()!;
      if (!lost(message)) this.deliver(message);
    }
  }

  /** Makes a snapshot of what is applied and drops the log before it. */
  compact(peer: Peer, retained = 0): void {
    const raft = peer.raft!;
    // A leader's snapshot that has come and is not yet loaded is newer.
    if (peer.machine.applied <= raft.log.snapshot.index) return;
    const meta = raft.snapshotMeta(peer.machine.applied);
    peer.disk.snapshot = meta;
    peer.disk.image = imageOf(peer.machine, peer.id);
    peer.disk.entries = peer.disk.entries.filter(({ index }) => index > meta.index);
    raft.compact(meta, retained);
  }

  chance(probability: number): boolean {
    return drawChance(this.random, probability);
  }

  pick<T>(from: readonly T[]): T {
    return from[drawBelow(this.random, from.length)]!;
  }

  #add(id: MemberId, snapshot: SnapshotMeta): Peer {
    const machine = { applied: snapshot.index, commands: [] };
    const disk: Disk = {
      hardState: { term: 0, vote: undefined },
      snapshot,
      image: imageOf(machine, 'the founders'),
      entries: [],
      incoming: [],
    };
    const peer: Peer = { id, disk, raft: undefined, machine, actor: '', starts: 0 };
    this.peers.set(id, peer);
    this.start(peer);
    return peer;
  }

  /** @returns false when the process has crashed in between. */
  #persist({ disk }: Peer, { hardState, snapshotChunks, entries }: Effects, crash: () => boolean): boolean {
    if (crash()) return false;
    if (hardState !== undefined) disk.hardState = hardState;
    for (const { snapshot, offset, data, isLast } of snapshotChunks) {
      if (crash()) return false;
      if (offset === 0) disk.incoming = [];
      disk.incoming.push(Buffer.from(data));
      if (!isLast) continue;
      disk.image = Buffer.concat(disk.incoming);
      disk.snapshot = snapshot;
      disk.entries = [];
    }
    for (const entry of entries) {
      if (crash()) return false;
      disk.entries = disk.entries.filter(({ index }) => index < entry.index);
      disk.entries.push(entry);
    }
    return !crash();
  }

  #apply(peer: Peer, { snapshotChunks, committed }: Effects): void {
    const last = snapshotChunks.findLast(({ isLast }) => isLast);
    if (last !== undefined) {
      peer.machine = machineOf(peer.disk);
      this.observer.restored(peer, last.snapshot);
    }
    for (const entry of committed) {
      if (entry.index !== peer.machine.applied + 1)
        throw new Error(`${peer.id} is to apply ${entry.index} after ${peer.machine.applied}`);
      peer.machine.applied = entry.index;
      if (entry.kind === 'command') peer.machine.commands.push(Buffer.from(entry.data).toString());
      this.observer.applied(peer, entry);
    }
  }
}

/** Bytes of one state differ from maker to maker, and pieces of two makers' do not pass for a whole. */
function imageOf({ applied, commands }: Machine, maker: string): Buffer {
  return Buffer.from(JSON.stringify({ maker, applied, commands, madeBy: maker }));
}

function machineOf({ snapshot, image }: Disk): Machine {
  const { maker, commands, madeBy } = JSON.parse(image.toString()) as Machine & { maker: string; madeBy: string };
  if (maker !== madeBy) throw new Error(`a snapshot that ${maker} began and ${madeBy} ended`);
  return { applied: snapshot.index, commands };
}
