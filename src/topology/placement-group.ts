import type { Topology } from '../membership/topology.ts';
import type { Random } from '../ports/random.ts';
import { Configuration, type ConfigurationChange } from '../raft/configuration.ts';
import type { Decision, Effects } from '../raft/effects.ts';
import type { Entry } from '../raft/entry.ts';
import type { Message } from '../raft/messages.ts';
import { Raft } from '../raft/raft.ts';
import { EMPTY_SNAPSHOT, foundingSnapshot, type SnapshotMeta } from '../raft/snapshot.ts';
import {
  applyCommand,
  decodeCommand,
  decodeTopology,
  encodeCommand,
  encodeTopology,
  type TopologyCommand,
} from './commands.ts';

export interface PlacementGroupPorts {
  readonly random: Random;
  /** To the node that this actor is of; may be lost. */
  send(message: Message): void;
  /** The group has decided this. Called once for each epoch that this member applies, in order. */
  decided(topology: Topology): void;
}

/** What became of a command that was proposed here: it was applied, perhaps to no effect (`error`); or it is not known to have been. */
export type Outcome = { readonly status: 'applied'; readonly error: string | undefined } | { readonly status: 'lost' };

/** Entries behind the last snapshot that bring the next one about; and so many are kept for members that lag. */
const COMPACT_AFTER = 256;
const RETAINED = 64;

/**
 * This node's part in the placement group (DESIGN §4): the Raft group whose log are the steps from one epoch to the next. A member is
 * the actor of a process, for nothing is on disk yet: who comes back is another one, and joins the group anew.
 */
export class PlacementGroup {
  readonly #actor: string;
  readonly #ports: PlacementGroupPorts;
  #raft: Raft | undefined;
  /** What the entries applied so far come to; undefined in a member that has not got its first snapshot. */
  #topology: Topology | undefined;
  #snapshot: { readonly meta: SnapshotMeta; readonly bytes: Uint8Array } | undefined;
  #incoming: Uint8Array[] = [];
  readonly #waiting = new Map<number, (outcome: Outcome) => void>();

  constructor(actor: string, ports: PlacementGroupPorts) {
    this.#actor = actor;
    this.#ports = ports;
  }

  /** Founds the group together with the other `voters`, all of whom begin with the same topology. */
  found(voters: readonly string[], topology: Topology): void {
    const meta = foundingSnapshot(new Configuration(voters));
    this.#topology = topology;
    this.#snapshot = { meta, bytes: encodeTopology(topology) };
    this.#raft = this.#begin(meta);
    if (voters.length === 1) this.#raft.campaign();
    this.#work();
  }

  /** Whether this node is of the group, as far as it knows. */
  get isMember(): boolean {
    return this.#raft?.log.configurations.latest.isMember(this.#actor) ?? false;
  }

  /** Leads, and has applied an entry of its own term: what it knows is what was decided. */
  get leads(): boolean {
    const raft = this.#raft;
    return raft?.role === 'leader' && raft.log.termAt(raft.log.applied) === raft.term;
  }

  /** Of this term, as far as is known: an actor. */
  get leader(): string | undefined {
    return this.#raft?.leaderId;
  }

  get term(): number {
    return this.#raft?.term ?? 0;
  }

  /** The newest topology that this member has applied. */
  get topology(): Topology | undefined {
    return this.#topology;
  }

  get configuration(): Configuration | undefined {
    return this.#raft?.log.configurations.latest;
  }

  /** @param done is called once, unless this process ends before. */
  propose(command: TopologyCommand, done: (outcome: Outcome) => void): void {
    const asked = this.#raft?.propose(encodeCommand(command));
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
    this.#raft?.tick();
    this.#work();
  }

  /** Who is spoken to as a member, and has no log, begins one. */
  receive(message: Message): void {
    if (message.to !== this.#actor) return;
    if (this.#raft === undefined && isLeaders(message)) this.#raft = this.#begin(EMPTY_SNAPSHOT);
    this.#raft?.receive(message);
    this.#work();
  }

  #begin(snapshot: SnapshotMeta): Raft {
    const hardState = { term: snapshot.term, vote: undefined };
    const snapshots = {
      read: (index: number, offset: number, maxBytes: number) => {
        if (this.#snapshot?.meta.index !== index) return undefined;
        const { bytes } = this.#snapshot;
        const data = bytes.subarray(offset, offset + maxBytes);
        return { data, isLast: offset + data.length >= bytes.length };
      },
    };
    const options = { id: this.#actor, actor: this.#actor };
    return new Raft(options, { random: this.#ports.random, snapshots }, { hardState, snapshot, entries: [] });
  }

  /** Memory is all the disk there is: what is to be persisted is as durable as it gets the moment it is here. */
  #work(): void {
    const raft = this.#raft;
    if (raft === undefined) return;
    for (let effects = raft.takeEffects(); effects !== undefined; effects = raft.takeEffects()) {
      for (const { snapshot, offset, data, isLast } of effects.snapshotChunks) {
        if (offset === 0) this.#incoming = [];
        this.#incoming.push(data);
        if (isLast) this.#restore(snapshot);
      }
      for (const message of effects.messages) this.#ports.send(message);
      this.#apply(effects);
      raft.done(effects);
      this.#compact(raft);
    }
  }

  #restore(meta: SnapshotMeta): void {
    const bytes = Uint8Array.from(Buffer.concat(this.#incoming));
    this.#incoming = [];
    this.#snapshot = { meta, bytes };
    const topology = decodeTopology(bytes);
    if (topology !== undefined) this.decide(topology);
  }

  #apply({ committed, decisions }: Effects): void {
    const outcomes = new Map<number, Outcome>();
    for (const entry of committed) {
      const error = this.#applyEntry(entry);
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

  #compact(raft: Raft): void {
    if (this.#topology === undefined || raft.log.applied - raft.log.snapshot.index < COMPACT_AFTER) return;
    const meta = raft.snapshotMeta();
    this.#snapshot = { meta, bytes: encodeTopology(this.#topology) };
    raft.compact(meta, RETAINED);
  }
}

/** What only a leader says, and only to members. */
function isLeaders({ type }: Message): boolean {
  return type === 'append' || type === 'heartbeat' || type === 'snapshot';
}
