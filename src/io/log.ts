import { type DestinationStream, pino } from 'pino';
import { prettyFactory } from 'pino-pretty';
import type { Log } from '../ports/log.ts';

/** How much is logged and in which form; a node's configuration has these fields. */
export interface LogOptions {
  /** The node's; stands in every line. */
  readonly name: string;
  readonly logLevel: 'info' | 'warn' | 'error' | 'silent';
  /** `auto`: for people when standard output is a terminal, JSON when it is not. */
  readonly logFormat: 'auto' | 'json' | 'pretty';
}

/** What may wait for a reader of standard output that has stopped reading; lines beyond it are dropped. */
const MAX_WAITING_BYTES = 1024 * 1024;

/** A log on standard output. */
export function createLog({ name, logLevel, logFormat }: LogOptions): Log {
  const destination = standardOutput();
  const pretty = logFormat === 'pretty' || (logFormat === 'auto' && process.stdout.isTTY);
  const logger = pino(
    {
      level: logLevel,
      base: { name },
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

/**
 * Node's own stream writes a line in the call if the pipe takes it, so that the last line before an exit is out, and
 * queues it if not. pino's destination does neither: synchronous it stops the node while nobody reads, asynchronous it
 * tries for ever to write what is left at the exit, even when the reader is gone.
 */
function standardOutput(): DestinationStream {
  let readerGone = false;
  process.stdout.on('error', () => {
    readerGone = true;
  });
  return {
    write(line) {
      if (!readerGone && process.stdout.writableLength < MAX_WAITING_BYTES) process.stdout.write(line);
    },
  };
}

/** Lines for people. Formatted in the call: through a stream of pino-pretty's own the last lines before an exit are lost. */
function prettyOn(destination: DestinationStream): DestinationStream {
  const { NO_COLOR } = process.env;
  const format = prettyFactory({
    colorize: process.stdout.isTTY === true && !NO_COLOR,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'name',
    singleLine: true,
  });
  return { write: line => destination.write(format(line)) };
}
