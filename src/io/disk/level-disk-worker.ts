/** The disk's thread: LevelDB's half of `LevelDisk`. One write at a time; scans and backups go on beside them. */
import { parentPort, workerData } from 'node:worker_threads';
import type { DiskFailure } from '../../ports/disk.ts';
import type { FilledBlock } from './batch-block.ts';
import type { Answer, Question } from './level-disk.ts';
import { failureOf } from './level-failure.ts';
import { LevelStore } from './level-store.ts';

/** Chunks of a scan that are under way at once. */
const CHUNKS_AHEAD = 2;

const { path } = workerData as { readonly path: string };
const port = parentPort!;
let store: LevelStore | undefined;
/** As it was opened first, which is what the node was told of. */
let first: LevelStore | undefined;
/** What could not be written: to be written by `retry` before anything else. */
let unwritten: FilledBlock | undefined;
/** By the number of the scan: lets it go on. */
const wanted = new Map<number, () => void>();
let writing: Promise<void> = open().then(failure =>
  tell({ tell: 'opened', failure, lost: store?.lost, torn: store?.torn, isCopy: store?.isCopy === true }),
);

port.on('message', (question: Question) => {
  if (question.ask === 'more') wanted.get(question.id)?.();
  else if (question.ask === 'scan') scan(question);
  else if (question.ask === 'backup') backup(question);
  else writing = writing.then(() => inOrder(question));
});

async function inOrder(question: Question): Promise<void> {
  if (question.ask === 'write') {
    const { block, length } = question;
    const failure = await write({ block, length });
    tell({ tell: 'written', failure, block: failure === undefined ? block : undefined });
  } else if (question.ask === 'retry') {
    tell({ tell: 'done', id: question.id, failure: await retry() });
  } else if (question.ask === 'close') {
    await store?.close();
    tell({ tell: 'done', id: question.id, failure: undefined });
  }
}

async function open(): Promise<DiskFailure | undefined> {
  const opened = await LevelStore.open(path, first);
  if (!(opened instanceof LevelStore)) return opened;
  store = opened;
  first ??= opened;
  return undefined;
}

async function write(filled: FilledBlock): Promise<DiskFailure | undefined> {
  try {
    await store!.write(filled);
    return undefined;
  } catch (error) {
    unwritten = filled;
    return failureOf(error, `write to ${path}`);
  }
}

async function retry(): Promise<DiskFailure | undefined> {
  const before = store;
  store = undefined;
  try {
    await before?.close();
  } catch {
    // Whatever it still wanted to write is written again.
  }
  const failure = await open();
  if (failure !== undefined || unwritten === undefined) return failure;
  const again = unwritten;
  unwritten = undefined;
  return await write(again);
}

async function scan({ id, from, to }: Question & { ask: 'scan' }): Promise<void> {
  let ahead = 0;
  let goOn: (() => void) | undefined;
  wanted.set(id, () => {
    ahead--;
    goOn?.();
  });
  const take = async ({ block, length }: FilledBlock): Promise<void> => {
    tell({ tell: 'chunk', id, block, length });
    if (++ahead < CHUNKS_AHEAD) return;
    await new Promise<void>(resolve => {
      goOn = resolve;
    });
  };
  const failure = await attempt(`read ${path}`, () => reachable().scan(from, to, take));
  wanted.delete(id);
  tell({ tell: 'done', id, failure });
}

async function backup({ id, to }: Question & { ask: 'backup' }): Promise<void> {
  tell({ tell: 'done', id, failure: await attempt(`back ${path} up to ${to}`, () => reachable().backup(to)) });
}

async function attempt(doing: string, run: () => Promise<void>): Promise<DiskFailure | undefined> {
  try {
    await run();
    return undefined;
  } catch (error) {
    return failureOf(error, doing);
  }
}

function reachable(): LevelStore {
  if (store === undefined) throw new Error('the store is not open');
  return store;
}

function tell(answer: Answer): void {
  const block = 'block' in answer ? answer.block : undefined;
  port.postMessage(answer, block === undefined ? [] : [block.buffer]);
}
