import type { z } from 'zod';
import { type Config, ConfigError, type Machine } from './config.ts';
import { type ConfigFile, readConfigFile } from './config-file.ts';
import { deriveConfig } from './derive.ts';
import { bareName, environmentName, readEnvironment } from './environment.ts';
import { keyspaceSchema } from './keyspace.ts';
import { nearest } from './nearest.ts';
import { configSchema } from './schema.ts';
import { settings } from './setting.ts';

/** Where settings come from; a flag wins over the environment, that over the file, that over the default. */
export interface ConfigSources {
  /** Texts of flags by setting, without the dashes: `{ 'bus-port': '17001' }`. */
  readonly flags: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The file's text and what messages call it. */
  readonly file?: { readonly name: string; readonly text: string } | undefined;
  readonly machine: Machine;
}

/** A value and how messages name its place, for the path below the setting. */
interface Sourced {
  readonly value: unknown;
  place(path: readonly PropertyKey[]): string;
}

/** A setting as its source names it, kept apart from what it is worth so that a message can tell where it came from. */
type Sources = ReadonlyMap<string, Sourced>;

/** Puts a node's configuration together from its sources. Pure: all it needs comes as arguments. */
export function parseConfig(sources: ConfigSources): Config | ConfigError {
  const problems: string[] = [];
  const merged = new Map<string, Sourced>();
  for (const source of [readFile(sources, problems), readVariables(sources.env, problems), readFlags(sources.flags)]) {
    for (const [name, sourced] of source) merged.set(name, sourced);
  }
  if (problems.length > 0) return new ConfigError(problems);

  const input = Object.fromEntries([...merged].map(([name, { value }]) => [name, value]));
  const parsed = configSchema.safeParse(input);
  if (!parsed.success) {
    return new ConfigError(parsed.error.issues.flatMap(issue => describeIssue(issue, input, merged)));
  }
  const config = deriveConfig(parsed.data, sources.machine, (path, sentence) => {
    problems.push(`${placeOf(path, merged)}: ${sentence}`);
  });
  return problems.length > 0 ? new ConfigError(problems) : config;
}

function readFile({ file }: ConfigSources, problems: string[]): Sources {
  if (file === undefined) return new Map();
  const read = readConfigFile(file.text);
  if ('reason' in read) {
    problems.push(`${file.name}:${read.line}: ${read.reason}`);
    return new Map();
  }
  const sourced = ([name, value]: [string, unknown]): [string, Sourced] => [name, fromFile(file.name, read, value)];
  return new Map([...read.values].map(sourced));
}

function fromFile(fileName: string, file: ConfigFile, value: unknown): Sourced {
  return { value, place: path => `${fileName}:${file.lineOf(path)}: ${formatPath(path)}` };
}

function readVariables(env: ConfigSources['env'], problems: string[]): Sources {
  const names = new Map(Object.keys(configSchema.shape).map(name => [environmentName(name), name]));
  const found = new Map<string, Sourced>();
  for (const [variable, value] of readEnvironment(env)) {
    const name = names.get(variable);
    if (name === undefined) {
      problems.push(`${variable}: no such setting${suggestion(bareName(variable), names.values(), environmentName)}`);
    } else if (name === 'keyspaces') {
      problems.push(`${variable}: keyspaces are too much for one variable; expected them in a file`);
    } else {
      found.set(name, { value, place: () => variable });
    }
  }
  return found;
}

function readFlags(flags: ConfigSources['flags']): Sources {
  return new Map(Object.entries(flags).map(([name, value]) => [name, { value, place: () => `--${name}` }]));
}

function placeOf(path: readonly PropertyKey[], sources: Sources): string {
  return sources.get(String(path[0]))?.place(path) ?? formatPath(path);
}

/** `keyspaces[1].read`, the way a path is written everywhere. */
function formatPath(path: readonly PropertyKey[]): string {
  return path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? String(step) : `.${String(step)}`))
    .join('');
}

type Issue = z.core.$ZodIssue;

function describeIssue(issue: Issue, input: unknown, sources: Sources): string[] {
  if (issue.code === 'unrecognized_keys') {
    const known = Object.keys(issue.path.length === 0 ? configSchema.shape : keyspaceSchema.shape);
    return issue.keys.map(key => {
      return `${placeOf([...issue.path, key], sources)}: no such setting${suggestion(key, known)}`;
    });
  }
  const place = placeOf(issue.path, sources);
  const value = valueAt(input, issue.path);
  if (value === undefined) return [`${place}: is missing; expected ${allowedBy(issue)}`];
  const shown = isSecret(issue.path) ? 'this value (not shown)' : show(value);
  return [`${place}: ${shown} is not allowed; expected ${allowedBy(issue)}`];
}

function allowedBy(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.expected === 'array' ? 'a list' : `the keys ${Object.keys(keyspaceSchema.shape).join(', ')}`;
    case 'too_small':
      return `at least ${issue.minimum} entry`;
    case 'too_big':
      return `at most ${issue.maximum} entries`;
    default:
      return issue.message;
  }
}

function isSecret(path: readonly PropertyKey[]): boolean {
  const schema = (configSchema.shape as Record<string, z.ZodType>)[String(path[0])];
  return schema !== undefined && settings.get(schema)?.secret === true;
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[step];
  }
  return value;
}

const MAX_SHOWN = 60;

/** A value in one short line. */
function show(value: unknown): string {
  if (value === null) return 'an empty value';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

function suggestion(word: string, known: Iterable<string>, spell = (name: string) => name): string {
  const meant = nearest(word, known);
  return meant === undefined ? '; --help lists what there is' : `; did you mean ${spell(meant)}?`;
}
