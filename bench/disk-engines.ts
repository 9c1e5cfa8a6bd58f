/**
 * Engines for a node's disk under our access pattern: the figures behind docs/decisions/0017.
 *
 *     npm run bench:disk [-- --rounds 5 --seconds 1 --records 1000000 --only lmdb,log --dir DIR]
 *
 * Keys of 25 bytes, values of 120, every second write an overwrite. Each cell is a process of its own, contestants take turns, and
 * the medians of all rounds are printed.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { ENGINES, type Engine } from './harness/disk-contestants.ts';
import { numberFlag, orRefuse, readFlags } from './harness/flags.ts';
import { describeMachine, machineLine } from './harness/machine.ts';
import { markdownTable } from './harness/report.ts';

const VALUE_BYTES = 120;
/** Writes a second in the phase that flushes once a second. */
const BATCHED_RATE = 100_000;
const SYNC_PHASES = [1, 16, 50, 800] as const;

type Figures = Readonly<Record<string, number>>;

const flags = readFlags({
  rounds: { type: 'string', default: '5' },
  seconds: { type: 'string', default: '1' },
  records: { type: 'string', default: '1000000' },
  only: { type: 'string' },
  phases: { type: 'string' },
  dir: { type: 'string', default: tmpdir() },
  cell: { type: 'string' },
  json: { type: 'string' },
});
const rounds = orRefuse(() => numberFlag('rounds', flags.rounds, 1, 100));
const seconds = orRefuse(() => numberFlag('seconds', flags.seconds, 0.1, 600));
const records = orRefuse(() => numberFlag('records', flags.records, 1000, 1e8));
const names = flags.only?.split(';') ?? Object.keys(ENGINES);

function median(all: readonly Figures[], column: string): number {
  return all.map(each => each[column] ?? Number.NaN).sort((a, b) => a - b)[all.length >> 1]!;
}

function shown(figure: number): string {
  return figure >= 100 ? Math.round(figure).toString() : figure.toPrecision(3);
}

function inProcess(name: string, phase: string): Promise<Figures> {
  const dir = mkdtempSync(join(flags.dir, 'disk-engines-'));
  const cell = `${name}|${phase}|${dir}`;
  const args = [import.meta.filename, '--seconds', flags.seconds, '--records', flags.records, '--cell', cell];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', chunk => {
    text += chunk;
  });
  return new Promise((resolve, reject) => {
    child.on('close', code => {
      rmSync(dir, { recursive: true });
      if (code === 0) resolve(JSON.parse(text) as Figures);
      else reject(new Error(`${name}, ${phase}: exit code ${code}`));
    });
  });
}

async function measure(name: string, phase: string, dir: string): Promise<Figures> {
  const path = join(dir, 'store');
  const open = ENGINES[name]!;
  const engine = await open(path);
  if (phase === 'batched') return await flushEachSecond(engine);
  if (phase === 'fill') return await fillAndReplay(engine, dir, () => open(path));
  return await flushEvery(engine, Number(phase));
}

/** Keys as the node's would be: a prefix, then what looks random; half of the writes find an earlier one's key. */
class Writes {
  readonly #key = Buffer.alloc(25, 'k');
  readonly #value = Buffer.alloc(VALUE_BYTES, 'v');
  #count = 0;
  #fresh = 0;

  next(engine: Engine): void {
    const overwrites = this.#count++ % 2 === 1;
    const number = overwrites ? (this.#count * 7919) % this.#fresh : this.#fresh++;
    // As a rule an engine may keep what it is given until the flush.
    const key = Buffer.from(this.#key);
    key.writeUInt32BE(Math.imul(number + 1, 0x9e3779b1) >>> 0, 4);
    key.writeUInt32BE(number, 8);
    const value = Buffer.from(this.#value);
    value.writeUInt32BE(this.#count);
    engine.put(key, value);
  }
}

async function flushEvery(engine: Engine, writesPerFlush: number): Promise<Figures> {
  const writes = new Writes();
  await flushes(engine, writes, writesPerFlush, 0.3);
  return await flushes(engine, writes, writesPerFlush, seconds);
}

async function flushes(engine: Engine, writes: Writes, writesPerFlush: number, forSeconds: number): Promise<Figures> {
  const meter = new Meter();
  const endMs = performance.now() + forSeconds * 1000;
  let count = 0;
  await new Promise<void>(resolve => {
    const step = () => {
      if (performance.now() >= endMs) return resolve();
      for (let i = 0; i < writesPerFlush; i++) writes.next(engine);
      count++;
      engine.flush(step);
    };
    step();
  });
  return { 'flushes/s': (count * 1000) / meter.elapsedMs, ...meter.read(count * writesPerFlush) };
}

async function flushEachSecond(engine: Engine): Promise<Figures> {
  const writes = new Writes();
  const flushMs: number[] = [];
  for (let i = 0; i < BATCHED_RATE * 2; i++) writes.next(engine);
  await new Promise<void>(resolve => engine.flush(resolve));
  const meter = new Meter();
  const startMs = performance.now();
  let written = 0;
  let flushing = false;
  let nextFlushMs = startMs + 1000;
  const wholeMs = Math.max(3, seconds * 3) * 1000;
  await new Promise<void>(resolve => {
    const timer = setInterval(() => {
      const nowMs = performance.now();
      const due = Math.min(written + 2000, Math.floor(((nowMs - startMs) * BATCHED_RATE) / 1000));
      for (; written < due; written++) writes.next(engine);
      if (nowMs >= nextFlushMs && !flushing) {
        flushing = true;
        nextFlushMs = nowMs + 1000;
        engine.flush(() => {
          flushing = false;
          flushMs.push(performance.now() - nowMs);
          if (performance.now() - startMs < wholeMs) return;
          clearInterval(timer);
          resolve();
        });
      }
    }, 1);
  });
  const longest = Math.max(...flushMs);
  return { 'writes/s': (written * 1000) / meter.elapsedMs, ...meter.read(written), 'longest flush ms': longest };
}

async function fillAndReplay(first: Engine, dir: string, reopen: () => Promise<Engine>): Promise<Figures> {
  const value = Buffer.alloc(VALUE_BYTES, 'v');
  const fill = async (engine: Engine, salt: number) => {
    for (let at = 0; at < records; ) {
      for (const end = Math.min(records, at + 10_000); at < end; at++) {
        const key = Buffer.alloc(25, 'k');
        key.writeUInt32BE(Math.imul(at + 1, 0x9e3779b1) >>> 0, 4);
        key.writeUInt32BE(at, 8);
        const own = Buffer.from(value);
        own.writeUInt32BE(salt);
        engine.put(key, own);
      }
      await new Promise<void>(resolve => engine.flush(resolve));
    }
  };
  const fillMs = await timed(() => fill(first, 1));
  const filledMib = diskMib(dir);
  await fill(first, 2);
  await fill(first, 3);
  const overwrittenMib = diskMib(dir);
  await first.close();
  let engine = first;
  const openMs = await timed(async () => {
    engine = await reopen();
  });
  let count = 0;
  const scanMs = await timed(() => engine.scan(() => void count++));
  if (count < records) throw new Error(`${count} of ${records} records came back`);
  const writes = new Writes();
  let backedUp = false;
  let meanwhile = 0;
  const meter = new Meter();
  const writing = new Promise<void>(resolve => {
    const step = () => {
      if (backedUp) return resolve();
      for (let i = 0; i < 50; i++) writes.next(engine);
      meanwhile++;
      engine.flush(step);
    };
    step();
  });
  const backupMs = await timed(() => engine.backup(join(dir, 'backup')));
  backedUp = true;
  await writing;
  const { 'longest stall ms': stall = 0 } = meter.read(1);
  return {
    'fill s': fillMs / 1000,
    MiB: filledMib,
    'MiB, twice overwritten': overwrittenMib,
    'open s': openMs / 1000,
    'replay s': scanMs / 1000,
    'backup s': backupMs / 1000,
    'flushes/s (of 50) meanwhile': (meanwhile * 1000) / backupMs,
    'longest stall ms': stall,
  };
}

async function timed(run: () => Promise<void>): Promise<number> {
  const startMs = performance.now();
  await run();
  return performance.now() - startMs;
}

function diskMib(dir: string): number {
  return Number(execFileSync('du', ['-sk', dir], { encoding: 'utf8' }).split('\t')[0]) / 1024;
}

/** Time, processors and stalls of the event loop from its making on. */
class Meter {
  readonly #startMs = performance.now();
  readonly #cpu = process.cpuUsage();
  readonly #thread = process.threadCpuUsage();
  readonly #delay = monitorEventLoopDelay({ resolution: 1 });

  constructor() {
    this.#delay.enable();
  }

  get elapsedMs(): number {
    return performance.now() - this.#startMs;
  }

  read(writes: number): Figures {
    const thread = process.threadCpuUsage(this.#thread);
    const cpu = process.cpuUsage(this.#cpu);
    return {
      'µs of the main thread a write': (thread.user + thread.system) / writes,
      'µs of all threads a write': (cpu.user + cpu.system) / writes,
      'stall p99 ms': this.#delay.percentile(99) / 1e6,
      'longest stall ms': this.#delay.max / 1e6,
    };
  }
}

if (flags.cell !== undefined) {
  const [name = '', phase = '', path = ''] = flags.cell.split('|');
  process.stdout.write(JSON.stringify(await measure(name, phase, path)));
  process.exit(0);
}

const phases = flags.phases?.split(',') ?? [...SYNC_PHASES.map(String), 'batched', 'fill'];
const results = new Map<string, Figures[]>();
for (let round = 0; round < rounds; round++) {
  for (const phase of phases) {
    for (const name of names) {
      process.stderr.write(`round ${round + 1}: ${phase}, ${name}\n`);
      const cell = `${phase}|${name}`;
      results.set(cell, [...(results.get(cell) ?? []), await inProcess(name, phase)]);
    }
  }
}
for (const phase of phases) {
  const columns = Object.keys(results.get(`${phase}|${names[0]}`)![0]!);
  const rows = names.map(name => [
    name,
    ...columns.map(column => shown(median(results.get(`${phase}|${name}`)!, column))),
  ]);
  const title = Number(phase) > 0 ? `${phase} writes a flush` : phase;
  process.stdout.write(`\n${title}\n\n${markdownTable(['', ...columns], rows)}\n`);
}
process.stdout.write(`\n${machineLine(describeMachine())}\n`);
