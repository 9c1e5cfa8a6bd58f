import { assert } from '../lib/assert.ts';

/**
 * A hint as one number: which records a peer is owed, not what is in them. Keys of one slot with one hash share a hint,
 * and are handed over together.
 */
export type Hint = number;

const HASHES = 2 ** 32;
const SLOTS = 2 ** 14;

export function toHint(db: number, slot: number, hash: number): Hint {
  return (db * SLOTS + slot) * HASHES + hash;
}

export function dbOf(hint: Hint): number {
  return Math.floor(hint / HASHES / SLOTS);
}

export function slotOfHint(hint: Hint): number {
  return Math.floor(hint / HASHES) % SLOTS;
}

export function hashOfHint(hint: Hint): number {
  return hint % HASHES;
}

/** Hints in one block of a queue. */
const BLOCK_HINTS = 8192;

/** Places that the newest hints are found by; a power of two, above `BLOCK_HINTS` so that they seldom meet. */
const RECENT_PLACES = 2 * BLOCK_HINTS;

/** A block's hints and when each was noted. */
const BLOCK_BYTES = BLOCK_HINTS * (8 + 4);

/** The most that one hint more can make a queue grow by, a new one included. */
export const MAX_GROWTH_BYTES = BLOCK_BYTES + RECENT_PLACES * 2;

interface Block {
  readonly hints: Float64Array;
  /** When each was noted, in whole seconds. */
  readonly seconds: Uint32Array;
  /** Hints [from, to) are in the queue. */
  from: number;
  to: number;
  /** Not above any of its hints' times. */
  oldestSecond: number;
  /** Whether its hints have been judged since what they are about has changed. */
  isJudged: boolean;
}

/**
 * The hints for one peer, first in, first out, in blocks outside the JavaScript heap.
 *
 * A key that is written over and over while its peer is away shall not fill the queue. So each hint of the newest block
 * is remembered at the place that its hash says, where a later one takes it over; a hint that is found there is not
 * queued again. Older blocks are not searched: a hot key costs one hint a block, and a hint too many does no harm.
 *
 * When the ring changes any of them may be void. There may be millions, so they are judged a block at a time, and none is taken before.
 */
export class HintQueue {
  readonly #blocks: Block[] = [];
  /** By place: the index in the newest block, and one. */
  readonly #recent = new Uint16Array(RECENT_PLACES);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get byteLength(): number {
    return this.#blocks.length * BLOCK_BYTES + this.#recent.byteLength;
  }

  /** Whether the next new hint takes another block. */
  get isFull(): boolean {
    const newest = this.#blocks.at(-1);
    return newest === undefined || newest.to === BLOCK_HINTS || !newest.isJudged;
  }

  /** When the first hint was noted, in seconds. */
  get firstSecond(): number {
    const block = this.#blocks[0];
    assert(block !== undefined, 'Cannot tell when the first hint was noted: there is none');
    return block.seconds[block.from]!;
  }

  /** Whether the hint is among the newest and need not be added again; false may be wrong. */
  hasLately(hint: Hint): boolean {
    const newest = this.#blocks.at(-1);
    const index = this.#recent[placeOf(hint)]! - 1;
    return newest !== undefined && index >= newest.from && newest.hints[index] === hint;
  }

  /** Whether the hint is in the queue: looks at all of them. */
  has(hint: Hint): boolean {
    return this.#blocks.some(({ hints, from, to }) => hints.subarray(from, to).includes(hint));
  }

  add(hint: Hint, second: number): void {
    if (this.isFull) this.#addBlock();
    const newest = this.#blocks.at(-1)!;
    newest.hints[newest.to] = hint;
    newest.seconds[newest.to] = second;
    newest.oldestSecond = Math.min(newest.oldestSecond, second);
    newest.to++;
    this.#recent[placeOf(hint)] = newest.to;
    this.#size++;
  }

  /** Takes out the first hint. */
  take(): Hint {
    const block = this.#blocks[0];
    assert(block !== undefined, 'Cannot take a hint: there is none');
    const hint = block.hints[block.from++]!;
    if (block.from === block.to) this.#blocks.shift();
    this.#size--;
    return hint;
  }

  /** Whether the first hint, if there is one, has been judged. */
  get isFirstJudged(): boolean {
    return this.#blocks[0]?.isJudged ?? true;
  }

  /** Any hint may be void from now on, until it is judged. */
  doubt(): void {
    for (const block of this.#blocks) block.isJudged = false;
    this.#recent.fill(0);
  }

  /** Drops those of the next block in doubt that are not wanted. @returns whether there was one. */
  judge(isWanted: (hint: Hint) => boolean): boolean {
    const at = this.#blocks.findIndex(block => !block.isJudged);
    const block = this.#blocks[at];
    if (block === undefined) return false;
    block.isJudged = true;
    this.#retain(block, isWanted);
    this.#joinWithPrevious(at);
    return true;
  }

  /** Drops what was noted before that second and is not in doubt, of one block. @returns whether there was any. */
  dropOlderThan(second: number, dropped: (hint: Hint) => void): boolean {
    const at = this.#blocks.findIndex(block => block.isJudged && block.oldestSecond < second);
    const block = this.#blocks[at];
    if (block === undefined) return false;
    const old: Hint[] = [];
    this.#retain(block, (hint, noted) => {
      if (noted < second) old.push(hint);
      return noted >= second;
    });
    if (block === this.#blocks.at(-1)) this.#recent.fill(0);
    if (block.from === block.to) this.#blocks.splice(at, 1);
    for (const hint of old) dropped(hint);
    return true;
  }

  /** Moves the wanted hints to the block's beginning, in their order. */
  #retain(block: Block, isWanted: (hint: Hint, second: number) => boolean): void {
    const { hints, seconds, from, to } = block;
    block.from = 0;
    block.to = 0;
    block.oldestSecond = Number.POSITIVE_INFINITY;
    for (let i = from; i < to; i++) {
      if (isWanted(hints[i]!, seconds[i]!)) copyHint(block, i, block);
      else this.#size--;
    }
  }

  /** What is left of a block takes no block of its own if there is room before it. */
  #joinWithPrevious(at: number): void {
    const block = this.#blocks[at]!;
    const previous = this.#blocks[at - 1];
    if (previous !== undefined && block.to <= BLOCK_HINTS - previous.to)
      while (block.from < block.to) copyHint(block, block.from++, previous);
    if (block.from === block.to) this.#blocks.splice(at, 1);
  }

  #addBlock(): void {
    const hints = new Float64Array(BLOCK_HINTS);
    const seconds = new Uint32Array(BLOCK_HINTS);
    this.#blocks.push({ hints, seconds, from: 0, to: 0, oldestSecond: Number.POSITIVE_INFINITY, isJudged: true });
    this.#recent.fill(0);
  }
}

function copyHint(source: Block, index: number, target: Block): void {
  const second = source.seconds[index]!;
  target.hints[target.to] = source.hints[index]!;
  target.seconds[target.to] = second;
  target.oldestSecond = Math.min(target.oldestSecond, second);
  target.to++;
}

/** The hash is keyed, so its low bits will do. */
function placeOf(hint: Hint): number {
  return hashOfHint(hint) & (RECENT_PLACES - 1);
}
