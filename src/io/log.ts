import { type DestinationStream, pino } from 'pino';
import { prettyFactory } from 'pino-pretty';
import type { Log } from '../ports/log.ts';

/** How much is logged and in which form; a node's configuration has these fields. */
export interface LogOptions {
  /** Stands in every line as `node`. */
  readonly name: string;
  readonly logLevel: 'info' | 'warn' | 'error' | 'silent';
  /** `auto`: for people when standard output is a terminal, JSON when it is not. */
  readonly logFormat: 'auto' | 'json' | 'pretty';
}

/** What may wait for a reader of standard output that has stopped reading; lines beyond it are dropped. */
const MAX_WAITING_BYTES = 1024 * 1024;

const STANDARD_OUTPUT = 1;

/**
 * A log on standard output. Writing does not wait for the reader, so that a stopped terminal never stops a node;
 * what still waits when the process exits is written then.
 */
export function createLog({ name, logLevel, logFormat }: LogOptions): Log {
  const destination = pino.destination({ dest: STANDARD_OUTPUT, sync: false, maxLength: MAX_WAITING_BYTES });
  const pretty = logFormat === 'pretty' || (logFormat === 'auto' && process.stdout.isTTY);
  const logger = pino(
    {
      level: logLevel,
      base: { node: name },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) },
    },
    pretty ? prettyOn(destination) : destination,
  );
  return {
    info: (event, fields) => logger.info(fields ?? {}, event),
    warn: (event, fields) => logger.warn(fields ?? {}, event),
    error: (event, fields) => logger.error(fields ?? {}, event),
  };
}

/** Lines for people. Formatted in the call: through a stream of pino-pretty's own the last lines before an exit are lost. */
function prettyOn(destination: DestinationStream): DestinationStream {
  const { NO_COLOR } = process.env;
  const format = prettyFactory({
    colorize: process.stdout.isTTY === true && !NO_COLOR,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'node',
    singleLine: true,
  });
  return { write: line => destination.write(format(line)) };
}
