import type { ClusterIdentity } from '../../membership/cluster.ts';
import { allMembers, isMember, isOwner, type Topology } from '../../membership/topology.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Backups, Disk, DiskFailure, MadeBackup } from '../../ports/disk.ts';
import type { Log } from '../../ports/log.ts';
import type { NodeName } from '../../ports/outbox.ts';
import { Durability, IN_MEMORY } from '../../replication/durability.ts';
import type { Keyspace } from '../../replication/keyspace.ts';
import type { DurabilityMode } from '../../replication/policy.ts';
import { DiskTable } from '../../store/disk-tables.ts';
import { restoreGroup, type StoredGroup } from '../../topology/group-log.ts';
import type { GroupDisk } from '../../topology/placement-group.ts';
import type { Cluster } from '../cluster.ts';
import { ConflictTable } from './conflict-table.ts';
import { HintTable } from './hint-table.ts';
import { NodeDisk, type NodeDiskOptions } from './node-disk.ts';
import { NodeTable, type StoredNode } from './node-table.ts';
import { RecordTable, type RecordTableNumber } from './record-table.ts';
import { type Recovered, Recovery } from './recovery.ts';

/** A copy may be older than what this node has told others since that they may let go of: what they have deleted and forgotten would come back. */
export const IS_COPY =
  'it is a backup: give the node an empty data-dir, which the other nodes fill, and this to coterie restore if there are none';
const STOPPING = 'this node is being stopped';

/** What a node finds on its disk: the cluster that it is of, as far as it was known; nothing; or why it cannot be used as it is. */
export type Loaded =
  | { readonly found: 'cluster'; readonly identity: ClusterIdentity; readonly cluster: Cluster }
  | { readonly found: 'nothing' }
  /** `corrupt`: the directory has to be set aside. `unusable`: an operator has to look at it. */
  | { readonly found: 'corrupt' | 'unusable'; readonly reason: string };

/**
 * A node's disk as the node sees it: what is written there follows what the node holds (DESIGN §9), and is read once, before the node takes part
 * in anything.
 *
 * **What a node may trust of it.** A keyspace is *whole* on disk when nothing that this node has acknowledged, or has told others that they may let
 * go of, is missing. With `sync` that is so all the while, but when the node is refilling; with `batched` only after an orderly end, for
 * the last moments before a crash are not there. Whatever is not whole is refilled from the other replicas, which takes little where little
 * differs. An entry that is damaged was perhaps acknowledged, so then nothing is whole; and neither when the last batch is broken off (`Disk.torn`).
 *
 * **What was lost in the middle is worse than nothing.** Of a key that was deleted, and whose tombstone was collected everywhere, the value may be
 * there again. So a store that says it has lost something that was durable (`Disk.lost`) is not used, unless there is nobody else who has the data.
 */
export class NodeStorage {
  readonly disk: NodeDisk;
  readonly #raw: Disk;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #backups: Backups | undefined;
  readonly #table: NodeTable;
  readonly #name: NodeName;
  #identity: ClusterIdentity | undefined;
  #cluster: Cluster | undefined;
  /** Which keyspaces the disk says are whole. */
  readonly #whole = new Set<number>();
  #isClosing = false;
  #group: StoredGroup | undefined;
  #isBackingUp = false;

  constructor(
    disk: Disk,
    options: NodeDiskOptions & { readonly name: NodeName },
    ports: { readonly log: Log; readonly clock: Clock; readonly backups?: Backups | undefined },
  ) {
    this.#raw = disk;
    this.#clock = ports.clock;
    this.#log = ports.log;
    this.#backups = ports.backups;
    this.#name = options.name;
    this.disk = new NodeDisk(disk, options, { log: ports.log, wallMs: () => ports.clock.wallMs() });
    this.#table = new NodeTable(disk, options.name);
  }

  /** What a keyspace's promises wait for. */
  durabilityOf(mode: DurabilityMode): Durability {
    return mode === 'none' ? IN_MEMORY : new Durability(mode, this.disk);
  }

  /** Where the placement group's log goes, and what was found of it. */
  get groupDisk(): GroupDisk {
    return { disk: this.#raw, restored: this.#group };
  }

  /** Reads everything. @param makeCluster makes the cluster that the records are read into. */
  load(makeCluster: (identity: ClusterIdentity) => Cluster, done: (loaded: Loaded) => void): void {
    if (this.#raw.isCopy) return done({ found: 'unusable', reason: IS_COPY });
    this.#table.read((stored, isDamaged, failure) => {
      if (failure !== undefined) return done(unreadable(failure));
      if (stored !== undefined && stored.name !== this.#name)
        return done({
          found: 'unusable',
          reason: `the data directory is that of ${stored.name}, not of ${this.#name}`,
        });
      const reason = this.#whyNotUse(stored, isDamaged);
      if (reason !== undefined) return done({ found: 'corrupt', reason });
      if (stored === undefined) return done({ found: 'nothing' });
      this.#loadRecords(stored, isDamaged, makeCluster(stored.cluster), done);
    });
  }

  /** Why what is here must not come among the living; it may be older than what they have forgotten. */
  #whyNotUse(stored: StoredNode | undefined, isDamaged: boolean): string | undefined {
    const { lost } = this.#raw;
    if (stored === undefined) return lost ?? (isDamaged ? 'it does not say of which cluster it is' : undefined);
    if (!isMember(stored.cluster.topology, this.#name)) return `${this.#name} is no member of the cluster any more`;
    if (stored.isSuperseded) return `another process has taken the place of ${this.#name} since`;
    if (lost === undefined) return undefined;
    if (allMembers(stored.cluster.topology).length > 1) return lost;
    this.#log.error('the data directory has lost something, and nobody else has it', { reason: lost });
    return undefined;
  }

  /** Another process has taken this one's place: the next one in this directory must not go on with what is here. */
  superseded(): void {
    this.#table.putSuperseded();
    this.disk.flush(() => {});
  }

  /** The node has come to know its cluster: what it holds is kept from now on. */
  begin(identity: ClusterIdentity, cluster: Cluster): void {
    this.#followNotes(cluster);
    this.#attach(identity, cluster);
    this.#noteWhole();
    this.#table.putCluster(identity);
  }

  /** The cluster has come to a later epoch. */
  adopted(topology: Topology): void {
    if (this.#identity === undefined) return;
    this.#identity = { ...this.#identity, topology };
    // What is to be refilled now is marked before the disk says that this node owns it.
    this.#noteWhole();
    this.#table.putCluster(this.#identity);
  }

  tick(nowMs: number): void {
    this.#noteWhole();
    this.disk.tick(nowMs);
  }

  /** Copies what the node holds by now to a place of that name, while all goes on. */
  backup(name: string, done: (made: MadeBackup) => void): void {
    const refusal = this.#backupRefusal();
    if (refusal !== undefined) return done({ error: `ERR ${refusal}` });
    this.#isBackingUp = true;
    const startedMs = this.#clock.monotonicMs();
    const end = (made: MadeBackup): void => {
      this.#isBackingUp = false;
      const ms = Math.round(this.#clock.monotonicMs() - startedMs);
      if ('path' in made) this.#log.info('made a backup', { path: made.path, ms });
      else this.#log.error('a backup was not made', { backup: name, reason: made.error });
      done(made);
    };
    this.disk.save(error => {
      if (error !== undefined) end({ error });
      else if (this.#isClosing) end({ error: `ERR ${STOPPING}` });
      else this.#backups!.make(name, end);
    });
  }

  #backupRefusal(): string | undefined {
    if (this.#backups === undefined) return 'this node makes no backups';
    if (this.#isClosing) return STOPPING;
    if (this.#identity === undefined) return 'this node is of no cluster yet, and has nothing to back up';
    return this.#isBackingUp ? 'a backup is under way' : undefined;
  }

  /** Calls back when the disk has followed all that was done so far; never while it fails. */
  whenDurable(done: () => void): void {
    if (this.disk.isClean) return done();
    this.disk.flush(isDurable => {
      if (isDurable) done();
    });
  }

  /** Flushes, and lets go of the disk. Nothing may be written afterwards. */
  close(done: (failure: string | undefined) => void): void {
    this.#isClosing = true;
    this.#noteWhole();
    if (this.#cluster !== undefined) this.#table.putLastStamp(this.#cluster.context.stamps.last);
    this.#raw.close(failure => done(failure?.message));
  }

  #loadRecords(stored: StoredNode, isDamaged: boolean, cluster: Cluster, done: (loaded: Loaded) => void): void {
    this.#followNotes(cluster);
    // Before anything is deleted of those that are not kept any more.
    for (const { db, durability } of cluster.keyspaces.values())
      if (!durability.isKept && stored.whole.has(db)) this.#table.setWhole(db, false);
    const startedMs = this.#clock.monotonicMs();
    new Recovery(this.#raw, cluster).run((failure, recovered) => {
      if (failure !== undefined) return done(unreadable(failure));
      this.#tellRead(recovered, this.#clock.monotonicMs() - startedMs);
      const { torn } = this.#raw;
      if (torn !== undefined) this.#log.info('the last batch before this start is not on the disk', { reason: torn });
      const isSound = !isDamaged && recovered.damaged === 0 && torn === undefined;
      this.#recovered(stored, cluster, isSound);
      this.#restoreGroup(failure => {
        if (failure !== undefined) return done(unreadable(failure));
        // From here on the disk knows that this process may lose what the last one had.
        this.disk.flush(() => done({ found: 'cluster', identity: stored.cluster, cluster }));
      });
    });
  }

  #restoreGroup(done: (failure: DiskFailure | undefined) => void): void {
    restoreGroup(this.#raw, restored => {
      if ('kind' in restored) return done(restored);
      const { stored, voidBecause } = restored;
      if (voidBecause !== undefined)
        this.#log.error("the placement group's log cannot be used: this node takes part in the group anew", {
          reason: voidBecause,
        });
      this.#group = stored;
      done(undefined);
    });
  }

  /** All records have been read. */
  #recovered(stored: StoredNode, cluster: Cluster, isSound: boolean): void {
    cluster.context.stamps.observe(stored.lastStamp);
    this.#attach(stored.cluster, cluster);
    for (const db of stored.whole) this.#whole.add(db);
    for (const keyspace of cluster.keyspaces.values()) {
      const isWhole = isSound && keyspace.durability.isKept && stored.whole.has(keyspace.db);
      if (!isWhole && isOwner(stored.cluster.topology, this.#name)) keyspace.beginRefill();
    }
    cluster.leftovers.ringChanged();
    this.#noteWhole();
  }

  /** From here on the disk follows the hints and what is put aside: of what is read some is dropped at once. */
  #followNotes({ hints, keyspaces, context }: Cluster): void {
    hints.tell(new HintTable(this.#raw, this.#clock));
    for (const { db, durability, conflicts } of keyspaces.values())
      if (durability.isKept) conflicts.tell(new ConflictTable(this.#raw, db, context.actors));
  }

  /** From here on it follows the records. */
  #attach(identity: ClusterIdentity, cluster: Cluster): void {
    this.#identity = identity;
    this.#cluster = cluster;
    const { actors } = cluster.context;
    for (const keyspace of cluster.keyspaces.values()) {
      if (!keyspace.durability.isKept) continue;
      const { db } = keyspace;
      const tableOf = (table: RecordTableNumber) => new RecordTable(this.#raw, table, db, actors);
      keyspace.tell(tableOf(DiskTable.record), tableOf(DiskTable.kept));
    }
  }

  /** Sees to it that the disk calls those keyspaces whole that it may. */
  #noteWhole(): void {
    for (const keyspace of this.#cluster?.keyspaces.values() ?? []) {
      const { db } = keyspace;
      const isWhole = this.#mayTrust(keyspace);
      if (isWhole === this.#whole.has(db)) continue;
      this.#table.setWhole(db, isWhole);
      if (isWhole) this.#whole.add(db);
      else this.#whole.delete(db);
    }
  }

  #mayTrust({ durability, refill }: Keyspace): boolean {
    if (refill.slotsLeft > 0) return false;
    return durability.mode === 'sync' || (durability.mode === 'batched' && this.#isClosing);
  }

  #tellRead({ records, damaged }: Recovered, ms: number): void {
    this.#log.info('read the data directory', { records, ms: Math.round(ms) });
    if (damaged > 0) this.#log.error('entries of the data directory were damaged, and are gone', { damaged });
  }
}

/** A store that cannot be read as it is gives way to an empty one; what may be over the next time is for an operator. */
function unreadable({ kind, message }: DiskFailure): Loaded {
  return { found: kind === 'corrupt' ? 'corrupt' : 'unusable', reason: message };
}
