import { SLOT_COUNT } from '../lib/slots.ts';
import { DeadlineQueue } from './deadline-queue.ts';
import type { Keyspace } from './keyspace.ts';
import type { Peer } from './peer.ts';
import { firstOperationId, isOfThisEpoch, type ReplicationContext } from './replication-context.ts';
import type { Surveyed, SurveyMessages, SurveyRequest } from './survey-messages.ts';

/** How many slots differ between their replicas, or why that could not be found out. */
export type SurveyResult = { readonly differing: number } | { readonly unavailable: string };

interface PendingSurvey {
  readonly startedMs: number;
  readonly keyspace: Keyspace;
  readonly waitsFor: Set<Peer>;
  readonly comparison: SlotComparison;
  readonly done: (result: SurveyResult) => void;
  sentMs: number;
}

/** Surveys at once, of some hundred KB each. */
const MAX_PENDING = 8;
/** Who has not answered is asked again after so long, and waited for so long. */
const ASK_AGAIN_MS = 500;
const PATIENCE_MS = 5_000;

/**
 * Compares the digests that all replicas of a keyspace have right now, slot by slot, for `COTERIE CONVERGED`. It looks,
 * and changes nothing. What is on its way between replicas while they are asked counts as a difference.
 */
export class Survey {
  readonly #context: ReplicationContext;
  readonly #messages: SurveyMessages;
  readonly #pending: DeadlineQueue<PendingSurvey>;

  constructor(context: ReplicationContext, messages: SurveyMessages) {
    this.#context = context;
    this.#messages = messages;
    this.#pending = new DeadlineQueue(firstOperationId(context));
  }

  /** @param done is called once, perhaps at once. */
  run(keyspace: Keyspace, done: (result: SurveyResult) => void): void {
    if (this.#pending.size >= MAX_PENDING) return done({ unavailable: 'too many surveys are under way' });
    const nowMs = this.#context.clock.monotonicMs();
    const comparison = new SlotComparison(keyspace);
    const { peers } = this.#context;
    const waitsFor = new Set(peers.filter(peer => !peer.isSelf));
    const id = this.#pending.add({ startedMs: nowMs, sentMs: nowMs, keyspace, waitsFor, comparison, done });
    for (const peer of peers) {
      if (peer.isSelf) comparison.add(peer, held(keyspace, id));
      else if (!this.#ask(peer, id, keyspace)) return this.#giveUp(id, `${peer.name} cannot be reached`);
    }
    this.#finishIfWhole(id);
  }

  onRequest(from: Peer, { id, epoch, db }: SurveyRequest): void {
    const keyspace = this.#context.keyspaces.get(db);
    if (keyspace === undefined || !isOfThisEpoch(this.#context, from, epoch)) return;
    this.#context.send(from, this.#messages.encodeSurveyed(held(keyspace, id)));
  }

  onSurveyed(from: Peer, surveyed: Surveyed): void {
    const survey = this.#pending.get(surveyed.id);
    if (survey === undefined || !survey.waitsFor.delete(from)) return;
    survey.comparison.add(from, surveyed);
    this.#finishIfWhole(surveyed.id);
  }

  /** Slots have other owners: what was asked about the old ones says nothing of the new ones. */
  ringChanged(): void {
    this.#pending.forEachOlderThan(Number.POSITIVE_INFINITY, 0, (_, id) => this.#giveUp(id, 'the ring has changed'));
  }

  onLinkDown(peer: Peer): void {
    this.#pending.forEachOlderThan(Number.POSITIVE_INFINITY, 0, ({ waitsFor }, id) => {
      if (waitsFor.has(peer)) this.#giveUp(id, `${peer.name} cannot be reached`);
    });
  }

  tick(): void {
    const nowMs = this.#context.clock.monotonicMs();
    this.#pending.forEachOlderThan(nowMs, ASK_AGAIN_MS, (survey, id) => {
      if (nowMs - survey.sentMs < ASK_AGAIN_MS) return;
      survey.sentMs = nowMs;
      for (const peer of survey.waitsFor) this.#ask(peer, id, survey.keyspace);
    });
    this.#pending.forEachOlderThan(nowMs, PATIENCE_MS, ({ waitsFor }, id) => {
      const names = [...waitsFor].map(({ name }) => name).join(', ');
      this.#giveUp(id, `${names} did not answer in ${PATIENCE_MS} ms`);
    });
  }

  #ask(peer: Peer, id: number, { db }: Keyspace): boolean {
    return this.#context.send(peer, this.#messages.encodeRequest({ id, epoch: this.#context.epoch, db }));
  }

  #finishIfWhole(id: number): void {
    const survey = this.#pending.get(id);
    if (survey === undefined || survey.waitsFor.size > 0) return;
    this.#pending.remove(id);
    survey.done({ differing: survey.comparison.differing });
  }

  #giveUp(id: number, unavailable: string): void {
    const survey = this.#pending.get(id);
    this.#pending.remove(id);
    survey?.done({ unavailable });
  }
}

/** What the replicas of each slot have said, as far as it is needed to tell whether they agree. */
class SlotComparison {
  readonly #keyspace: Keyspace;
  /** Of each slot the digest that was heard first. */
  readonly #words = new Uint32Array(2 * SLOT_COUNT);
  readonly #heard = new Uint8Array(SLOT_COUNT);
  readonly #differs = new Uint8Array(SLOT_COUNT);

  constructor(keyspace: Keyspace) {
    this.#keyspace = keyspace;
  }

  get differing(): number {
    return this.#differs.reduce((sum, differs) => sum + differs, 0);
  }

  add(peer: Peer, { words, refilling }: Surveyed): void {
    const { placement } = this.#keyspace;
    for (let slot = 0; slot < SLOT_COUNT; slot++) {
      if (!placement.replicasOf(slot).includes(peer)) continue;
      const [low, high] = [2 * slot, 2 * slot + 1];
      if (this.#heard[slot] === 0) {
        this.#heard[slot] = 1;
        this.#words[low] = words[low]!;
        this.#words[high] = words[high]!;
      } else if (this.#words[low] !== words[low] || this.#words[high] !== words[high]) this.#differs[slot] = 1;
      if (refilling[slot] === 1) this.#differs[slot] = 1;
    }
  }
}

function held({ store, refill }: Keyspace, id: number): Surveyed {
  const words = new Uint32Array(2 * SLOT_COUNT);
  const refilling = new Uint8Array(SLOT_COUNT);
  for (let slot = 0; slot < SLOT_COUNT; slot++) {
    const [low, high] = store.digests.of(slot);
    words[2 * slot] = low;
    words[2 * slot + 1] = high;
    if (refill.isPending(slot)) refilling[slot] = 1;
  }
  return { id, words, refilling };
}
