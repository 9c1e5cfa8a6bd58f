import type { Case } from './cases.ts';
import type { Sample } from './duel.ts';
import { grouped, markdownTable, percent } from './report.ts';
import { median, pairwiseRatio, type Ratio } from './statistics.ts';

/** A case with every contestant's samples, in the order of the rounds. */
export interface CaseResult {
  readonly case: Case;
  readonly samples: Readonly<Record<string, readonly Sample[]>>;
}

/** A case that could not be measured: a server answered with an error. */
export interface CaseFailure {
  readonly case: Case;
  readonly error: string;
}

export function failureLine({ case: each, error }: CaseFailure): string {
  return `**${each.command}, pipeline ${each.pipeline}: ended by an error reply**, \`${error}\``;
}

/** The figures of a case: medians over the rounds, and how coterie compares. */
export interface CaseSummary {
  readonly case: Case;
  /** Requests a second, by contestant. */
  readonly rates: Readonly<Record<string, number>>;
  /** Processor microseconds a request, all servers of the contestant together. */
  readonly processorUs: Readonly<Record<string, number>>;
  /** Coterie ÷ Redis. */
  readonly ratio: Ratio;
  /** Plain server ÷ Redis. */
  readonly plainRatio: Ratio | undefined;
  /** Undefined where no target has been set. */
  readonly met: boolean | undefined;
  /** The share of the machine that others used, at the median and at worst. */
  readonly noise: { readonly median: number; readonly max: number };
}

export function summarize({ case: each, samples }: CaseResult): CaseSummary {
  const medians = (figure: (sample: Sample) => number) =>
    Object.fromEntries(Object.entries(samples).map(([name, list]) => [name, median(list.map(figure))]));
  const rates = (name: string) => samples[name]!.map(sample => sample.requestsPerSecond);
  const ratio = pairwiseRatio(rates('coterie'), rates('redis'));
  const noises = Object.values(samples).flatMap(list => list.map(sample => sample.noise));
  return {
    case: each,
    rates: medians(sample => sample.requestsPerSecond),
    processorUs: medians(sample => sample.processorUs),
    ratio,
    plainRatio: samples['plain'] === undefined ? undefined : pairwiseRatio(rates('plain'), rates('redis')),
    met: each.target === undefined ? undefined : ratio.median >= each.target,
    noise: { median: median(noises), max: Math.max(...noises) },
  };
}

/** The summaries of one setting as a table in Markdown. */
export function throughputTable(summaries: readonly CaseSummary[]): string {
  const withPlain = summaries.some(({ plainRatio }) => plainRatio !== undefined);
  const names = ['coterie', 'redis', ...(withPlain ? ['plain'] : [])];
  const headings = ['case', ...names.map(titleOf), 'coterie ÷ Redis', 'min–max', 'target', ''];
  if (withPlain) headings.push('plain ÷ Redis');
  headings.push(`processor µs a request: ${names.map(titleOf).join(' / ')}`, 'used by others');
  const rows = summaries.map(({ case: each, rates, processorUs, ratio, plainRatio, met, noise }) => [
    `${each.command}, pipeline ${each.pipeline}`,
    ...names.map(name => grouped(rates[name]!)),
    ratio.median.toFixed(2),
    `${ratio.min.toFixed(2)}–${ratio.max.toFixed(2)}`,
    each.target?.toFixed(2) ?? '',
    met === undefined ? '' : met ? 'met' : '**missed**',
    ...(plainRatio === undefined ? [] : [plainRatio.median.toFixed(2)]),
    names.map(name => processorUs[name]!.toFixed(1)).join(' / '),
    `${percent(noise.median)}, at worst ${percent(noise.max)}`,
  ]);
  return markdownTable(headings, rows);
}

const TITLES: Readonly<Record<string, string>> = { redis: 'Redis', plain: 'plain server' };

function titleOf(name: string): string {
  return TITLES[name] ?? name;
}
