import { assert } from '../lib/assert.ts';
import type { Topology } from '../membership/topology.ts';
import type { Disk } from '../ports/disk.ts';
import type { Random } from '../ports/random.ts';
import { Configuration, type ConfigurationChange, type MemberId } from '../raft/configuration.ts';
import type { Decision, Effects } from '../raft/effects.ts';
import type { Entry } from '../raft/entry.ts';
import type { Message } from '../raft/messages.ts';
import { Raft } from '../raft/raft.ts';
import { EMPTY_SNAPSHOT, foundingSnapshot } from '../raft/snapshot.ts';
import {
  applyCommand,
  decodeCommand,
  decodeTopology,
  encodeCommand,
  encodeTopology,
  type TopologyCommand,
} from './commands.ts';
import { GroupLog, type GroupSnapshot, type StoredGroup } from './group-log.ts';

/** Where this node keeps its part in the group, and what `restoreGroup` found there. */
export interface GroupDisk {
  readonly disk: Disk;
  readonly restored: StoredGroup | undefined;
}

export interface PlacementGroupPorts {
  readonly random: Random;
  /** Without it all is in memory only. */
  readonly groupDisk?: GroupDisk | undefined;
  /** To the node that this member is of; may be lost. */
  send(message: Message): void;
  /** The group has decided this. Called once for each epoch that this member applies, in order; after a restart again for those behind the snapshot. */
  decided(topology: Topology): void;
}

/** What became of a command that was proposed here: it was applied, perhaps to no effect (`error`); or it is not known to have been. */
export type Outcome = { readonly status: 'applied'; readonly error: string | undefined } | { readonly status: 'lost' };

/** Entries behind the last snapshot that bring the next one about; and so many are kept for members that lag. */
const COMPACT_AFTER = 256;
const RETAINED = 64;

/**
 * This node's part in the placement group (DESIGN §4): the Raft group whose log are the steps from one epoch to the next.
 *
 * A member is a log, and is named by the actor of the process that began it. A later process that has the log on disk is the same member,
 * though it is another actor; without a disk, or if the log is void, it is another member, and joins the group anew. Two processes never act
 * as one member: a disk is locked by the process that uses it, so a former one has ended, with all it might still have said, before the log could be read.
 *
 * With a disk nothing is said, applied or answered before what it follows from is durable, and the next effects wait for that, while messages and ticks
 * go on. When the disk refuses, the member is silent: it hears nothing, says nothing and its time stands still until the disk takes what it refused.
 */
export class PlacementGroup {
  /** This process, in proposals. */
  readonly #actor: string;
  /** This member. */
  readonly id: MemberId;
  readonly #ports: PlacementGroupPorts;
  readonly #log: GroupLog | undefined;
  #raft: Raft | undefined;
  /** What the entries applied so far come to; undefined in a member that has not got its first snapshot. */
  #topology: Topology | undefined;
  /** The index of the last one of them. */
  #applied = 0;
  #snapshot: GroupSnapshot | undefined;
  #incoming: Uint8Array[] = [];
  readonly #waiting = new Map<number, (outcome: Outcome) => void>();
  /** Effects are being carried out, and perhaps wait for the disk. */
  #isWorking = false;
  /** What follows as soon as what was put is durable. */
  #next: (() => void) | undefined;
  #isFlushing = false;
  /** The last flush was refused. */
  #isSilent = false;

  constructor(actor: string, ports: PlacementGroupPorts) {
    const { groupDisk } = ports;
    this.#actor = actor;
    this.#ports = ports;
    this.id = groupDisk?.restored?.id ?? actor;
    this.#log = groupDisk && new GroupLog(groupDisk.disk, groupDisk.restored);
    if (groupDisk?.restored !== undefined) this.#restore(groupDisk.restored);
  }

  /**
   * Founds the group together with the other `voters`, all of whom begin with the same topology. Whatever a disk has of an earlier group is void:
   * whoever founds is given nothing restored.
   */
  found(voters: readonly MemberId[], topology: Topology): void {
    assert(this.#raft === undefined, 'Cannot found a placement group: this node is of one');
    this.#topology = topology;
    this.#raft = this.#begin({ meta: foundingSnapshot(new Configuration(voters)), bytes: encodeTopology(topology) });
    if (voters.length === 1) this.#raft.campaign();
    this.#work();
  }

  /** Whether this node is of the group, as far as it knows. */
  get isMember(): boolean {
    return this.#raft?.log.configurations.latest.isMember(this.id) ?? false;
  }

  /** Leads, and has applied an entry of its own term: what it knows is what was decided. */
  get leads(): boolean {
    const raft = this.#raft;
    return raft?.role === 'leader' && raft.log.termAt(this.#applied) === raft.term && !this.#isSilent;
  }

  /** Of this term, as far as is known. */
  get leader(): MemberId | undefined {
    return this.#raft?.leaderId;
  }

  get term(): number {
    return this.#raft?.term ?? 0;
  }

  /** Whether what this member has promised outlives its process. */
  get isDurable(): boolean {
    return this.#log !== undefined;
  }

  /** The newest topology that this member has applied. */
  get topology(): Topology | undefined {
    return this.#topology;
  }

  get configuration(): Configuration | undefined {
    return this.#raft?.log.configurations.latest;
  }

  /** The core, for reading only. */
  get raft(): Pick<Raft, 'id' | 'term' | 'vote' | 'role' | 'log'> | undefined {
    return this.#raft;
  }

  /** @param done is called once, unless this process ends before. */
  propose(command: TopologyCommand, done: (outcome: Outcome) => void): void {
    const asked = this.#isSilent ? undefined : this.#raft?.propose(encodeCommand(command));
    if (asked === undefined || 'refusal' in asked) return done({ status: 'lost' });
    this.#waiting.set(asked.number, done);
    this.#work();
  }

  /** Changes the group by one step, if this leader can take it now. */
  change(change: ConfigurationChange): void {
    this.#raft?.changeConfiguration(change);
    this.#work();
  }

  /** This is what the group has decided: what a committed entry makes of the last epoch, or a snapshot holds. */
  decide(topology: Topology): void {
    if (this.#topology !== undefined && topology.epoch <= this.#topology.epoch) return;
    this.#topology = topology;
    this.#ports.decided(topology);
  }

  /** To be called every 100 ms. */
  tick(): void {
    if (this.#isSilent) return this.#flush();
    this.#raft?.tick();
    this.#work();
  }

  /** Who is spoken to as a member, and has no log, begins one. */
  receive(message: Message): void {
    if (message.to !== this.id || this.#isSilent) return;
    if (this.#raft === undefined && isLeaders(message))
      this.#raft = this.#begin({ meta: EMPTY_SNAPSHOT, bytes: new Uint8Array() });
    this.#raft?.receive(message);
    this.#work();
  }

  #begin(snapshot: GroupSnapshot): Raft {
    const hardState = { term: snapshot.meta.term, vote: undefined };
    this.#log?.begin(this.id, hardState, snapshot);
    return this.#start({ id: this.id, hardState, snapshot, entries: [] });
  }

  #restore(stored: StoredGroup): void {
    const { meta, bytes } = stored.snapshot;
    // Whoever has only begun its log knows of no topology.
    this.#topology = meta.index === 0 ? undefined : decodeTopology(bytes);
    this.#raft = this.#start(stored);
  }

  #start({ id, hardState, snapshot, entries }: StoredGroup): Raft {
    this.#snapshot = snapshot;
    this.#applied = snapshot.meta.index;
    const snapshots = {
      read: (index: number, offset: number, maxBytes: number) => {
        if (this.#snapshot?.meta.index !== index) return undefined;
        const { bytes } = this.#snapshot;
        const data = bytes.subarray(offset, offset + maxBytes);
        return { data, isLast: offset + data.length >= bytes.length };
      },
    };
    const ports = { random: this.#ports.random, snapshots };
    return new Raft({ id, actor: this.#actor }, ports, { hardState, snapshot: snapshot.meta, entries });
  }

  // Effects, one after another

  /** Carries out what is to be done until nothing is left. What comes of it meanwhile is taken up behind it. */
  #work(): void {
    if (this.#isWorking || this.#raft === undefined) return;
    this.#isWorking = true;
    this.#goOn(this.#raft);
  }

  #goOn(raft: Raft): void {
    for (let next = this.#persist(raft); next !== undefined; next = this.#persist(raft)) {
      if (this.#log?.isDirty) {
        this.#next = next;
        return this.#flush();
      }
      next();
    }
    this.#isWorking = false;
  }

  /** Puts what is to be durable next into the disk's batch. @returns what is to be done then; undefined when there is nothing. */
  #persist(raft: Raft): (() => void) | undefined {
    const snapshot = this.#dueSnapshot(raft);
    if (snapshot !== undefined) {
      this.#log?.compact(snapshot);
      return () => this.#compact(raft, snapshot);
    }
    const effects = raft.takeEffects();
    if (effects !== undefined) {
      const received = this.#received(effects);
      this.#log?.put(effects, received);
      return () => this.#carryOut(raft, effects, received);
    }
    return this.#log?.isDirty ? () => {} : undefined;
  }

  /** Has `#next` done when what was put is durable. If the disk refuses, the next tick asks again: what was put is still with it. */
  #flush(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    this.#log!.flush(failure => {
      this.#isFlushing = false;
      this.#isSilent = failure !== undefined;
      if (failure !== undefined) return;
      const next = this.#next!;
      this.#next = undefined;
      next();
      this.#goOn(this.#raft!);
    });
  }

  #carryOut(raft: Raft, effects: Effects, received: GroupSnapshot | undefined): void {
    for (const message of effects.messages) this.#ports.send(message);
    if (received !== undefined) this.#load(received);
    this.#apply(effects);
    raft.done(effects);
  }

  /** The snapshot that these chunks complete; of several the last. */
  #received({ snapshotChunks }: Effects): GroupSnapshot | undefined {
    let received: GroupSnapshot | undefined;
    for (const { snapshot, offset, data, isLast } of snapshotChunks) {
      if (offset === 0) this.#incoming = [];
      this.#incoming.push(data);
      if (!isLast) continue;
      received = { meta: snapshot, bytes: Uint8Array.from(Buffer.concat(this.#incoming)) };
      this.#incoming = [];
    }
    return received;
  }

  #load(snapshot: GroupSnapshot): void {
    this.#snapshot = snapshot;
    this.#applied = snapshot.meta.index;
    const topology = decodeTopology(snapshot.bytes);
    if (topology !== undefined) this.decide(topology);
  }

  #apply({ committed, decisions }: Effects): void {
    const outcomes = new Map<number, Outcome>();
    for (const entry of committed) {
      const error = this.#applyEntry(entry);
      this.#applied = entry.index;
      if (entry.kind === 'command' && entry.proposal.origin === this.#actor)
        outcomes.set(entry.proposal.number, { status: 'applied', error });
    }
    for (const decision of decisions) this.#answer(decision, outcomes.get(decision.number));
  }

  #applyEntry(entry: Entry): string | undefined {
    const command = entry.kind === 'command' ? decodeCommand(entry.data) : undefined;
    if (command === undefined || this.#topology === undefined) return undefined;
    const { topology, error } = applyCommand(this.#topology, command);
    this.decide(topology);
    return error;
  }

  #answer({ number }: Decision, outcome: Outcome = { status: 'lost' }): void {
    const done = this.#waiting.get(number);
    this.#waiting.delete(number);
    done?.(outcome);
  }

  #dueSnapshot(raft: Raft): GroupSnapshot | undefined {
    if (this.#topology === undefined || raft.log.applied - raft.log.snapshot.index < COMPACT_AFTER) return undefined;
    return { meta: raft.snapshotMeta(), bytes: encodeTopology(this.#topology) };
  }

  /** A leader's snapshot may have come meanwhile, and is newer. */
  #compact(raft: Raft, snapshot: GroupSnapshot): void {
    this.#snapshot = snapshot;
    raft.compact(snapshot.meta, RETAINED);
  }
}

/** What only a leader says, and only to members. */
function isLeaders({ type }: Message): boolean {
  return type === 'append' || type === 'heartbeat' || type === 'snapshot';
}
