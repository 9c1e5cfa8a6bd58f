import { DEFAULT_TOKENS } from '../src/ring/tokens.ts';

/** One point of a curve: how far the busiest member stands above its fair share, as a ratio. */
export interface Curve {
  /** Whether tokens are placed as the ring does it, or at random. */
  readonly ours: boolean;
  readonly nodes: number;
  readonly tokens: number;
  readonly primaries: number;
  readonly replicas: number;
}
type Measure = 'primaries' | 'replicas';
type Limits = ReadonlyMap<number, Readonly<Record<Measure, number>>>;

const WIDTH = 1040;
const HEIGHT = 520;
const PANEL = { width: 360, height: 360, top: 84 };
const PANEL_LEFT: Readonly<Record<Measure, number>> = { primaries: 66, replicas: 580 };
/** Excess over the fair share at the bottom and the top of a panel; both axes are logarithmic. */
const LOWEST = 0.01;
const HIGHEST = 2;
const TICKS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2];
const FEWEST_TOKENS = 16;
const MOST_TOKENS = 8192;
const LABEL_GAP = 14;
/** By cluster size: dark for small, warm for large. */
const COLOURS = new Map([
  [3, '#30123b'],
  [5, '#4662d7'],
  [10, '#0f8a8f'],
  [20, '#5a9e1b'],
  [50, '#e08a00'],
  [100, '#c0260d'],
]);

/** The plot of `docs/ring.md` as an SVG text: primaries left, replicas right, one line for each cluster size. */
export function drawBalance(points: readonly Curve[], limits: Limits, sets: number): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" fill="#222">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    text(
      20,
      28,
      'How far the busiest member stands above its fair share of the slots',
      'font-size="17" font-weight="bold"',
    ),
    text(20, 48, `By tokens a member and by members; 95 % of ${sets} sets of names lie on or below a line.`),
    ...panel('primaries', 'Primaries: first in a slot’s list', points, limits),
    ...panel('replicas', 'Replicas: among the first three (3 members: all equal)', points, limits),
    line(66, 505, 100, 505, 'stroke="#222" stroke-width="2"'),
    text(106, 509, 'as the ring places tokens'),
    line(290, 505, 324, 505, 'stroke="#222" stroke-width="1.2" stroke-dasharray="2 3"'),
    text(330, 509, '100 members, every token at random'),
    line(580, 505, 614, 505, 'stroke="#222" stroke-width="1.2" stroke-dasharray="9 4"'),
    text(620, 509, 'limit for 10 and for 100 members'),
    '</svg>',
    '',
  ].join('\n');
}

function panel(measure: Measure, title: string, points: readonly Curve[], limits: Limits): string[] {
  const left = PANEL_LEFT[measure];
  const right = left + PANEL.width;
  const parts = [text(left, PANEL.top - 10, title, 'font-weight="bold"'), ...grid(left)];
  for (const [nodes, limit] of limits) {
    const y = yOf(limit[measure]);
    parts.push(line(left, y, right, y, `stroke="${colour(nodes)}" stroke-width="1.2" stroke-dasharray="9 4"`));
  }
  const largest = points.filter(point => !point.ours && point.nodes === 100);
  parts.push(curve(left, largest, measure, 'stroke-width="1.4" stroke-dasharray="2 3"'));
  const ends: Array<{ nodes: number; y: number }> = [];
  for (const nodes of COLOURS.keys()) {
    const own = points.filter(point => point.ours && point.nodes === nodes && point[measure] > 1);
    const last = own.at(-1);
    if (last === undefined) continue;
    parts.push(curve(left, own, measure, 'stroke-width="2"'));
    ends.push({ nodes, y: yOf(last[measure]) });
  }
  return [...parts, ...labels(right + 6, ends)];
}

function grid(left: number): string[] {
  const parts: string[] = [];
  const bottom = PANEL.top + PANEL.height;
  for (const tick of TICKS) {
    const y = yOf(1 + tick);
    parts.push(line(left, y, left + PANEL.width, y, 'stroke="#ddd"'));
    parts.push(text(left - 6, y + 4, `+${tick * 100} %`, 'text-anchor="end"'));
  }
  for (let tokens = FEWEST_TOKENS; tokens <= MOST_TOKENS; tokens *= 2) {
    const x = xOf(left, tokens);
    parts.push(line(x, PANEL.top, x, bottom, 'stroke="#eee"'));
    parts.push(text(x, bottom + 18, String(tokens), 'text-anchor="middle"'));
  }
  const chosen = xOf(left, DEFAULT_TOKENS);
  parts.push(line(chosen, PANEL.top, chosen, bottom, 'stroke="#777" stroke-width="1.5"'));
  parts.push(text(chosen - 6, PANEL.top + 16, 'chosen', 'text-anchor="end" fill="#555"'));
  parts.push(text(left + PANEL.width / 2, bottom + 38, 'tokens a member', 'text-anchor="middle"'));
  return parts;
}

/** The names of the lines beside their ends, pushed apart where they would cover each other. */
function labels(x: number, ends: ReadonlyArray<{ nodes: number; y: number }>): string[] {
  let lowest = Number.NEGATIVE_INFINITY;
  return [...ends]
    .sort((a, b) => a.y - b.y)
    .map(({ nodes, y }) => {
      lowest = Math.max(y + 4, lowest + LABEL_GAP);
      return text(x, lowest, `${nodes} members`, `fill="${colour(nodes)}"`);
    });
}

function curve(left: number, points: readonly Curve[], measure: Measure, style: string): string {
  const path = points.map(point => `${round(xOf(left, point.tokens))},${round(yOf(point[measure]))}`).join(' ');
  return `<polyline points="${path}" fill="none" stroke="${colour(points[0]?.nodes ?? 0)}" ${style}/>`;
}

function xOf(left: number, tokens: number): number {
  return left + (PANEL.width * Math.log2(tokens / FEWEST_TOKENS)) / Math.log2(MOST_TOKENS / FEWEST_TOKENS);
}

function yOf(ratio: number): number {
  const excess = Math.min(HIGHEST, Math.max(LOWEST, ratio - 1));
  return PANEL.top + PANEL.height * (1 - Math.log(excess / LOWEST) / Math.log(HIGHEST / LOWEST));
}

function colour(nodes: number): string {
  return COLOURS.get(nodes) ?? '#888';
}

function text(x: number, y: number, content: string, style = ''): string {
  return `<text x="${round(x)}" y="${round(y)}" ${style}>${content}</text>`;
}

function line(x1: number, y1: number, x2: number, y2: number, style: string): string {
  return `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" ${style}/>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
