import type { BenchmarkCommand } from './redis-benchmark.ts';

/** Who stands against whom. */
export interface Setting {
  readonly id: 'one' | 'one-sync' | 'one-batched' | 'three-eventual' | 'three-quorum';
  readonly title: string;
  /** Of coterie. */
  readonly nodes: number;
  /** The database number that coterie is driven in; Redis is in 0. */
  readonly keyspace: number;
  readonly redisReplicas: number;
  /** Whether the plain server takes part. */
  readonly withPlain: boolean;
  /** Of coterie's keyspaces; Redis has an append-only file with `appendfsync always` beside `sync`, `everysec` beside `batched`. */
  readonly durability: 'none' | 'batched' | 'sync';
}

export interface Case {
  readonly setting: Setting;
  readonly command: BenchmarkCommand;
  readonly pipeline: number;
  /** What coterie ÷ Redis is to reach, where a target has been set. */
  readonly target: number | undefined;
}

export const COMMANDS = ['SET', 'GET'] as const satisfies readonly BenchmarkCommand[];
export const PIPELINES = [1, 16, 100] as const;

export const SETTINGS: readonly Setting[] = [
  {
    id: 'one',
    title: 'One node against one Redis',
    nodes: 1,
    keyspace: 0,
    redisReplicas: 0,
    withPlain: true,
    durability: 'none',
  },
  {
    id: 'one-sync',
    title:
      'One node that keeps keyspace 0 on disk with `durability: sync`, against one Redis with `appendfsync always`',
    nodes: 1,
    keyspace: 0,
    redisReplicas: 0,
    withPlain: false,
    durability: 'sync',
  },
  {
    id: 'one-batched',
    title: 'The same with `durability: batched`, against `appendfsync everysec`',
    nodes: 1,
    keyspace: 0,
    redisReplicas: 0,
    withPlain: false,
    durability: 'batched',
  },
  {
    id: 'three-eventual',
    title: 'Three nodes, keyspace 0 (W = 1, R = 1), against Redis with two replicas',
    nodes: 3,
    keyspace: 0,
    redisReplicas: 2,
    withPlain: false,
    durability: 'none',
  },
  {
    id: 'three-quorum',
    title: 'Three nodes, keyspace 1 (W = 2, R = 2), against Redis with two replicas',
    nodes: 3,
    keyspace: 1,
    redisReplicas: 2,
    withPlain: false,
    durability: 'none',
  },
];

/** What was asked for, by `setting command pipeline`. */
const TARGETS: ReadonlyMap<string, number> = new Map([
  ['one SET 1', 0.95],
  ['one SET 16', 0.5],
  ['one SET 100', 0.45],
  ['one GET 1', 0.95],
  ['one GET 16', 0.5],
  ['one GET 100', 0.45],
  ['one-sync SET 1', 0.8],
  ['one-batched SET 16', 0.5],
  ['three-eventual SET 16', 0.5],
  ['three-quorum SET 1', 0.5],
  ['three-quorum SET 16', 0.35],
]);

const ALL_CASES: readonly Case[] = SETTINGS.flatMap(setting =>
  COMMANDS.flatMap(command =>
    PIPELINES.map(pipeline => ({
      setting,
      command,
      pipeline,
      target: TARGETS.get(`${setting.id} ${command} ${pipeline}`),
    })),
  ),
);

/** What each kind of word in `--only` compares with. */
const WORD_OF: ReadonlyArray<(each: Case) => string> = [
  each => each.setting.id,
  each => each.command.toLowerCase(),
  each => `p${each.pipeline}`,
];

/**
 * The cases that a filter such as `one,set,p1,p16` leaves: settings, commands and pipelines, and of a kind that it does
 * not mention all.
 *
 * @throws an Error when a word names nothing.
 */
export function chooseCases(only: string): readonly Case[] {
  const words = only.split(',').filter(word => word !== '');
  const known = WORD_OF.map(wordOf => new Set(ALL_CASES.map(wordOf)));
  const unknown = words.find(word => !known.some(kind => kind.has(word)));
  if (unknown !== undefined) {
    const allowed = known.flatMap(kind => [...kind]).join(', ');
    throw new Error(`--only: "${unknown}" is not allowed; expected some of ${allowed}`);
  }
  return ALL_CASES.filter(each =>
    WORD_OF.every((wordOf, kind) => {
      const mentioned = words.filter(word => known[kind]!.has(word));
      return mentioned.length === 0 || mentioned.includes(wordOf(each));
    }),
  );
}
