import { NO_STAMP, type Stamp } from '../clock/hybrid-clock.ts';
import { type ReplicaCount, resolveCount } from '../lib/replica-count.ts';
import { SLOT_COUNT } from '../lib/slots.ts';
import type { NodeName } from '../ports/outbox.ts';
import type { ConflictJournal } from '../store/conflict-journal.ts';
import type { RecordJournal } from '../store/record-journal.ts';
import type { RecordStore } from '../store/record-store.ts';
import { CollectedTombstones } from './collected-tombstones.ts';
import { type Durability, IN_MEMORY } from './durability.ts';
import type { Peer } from './peer.ts';
import type { Placement } from './placement.ts';
import type { KeyspacePolicy } from './policy.ts';
import { type OtherSide, WriteQuorum } from './quorum.ts';
import { type Merged, SlotMerges } from './slot-merges.ts';

/** Collected tombstones that are remembered: some megabytes at most. */
export const COLLECTED_REMEMBERED = 65_536;

/** One keyspace on one node: what it promises, where its keys live, and the records that live here. */
export class Keyspace {
  readonly policy: KeyspacePolicy;
  readonly store: RecordStore;
  /**
   * What this node, an owner, lost and has yet to learn. It takes writes, but its answer counts towards no R until it has merged
   * the slot from N−W+1 other owners that are whole: any write acknowledged by W of N is held by at least one of those, so afterwards it
   * knows every write that it may have acknowledged before. One that is refilling itself is no such witness; but when all others that are
   * not gone for good have been merged, whole or not, there is nobody left to ask, and what is missing is lost (more than W−1 owners lost it).
   */
  readonly refill = new SlotMerges(
    slot => this.placement.replicasOf(slot),
    (slot, _, { all, whole }) => {
      const others = this.placement.replicaCount - 1;
      return whole >= Math.min(this.#witnesses, others) || all >= this.placement.knowing(slot).length;
    },
  );
  /**
   * What this node has yet to merge of the slots that it will own (`membership/topology.ts`): from N−W+1 owners that are whole, itself
   * included if it is one, and besides from every owner that lives. The first so that what was acknowledged by W is on W of the new
   * owners; the second so that what one owner alone has acknowledged moves with the slot.
   */
  readonly arrivals = new SlotMerges(
    slot => this.placement.replicasOf(slot),
    (slot, mergedFrom, merged) => this.hasArrived(slot, mergedFrom, merged),
  );
  /** What last-write-wins put aside here. */
  readonly conflicts: ConflictJournal;
  readonly collected = new CollectedTombstones(COLLECTED_REMEMBERED);
  /** What its acknowledgements wait for. */
  readonly durability: Durability;
  #placement: Placement;
  #kept: RecordStore | undefined;
  #keptJournal: RecordJournal | undefined;

  constructor(
    policy: KeyspacePolicy,
    store: RecordStore,
    placement: Placement,
    conflicts: ConflictJournal,
    durability = IN_MEMORY,
  ) {
    this.durability = durability;
    this.conflicts = conflicts;
    this.policy = policy;
    this.store = store;
    this.#placement = placement;
    this.#beginArrivals();
  }

  get db(): number {
    return this.policy.db;
  }

  get placement(): Placement {
    return this.#placement;
  }

  /** R and W of the policy as numbers of owners. */
  get readNeed(): number {
    return resolveCount(this.policy.read, this.placement.replicaCount);
  }

  get writeNeed(): number {
    return resolveCount(this.policy.write, this.placement.replicaCount);
  }

  /** Slots that this node is to own and had to merge for it when the change began. */
  get arriving(): number {
    return this.placement.arriving;
  }

  /** Whether keys have one replica only: then there is nobody else to ask or to tell. */
  get isSoleReplica(): boolean {
    return this.placement.replicaCount === 1 && !this.placement.isChanging;
  }

  /** Records that this node keeps for replicas that could not be reached, when it stands in; none that it is a replica of. */
  get kept(): RecordStore {
    if (this.#kept === undefined) {
      this.#kept = this.store.createAlike();
      if (this.#keptJournal !== undefined) this.#kept.tell(this.#keptJournal);
    }
    return this.#kept;
  }

  /** From now on these are told of every change of the records here, and of those that are kept for others. */
  tell(journal: RecordJournal, keptJournal: RecordJournal): void {
    this.store.tell(journal);
    this.#keptJournal = keptJournal;
    this.#kept?.tell(keptJournal);
  }

  /** Bytes of records that are kept for others. */
  get keptBytes(): number {
    return this.#kept?.usedBytes ?? 0;
  }

  forgetKept(): void {
    if (this.#kept === undefined) return;
    this.#kept = undefined;
    this.#keptJournal?.cleared();
  }

  /** Where this node has the slot's records: with its own, or with those that it keeps for others. */
  storeOf(slot: number): RecordStore {
    return this.placement.isWrittenHere(slot) ? this.store : this.kept;
  }

  /** What an operation that asks for W acknowledgements has to reach in this slot. */
  writeQuorum(slot: number, count: ReplicaCount): WriteQuorum {
    const { placement } = this;
    return new WriteQuorum(resolveCount(count, placement.replicaCount), this.#otherSide(slot, count));
  }

  /** Marks everything owned here as lost: this node was a member before, and comes back without its data. */
  beginRefill(): void {
    for (let slot = 0; slot < SLOT_COUNT; slot++) if (this.placement.isHeldHere(slot)) this.refill.begin(slot);
  }

  /** The ring has changed, or has come to another phase of a change. @param placement was made to follow the present one. */
  place(placement: Placement): void {
    const before = this.#placement;
    this.#placement = placement;
    // What is not waited for matters only where it comes to be.
    const waits = this.refill.slotsLeft > 0 || this.arrivals.slotsLeft > 0;
    for (const slot of waits ? placement.changedSlots : placement.gainedSlots) {
      const hadArrived = before.isWrittenHere(slot) && !this.arrivals.isPending(slot);
      const isNew = !before.isHeldHere(slot) && !hadArrived;
      this.arrivals.end(slot);
      if (!placement.isHeldHere(slot)) this.refill.end(slot);
      else if (isNew || this.refill.isPending(slot)) this.refill.begin(slot);
      if (placement.mustArrive(slot)) this.arrivals.begin(slot);
    }
    if (isSameSet(placement.lost, before.lost)) return;
    this.refill.settleAll();
    this.arrivals.settleAll();
  }

  /**
   * Whether the former owners of what moves cannot answer a read among themselves any more, once these nodes have turned to the new ones: of
   * each slot N−R+1 must have. Where reads need not meet writes there is nothing to wait for.
   */
  mayEnd(turned: ReadonlySet<NodeName>): boolean {
    const { placement, policy } = this;
    const count = placement.otherCount;
    const readNeed = resolveCount(policy.read, count);
    if (readNeed + resolveCount(policy.write, count) <= count) return true;
    const leftOf = (owners: readonly Peer[]) => owners.filter(peer => !turned.has(peer.name)).length;
    return placement.formerOwnerLists().every(owners => leftOf(owners) < readNeed);
  }

  /** Whether this node has merged enough of a slot that it is to own. */
  hasArrived(slot: number, mergedFrom: (peer: Peer) => boolean, { all, whole }: Merged): boolean {
    const others = this.placement.knowing(slot);
    if (all >= others.length) return true;
    const needed = this.#readsMeetWrites ? this.#witnesses : Math.min(this.#witnesses, this.placement.replicaCount - 1);
    const isSelfWhole = this.placement.isHeldHere(slot) && !this.refill.isPending(slot);
    return (
      whole + (isSelfWhole ? 1 : 0) >= Math.max(1, needed) && others.every(peer => !peer.alive || mergedFrom(peer))
    );
  }

  /** Whether one more value is within the policy's memory limit. */
  get hasRoom(): boolean {
    return this.policy.maxMemoryBytes === 0 || this.store.usedBytes < this.policy.maxMemoryBytes;
  }

  /**
   * Whether this node answers a read that was sent at this epoch. Where what is found has to be held on all sides before it is told,
   * whoever asks has to know of them: what came here by the present lists may be nowhere else on the other side.
   */
  takesReads(slot: number, epoch: number): boolean {
    const { placement, policy } = this;
    return placement.takesReads(slot, epoch) && (policy.readRepair !== 'blocking' || placement.isCurrent(slot, epoch));
  }

  /** Whether this node may answer a read at R=1 from its own record. */
  answersAlone(slot: number): boolean {
    return this.placement.isHeldHere(slot) && !this.refill.isPending(slot);
  }

  /** Whether this node's acknowledgement is enough for a write at W=1; where a small ring grows, W may be more on its other side. */
  acknowledgesAlone(slot: number): boolean {
    const { placement } = this;
    const mayNeedMore = placement.otherCount > placement.replicaCount;
    const { acknowledgesLate, refusal } = this.durability;
    if (acknowledgesLate || refusal !== undefined) return false;
    return placement.isOnAllSides(slot) && !mayNeedMore && !this.refill.isPending(slot);
  }

  /** The greatest stamp in the key's record, its expiry's included; 0 when nothing is held here. */
  greatestStamp(slot: number, key: Uint8Array): Stamp {
    const store = this.storeOf(slot);
    const ref = store.find(slot, store.hashOf(key), key);
    return ref === 0 ? NO_STAMP : store.newestStampOf(ref);
  }

  /** N−W+1: so many owners hold together whatever was acknowledged. */
  get #witnesses(): number {
    return this.placement.replicaCount - this.writeNeed + 1;
  }

  /** R+W>N: where it is not so, a read may miss any write, and one owner that is down is not waited for. */
  get #readsMeetWrites(): boolean {
    return this.readNeed + this.writeNeed > this.placement.replicaCount;
  }

  #otherSide(slot: number, count: ReplicaCount): OtherSide | undefined {
    const { placement } = this;
    if (!placement.isMoving(slot)) return undefined;
    return {
      need: resolveCount(count, placement.otherCount),
      onlyOwners: placement.onlyOwners(slot),
      onlyOthers: placement.onlyOthers(slot),
    };
  }

  #beginArrivals(): void {
    for (const slot of this.placement.changedSlots) if (this.placement.mustArrive(slot)) this.arrivals.begin(slot);
  }
}

function isSameSet(a: ReadonlySet<Peer>, b: ReadonlySet<Peer>): boolean {
  return a.size === b.size && [...a].every(peer => b.has(peer));
}
