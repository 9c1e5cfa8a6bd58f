import { NO_STAMP, type Stamp } from '../clock/hybrid-clock.ts';
import { resolveCount } from '../lib/replica-count.ts';
import { SLOT_COUNT } from '../lib/slots.ts';
import type { ConflictJournal } from '../store/conflict-journal.ts';
import type { RecordStore } from '../store/record-store.ts';
import { CollectedTombstones } from './collected-tombstones.ts';
import type { Placement } from './placement.ts';
import type { KeyspacePolicy } from './policy.ts';
import { Refill } from './refill.ts';

/** Collected tombstones that are remembered: some megabytes at most. */
export const COLLECTED_REMEMBERED = 65_536;

/** One keyspace on one node: what it promises, where its keys live, and the records that live here. */
export class Keyspace {
  readonly policy: KeyspacePolicy;
  readonly store: RecordStore;
  readonly placement: Placement;
  readonly refill: Refill;
  /** What last-write-wins put aside here. */
  readonly conflicts: ConflictJournal;
  readonly collected = new CollectedTombstones(COLLECTED_REMEMBERED);
  /** R and W of the policy as numbers of replicas. */
  readonly readNeed: number;
  readonly writeNeed: number;
  #kept: RecordStore | undefined;

  constructor(policy: KeyspacePolicy, store: RecordStore, placement: Placement, conflicts: ConflictJournal) {
    this.conflicts = conflicts;
    this.policy = policy;
    this.store = store;
    this.placement = placement;
    const replicas = placement.replicaCount;
    this.readNeed = resolveCount(policy.read, replicas);
    this.writeNeed = resolveCount(policy.write, replicas);
    this.refill = new Refill(Math.min(replicas - this.writeNeed + 1, replicas - 1), replicas - 1);
  }

  get db(): number {
    return this.policy.db;
  }

  /** Whether keys have one replica only: then there is nobody who could bring a deleted key back, and no tombstone is needed. */
  get isSoleReplica(): boolean {
    return this.placement.replicaCount === 1;
  }

  /** Records that this node keeps for replicas that could not be reached, when it stands in; none that it is a replica of. */
  get kept(): RecordStore {
    this.#kept ??= this.store.createAlike();
    return this.#kept;
  }

  /** Bytes of records that are kept for others. */
  get keptBytes(): number {
    return this.#kept?.usedBytes ?? 0;
  }

  forgetKept(): void {
    this.#kept = undefined;
  }

  /** Where this node has the slot's records: with its own, or with those that it keeps for others. */
  storeOf(slot: number): RecordStore {
    return this.placement.isHeldHere(slot) ? this.store : this.kept;
  }

  /** Marks everything held here as lost: this node was a member before, and comes back without its data. */
  beginRefill(): void {
    for (let slot = 0; slot < SLOT_COUNT; slot++) if (this.placement.isHeldHere(slot)) this.refill.begin(slot);
  }

  /** Whether one more value is within the policy's memory limit. */
  get hasRoom(): boolean {
    return this.policy.maxMemoryBytes === 0 || this.store.usedBytes < this.policy.maxMemoryBytes;
  }

  /** Whether this node may answer a read at R=1 from its own record. */
  answersAlone(slot: number): boolean {
    return this.placement.isHeldHere(slot) && !this.refill.isRefilling(slot);
  }

  /** The greatest stamp in the key's record, its expiry's included; 0 when nothing is held here. */
  greatestStamp(slot: number, key: Uint8Array): Stamp {
    const store = this.storeOf(slot);
    const ref = store.find(slot, store.hashOf(key), key);
    return ref === 0 ? NO_STAMP : store.newestStampOf(ref);
  }
}
