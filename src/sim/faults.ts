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
 *
 * Where nodes have disks, a crash leaves what is on them, and there are besides:
 *
 * - `restart`: a node ends in order, its disk flushed and closed, and comes back.
 * - `torn-batch`: a crash while a batch is being flushed, of which nothing is there afterwards.
 * - `lost-tail`: a crash after which batches that had been flushed are gone. `damage`: one after which an entry is damaged.
 * - `power-cut`: all nodes end at once, and come back.
 * - `full-disk`: a drive takes no writes for a while. `slow-flush`: half of a drive's flushes take up to seconds for a while.
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
  'restart',
  'torn-batch',
  'lost-tail',
  'damage',
  'power-cut',
  'full-disk',
  'slow-flush',
] as const;

/** Those that befall disks, and are possible only with disks. */
export const DISK_KINDS = [
  'restart',
  'torn-batch',
  'lost-tail',
  'damage',
  'power-cut',
  'full-disk',
  'slow-flush',
] as const satisfies readonly FaultKind[];

export type FaultKind = (typeof FAULT_KINDS)[number];

/**
 * How often each kind comes, 0 for never: of `delay`, `loss`, `duplication` and `reordering` the share of messages, at
 * the mean over stormy and quiet times; of `skew` the milliseconds by which a clock may be wrong; of `drift` the milliseconds a second; of the
 * others the episodes a virtual minute.
 */
export type FaultRates = Readonly<Record<FaultKind, number>>;

/** What a kind means that is asked for without a rate. */
const USUAL_RATES: FaultRates = {
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
  restart: 4,
  'torn-batch': 4,
  'lost-tail': 3,
  damage: 3,
  'power-cut': 4,
  'full-disk': 6,
  'slow-flush': 6,
};

const NO_DISK_KINDS = Object.fromEntries(DISK_KINDS.map(kind => [kind, 0])) as Record<(typeof DISK_KINDS)[number], 0>;

/** What `--faults all` means where nodes have no disks. */
export const DEFAULT_RATES: FaultRates = { ...USUAL_RATES, ...NO_DISK_KINDS };

/** How much of what is acknowledged is on disk by then in all keyspaces of a run: all, some of it, or nothing. */
export type OnDisk = 'all' | 'some' | 'nothing';

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
  ...NO_DISK_KINDS,
};

/** What `all` means: every kind that is possible. Either the power is cut or the ring changes. */
export function allFaults(onDisk: OnDisk): FaultRates {
  if (onDisk === 'nothing') return DEFAULT_RATES;
  return onDisk === 'all' ? { ...USUAL_RATES, churn: 0 } : { ...USUAL_RATES, 'power-cut': 0 };
}

/** What `disk` means: crashes, and what befalls disks. */
function diskFaults(onDisk: OnDisk): FaultRates {
  const all = allFaults(onDisk);
  const rates: FaultCounts = { ...NO_FAULTS, crash: all.crash };
  for (const kind of DISK_KINDS) rates[kind] = all[kind];
  return rates;
}

/** How often each kind occurred in storms: the node that is down in the phase before them is not counted. */
export type FaultCounts = Record<FaultKind, number>;

/**
 * Reads `all`, `none`, or a list such as `loss,crash=2`, a number being the kind's rate; a list that begins with `all`, or with `disk`, says
 * which rates are others than usual, and what comes besides.
 *
 * @returns the rates, or a sentence that says what is wrong.
 */
export function parseFaults(text: string, onDisk: OnDisk = 'nothing'): FaultRates | string {
  if (text === 'none') return NO_FAULTS;
  const parts = text.split(',');
  const group = parts[0] === 'all' ? allFaults(onDisk) : parts[0] === 'disk' ? diskFaults(onDisk) : undefined;
  const rates: FaultCounts = { ...(group ?? NO_FAULTS) };
  for (const part of group === undefined ? parts : parts.slice(1)) {
    const [name = '', given] = part.split('=');
    const kind = FAULT_KINDS.find(each => each === name);
    if (kind === undefined) {
      return `${JSON.stringify(name)} is no kind of fault; expected all, none, disk or some of ${FAULT_KINDS.join(', ')}`;
    }
    const rate = given === undefined ? USUAL_RATES[kind] : Number(given);
    const most = mostOf(kind);
    if (!(given !== '' && rate > 0 && rate <= most)) {
      return `${JSON.stringify(given)} is no rate of ${kind}; expected a number above 0, at most ${most}`;
    }
    rates[kind] = rate;
  }
  return rates;
}

/** The inverse of `parseFaults`. */
export function formatFaults(rates: FaultRates, onDisk: OnDisk = 'nothing'): string {
  const kinds = FAULT_KINDS.filter(kind => rates[kind] > 0);
  if (kinds.length === 0) return 'none';
  const unusual = kinds.filter(kind => rates[kind] !== USUAL_RATES[kind]);
  const told = (kind: FaultKind): string => (unusual.includes(kind) ? `${kind}=${rates[kind]}` : kind);
  const all = allFaults(onDisk);
  const isAll = FAULT_KINDS.every(kind => rates[kind] > 0 === all[kind] > 0);
  return isAll ? ['all', ...unusual.map(told)].join() : kinds.map(told).join();
}

/** The greatest rate of the kind. */
export function mostOf(kind: FaultKind): number {
  return kind === 'delay' || kind === 'loss' || kind === 'duplication' || kind === 'reordering' ? 0.9 : 10_000;
}
