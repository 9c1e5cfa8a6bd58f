import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  deadFiles,
  ENTRIES,
  importsOf,
  longFiles,
  reachingForTheWorld,
  runtimeModules,
  type Tree,
  usesOfAny,
  withoutText,
  wrongDirections,
} from './tree-checks.ts';

const SRC = new URL('../../src/', import.meta.url);

const TREE: Tree = new Map(
  readdirSync(SRC, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && entry.name.endsWith('.ts'))
    .map(({ parentPath, name }) => `${parentPath}/${name}`.replaceAll('//', '/'))
    .map(path => [path.slice(SRC.pathname.length), readFileSync(path, 'utf8')]),
);

/** A tree of one file or more, for showing that a check sees. */
const tree = (files: Record<string, string>): Tree => new Map(Object.entries(files));

describe('The tree', () => {
  it('is read: more than a hundred files, each folder of the design', () => {
    expect(TREE.size).toBeGreaterThan(100);
    const folders = new Set([...TREE.keys()].map(path => path.split('/')[0]));
    for (const folder of ['lib', 'ports', 'ring', 'store', 'replication', 'node', 'io'])
      expect(folders).toContain(folder);
  });

  it('imports from lower layers only, and never between folders of one number (DESIGN §10)', () => {
    expect(wrongDirections(TREE)).toEqual([]);
  });

  it('imports modules of the runtime in io, cli and main.ts only', () => {
    expect(runtimeModules(TREE)).toEqual([]);
  });

  it('takes time and randomness as parameters, and has no promises, in its cores', () => {
    expect(reachingForTheWorld(TREE)).toEqual([]);
  });

  it('has no any', () => {
    expect(usesOfAny(TREE)).toEqual([]);
  });

  it('has no file that nothing imports', () => {
    expect(deadFiles(TREE, ENTRIES)).toEqual([]);
  });

  it('has no file of more than 450 lines', () => {
    expect(longFiles(TREE)).toEqual([]);
  });
});

describe('The checks see', () => {
  it('an import that goes up, one to a folder of the same number, and one of a file that is not there', () => {
    const files = {
      'ring/a.ts': "import { b } from '../store/b.ts';\nexport { c } from '../digest/c.ts';\n",
      'store/b.ts': "import type { A } from '../ring/a.ts';\nimport {\n  x,\n  y,\n} from './missing.ts';\n",
      'digest/c.ts': '',
      'node/d.ts': "const later = import('../io/e.ts');\n",
      'io/e.ts': "import '../sim/f.ts';\n",
      'sim/f.ts': "import '../node/d.ts';\n",
      'odd/g.ts': '',
    };
    expect(wrongDirections(tree(files))).toEqual([
      'ring/a.ts imports store/b.ts',
      'ring/a.ts imports digest/c.ts',
      'store/b.ts imports store/missing.ts, which is not there',
      'node/d.ts imports io/e.ts',
      'io/e.ts imports sim/f.ts',
      'odd/g.ts: odd has no layer',
    ]);
  });

  it('a runtime module in a core, but not its types, and not in the shell', () => {
    const files = {
      'ring/a.ts': "import type { Socket } from 'node:net';\nimport { createHash } from 'node:crypto';\n",
      'io/b.ts': "import net from 'node:net';\n",
      'config/c.ts': "import { readFileSync } from 'node:fs';\n",
    };
    expect(runtimeModules(tree(files))).toEqual(['ring/a.ts imports node:crypto', 'config/c.ts imports node:fs']);
  });

  it.each([
    'const now = Date.now();',
    'const at = new Date();',
    'Math.random();',
    'setTimeout(f, 1);',
    'setInterval(f, 1);',
    'setImmediate(f);',
    'performance.now();',
    'process.env;',
    'queueMicrotask(f);',
    'const text = `${' + 'Date.now()}`;',
    'async function f() {}',
    'await x;',
    'let p: Promise<void>;',
    'return Promise.all([]);',
  ])('%s in a core', line => {
    expect(reachingForTheWorld(tree({ 'store/a.ts': `\n${line}\n` }))[0]).toMatch(/^store\/a\.ts:2: /);
    expect(reachingForTheWorld(tree({ 'io/a.ts': line }))).toEqual([]);
  });

  it('no fault in words, or in a property that only bears the name', () => {
    const source = [
      '// Date.now() would be wrong; async too',
      '/* setTimeout\n * await */',
      'const text = \'process.env\' + "Promise";',
      'readonly process: ProcessFacts;',
      'ports.process.id;',
      'process.isUp;',
      'this.#process.memory();',
      'const Update = Dated;',
    ].join('\n');
    expect(reachingForTheWorld(tree({ 'node/a.ts': source }))).toEqual([]);
    expect(withoutText(source).split('\n')).toHaveLength(source.split('\n').length);
  });

  it.each(['let x: any;', 'f(x as any)', 'const m = new Map<string, any>();', 'type T = any[];', 'type U = A | any;'])(
    '%s',
    line => {
      expect(usesOfAny(tree({ 'lib/a.ts': line }))).toHaveLength(1);
    },
  );

  it('no any in a word, a comment or a name', () => {
    const source = "/** any: of any kind */\nconst any = 'as any';\nanyOf(many);\n";
    expect(usesOfAny(tree({ 'lib/a.ts': source }))).toEqual([]);
  });

  it('a file that nothing imports, however files import each other', () => {
    const files = {
      'main.ts': "import './cli/a.ts';",
      'cli/a.ts': "export * from '../lib/b.ts';\nimport type { C } from '../lib/c.ts';",
      'lib/b.ts': '',
      'lib/c.ts': '',
      'lib/d.ts': "import './e.ts';",
      'lib/e.ts': "import './d.ts';",
    };
    expect(deadFiles(tree(files), ['main.ts'])).toEqual(['lib/d.ts', 'lib/e.ts']);
  });

  it('a file that is too long', () => {
    expect(longFiles(tree({ 'lib/a.ts': '\n'.repeat(451), 'lib/b.ts': '\n'.repeat(450) }))).toEqual([
      'lib/a.ts has 451 lines',
    ]);
  });

  it('imports of every form', () => {
    const source = [
      "import a from './a.ts';",
      "import type { B } from './b.ts';",
      "import './c.ts';",
      "export * from './d.ts';",
      "export type { E } from './e.ts';",
      'import {',
      '  f,',
      "} from './f.ts';",
      "// import './g.ts';",
      "const h = await import('./h.ts');",
      "export const i = 'from j';",
    ].join('\n');
    const seen = importsOf(source).map(({ from, isTypeOnly }) => (isTypeOnly ? `type ${from}` : from));
    expect(seen).toEqual(['./a.ts', 'type ./b.ts', './c.ts', './d.ts', 'type ./e.ts', './f.ts', './h.ts']);
  });
});
