import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { HEAD_BYTES, type LogEnd, type LogReading, readLog } from './level-log.ts';
import { versionOf } from './level-manifest.ts';
import { faultOfTable } from './level-table.ts';

/** What is wrong with a store, in a sentence each: see `Disk`. */
export interface Findings {
  readonly lost: string | undefined;
  readonly torn: string | undefined;
}

export const NO_FINDINGS: Findings = { lost: undefined, torn: undefined };

/** A record's sequence number can be so much larger than that of the one before: it counts entries. */
const MAX_SEQUENCE_STEP = 2 ** 32;
/** Larger ones cannot be written in the life of a store. */
const MAX_SEQUENCE = 2 ** 48;
/** Tables that a sentence names. */
const MAX_NAMED = 3;

/**
 * Looks at the files of a store in which nobody has changed anything since its last process ended; what LevelDB finds itself (a table that is missing,
 * a manifest that cannot be read) is left to it.
 *
 * @param withTables whether the tables are looked at as well: that reads the whole store.
 */
export function findingsIn(path: string, withTables: boolean): Findings {
  const version = versionOf(path);
  const logs = readLogs(path, version.firstLog);
  const faults = [version.isBroken ? 'its manifest is damaged' : undefined, logs.lost];
  if (withTables) faults.push(faultOfTables(path, version.tables));
  const lost = faults.filter(fault => fault !== undefined);
  return { lost: lost.length === 0 ? undefined : lost.join('; '), torn: logs.torn };
}

function faultOfTables(path: string, tables: ReadonlyMap<number, number>): string | undefined {
  const faults: string[] = [];
  for (const [number, bytes] of tables) {
    const name = fileName(number, 'ldb');
    const fault = faultOfTable(join(path, name), bytes);
    if (fault !== undefined) faults.push(`${name} is damaged: ${fault}`);
  }
  const named = faults.slice(0, MAX_NAMED).join('; ');
  if (faults.length <= MAX_NAMED) return named || undefined;
  return `${named}; and ${faults.length - MAX_NAMED} other tables are damaged`;
}

/** The logs follow one another: what is bad at the end of one is in the middle when there is something good in a later one. */
function readLogs(path: string, firstLog: number): Findings {
  const numbers = readdirSync(path)
    .map(name => /^(\d+)\.log$/.exec(name)?.[1])
    .filter(digits => digits !== undefined)
    .map(Number)
    .filter(number => number >= firstLog)
    .sort((a, b) => a - b);
  if (firstLog > 0 && numbers[0] !== firstLog)
    return { lost: `${fileName(firstLog, 'log')} is missing`, torn: undefined };
  let sequence = 0;
  let torn: string | undefined;
  for (const number of numbers) {
    const name = fileName(number, 'log');
    const isLater = (next: number): boolean =>
      next > sequence && next < (sequence === 0 ? MAX_SEQUENCE : sequence + MAX_SEQUENCE_STEP);
    const reading: LogReading = {
      mayBegin: head => head.length < HEAD_BYTES || isLater(Number(head.readBigUInt64LE(0))),
      wantedBytes: HEAD_BYTES,
      take: head => {
        if (head.length === HEAD_BYTES) sequence = Number(head.readBigUInt64LE(0));
      },
    };
    let found: LogEnd;
    try {
      found = readLog(join(path, name), reading, torn !== undefined);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EIO') throw error;
      return { lost: `${name} cannot be read: ${(error as Error).message}`, torn: undefined };
    }
    if (found.end === 'broken')
      return {
        lost: `${torn ?? `${name} is damaged at ${found.at}`}, and more was written behind that`,
        torn: undefined,
      };
    if (found.end === 'torn') torn ??= `${name} is broken off at ${found.at}`;
  }
  return { lost: undefined, torn };
}

/** As LevelDB names it. */
function fileName(number: number, kind: 'log' | 'ldb'): string {
  return `${String(number).padStart(6, '0')}.${kind}`;
}
