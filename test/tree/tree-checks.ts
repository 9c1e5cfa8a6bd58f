/** Checks of sources as text, each a function of them alone, so that a test can show that it sees. */

/** Paths below `src/`, such as `ring/ring.ts`, and their texts. */
export type Tree = ReadonlyMap<string, string>;

/** DESIGN §10: a folder imports from lower numbers only. `main.ts` is the top; configuration is pure, the command line is not. */
export const LAYERS: Readonly<Record<string, number>> = {
  lib: 0,
  ports: 0,
  resp: 1,
  clock: 1,
  ring: 1,
  digest: 1,
  membership: 2,
  raft: 2,
  store: 2,
  replication: 3,
  topology: 3,
  commands: 3,
  config: 3,
  node: 4,
  io: 5,
  sim: 5,
  cli: 6,
  'main.ts': 7,
};

/** Folders that touch the world: sockets, files, timers, the clock, the environment. */
const SHELLS: readonly string[] = ['io', 'cli', 'main.ts'];

/**
 * The ways in: the command line, the simulator for whoever runs it, what `scripts/write-default-config.ts` calls, the
 * disk's thread, and the simulated drive, until simulated nodes are given one.
 */
export const ENTRIES: readonly string[] = [
  'main.ts',
  'sim/index.ts',
  'config/default-file.ts',
  'io/disk/level-disk-worker.ts',
];

const MAX_LINES = 450;

/** Names by which a core would reach for time, randomness, the process or a later turn of the event loop. */
const WORLD =
  /\b(?:Date|Math\.random|setTimeout|setInterval|setImmediate|clearTimeout|clearInterval|performance|queueMicrotask|globalThis|fetch|crypto|console|process\.(?:arch|argv|cwd|emit\w*|env|exit\w*|hrtime|kill|memoryUsage|nextTick|off|on|once|pid|platform|resourceUsage|stderr|stdin|stdout|title|uptime|version|versions))\b(?!\s*[:?])/g;
const LATER = /\b(?:async|await|Promise)\b/g;
const ANY = /(?::|\bas|<|,|\||&|=>|\()\s*any\b(?!\s*[:=])|\bany\[\]/g;

const folderOf = (path: string): string => path.split('/')[0]!;
const isCore = (path: string): boolean => !SHELLS.includes(folderOf(path));

/** A source without comments, and without what its strings and patterns say; lines stay where they are. */
export function withoutText(source: string): string {
  const token = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\[\s\S]|[^`\\])*`/g;
  return source.replace(token, found => {
    if (found[0] === '/') return found.replace(/[^\n]/g, '');
    // What a template computes is code.
    if (found[0] === '`') return [...found.matchAll(/\$\{([^}]*)\}/g)].map(([, code]) => `(${code})`).join('') || "''";
    return "''";
  });
}

interface Import {
  readonly from: string;
  readonly isTypeOnly: boolean;
}

/** Every module that a source names, `export … from` and `import()` included. */
export function importsOf(source: string): Import[] {
  const code = source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  const statements = code.matchAll(/^(?:import|export)\s(type\s)?(?:[^'";]*?\sfrom\s)?\s*'([^']+)'/gm);
  const calls = code.matchAll(/\bimport\(\s*'([^']+)'\s*\)/g);
  return [
    ...[...statements].map(([, type, from]) => ({ from: from!, isTypeOnly: type !== undefined })),
    ...[...calls].map(([, from]) => ({ from: from!, isTypeOnly: false })),
  ];
}

/** The path that a relative import means, from `src/` on. */
function resolve(path: string, from: string): string {
  const parts = path.split('/').slice(0, -1);
  for (const step of from.split('/')) {
    if (step === '..') parts.pop();
    else if (step !== '.') parts.push(step);
  }
  return parts.join('/');
}

/** Imports that do not go down, between folders of one number, or of folders that no layer names. */
export function wrongDirections(tree: Tree): string[] {
  const faults: string[] = [];
  for (const [path, source] of tree) {
    const folder = folderOf(path);
    const layer = LAYERS[folder];
    if (layer === undefined) faults.push(`${path}: ${folder} has no layer`);
    for (const { from } of importsOf(source)) {
      if (!from.startsWith('.')) continue;
      const target = resolve(path, from);
      const below = folderOf(target);
      if (!tree.has(target)) faults.push(`${path} imports ${target}, which is not there`);
      if (below !== folder && !((LAYERS[below] ?? 99) < (layer ?? -1))) faults.push(`${path} imports ${target}`);
    }
  }
  return faults;
}

/** Cores that import a module of the runtime, types apart. */
export function runtimeModules(tree: Tree): string[] {
  const faults: string[] = [];
  for (const [path, source] of tree) {
    if (!isCore(path)) continue;
    for (const { from, isTypeOnly } of importsOf(source)) {
      if (from.startsWith('node:') && !isTypeOnly) faults.push(`${path} imports ${from}`);
    }
  }
  return faults;
}

/** Cores that reach for the world by a global name, or put something off. */
export function reachingForTheWorld(tree: Tree): string[] {
  return [...tree]
    .filter(([path]) => isCore(path))
    .flatMap(([path, source]) => [
      ...matches(path, source, WORLD).filter(fault => !isMember(fault)),
      ...matches(path, source, LATER),
    ]);
}

export function usesOfAny(tree: Tree): string[] {
  return [...tree].flatMap(([path, source]) => matches(path, source, ANY));
}

/** Files that cannot be reached from a way in by imports. */
export function deadFiles(tree: Tree, entries: readonly string[]): string[] {
  const reached = new Set<string>();
  const left = [...entries];
  for (let path = left.pop(); path !== undefined; path = left.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    for (const { from } of importsOf(tree.get(path) ?? '')) if (from.startsWith('.')) left.push(resolve(path, from));
  }
  return [...tree.keys()].filter(path => !reached.has(path));
}

export function longFiles(tree: Tree): string[] {
  return [...tree]
    .map(([path, source]) => ({ path, lines: source.split('\n').length - 1 }))
    .filter(({ lines }) => lines > MAX_LINES)
    .map(({ path, lines }) => `${path} has ${lines} lines`);
}

/** `path:line: word before and after`, for every match in the code. */
function matches(path: string, source: string, pattern: RegExp): string[] {
  return withoutText(source)
    .split('\n')
    .flatMap((line, i) =>
      [...line.matchAll(pattern)].map(match => {
        const before = line.slice(Math.max(0, match.index - 1), match.index);
        return `${path}:${i + 1}: ${before}${match[0].trim()}`;
      }),
    );
}

/** A property or method of some object, such as `ports.process`, is not the global of that name. */
function isMember(fault: string): boolean {
  return /: [.#]/.test(fault);
}
