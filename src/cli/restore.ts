import { Command } from 'commander';
import { Backup, BackupError } from '../io/backup/backup.ts';
import { MergedRecords } from '../io/backup/merged-records.ts';
import { NEVER } from '../store/record.ts';
import { Failure } from './failure.ts';
import { addNodeOptions, type NodeOptions, nodeOf } from './node-address.ts';
import { RestoreTarget } from './restore-target.ts';
import type { Shell } from './shell.ts';

interface Options extends NodeOptions {
  readonly from: readonly string[];
}

/** What was not set, and why. */
interface LeftOut {
  deleted: number;
  expired: number;
}

/** `coterie restore`: sets the keys of backups in a running cluster, of whatever size. */
export function restoreCommand(shell: Shell): Command {
  const command = new Command('restore')
    .summary('set the keys of backups in a running cluster')
    .description(
      'Reads backups of one cluster, and sets what they hold in a running cluster of any size, as a client of one node: of a key that several have, the ' +
        'newest version; no key that was deleted or has expired. Keys that the cluster has already are set, too. Exits with 1 if not everything was restored.',
    )
    .requiredOption('--from <dir...>', 'a directory that COTERIE BACKUP has made, or several');
  return addNodeOptions(command).action((options: Options) => restore(options, shell));
}

async function restore(options: Options, shell: Shell): Promise<void> {
  const { address, password } = nodeOf(options, shell.env);
  const backups: Backup[] = [];
  let target: RestoreTarget | undefined;
  try {
    for (const path of options.from) backups.push(await Backup.open(path));
    refuseOtherClusters(backups);
    target = await RestoreTarget.open(address, password);
    await refuseOtherKeyspaces(backups, target);
    await restoreAll(backups, target, shell);
  } catch (error) {
    throw error instanceof BackupError ? new Failure(1, error.message) : error;
  } finally {
    target?.close();
    for (const backup of backups) await backup.close();
  }
}

/** The newest of two versions means nothing where two clusters have written them. */
function refuseOtherClusters([first, ...others]: readonly Backup[]): void {
  const other = others.find(({ clusterId }) => clusterId !== first!.clusterId);
  if (other === undefined) return;
  throw new Failure(1, `${first!.path} and ${other.path} are of two clusters: restore one, and then the other`);
}

async function refuseOtherKeyspaces(backups: readonly Backup[], { keyspaces }: RestoreTarget): Promise<void> {
  for (const backup of backups) {
    const missing = [...(await backup.dbs())].filter(db => !keyspaces.has(db));
    if (missing.length === 0) continue;
    const there = [...keyspaces.keys()].join(', ');
    throw new Failure(
      1,
      `${backup.path} has keys in keyspace ${missing.join(', ')}, which the cluster does not have; it has ${there}`,
    );
  }
}

async function restoreAll(backups: readonly Backup[], target: RestoreTarget, { out }: Shell): Promise<void> {
  const records = new MergedRecords(backups);
  const leftOut: LeftOut = { deleted: 0, expired: 0 };
  try {
    await setAll(records, target, leftOut);
  } catch (error) {
    if (!(error instanceof Failure) && !(error instanceof BackupError)) throw error;
    const soFar = restoredIn(target).join(', ') || 'nothing';
    throw new Failure(1, `${error.message}; restored before that: ${soFar}`);
  }
  for (const line of restoredIn(target)) out(`${line}\n`);
  out(`left out: ${leftOut.deleted} deleted, ${leftOut.expired} expired\n`);
  await tellDamage(backups, records);
}

async function setAll(records: MergedRecords, target: RestoreTarget, leftOut: LeftOut): Promise<void> {
  for await (const { db, key, record } of records.read()) {
    const atMs = record.expiry?.atMs ?? NEVER;
    if (record.value === undefined) leftOut.deleted++;
    else if (atMs !== NEVER && atMs <= Date.now()) leftOut.expired++;
    else await target.set(db, key, record.value, atMs === NEVER ? undefined : atMs);
  }
  await target.finish();
}

/** A line for each keyspace: `keyspace 0 (eventual): 512 keys`. */
function restoredIn({ restored, keyspaces }: RestoreTarget): string[] {
  return [...restored].map(([db, keys]) => `keyspace ${db} (${keyspaces.get(db)}): ${keys} keys`);
}

/** What is not in the cluster now, though it was in the backups. */
async function tellDamage(backups: readonly Backup[], records: MergedRecords): Promise<void> {
  const lines: string[] = [];
  if (records.damaged > 0) lines.push(`damaged, and so not restored: ${records.damaged} entries`);
  for (const backup of backups) {
    const missing = await backup.countMissing();
    if (missing === undefined) lines.push(`${backup.path} no longer says how many entries it should have`);
    else if (missing > 0) lines.push(`${backup.path} is damaged: ${missing} entries are missing`);
  }
  if (lines.length > 0) throw new Failure(1, ...lines);
}
