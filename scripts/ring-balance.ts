/**
 * How evenly the ring shares out slots, by tokens a member and by cluster size: the figures behind `docs/ring.md`.
 *
 *     npm run ring:balance              60 name sets, and redraws docs/images/ring-balance.svg
 *     npm run ring:balance -- 300 2048  300 name sets, 2,048 tokens only, no plot
 *
 * For each name set it takes the busiest member's share ÷ the fair share, of primaries (first in a slot's list), of
 * replicas (in the first three), and of replicas with the members dealt over three zones, where the fair share is an equal
 * part of what the member's zone must hold. It prints the median, the 95th percentile and the maximum over the name sets,
 * and the fraction of sets above the limit where there is one.
 */
import { writeFileSync } from 'node:fs';
import { SLOT_COUNT } from '../src/lib/slots.ts';
import { allAtOnce } from '../src/lib/steps.ts';
import { finalMix, murmur3 } from '../src/ring/murmur3.ts';
import { PreferenceTable } from '../src/ring/preference-table.ts';
import { PreferenceWalk } from '../src/ring/preference-walk.ts';
import { slotRanges } from '../src/ring/slot-ranges.ts';
import { TokenCircle } from '../src/ring/token-circle.ts';
import { tokensOf } from '../src/ring/tokens.ts';
import { type Curve, drawBalance } from './ring-balance-plot.ts';

const ALL_TOKENS = [16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192];
const NODES = [3, 5, 10, 20, 50, 100];
const REPLICAS = 3;
const ZONES = 3;
const DEFAULT_SETS = 60;
const PLOT = new URL('../docs/images/ring-balance.svg', import.meta.url);

/** Busiest member ÷ fair share that must not be passed, by cluster size. */
const LIMITS = new Map([
  [10, { primaries: 1.08, replicas: 1.05 }],
  [100, { primaries: 1.2, replicas: 1.12 }],
]);

/** How clusters are named in practice; every further name set is one that nobody chose. */
const CONVENTIONS: ReadonlyArray<(node: number) => string> = [
  node => `n${node + 1}`,
  node => `node-${String(node + 1).padStart(3, '0')}`,
  node => `coterie-${node}`,
  node => `coterie-${node}.coterie.default.svc.cluster.local`,
  node => `10.0.${node >> 4}.${node & 15}:16379`,
  node =>
    finalMix(node + 1)
      .toString(16)
      .padStart(8, '0'),
];

type Placement = (name: string, count: number) => Uint32Array;
interface Balance {
  readonly primaries: number;
  readonly replicas: number;
  readonly zoned: number;
  readonly ranges: number;
  readonly buildMs: number;
}

const PLACEMENTS: ReadonlyArray<readonly [title: string, placement: Placement]> = [
  ['coterie: even distances behind random slots', tokensOf],
  ['rival: every token at random', randomTokens],
];

/** The usual way: every token a hash of name and index. */
function randomTokens(name: string, count: number): Uint32Array {
  const bytes = Buffer.from(name, 'utf8');
  const [outer, inner] = [murmur3(bytes, 0), murmur3(bytes, 1)];
  return Uint32Array.from({ length: count }, (_, i) => finalMix(outer ^ finalMix(inner + i)));
}

function nameSet(set: number, nodes: number): string[] {
  const convention = CONVENTIONS[set] ?? ((node: number) => `set${set}-${node}`);
  return Array.from({ length: nodes }, (_, node) => convention(node)).sort();
}

function measure(names: readonly string[], tokens: number, placement: Placement): Balance {
  const startedMs = performance.now();
  const circle = allAtOnce(TokenCircle.make(names.map(name => placement(name, tokens))));
  const oneZone = names.map(() => 0);
  const table = tabulate(circle, oneZone);
  const buildMs = performance.now() - startedMs;
  const threeZones = names.map((_, node) => node % ZONES);
  return {
    primaries: busiest(countHeld(table, 1), oneZone),
    replicas: busiest(countHeld(table, table.length), oneZone),
    zoned: busiest(countHeld(tabulate(circle, threeZones), table.length), threeZones),
    ranges: slotRanges(table).length,
    buildMs,
  };
}

function tabulate(circle: TokenCircle, zones: readonly number[]): PreferenceTable {
  const walk = new PreferenceWalk(circle, zones.map(String));
  return allAtOnce(PreferenceTable.make(walk, Math.min(REPLICAS, zones.length)));
}

/** How many slots have each member among the first `ranks` of their list. */
function countHeld(table: PreferenceTable, ranks: number): Map<number, number> {
  const held = new Map<number, number>();
  for (let slot = 0; slot < SLOT_COUNT; slot++) {
    for (let rank = 0; rank < ranks; rank++) {
      const member = table.at(slot, rank);
      held.set(member, (held.get(member) ?? 0) + 1);
    }
  }
  return held;
}

/** The most that any member holds ÷ an equal part of what the members of its zone hold together. */
function busiest(held: ReadonlyMap<number, number>, zones: readonly number[]): number {
  const ofZone = Array.from({ length: ZONES }, () => ({ members: 0, slots: 0, most: 0 }));
  for (const [member, zone] of zones.entries()) {
    const slots = held.get(member) ?? 0;
    const total = ofZone[zone]!;
    total.members++;
    total.slots += slots;
    total.most = Math.max(total.most, slots);
  }
  return Math.max(
    ...ofZone.filter(({ slots }) => slots > 0).map(({ members, slots, most }) => (most * members) / slots),
  );
}

/** The value that the fraction `rank` of the values does not pass. */
function percentile(values: readonly number[], rank: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(rank * sorted.length))]!;
}

function summary(values: readonly number[], limit: number | undefined): string {
  const figures = [percentile(values, 0.5), percentile(values, 0.95), Math.max(...values)];
  const above =
    limit === undefined ? '' : `${((100 * values.filter(v => v > limit).length) / values.length).toFixed(1)}%`;
  return `${figures.map(figure => figure.toFixed(3)).join(' ')} ${above.padStart(7)}`;
}

const given = process.argv[2];
const sets = Number(given ?? DEFAULT_SETS);
if (!Number.isInteger(sets) || sets < 1) {
  console.error(`Cannot measure ${given} name sets: give a whole number above 0`);
  process.exit(2);
}
const only = process.argv[3]?.split(',').map(Number);

const curves: Curve[] = [];
for (const [title, placement] of PLACEMENTS) {
  console.log(`\n${title}, ${sets} name sets, busiest member ÷ fair share`);
  console.log('              primaries                     replicas                      replicas, three zones');
  console.log(
    'tokens nodes  p50   p95   max   > limit     p50   p95   max   > limit     p50   p95   max   > limit  slot ranges  build ms',
  );
  for (const nodes of NODES) {
    const limit = LIMITS.get(nodes);
    for (const tokens of only ?? ALL_TOKENS) {
      const balances = Array.from({ length: sets }, (_, set) => measure(nameSet(set, nodes), tokens, placement));
      const primaries = balances.map(balance => balance.primaries);
      const replicas = balances.map(balance => balance.replicas);
      const ranges = percentile(
        balances.map(b => b.ranges),
        0.5,
      );
      const buildMs = percentile(
        balances.map(b => b.buildMs),
        0.5,
      );
      console.log(
        [
          String(tokens).padStart(6),
          String(nodes).padStart(5),
          ` ${summary(primaries, limit?.primaries)}    `,
          `${summary(replicas, limit?.replicas)}   `,
          summary(
            balances.map(b => b.zoned),
            limit?.replicas,
          ),
          String(ranges).padStart(12),
          buildMs.toFixed(1).padStart(9),
        ].join(' '),
      );
      const ours = placement === tokensOf;
      curves.push({
        ours,
        nodes,
        tokens,
        primaries: percentile(primaries, 0.95),
        replicas: percentile(replicas, 0.95),
      });
    }
  }
}
if (given === undefined) writeFileSync(PLOT, drawBalance(curves, LIMITS, sets));
