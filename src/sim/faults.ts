/**
 * Everything that can go wrong, each by itself. Loss, duplication, reordering and delay befall single messages; the
 * others are episodes.
 *
 * - `delay`: a message is under way for long; without `reordering` what follows it waits behind it.
 * - `loss`, `duplication`, `reordering`: of messages on a link that stays up. TCP does none of it, the protocol must bear it.
 * - `partition`: two groups of nodes cannot reach each other. `one-way`: some nodes cannot reach some others, who still reach them.
 * - `crash`: a node is gone with its memory, and comes back empty under its name as a new actor.
 * - `suspend`: a machine stops with its memory and all its connections break; later it goes on as if nothing had been.
 * - `slow`: a node stands still for a while, then goes on with what has piled up.
 * - `skew`: wall clocks are wrong by up to so much from the beginning. `drift`: they run off. `jumps`: they are set again.
 * - `churn`: a node joins, leaves, is gone for good and forgotten, or is gone for good and replaced.
 * - `broken-clock`: one wall clock is an hour ahead or behind, and is later set right; never two at a time.
 */
export const FAULT_KINDS = [
  'delay',
  'loss',
  'duplication',
  'reordering',
  'partition',
  'one-way',
  'crash',
  'suspend',
  'slow',
  'skew',
  'drift',
  'jumps',
  'broken-clock',
  'churn',
] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];

/**
 * How often each kind comes, 0 for never: of `delay`, `loss`, `duplication` and `reordering` the share of messages, at
 * the mean over stormy and quiet times; of `partition`, `one-way`, `crash`, `suspend`, `slow`, `jumps`, `broken-clock` and `churn` the
 * episodes a virtual minute; of `skew` the milliseconds by which a clock may be wrong; of `drift` the milliseconds a second.
 */
export type FaultRates = Readonly<Record<FaultKind, number>>;

/** What `--faults all` means, and a kind that is asked for without a rate. */
export const DEFAULT_RATES: FaultRates = {
  delay: 0.01,
  loss: 0.05,
  duplication: 0.02,
  reordering: 0.05,
  partition: 8,
  'one-way': 6,
  crash: 12,
  suspend: 3,
  slow: 10,
  skew: 500,
  drift: 0.2,
  jumps: 10,
  'broken-clock': 6,
  churn: 6,
};

export const NO_FAULTS: FaultRates = {
  delay: 0,
  loss: 0,
  duplication: 0,
  reordering: 0,
  partition: 0,
  'one-way': 0,
  crash: 0,
  suspend: 0,
  slow: 0,
  skew: 0,
  drift: 0,
  jumps: 0,
  'broken-clock': 0,
  churn: 0,
};

/** How often each kind occurred in storms: the node that is down in the phase before them is not counted. */
export type FaultCounts = Record<FaultKind, number>;

/**
 * Reads `all`, `none`, or a list such as `loss,crash=2`, a number being the kind's rate; a list that begins with `all` says which rates are others
 * than usual.
 *
 * @returns the rates, or a sentence that says what is wrong.
 */
export function parseFaults(text: string): FaultRates | string {
  if (text === 'none') return NO_FAULTS;
  const parts = text.split(',');
  const rates: FaultCounts = parts[0] === 'all' ? { ...DEFAULT_RATES } : { ...NO_FAULTS };
  for (const part of parts[0] === 'all' ? parts.slice(1) : parts) {
    const [name = '', given] = part.split('=');
    const kind = FAULT_KINDS.find(each => each === name);
    if (kind === undefined) {
      return `${JSON.stringify(name)} is no kind of fault; expected all, none or some of ${FAULT_KINDS.join(', ')}`;
    }
    const rate = given === undefined ? DEFAULT_RATES[kind] : Number(given);
    const most = mostOf(kind);
    if (!(given !== '' && rate > 0 && rate <= most)) {
      return `${JSON.stringify(given)} is no rate of ${kind}; expected a number above 0, at most ${most}`;
    }
    rates[kind] = rate;
  }
  return rates;
}

/** The inverse of `parseFaults`. */
export function formatFaults(rates: FaultRates): string {
  const kinds = FAULT_KINDS.filter(kind => rates[kind] > 0);
  if (kinds.length === 0) return 'none';
  const unusual = kinds.filter(kind => rates[kind] !== DEFAULT_RATES[kind]);
  const told = (kind: FaultKind): string => (unusual.includes(kind) ? `${kind}=${rates[kind]}` : kind);
  if (kinds.length === FAULT_KINDS.length) return ['all', ...unusual.map(told)].join();
  return kinds.map(told).join();
}

/** The greatest rate of the kind. */
export function mostOf(kind: FaultKind): number {
  return kind === 'delay' || kind === 'loss' || kind === 'duplication' || kind === 'reordering' ? 0.9 : 10_000;
}
