/** The clients of a load, in a process of their own: told its plan by the parent, it runs it and tells the result. */
import { randomBytes } from 'node:crypto';
import { createHistogram, monitorEventLoopDelay, type RecordableHistogram } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { LoadConnection, type LoadSink } from './harness/load-connection.ts';
import type { Latencies, LoadOrder, LoadPlan, LoadResult } from './harness/load-plan.ts';

/** Connections that are made at a time: a node's backlog is bounded. */
const CONNECT_BATCH = 50;
/** How long after the last start replies are waited for. */
const LAST_REPLY_MS = 5000;
const POLL_INTERVAL_MS = 20;
const EVENT_LOOP_RESOLUTION_MS = 5;

process.once('message', (plan: LoadPlan) => {
  void run(plan).then(result => {
    process.send!(result, () => process.exit(0));
  });
});
process.once('disconnect', () => process.exit(1));

async function run(plan: LoadPlan): Promise<LoadResult> {
  const sink = new Counts();
  const values = { small: randomBytes(plan.smallBytes), large: randomBytes(plan.largeBytes) };
  const connections: LoadConnection[] = [];
  while (connections.length < plan.connections) {
    const batch = Array.from({ length: Math.min(CONNECT_BATCH, plan.connections - connections.length) }, (_, i) => {
      const port = plan.ports[(connections.length + i) % plan.ports.length]!;
      return new LoadConnection(port, plan, values, sink);
    });
    connections.push(...batch);
    await Promise.all(batch.map(connection => connection.ready()));
  }
  process.send!('connected');
  const ended = new Promise<void>(resolve => {
    process.on('message', (order: LoadOrder) => {
      if (order === 'next phase') sink.nextPhase();
      else resolve();
    });
  });
  const delay = monitorEventLoopDelay({ resolution: EVENT_LOOP_RESOLUTION_MS });
  delay.enable();
  const startMs = performance.now();
  sink.startMs = startMs;
  const endMs = startMs + plan.seconds * 1000;
  for (const connection of connections) connection.start(startMs, endMs);
  await Promise.race([sleep(plan.seconds * 1000), ended]);
  for (const connection of connections) connection.stop();
  const deadlineMs = performance.now() + LAST_REPLY_MS;
  while (performance.now() < deadlineMs && connections.some(({ isWaiting }) => isWaiting)) {
    await sleep(POLL_INTERVAL_MS);
  }
  const elapsedSeconds = (performance.now() - startMs) / 1000;
  delay.disable();
  for (const connection of connections) connection.close();
  // The monitor counts its own interval in.
  const lateMs = (ns: number) => Math.max(0, ns / 1e6 - EVENT_LOOP_RESOLUTION_MS);
  return sink.result(elapsedSeconds, { p99Ms: lateMs(delay.percentile(99)), maxMs: lateMs(delay.max) });
}

/** Latencies are kept in histograms, in microseconds, to three digits. */
class Counts implements LoadSink {
  readonly #smallReads = createHistogram();
  readonly #smallWrites = createHistogram();
  readonly #largeReads = createHistogram();
  readonly #largeWrites = createHistogram();
  readonly #phases = [createHistogram()];
  readonly #errors = new Map<string, number>();
  /** On the clock of `performance.now()`. */
  startMs = 0;
  readonly #worstSmallMs: number[] = [];
  #planned = 0;

  planned(): void {
    this.#planned++;
  }

  answered(isLarge: boolean, isWrite: boolean, latencyMs: number): void {
    const [reads, writes] = isLarge ? [this.#largeReads, this.#largeWrites] : [this.#smallReads, this.#smallWrites];
    (isWrite ? writes : reads).record(Math.max(1, Math.round(latencyMs * 1000)));
    if (!isLarge) this.#noteSmall(latencyMs);
  }

  nextPhase(): void {
    this.#phases.push(createHistogram());
  }

  #noteSmall(latencyMs: number): void {
    this.#phases.at(-1)!.record(Math.max(1, Math.round(latencyMs * 1000)));
    const nowMs = performance.now() - this.startMs;
    const last = Math.floor(nowMs / 1000);
    for (let second = Math.max(0, Math.floor((nowMs - latencyMs) / 1000)); second <= last; second++) {
      this.#worstSmallMs[second] = Math.max(this.#worstSmallMs[second] ?? 0, latencyMs);
    }
  }

  failed(error: string): void {
    this.#errors.set(error, (this.#errors.get(error) ?? 0) + 1);
  }

  result(elapsedSeconds: number, clientDelay: LoadResult['clientDelay']): LoadResult {
    const small = createHistogram();
    small.add(this.#smallReads);
    small.add(this.#smallWrites);
    const all = { small, smallReads: this.#smallReads, smallWrites: this.#smallWrites };
    const latencies = {
      small: latenciesOf(all.small),
      smallReads: latenciesOf(all.smallReads),
      smallWrites: latenciesOf(all.smallWrites),
      largeReads: latenciesOf(this.#largeReads),
      largeWrites: latenciesOf(this.#largeWrites),
    };
    const answered = latencies.small.count + latencies.largeReads.count + latencies.largeWrites.count;
    const errors = Object.fromEntries(this.#errors);
    const startedMs = performance.timeOrigin + this.startMs;
    const worstSmallMs = Array.from(this.#worstSmallMs, worstMs => worstMs ?? 0);
    return {
      planned: this.#planned,
      answered,
      elapsedSeconds,
      latencies,
      phases: this.#phases.map(latenciesOf),
      errors,
      startedMs,
      worstSmallMs,
      clientDelay,
    };
  }
}

function latenciesOf(histogram: RecordableHistogram): Latencies {
  const { count } = histogram;
  const percentileMs = (p: number) => (count === 0 ? 0 : histogram.percentile(p) / 1000);
  return {
    count,
    meanMs: count === 0 ? 0 : histogram.mean / 1000,
    p50Ms: percentileMs(50),
    p99Ms: percentileMs(99),
    p999Ms: percentileMs(99.9),
    maxMs: count === 0 ? 0 : histogram.max / 1000,
  };
}
