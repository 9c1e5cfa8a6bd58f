/** A `.cpuprofile` as V8's inspector defines it (Profiler.Profile); times in microseconds. */
export interface CpuProfile {
  readonly nodes: ReadonlyArray<{
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
    readonly children?: readonly number[];
  }>;
  readonly endTime: number;
  /** Which node was on top of the stack. */
  readonly samples: readonly number[];
  /** How long after the sample before it each was taken. */
  readonly timeDeltas: readonly number[];
  readonly startTime: number;
}

export interface FunctionTime {
  /** Such as `pump src/io/client-socket.ts:104`. */
  readonly place: string;
  /** Share of the busy time in the function itself, from 0 to 1. */
  readonly self: number;
  /** And with what it called. */
  readonly total: number;
}

/**
 * The functions that the last part of a profile was spent in, most self time first.
 *
 * @param lastUs how much of the profile's end to look at: what came before was start and filling.
 */
export function selfTimes(profile: CpuProfile, lastUs: number): { rows: FunctionTime[]; busyShare: number } {
  const byNode = timesFrom(profile, profile.endTime - lastUs);
  const places = new Map(profile.nodes.map(node => [node.id, placeOf(node.callFrame)]));
  const children = new Map(profile.nodes.map(node => [node.id, node.children ?? []]));
  const self = new Map<string, number>();
  const total = new Map<string, number>();
  let [busy, idle] = [0, 0];
  for (const [id, us] of byNode) {
    const place = places.get(id)!;
    if (place === '(idle)') idle += us;
    else {
      busy += us;
      add(self, place, us);
    }
  }
  // A function that stands on the stack twice counts once.
  const visit = (id: number, onStack: ReadonlySet<string>): number => {
    const place = places.get(id)!;
    const below = onStack.has(place) ? onStack : new Set(onStack).add(place);
    let us = byNode.get(id) ?? 0;
    for (const child of children.get(id)!) us += visit(child, below);
    if (!onStack.has(place)) add(total, place, us);
    return us;
  };
  visit(profile.nodes[0]!.id, new Set());
  const rows = [...self].map(([place, us]) => ({ place, self: us / busy, total: total.get(place)! / busy }));
  return { rows: rows.sort((a, b) => b.self - a.self), busyShare: busy / (busy + idle) };
}

function timesFrom({ samples, timeDeltas, startTime }: CpuProfile, fromUs: number): Map<number, number> {
  const times = new Map<number, number>();
  let nowUs = startTime;
  for (const [index, id] of samples.entries()) {
    nowUs += timeDeltas[index]!;
    // A sample's time runs to the next one.
    if (nowUs >= fromUs) times.set(id, (times.get(id) ?? 0) + (timeDeltas[index + 1] ?? 0));
  }
  return times;
}

function placeOf({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  if (url === '') return name;
  const file = url.replace(/^file:\/\/.*?\/(src|node_modules)\//, '$1/');
  return `${name} ${file}:${lineNumber + 1}`;
}

function add(sums: Map<string, number>, key: string, value: number): void {
  sums.set(key, (sums.get(key) ?? 0) + value);
}
