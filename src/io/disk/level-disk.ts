import { Worker } from 'node:worker_threads';
// Node.js unloads a binding with the last thread that has loaded it, and LevelDB's own thread, which outlives the worker, runs in it.
import 'classic-level';
import { assert } from '../../lib/assert.ts';
import { type Disk, type DiskDone, type DiskFailure, type DiskReader, RESERVED_FIRST_BYTE } from '../../ports/disk.ts';
import { BlockWriter, readBlock } from './batch-block.ts';
import { failureOf } from './level-failure.ts';

type Block = Uint8Array<ArrayBuffer>;

/** What a disk asks its thread. */
export type Question =
  | { readonly ask: 'write'; readonly block: Block; readonly length: number }
  | { readonly ask: 'scan'; readonly id: number; readonly from: Uint8Array; readonly to: Uint8Array }
  | { readonly ask: 'more'; readonly id: number }
  | { readonly ask: 'backup'; readonly id: number; readonly to: string }
  | { readonly ask: 'retry'; readonly id: number }
  | { readonly ask: 'close'; readonly id: number };

/** What was found on opening. */
type FoundStore = Pick<Disk, 'lost' | 'torn' | 'isCopy'>;

/** What the thread says. A block that was written comes back to be filled again. */
export type Answer =
  | ({ readonly tell: 'opened'; readonly failure: DiskFailure | undefined } & FoundStore)
  | { readonly tell: 'written'; readonly failure: DiskFailure | undefined; readonly block: Block | undefined }
  | { readonly tell: 'chunk'; readonly id: number; readonly block: Block; readonly length: number }
  | { readonly tell: 'done'; readonly id: number; readonly failure: DiskFailure | undefined };

/** A block that one large batch made grow is not kept for the small ones that follow. */
const MAX_SPARE_BYTES = 4 << 20;
const NOTHING = Buffer.alloc(0);
/** Modules are `.ts` as they are written, and `.js` once built. */
const WORKER = new URL(`./level-disk-worker${import.meta.url.slice(-3)}`, import.meta.url);

/**
 * The real disk: a LevelDB in a thread of its own. What the node's thread pays for a write is a copy into a block of memory, and for a flush one message
 * and its answer. Flushes of one turn of the event loop are one, and so are all that are asked for while another is under way.
 */
export class LevelDisk implements Disk {
  readonly #worker: Worker;
  readonly #open = new BlockWriter();
  #spare: Block | undefined;
  /** Bytes of the batch under way, or of the one that failed. */
  #writingBytes = 0;
  #writingCount = 0;
  #isWriting = false;
  #isPlanned = false;
  /** Whom the batch under way serves, and whom the open one. */
  #served: DiskDone[] = [];
  #waiting: DiskDone[] = [];
  #failure: DiskFailure | undefined;
  #isGone = false;
  readonly #asked = new Map<number, DiskDone>();
  readonly #readers = new Map<number, DiskReader>();
  #nextId = 0;
  readonly lost: string | undefined;
  readonly torn: string | undefined;
  readonly isCopy: boolean;

  private constructor(worker: Worker, { lost, torn, isCopy }: FoundStore) {
    this.#worker = worker;
    this.lost = lost;
    this.torn = torn;
    this.isCopy = isCopy;
    worker.on('message', (answer: Answer) => this.#receive(answer));
    worker.on('error', error => this.#gone(failureOf(error, "keep the disk's thread")));
    worker.on('exit', () => this.#gone({ kind: 'io', message: 'Cannot reach the disk: its thread has ended' }));
  }

  /** Opens the store in the directory `path`, or makes it. */
  static open(path: string): Promise<LevelDisk | DiskFailure> {
    return new Promise(resolve => {
      const worker = new Worker(WORKER, { workerData: { path } });
      const fail = (error: unknown) => resolve(failureOf(error, `open ${path}`));
      worker.once('error', fail);
      worker.once('message', (answer: Answer & { tell: 'opened' }) => {
        worker.off('error', fail);
        if (answer.failure === undefined) resolve(new LevelDisk(worker, answer));
        else worker.terminate().then(() => resolve(answer.failure!));
      });
    });
  }

  get failure(): DiskFailure | undefined {
    return this.#failure;
  }

  get pendingBytes(): number {
    return this.#open.length + this.#writingBytes;
  }

  get pendingChanges(): number {
    return this.#open.count + this.#writingCount;
  }

  put(key: Uint8Array, value: Uint8Array): void {
    assertOwn(key);
    this.#open.add('put', key, value);
  }

  delete(key: Uint8Array): void {
    assertOwn(key);
    this.#open.add('delete', key, NOTHING);
  }

  deleteRange(from: Uint8Array, to: Uint8Array): void {
    assertOwn(from);
    this.#open.add('deleteRange', from, to);
  }

  flush(done: DiskDone): void {
    this.#waiting.push(done);
    this.#plan();
  }

  retry(done: DiskDone): void {
    // Where one is under way this waits for what becomes of it.
    if (this.#failure === undefined || this.#isGone || this.#isWriting) return this.flush(done);
    this.#isWriting = true;
    this.#ask({ ask: 'retry', id: this.#expect(failure => this.#retried(failure, done)) });
  }

  scan(from: Uint8Array, to: Uint8Array, reader: DiskReader): void {
    const id = this.#expect(failure => {
      this.#readers.delete(id);
      reader.end(failure);
    });
    this.#readers.set(id, reader);
    this.#ask({ ask: 'scan', id, from, to });
  }

  backup(to: string, done: DiskDone): void {
    this.#ask({ ask: 'backup', id: this.#expect(done), to });
  }

  close(done: DiskDone): void {
    this.flush(failure => {
      const id = this.#expect(() => {
        this.#isGone = true;
        this.#worker.terminate().then(() => done(failure));
      });
      this.#ask({ ask: 'close', id });
    });
  }

  /** At the end of this turn of the event loop, so that all who ask in it are served by one flush. */
  #plan(): void {
    if (this.#isPlanned || this.#isWriting) return;
    this.#isPlanned = true;
    setImmediate(() => {
      this.#isPlanned = false;
      if (!this.#isWriting) this.#send();
    });
  }

  #send(): void {
    if (this.#failure !== undefined) return this.#refuse(this.#failure);
    if (this.#open.length === 0) return this.#call(this.#takeWaiting(), undefined);
    this.#writingCount = this.#open.count;
    const { block, length } = this.#open.take(this.#spare);
    this.#spare = undefined;
    this.#isWriting = true;
    this.#writingBytes = length;
    this.#served = this.#takeWaiting();
    this.#worker.postMessage({ ask: 'write', block, length } satisfies Question, [block.buffer]);
  }

  #receive(answer: Answer): void {
    if (answer.tell === 'written') this.#written(answer.failure, answer.block);
    else if (answer.tell === 'chunk') this.#read(answer);
    else if (answer.tell === 'done') {
      const done = this.#asked.get(answer.id)!;
      this.#asked.delete(answer.id);
      done(answer.failure);
    }
  }

  #written(failure: DiskFailure | undefined, block: Block | undefined): void {
    this.#isWriting = false;
    const served = this.#served;
    this.#served = [];
    if (failure !== undefined) {
      this.#failure = failure;
      this.#call(served, failure);
      return this.#refuse(failure);
    }
    this.#writingBytes = 0;
    this.#writingCount = 0;
    if (block !== undefined && block.length <= MAX_SPARE_BYTES) this.#spare = block;
    // First the next one on its way, then the callbacks: the disk works while the node answers.
    if (this.#waiting.length > 0) this.#send();
    this.#call(served, undefined);
  }

  #retried(failure: DiskFailure | undefined, done: DiskDone): void {
    this.#isWriting = false;
    this.#failure = failure;
    if (failure !== undefined) {
      done(failure);
      return this.#refuse(failure);
    }
    this.#writingBytes = 0;
    this.#writingCount = 0;
    this.flush(done);
  }

  #read({ id, block, length }: Answer & { tell: 'chunk' }): void {
    const reader = this.#readers.get(id)!;
    this.#ask({ ask: 'more', id });
    readBlock({ block, length }, (operation, key, value) => {
      if (operation === 'damaged') reader.damaged(key);
      else reader.entry(key, value);
    });
  }

  /** Nothing can be asked any more, and nothing will be answered. */
  #gone(failure: DiskFailure): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#isWriting = false;
    this.#failure = failure;
    const asked = [...this.#served, ...this.#asked.values()];
    this.#served = [];
    this.#asked.clear();
    this.#call(asked, failure);
    this.#refuse(failure);
  }

  #refuse(failure: DiskFailure): void {
    this.#call(this.#takeWaiting(), failure);
  }

  #takeWaiting(): DiskDone[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting;
  }

  #call(all: readonly DiskDone[], failure: DiskFailure | undefined): void {
    for (const done of all) done(failure);
  }

  #expect(done: DiskDone): number {
    this.#asked.set(this.#nextId, done);
    return this.#nextId++;
  }

  #ask(question: Question): void {
    if (!this.#isGone) {
      this.#worker.postMessage(question);
      return;
    }
    if (!('id' in question)) return;
    const done = this.#asked.get(question.id);
    this.#asked.delete(question.id);
    if (done !== undefined) setImmediate(done, this.#failure);
  }
}

/** A key of the node's. */
function assertOwn(key: Uint8Array): void {
  assert(key.length > 0 && key[0] !== RESERVED_FIRST_BYTE, 'Cannot use a key: it is empty or reserved');
}
