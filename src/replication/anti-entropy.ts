import { bitsIn } from '../lib/bits.ts';
import { Allowance } from './allowance.ts';
import type { Keyspace } from './keyspace.ts';
import type { Peer } from './peer.ts';
import { absorb, firstOperationId, type ReplicationContext } from './replication-context.ts';
import { describePage, recordsUnder, sizeOf } from './slot-pages.ts';
import {
  CHILDREN,
  childOf,
  digestOf,
  type HashRange,
  ROOT_BLOCK,
  rangeOf,
  recordsIn,
  SLOT_BITS,
  type SyncBlock,
  slotsOf,
} from './sync-blocks.ts';
import type { SyncDiffering, SyncMessages, SyncPageReply, SyncRoot } from './sync-messages.ts';
import { SyncResponder } from './sync-responder.ts';
import { SyncRound } from './sync-round.ts';
import { type OfferEnded, SyncSchedule } from './sync-schedule.ts';
import { type SyncDone, SyncWaits } from './sync-waits.ts';
import { transferMs } from './transfer-time.ts';
import { isVersion, versionHeld } from './versions.ts';

export interface AntiEntropyOptions {
  /** Between two rounds with one peer over one keyspace, when nothing calls for one sooner. */
  readonly intervalMs: number;
  /**
   * A round that has heard nothing for so long is given up, the next with that peer after twice as long, up to four times; what is
   * unanswered for a quarter of it is asked again.
   */
  readonly patienceMs: number;
  /** Bytes of records that this node's own rounds may take and give a second. */
  readonly bytesPerSecond: number;
  /** The same while it merges what it will own; Infinity for as fast as it can. */
  readonly transferBytesPerSecond: number;
}

/** While this node is refilling, or merging what it will own, rounds follow each other at this distance. */
const REFILL_INTERVAL_MS = 500;
/** Of the patience with a peer: what it has not answered by then is asked again. */
const ASK_AGAIN_AFTER = 1 / 4;
/** Rounds in a row that ended in silence, each of which doubles the patience with the next. */
const SILENCES_COUNTED = 2;
const PAGES_UNDER_WAY = 3;
/** Of its rate so much may be saved up: clients would notice a burst of a second's worth. */
const SAVED_UP_SECONDS = 0.1;
/** A block with so few records is not compared further: a page names them all. */
const PAGED_RECORDS = 64;
/** Nor is one with so few that lies among blocks of which most differ: it differs in many places. */
const PAGED_RECORDS_IF_DENSE = 512;

/**
 * Makes replicas equal whatever was lost on the way (DESIGN §5): two compare one digest over all that they share; where
 * it differs, they go down a tree of digests through slots and on inside them (`sync-blocks.ts`); where a block is small
 * they tell each other what they hold of it, as (key hash, dot), and exchange the records that differ. Equal replicas cost
 * one small message each way, and others by what differs, not by what they hold. A round is driven by the node that opened
 * it, which takes what it lacks and sends what the other lacks, so a node that came back without its data is refilled by
 * opening one with every co-replica; one that broke off is resumed by the next, which finds less to differ.
 */
export class AntiEntropy {
  /** Answers the rounds that others drive. */
  readonly responder: SyncResponder;
  readonly #context: ReplicationContext;
  readonly #messages: SyncMessages;
  readonly #options: AntiEntropyOptions;
  /** The open round, or when the next is due, for each keyspace and peer. */
  #schedules: SyncSchedule[] = [];
  readonly #waits = new SyncWaits();
  /** Bytes that may be exchanged now, and while slots arrive. */
  readonly #repair: Allowance;
  readonly #transfer: Allowance;
  #nextRound: number;

  constructor(context: ReplicationContext, messages: SyncMessages, options: AntiEntropyOptions) {
    this.#context = context;
    this.#nextRound = firstOperationId(context);
    this.#messages = messages;
    this.#options = options;
    const nowMs = context.clock.monotonicMs();
    const perSecond = (bytes: number) => new Allowance(bytes, bytes * SAVED_UP_SECONDS, 0, nowMs);
    this.#repair = perSecond(options.bytesPerSecond);
    this.#transfer = perSecond(options.transferBytesPerSecond);
    this.responder = new SyncResponder(context, messages, (peer, db) => this.#pairOf(peer, db));
    this.ringChanged();
  }

  /** Which slots are held together with whom has changed. Rounds over the same slots as before go on. */
  ringChanged(): void {
    this.responder.ringChanged();
    const before = this.#schedules;
    this.#schedules = [];
    for (const keyspace of this.#context.keyspaces.values()) {
      for (const [peer, slots] of keyspace.placement.sharedSlots()) {
        const isAsBefore = (each: SyncSchedule) =>
          each.keyspace === keyspace && each.peer === peer && isShared(each) && isSameSlots(each.slots, slots);
        this.#schedules.push(before.find(isAsBefore) ?? new SyncSchedule(keyspace, peer, slots));
      }
    }
    for (const schedule of this.#schedules) if (mustLearn(schedule)) schedule.dueMs = 0;
    const kept = new Set(this.#schedules);
    for (const schedule of before) if (!kept.has(schedule)) this.#giveUp(schedule);
    this.#waits.forget(kept);
  }

  /** Offers a peer what is still held here of slots that it owns and this node does not. @param ended is called once. */
  offer(keyspace: Keyspace, peer: Peer, slots: Uint16Array, ended: OfferEnded): void {
    this.#schedules.push(new SyncSchedule(keyspace, peer, slots, ended));
  }

  /**
   * Makes this node equal to its co-replicas in one keyspace: one whole round with each, begun from now on.
   *
   * @param done is called once: with nothing, or with why it did not come to that.
   */
  sync(keyspace: Keyspace, done: SyncDone): void {
    this.#waits.add(
      this.#schedules.filter(schedule => schedule.keyspace === keyspace && isShared(schedule)),
      done,
    );
  }

  /** Calls for a round with this peer in every keyspace as soon as possible: its link has just come up. */
  hasten(peer: Peer): void {
    for (const schedule of this.#schedules) if (schedule.peer === peer) schedule.dueMs = 0;
  }

  onLinkDown(peer: Peer): void {
    for (const schedule of this.#schedules) if (schedule.peer === peer) this.#giveUp(schedule);
  }

  tick(): void {
    const nowMs = this.#context.clock.monotonicMs();
    this.#repair.earn(nowMs);
    this.#transfer.earn(nowMs);
    // Whoever has been due longest comes first: where one round at a time may be open, two slow peers would else keep the others waiting.
    for (const schedule of this.#schedules.filter(each => isUp(each, nowMs)).sort((a, b) => a.dueMs - b.dueMs)) {
      const { round } = schedule;
      if (round === undefined) {
        if (!schedule.peer.reachable) this.#giveUp(schedule);
        else if (nowMs >= schedule.dueMs && this.#mayOpen(schedule, nowMs)) this.#open(schedule, nowMs);
      } else if (round.isIdle) {
        // It waits for the allowance, not for the peer.
        round.lastHeardMs = nowMs;
        this.#pump(schedule, round);
      } else if (this.#isSilent(round, nowMs, 2 ** schedule.silences)) {
        this.#giveUp(schedule);
        schedule.silences = Math.min(schedule.silences + 1, SILENCES_COUNTED);
      } else this.#askAgain(schedule, round, nowMs);
    }
    this.#waits.settle();
  }

  onRoot(from: Peer, { round: id, refilling, arriving, equal }: SyncRoot): void {
    const schedule = this.#heard(from, id);
    const round = schedule?.round;
    if (schedule === undefined || round === undefined || round.hasRoot) return;
    round.hasRoot = true;
    round.peerIsWhole = !refilling;
    // A peer that has to learn drives rounds of its own, and records should not come from both ends.
    if ((refilling || arriving) && isShared(schedule) && !mustLearn(schedule))
      return this.#close(schedule, refilling ? 'is refilling' : 'is merging what it will own');
    if (equal) {
      this.#context.counters.syncRoundsEqual++;
      this.#slotsMerged(schedule, round, 0, schedule.slots.length);
    } else round.queueBlock(ROOT_BLOCK);
    this.#pump(schedule, round);
  }

  onDiffering(from: Peer, { round: id, ask, children }: SyncDiffering): void {
    const schedule = this.#heard(from, id);
    const round = schedule?.round;
    if (schedule === undefined || round === undefined) return;
    const blocks = round.takeCompared(ask, children.length);
    if (blocks === undefined) return;
    for (const [i, block] of blocks.entries()) this.#descend(schedule, round, block, children[i]!);
    this.#pump(schedule, round);
  }

  onPageReply(from: Peer, reply: SyncPageReply): void {
    const schedule = this.#heard(from, reply.round);
    const round = schedule?.round;
    if (schedule === undefined || round === undefined) return;
    const range = round.takeAnswered(reply.slot, reply.fromHash);
    if (range === undefined) return;
    this.#takeIn(schedule, round, reply);
    // Some of it, or all, could not be taken in, so that nothing of it may count as merged.
    if (schedule.keyspace.durability.refusal !== undefined) return this.#close(schedule, 'the disk takes nothing');
    if (reply.nextHash > range.lastHash) this.#pieceEnded(schedule, round, reply.slot);
    else round.queueRange({ ...range, fromHash: reply.nextHash });
    this.#pump(schedule, round);
  }

  /** A peer is sending a page with a large value: it is not silent, only slow. */
  onComing(from: Peer, id: number, bytes: number): void {
    for (const { peer, round } of this.#schedules) {
      if (peer === from && round?.id === id) round.transferMs = Math.max(round.transferMs, transferMs(bytes));
    }
  }

  #pairOf(peer: Peer, db: number): SyncSchedule | undefined {
    return this.#schedules.find(each => each.peer === peer && each.keyspace.db === db && isShared(each));
  }

  /** Whose round this is, which its peer has just spoken of: a copy of an earlier answer says, too, that the peer is there. */
  #heard(peer: Peer, id: number): SyncSchedule | undefined {
    const schedule = this.#schedules.find(each => each.peer === peer && each.round?.id === id);
    if (schedule?.round !== undefined) schedule.round.lastHeardMs = this.#context.clock.monotonicMs();
    return schedule;
  }

  /** What arrives comes from one peer at a time, or most of it would come several times; but one that is slow keeps no other waiting. */
  #mayOpen({ keyspace, offered }: SyncSchedule, nowMs: number): boolean {
    if (keyspace.durability.refusal !== undefined) return false;
    if (offered !== undefined || keyspace.arrivals.slotsLeft === 0) return true;
    const isUnderWay = ({ round }: SyncSchedule) =>
      round !== undefined && !this.#isSilent(round, nowMs, ASK_AGAIN_AFTER);
    return !this.#schedules.some(each => each.keyspace === keyspace && isShared(each) && isUnderWay(each));
  }

  /** Whether the peer has said nothing for so many times the patience that there is with it. */
  #isSilent({ lastHeardMs, transferMs }: SyncRound, nowMs: number, times: number): boolean {
    return nowMs - lastHeardMs >= this.#options.patienceMs * times + transferMs;
  }

  #allowanceOf({ keyspace, offered }: SyncSchedule): Allowance {
    return offered === undefined && keyspace.arrivals.slotsLeft === 0 ? this.#repair : this.#transfer;
  }

  #spend(schedule: SyncSchedule, bytes: number): void {
    const { counters } = this.#context;
    const allowance = this.#allowanceOf(schedule);
    allowance.spend(bytes);
    if (allowance === this.#transfer) counters.transferBytes += bytes;
    else counters.syncBytes += bytes;
  }

  #open(schedule: SyncSchedule, nowMs: number): void {
    const round = new SyncRound(this.#nextRound++, this.#context.epoch, nowMs);
    schedule.begin(round);
    this.#context.counters.syncRounds++;
    this.#sendOpening(schedule, round);
  }

  #sendOpening({ keyspace, peer, slots, offered }: SyncSchedule, round: SyncRound): void {
    round.openingSentMs = this.#context.clock.monotonicMs();
    const { epoch } = this.#context;
    const root = digestOf(keyspace.store, slots, ROOT_BLOCK);
    const opening = { round: round.id, epoch, db: keyspace.db, root, offered: offered && slots };
    this.#context.send(peer, this.#messages.encodeOpen(opening));
  }

  /** The round is over. @param failure why it was not through: what the peer did, or is. */
  #close(schedule: SyncSchedule, failure?: string): void {
    this.#end(schedule, failure);
    this.#waits.settle();
  }

  /** An offer is made once: one that waits for its round ends, too. */
  #giveUp(schedule: SyncSchedule): void {
    if (schedule.round !== undefined || !isShared(schedule)) this.#end(schedule, 'did not answer');
  }

  #end(schedule: SyncSchedule, failure?: string): void {
    const given = schedule.round?.given;
    schedule.end(failure);
    if (schedule.offered !== undefined) {
      this.#schedules = this.#schedules.filter(each => each !== schedule);
      return schedule.offered(failure === undefined ? given : undefined);
    }
    const waitMs = mustLearn(schedule)
      ? Math.min(REFILL_INTERVAL_MS, this.#options.intervalMs)
      : this.#options.intervalMs;
    schedule.dueMs = this.#waits.areFor(schedule) ? 0 : this.#context.clock.monotonicMs() + waitMs;
  }

  /** Keeps a few pages and one comparison under way, and closes the round behind the last. */
  #pump(schedule: SyncSchedule, round: SyncRound): void {
    const nowMs = this.#context.clock.monotonicMs();
    while (round.pagesUnderWay < PAGES_UNDER_WAY && this.#allowanceOf(schedule).left > 0) {
      const range = round.nextRange();
      if (range === undefined) break;
      this.#sendPage(schedule, round, range);
    }
    const comparison = round.beginComparison(nowMs);
    if (comparison !== undefined) this.#sendComparison(schedule, round, comparison);
    if (round.isFinished) this.#close(schedule);
  }

  #sendComparison(
    { keyspace, peer, slots }: SyncSchedule,
    round: SyncRound,
    { ask, blocks }: { readonly ask: number; readonly blocks: readonly SyncBlock[] },
  ): void {
    const compared = blocks.map(block => ({
      block,
      digests: Array.from({ length: CHILDREN }, (_, i) => digestOf(keyspace.store, slots, childOf(block, i))),
    }));
    const { epoch } = this.#context;
    const message = { round: round.id, epoch, db: keyspace.db, ask, blocks: compared };
    this.#context.send(peer, this.#messages.encodeCompare(message));
  }

  /** Turns to those children of a block that differ, and has done with the others. */
  #descend(schedule: SyncSchedule, round: SyncRound, block: SyncBlock, differing: number): void {
    const { keyspace, slots } = schedule;
    const pagedRecords = bitsIn(differing) >= CHILDREN / 2 ? PAGED_RECORDS_IF_DENSE : PAGED_RECORDS;
    for (let i = 0; i < CHILDREN; i++) {
      const child = childOf(block, i);
      const { from, count } = slotsOf(child);
      if (from >= slots.length) break;
      if ((differing & (1 << i)) === 0) {
        // Equal digests say that all the peer held when it answered is here; what came since only adds to that.
        if (child.bits >= SLOT_BITS) this.#slotsMerged(schedule, round, from, count);
        continue;
      }
      if (child.bits <= SLOT_BITS) round.pieceBegun(slots[from]!);
      if (child.bits <= SLOT_BITS && recordsIn(keyspace.store, slots, child) <= pagedRecords)
        round.queueRange(rangeOf(slots, child));
      else round.queueBlock(child);
    }
    if (block.bits <= SLOT_BITS) this.#pieceEnded(schedule, round, slots[slotsOf(block).from]!);
  }

  #sendPage({ keyspace, peer, offered }: SyncSchedule, round: SyncRound, range: HashRange): void {
    const { slot, fromHash, lastHash } = range;
    const { toHash, entries } = describePage(keyspace.store, slot, fromHash, lastHash);
    round.pageSent(range, this.#context.clock.monotonicMs());
    const { epoch } = this.#context;
    const isOffer = offered !== undefined;
    const page = { round: round.id, epoch, db: keyspace.db, slot, fromHash, toHash, isOffer, entries };
    this.#context.send(peer, this.#messages.encodePage(page));
  }

  #askAgain(schedule: SyncSchedule, round: SyncRound, nowMs: number): void {
    const overdueMs = nowMs - this.#options.patienceMs * ASK_AGAIN_AFTER - round.transferMs;
    if (!round.hasRoot && round.openingSentMs < overdueMs) {
      this.#context.counters.resends++;
      this.#sendOpening(schedule, round);
    }
    const comparison = round.comparisonSentBefore(overdueMs, nowMs);
    if (comparison !== undefined) {
      this.#context.counters.resends++;
      this.#sendComparison(schedule, round, comparison);
    }
    for (const page of round.pagesSentBefore(overdueMs)) {
      this.#context.counters.resends++;
      this.#sendPage(schedule, round, page);
    }
  }

  #takeIn(schedule: SyncSchedule, round: SyncRound, { slot, records, wanted }: SyncPageReply): void {
    const { keyspace, peer } = schedule;
    const { store } = keyspace;
    const received = new Set<number>();
    for (const keyed of records) {
      const { key, record } = keyed;
      this.#spend(schedule, sizeOf(keyed));
      if (absorb(this.#context, peer, keyspace, slot, key, record) === 'stored') this.#context.counters.syncRecords++;
      const hash = store.hashOf(key);
      if (isVersion(record, versionHeld(store, store.find(slot, hash, key)))) received.add(hash);
    }
    // What is here just as the peer has sent it is no news to the peer.
    const news = wanted.filter(hash => !received.has(hash));
    const { messages, epoch } = this.#context;
    for (const keyed of recordsUnder(store, slot, news)) {
      round.given.add(slot);
      this.#spend(schedule, sizeOf(keyed));
      this.#context.send(peer, messages.encodeReplicate(0, epoch, keyspace.db, keyed.key, keyed.record));
    }
  }

  #pieceEnded(schedule: SyncSchedule, round: SyncRound, slot: number): void {
    if (!round.pieceEnded(slot) || !mustLearn(schedule)) return;
    schedule.keyspace.durability.whenKept(() => this.#slotMerged(schedule, round, slot));
  }

  /** What is here of these slots now is all that the peer had. Others may let go of it for that reason. */
  #slotsMerged(schedule: SyncSchedule, round: SyncRound, from: number, count: number): void {
    if (!mustLearn(schedule)) return;
    schedule.keyspace.durability.whenKept(() => {
      for (const slot of schedule.slots.subarray(from, from + count)) this.#slotMerged(schedule, round, slot);
    });
  }

  /** What the peer said before it knew of the slot's present lists proves nothing (decision 0015); the next round does. */
  #slotMerged({ keyspace, peer, offered }: SyncSchedule, { peerIsWhole, epoch }: SyncRound, slot: number): void {
    if (offered !== undefined || !keyspace.placement.isCurrent(slot, epoch)) return;
    if (keyspace.refill.merged(slot, peer, peerIsWhole)) this.#context.counters.slotsRefilled++;
    if (keyspace.arrivals.merged(slot, peer, peerIsWhole)) this.#context.counters.slotsArrived++;
  }
}

function isShared({ offered }: SyncSchedule): boolean {
  return offered === undefined;
}

/** Whether a tick has to look at it: most wait for the time of their next round. */
function isUp({ round, dueMs, peer }: SyncSchedule, nowMs: number): boolean {
  return round !== undefined || nowMs >= dueMs || !peer.reachable;
}

/** Whether there is something that this node has to learn from its co-replicas. */
function mustLearn({ keyspace }: SyncSchedule): boolean {
  return keyspace.refill.slotsLeft > 0 || keyspace.arrivals.slotsLeft > 0;
}

function isSameSlots(a: Uint16Array, b: Uint16Array): boolean {
  return a.length === b.length && bytesOf(a).equals(bytesOf(b));
}

const bytesOf = (slots: Uint16Array) => Buffer.from(slots.buffer, slots.byteOffset, slots.byteLength);
