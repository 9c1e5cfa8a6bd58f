import type { ExplainWhat, ReplicaConflict, ReplicaVersion } from '../commands/server.ts';

/** "What have you of this key?", and what a replica says. */
export type ExplainMessage =
  | {
      readonly type: 'ask';
      readonly id: number;
      readonly db: number;
      readonly key: Uint8Array;
      readonly what: ExplainWhat;
    }
  | { readonly type: 'answer'; readonly id: number; readonly version: ReplicaVersion };

const STATUSES = ['value', 'tombstone', 'absent'] as const;

export function parseExplainMessage(value: unknown): ExplainMessage | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { type, id, db, key, what, version } = value as { [field: string]: unknown };
  if (typeof id !== 'number') return undefined;
  if (type === 'ask' && typeof db === 'number' && key instanceof Uint8Array && isWhat(what)) {
    return { type, id, db, key, what };
  }
  const parsed = type === 'answer' ? parseVersion(version) : undefined;
  return parsed && { type: 'answer', id, version: parsed };
}

function isWhat(value: unknown): value is ExplainWhat {
  return value === 'version' || value === 'conflicts';
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

/** What can be written as an integer reply. */
function isInteger(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

function parseVersion(value: unknown): ReplicaVersion | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const fields = value as { [field: string]: unknown };
  const status = STATUSES.find(known => known === fields['status']);
  if (status === undefined || typeof fields['node'] !== 'string') return undefined;
  return {
    node: fields['node'],
    status,
    refilling: fields['refilling'] === true,
    ...(typeof fields['dot'] === 'string' && { dot: fields['dot'] }),
    ...(isInteger(fields['writtenMs']) && { writtenMs: fields['writtenMs'] }),
    ...(isInteger(fields['length']) && { length: fields['length'] }),
    ...(isInteger(fields['expiryAtMs']) && { expiryAtMs: fields['expiryAtMs'] }),
    ...(Array.isArray(fields['vector']) && { vector: fields['vector'].filter(isText) }),
    ...(Array.isArray(fields['hintsFor']) && { hintsFor: fields['hintsFor'].filter(isText) }),
    ...(Array.isArray(fields['conflicts']) && { conflicts: fields['conflicts'].flatMap(parseConflict) }),
  };
}

/** None for what no node would say. */
function parseConflict(value: unknown): ReplicaConflict[] {
  if (typeof value !== 'object' || value === null) return [];
  const { dot, writtenMs, length, value: bytes } = value as { [field: string]: unknown };
  if (!isText(dot) || !isInteger(writtenMs)) return [];
  const body = bytes instanceof Uint8Array && { value: bytes };
  return [{ dot, writtenMs, ...(isInteger(length) && { length }), ...body }];
}
