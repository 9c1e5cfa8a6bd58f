import { type ParseArgsConfig, parseArgs } from 'node:util';

type Flags = NonNullable<ParseArgsConfig['options']>;

/** The flags of this process; ends it with one line and status 2 when they are wrong. */
export function readFlags<const F extends Flags>(options: F) {
  return orRefuse(() => parseArgs({ options, allowPositionals: false }).values);
}

/** A number from a flag's text. @throws an Error that says what is allowed. */
export function numberFlag(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= min && value <= max)) {
    throw new Error(`--${name}: "${text}" is not allowed; expected a number from ${min} to ${max}`);
  }
  return value;
}

/** What `read` returns; an error that it throws ends the process with its message and status 2. */
export function orRefuse<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exit(2);
  }
}

/** How a user repeats this run: the script and its flags, but for where the result goes. */
export function commandLine(script: string): string {
  const args = process.argv.slice(2);
  const told = args.filter((arg, index) => !/^--(markdown|json)/.test(arg) && args[index - 1] !== '--json');
  return `npm run ${script}${told.length > 0 ? ` -- ${told.join(' ')}` : ''}`;
}
