import { type Digest, EMPTY_DIGEST } from '../digest/slot-digests.ts';
import type { Keyspace } from './keyspace.ts';
import type { Peer } from './peer.ts';
import { absorb, firstOperationId, type ReplicationContext } from './replication-context.ts';
import { answerPage, describePage, recordsUnder } from './slot-pages.ts';
import type { SyncDigests, SyncMessages, SyncOpen, SyncPage, SyncPageReply } from './sync-messages.ts';
import { SyncRound } from './sync-round.ts';
import { announce, transferMs } from './transfer-time.ts';
import { isVersion, versionHeld } from './versions.ts';

export interface AntiEntropyOptions {
  /** Between two rounds with one peer over one keyspace, when nothing calls for one sooner. */
  readonly intervalMs: number;
  /** A round that has heard nothing for so long is given up; a page unanswered for a quarter of it is asked again. */
  readonly patienceMs: number;
}

/** While this node is refilling, rounds follow each other at this distance. */
const REFILL_INTERVAL_MS = 500;

/**
 * Makes replicas equal whatever was lost on the way (DESIGN §5): two compare one digest over all slots they share; where
 * it differs, the digests of the slots; where those differ, pages of (key hash, dot); and then exchange the records that
 * differ. Equal replicas cost one small message each way. A round is driven by the node that opened it, which takes
 * what it lacks and sends what the other lacks, so a node that came back without its data is refilled by opening one
 * with every co-replica.
 */
export class AntiEntropy {
  readonly #context: ReplicationContext;
  readonly #messages: SyncMessages;
  readonly #options: AntiEntropyOptions;
  /** The open round, or when the next is due, for each keyspace and peer. */
  readonly #schedules: Schedule[] = [];
  #nextRound: number;

  constructor(
    context: ReplicationContext,
    messages: SyncMessages,
    peers: readonly Peer[],
    options: AntiEntropyOptions,
  ) {
    this.#context = context;
    this.#nextRound = firstOperationId(context);
    this.#messages = messages;
    this.#options = options;
    for (const keyspace of context.keyspaces.values()) {
      for (const peer of peers) {
        if (peer.isSelf) continue;
        const slots = keyspace.placement.slotsSharedWith(peer);
        if (slots.length > 0) this.#schedules.push({ keyspace, peer, slots, round: undefined, dueMs: 0 });
      }
    }
  }

  /** Calls for a round with this peer in every keyspace as soon as possible: its link has just come up. */
  hasten(peer: Peer): void {
    for (const schedule of this.#schedules) if (schedule.peer === peer) schedule.dueMs = 0;
  }

  onLinkDown(peer: Peer): void {
    for (const schedule of this.#schedules) if (schedule.peer === peer) schedule.round = undefined;
  }

  tick(): void {
    const nowMs = this.#context.clock.monotonicMs();
    for (const schedule of this.#schedules) {
      const { round } = schedule;
      if (round !== undefined && nowMs - round.lastHeardMs >= this.#options.patienceMs + round.transferMs)
        this.#close(schedule);
      else if (round !== undefined) this.#askAgain(schedule, round, nowMs);
      else if (nowMs >= schedule.dueMs && schedule.peer.reachable) this.#open(schedule, nowMs);
    }
  }

  /** A peer opens a round: say where we stand. */
  onOpen(from: Peer, { round, epoch, db, root }: SyncOpen): void {
    const schedule = this.#scheduleOf(from, db);
    if (schedule === undefined || epoch !== this.#context.epoch) return;
    const { keyspace, slots } = schedule;
    const [low, high] = keyspace.store.digests.fold(slots);
    const equal = low === root[0] && high === root[1];
    const words = equal ? new Uint32Array(0) : digestsOf(keyspace, slots);
    const refilling = keyspace.refill.slotsLeft > 0;
    this.#context.send(from, this.#messages.encodeDigests({ round, db, refilling, equal, words }));
  }

  onDigests(from: Peer, message: SyncDigests): void {
    const schedule = this.#scheduleOf(from, message.db);
    const round = schedule?.round;
    if (schedule === undefined || round?.id !== message.round || round.hasDigests) return;
    const { keyspace, slots } = schedule;
    if (!message.equal && message.words.length !== slots.length * 2) return;
    round.hasDigests = true;
    round.peerIsWhole = !message.refilling;
    round.lastHeardMs = this.#context.clock.monotonicMs();
    if (message.equal) this.#context.counters.syncRoundsEqual++;
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i]!;
      const theirs: Digest = message.equal ? EMPTY_DIGEST : [message.words[2 * i]!, message.words[2 * i + 1]!];
      // Equal digests say that all the peer held when it answered is here; what came since only adds to that.
      if (message.equal || keyspace.store.digests.equal(slot, theirs)) this.#slotMerged(schedule, round, slot);
      else round.queue(slot);
    }
    this.#pump(schedule, round);
  }

  /** A peer tells what it has of a page: answer with what it lacks. */
  onPage(from: Peer, page: SyncPage): void {
    const keyspace = this.#context.keyspaces.get(page.db);
    if (keyspace === undefined || page.epoch !== this.#context.epoch || !keyspace.placement.isHeldHere(page.slot))
      return;
    const reply = answerPage(keyspace.store, page);
    const bytes = reply.records.reduce((sum, { record }) => sum + (record.value?.length ?? 0), 0);
    announce(this.#context, from, 'page', page.round, bytes);
    this.#context.send(from, this.#messages.encodePageReply(reply));
  }

  onPageReply(from: Peer, reply: SyncPageReply): void {
    const schedule = this.#scheduleOf(from, reply.db);
    const round = schedule?.round;
    if (schedule === undefined || round?.id !== reply.round) return;
    if (!round.takeAnswered(reply.slot, reply.fromHash)) return;
    round.lastHeardMs = this.#context.clock.monotonicMs();
    this.#takeIn(schedule.keyspace, from, reply);
    if (reply.nextHash > LAST_HASH) this.#slotMerged(schedule, round, reply.slot);
    else this.#sendPage(schedule, round, reply.slot, reply.nextHash);
    this.#pump(schedule, round);
  }

  /** A peer is sending a page with a large value: it is not silent, only slow. */
  onComing(from: Peer, id: number, bytes: number): void {
    for (const { peer, round } of this.#schedules) {
      if (peer === from && round?.id === id) round.transferMs = Math.max(round.transferMs, transferMs(bytes));
    }
  }

  #scheduleOf(peer: Peer, db: number): Schedule | undefined {
    return this.#schedules.find(schedule => schedule.peer === peer && schedule.keyspace.db === db);
  }

  #open(schedule: Schedule, nowMs: number): void {
    const { keyspace, peer, slots } = schedule;
    const round = new SyncRound(this.#nextRound++, nowMs);
    schedule.round = round;
    this.#context.counters.syncRounds++;
    const { epoch } = this.#context;
    const root = keyspace.store.digests.fold(slots);
    this.#context.send(peer, this.#messages.encodeOpen({ round: round.id, epoch, db: keyspace.db, root }));
  }

  #close(schedule: Schedule): void {
    schedule.round = undefined;
    const refilling = schedule.keyspace.refill.slotsLeft > 0;
    const waitMs = refilling ? Math.min(REFILL_INTERVAL_MS, this.#options.intervalMs) : this.#options.intervalMs;
    schedule.dueMs = this.#context.clock.monotonicMs() + waitMs;
  }

  /** Keeps a few pages under way, and closes the round behind the last. */
  #pump(schedule: Schedule, round: SyncRound): void {
    while (round.pagesUnderWay < PAGES_UNDER_WAY) {
      const slot = round.nextSlot();
      if (slot === undefined) break;
      this.#sendPage(schedule, round, slot, 0);
    }
    if (round.isFinished) this.#close(schedule);
  }

  #sendPage(schedule: Schedule, round: SyncRound, slot: number, fromHash: number): void {
    const { keyspace, peer } = schedule;
    const { toHash, entries } = describePage(keyspace.store, slot, fromHash);
    round.pageSent(slot, fromHash, this.#context.clock.monotonicMs());
    const { epoch } = this.#context;
    const page = { round: round.id, epoch, db: keyspace.db, slot, fromHash, toHash, entries };
    this.#context.send(peer, this.#messages.encodePage(page));
  }

  #askAgain(schedule: Schedule, round: SyncRound, nowMs: number): void {
    const overdueMs = nowMs - this.#options.patienceMs / 4 - round.transferMs;
    for (const { slot, fromHash } of round.pagesSentBefore(overdueMs)) {
      this.#context.counters.resends++;
      this.#sendPage(schedule, round, slot, fromHash);
    }
  }

  #takeIn(keyspace: Keyspace, from: Peer, { slot, records, wanted }: SyncPageReply): void {
    const received = new Set<number>();
    for (const { key, record } of records) {
      if (absorb(this.#context, from, keyspace, slot, key, record) === 'stored') this.#context.counters.syncRecords++;
      const hash = keyspace.store.hashOf(key);
      const ref = keyspace.store.find(slot, hash, key);
      if (isVersion(record, versionHeld(keyspace.store, ref))) received.add(hash);
    }
    // What is here just as the peer has sent it is no news to the peer.
    const news = wanted.filter(hash => !received.has(hash));
    const { messages, epoch } = this.#context;
    for (const { key, record } of recordsUnder(keyspace.store, slot, news)) {
      this.#context.send(from, messages.encodeReplicate(0, epoch, keyspace.db, key, record));
    }
  }

  #slotMerged({ keyspace, peer }: Schedule, { peerIsWhole }: SyncRound, slot: number): void {
    const { refill } = keyspace;
    if (!refill.isRefilling(slot)) return;
    refill.merged(slot, peer, peerIsWhole);
    if (!refill.isRefilling(slot)) this.#context.counters.slotsRefilled++;
  }
}

/** What is planned or under way with one peer over one keyspace. */
interface Schedule {
  readonly keyspace: Keyspace;
  readonly peer: Peer;
  /** The slots both hold, ascending; the same list at both ends, for it follows from the ring. */
  readonly slots: Uint16Array;
  round: SyncRound | undefined;
  /** Monotonic milliseconds. */
  dueMs: number;
}

const LAST_HASH = 0xffff_ffff;
const PAGES_UNDER_WAY = 8;

function digestsOf(keyspace: Keyspace, slots: Uint16Array): Uint32Array {
  const words = new Uint32Array(slots.length * 2);
  for (let i = 0; i < slots.length; i++) {
    const [low, high] = keyspace.store.digests.of(slots[i]!);
    words[2 * i] = low;
    words[2 * i + 1] = high;
  }
  return words;
}
