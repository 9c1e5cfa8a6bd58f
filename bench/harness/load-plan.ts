/** What the clients of a load are told; and what they tell when they are done. */

/** Told while they run: count what is answered from now on as another phase; end before the plan's time. */
export type LoadOrder = 'next phase' | 'end';

export interface LoadPlan {
  /** Of the nodes; connections are dealt over them. */
  readonly ports: readonly number[];
  readonly db: number;
  readonly connections: number;
  /** Operations a second, of all connections together. */
  readonly rate: number;
  readonly seconds: number;
  readonly smallKeys: number;
  readonly largeKeys: number;
  readonly smallBytes: number;
  readonly largeBytes: number;
  /** Share of operations on large keys. */
  readonly largeShare: number;
  /** Share of operations that write. */
  readonly writeShare: number;
}

export const smallKey = (index: number) => `small:${String(index).padStart(10, '0')}`;
export const largeKey = (index: number) => `large:${String(index).padStart(10, '0')}`;

/** Milliseconds from when an operation was to start to when its reply had been read. */
export interface Latencies {
  readonly count: number;
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

export interface LoadResult {
  readonly planned: number;
  readonly answered: number;
  readonly elapsedSeconds: number;
  readonly latencies: Readonly<
    Record<'small' | 'smallReads' | 'smallWrites' | 'largeReads' | 'largeWrites', Latencies>
  >;
  /** Of the small operations answered in each phase; one, unless phases were ordered. */
  readonly phases: readonly Latencies[];
  /** How often each error was seen, an unexpected reply or a lost connection included. */
  readonly errors: Readonly<Record<string, number>>;
  /** When the load began, Unix milliseconds. */
  readonly startedMs: number;
  /** Second by second from then on, the longest that any small operation that was waiting in it took in all. */
  readonly worstSmallMs: readonly number[];
  /** What of the latencies is the client's own: how late its event loop was. */
  readonly clientDelay: { readonly p99Ms: number; readonly maxMs: number };
}
