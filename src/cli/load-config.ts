import { readFileSync } from 'node:fs';
import { type Config, ConfigError } from '../config/config.ts';
import { CONFIG_FILE_VARIABLE } from '../config/environment.ts';
import { parseConfig } from '../config/parse-config.ts';
import { Failure } from './failure.ts';
import { thisMachine } from './machine.ts';
import type { Shell } from './shell.ts';

/**
 * The configuration from flags, the environment and a file.
 *
 * @throws Failure with status 2 and a line for each problem.
 */
export function loadConfig(
  flags: Readonly<Record<string, string>>,
  configFile: string | undefined,
  env: Shell['env'],
): Config {
  const fileName = configFile ?? (env[CONFIG_FILE_VARIABLE] || undefined);
  const file = fileName === undefined ? undefined : { name: fileName, text: readText(fileName) };
  const config = parseConfig({ flags, env, file, machine: thisMachine() });
  if (config instanceof ConfigError) throw new Failure(2, ...config.problems);
  return config;
}

function readText(fileName: string): string {
  try {
    return readFileSync(fileName, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    throw new Failure(2, `--config: ${JSON.stringify(fileName)} cannot be read (${code}); expected a file of settings`);
  }
}
