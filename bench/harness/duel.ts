import type { Case } from './cases.ts';
import type { Contestant } from './contestant.ts';
import { Noise } from './noise.ts';
import { type BenchmarkResult, runRedisBenchmark } from './redis-benchmark.ts';

const CONNECTIONS = 50;
export const KEYS = 1_000_000;
export const VALUE_BYTES = 64;
/** Of the run that finds out how many requests take as long as asked for, for each request of a pipeline. */
const CALIBRATION_REQUESTS = 20_000;

/** One contestant in one round. */
export interface Sample extends BenchmarkResult {
  readonly requests: number;
  /** Processor time of all the contestant's servers for each request, what they did behind the replies included. */
  readonly processorUs: number;
  /** Share of the machine that was used by neither side of this measurement. */
  readonly noise: number;
}

export interface Length {
  readonly rounds: number;
  /** How long each contestant is driven in each round, about. */
  readonly seconds: number;
  /** Instead of `seconds`. */
  readonly requests: number | undefined;
}

/** A round in which others used more of the machine than this is repeated, a bounded number of times. */
const QUIET_SHARE = 0.1;
/** At most so many times the rounds asked for are run to get them quiet. */
const PATIENCE = 3;

/**
 * Drives the contestants in turns: all once, then all again, so that a slow spell of the machine meets all of them.
 * Who begins changes from round to round. Noisy rounds are repeated; of all that were run the quietest count.
 *
 * @throws ErrorReply when a server answers with an error.
 * @returns each contestant's samples in the order of the rounds.
 */
export async function duel(each: Case, contestants: readonly Contestant[], length: Length): Promise<Sample[][]> {
  const requests: number[] = [];
  for (const contestant of contestants) {
    const tries = Math.min(400_000, CALIBRATION_REQUESTS * each.pipeline);
    const { requestsPerSecond } = await measure(each, contestant, contestants, length.requests ?? tries);
    requests.push(length.requests ?? Math.ceil(requestsPerSecond * length.seconds));
  }
  const rounds: Sample[][] = [];
  const quietRounds = () => rounds.filter(round => loudest(round) <= QUIET_SHARE).length;
  while (quietRounds() < length.rounds && rounds.length < length.rounds * PATIENCE) {
    const round: Sample[] = new Array(contestants.length);
    for (let turn = 0; turn < contestants.length; turn++) {
      const index = (rounds.length + turn) % contestants.length;
      round[index] = await measure(each, contestants[index]!, contestants, requests[index]!);
    }
    rounds.push(round);
  }
  const kept = quietest(rounds, length.rounds);
  return contestants.map((_, index) => kept.map(round => round[index]!));
}

/** So many of the rounds, those in which others used least; their order stays. */
export function quietest(rounds: readonly (readonly Sample[])[], count: number): ReadonlyArray<readonly Sample[]> {
  const kept = new Set(rounds.toSorted((a, b) => loudest(a) - loudest(b)).slice(0, count));
  return rounds.filter(round => kept.has(round));
}

const loudest = (round: readonly Sample[]) => Math.max(...round.map(({ noise }) => noise));

async function measure(
  { setting, command, pipeline }: Case,
  contestant: Contestant,
  all: readonly Contestant[],
  requests: number,
): Promise<Sample> {
  const noise = new Noise(all.flatMap(({ pids }) => pids));
  const before = contestant.processorSeconds();
  const result = await runRedisBenchmark({
    port: contestant.port,
    db: contestant.name === 'coterie' ? setting.keyspace : 0,
    command,
    pipeline,
    connections: CONNECTIONS,
    keys: KEYS,
    valueBytes: VALUE_BYTES,
    requests,
  });
  const share = noise.share();
  await contestant.rest();
  const processorUs = ((contestant.processorSeconds() - before) / requests) * 1e6;
  return { ...result, requests, processorUs, noise: share };
}
