/** What Linux says of processes in `/proc`. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Clock ticks in a second as `/proc` counts them: 100 on every Linux that Node.js runs on. */
const TICKS_PER_SECOND = 100;
const KIB = 1024;

/** Memory of a process in bytes. */
export interface Memory {
  readonly residentBytes: number;
  /** The most that it was. */
  readonly peakBytes: number;
}

/** @throws the system's error when there is no such process any more. */
export function memoryOf(pid: number): Memory {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return { residentBytes: field(status, 'VmRSS') * KIB, peakBytes: field(status, 'VmHWM') * KIB };
}

function field(status: string, name: string): number {
  const match = new RegExp(`^${name}:\\s*(\\d+) kB$`, 'm').exec(status);
  if (match === null) throw new Error(`/proc does not tell ${name}`);
  return Number(match[1]);
}

/** Processor time in seconds that a process has used, of all its threads. */
export function processorSeconds(pid: number | 'self'): number {
  const fields = statFields(pid);
  return (fields[11]! + fields[12]!) / TICKS_PER_SECOND;
}

/** Processor time in seconds of the children of this process that have ended. */
export function endedChildrenSeconds(): number {
  const fields = statFields('self');
  return (fields[13]! + fields[14]!) / TICKS_PER_SECOND;
}

/** The fields of `/proc/PID/stat` behind the command's name, which may contain anything: proc(5) counts them from 3. */
function statFields(pid: number | 'self'): number[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
}

/** Processor time in seconds that the whole machine has spent working, of all its processors. */
export function machineSeconds(): number {
  const [user, nice, system, , , irq, softirq, steal] = readFileSync('/proc/stat', 'utf8')
    .split('\n', 1)[0]!
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user! + nice! + system! + irq! + softirq! + steal!) / TICKS_PER_SECOND;
}

const SAMPLE_INTERVAL_MS = 500;
/** Memory is at rest when for so many samples it has changed by less than this part. */
const REST_SAMPLES = 6;
const REST_CHANGE = 0.005;
const REST_TIMEOUT_MS = 60_000;

/** Resident bytes of a process once they have come to rest, or after a minute. */
export async function residentAtRest(pid: number): Promise<number> {
  const samples: number[] = [];
  const deadlineMs = performance.now() + REST_TIMEOUT_MS;
  while (performance.now() < deadlineMs) {
    await sleep(SAMPLE_INTERVAL_MS);
    samples.push(memoryOf(pid).residentBytes);
    const last = samples.slice(-REST_SAMPLES);
    const change = Math.max(...last) - Math.min(...last);
    if (last.length === REST_SAMPLES && change < REST_CHANGE * last.at(-1)!) break;
  }
  return samples.at(-1)!;
}
