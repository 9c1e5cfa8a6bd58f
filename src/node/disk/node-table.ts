import { readerOf } from '../../lib/byte-reader.ts';
import type { ClusterIdentity } from '../../membership/cluster.ts';
import { parseCluster } from '../../membership/founding-messages.ts';
import { fieldsOf, isName } from '../../membership/wire.ts';
import type { Disk, DiskFailure } from '../../ports/disk.ts';
import type { NodeName } from '../../ports/outbox.ts';
import { DiskTable } from '../../store/disk-tables.ts';

/** What a node's disk says of the node itself. */
export interface StoredNode {
  /** Of whom the directory is. */
  readonly name: NodeName;
  readonly cluster: ClusterIdentity;
  /** How far its clock had got, at least. */
  readonly lastStamp: number;
  /** Database numbers of keyspaces that were whole when the last process ended. */
  readonly whole: ReadonlySet<number>;
  /** Another process has taken the node's place since, and the others may have forgotten what only this directory has. */
  readonly isSuperseded: boolean;
}

const IDENTITY = 1;
const LAST_STAMP = 2;
const WHOLE = 3;
const SUPERSEDED = 4;
/** Without it nothing on the disk is of use, so it is there twice. */
const IDENTITY_AGAIN = 5;

/** Where the disk says of whom it is. */
export const IDENTITY_KEY = Uint8Array.of(DiskTable.node, IDENTITY);
const IDENTITY_AGAIN_KEY = Uint8Array.of(DiskTable.node, IDENTITY_AGAIN);
const SUPERSEDED_KEY = Uint8Array.of(DiskTable.node, SUPERSEDED);
const LAST_STAMP_KEY = Uint8Array.of(DiskTable.node, LAST_STAMP);
const NOTHING = new Uint8Array(0);

/** The entries of the disk that are about the node itself: who it is and of which cluster, its clock, and which keyspaces are whole. */
export class NodeTable {
  readonly #disk: Disk;
  readonly #name: NodeName;

  constructor(disk: Disk, name: NodeName) {
    this.#disk = disk;
    this.#name = name;
  }

  putCluster(cluster: ClusterIdentity): void {
    const identity = Buffer.from(JSON.stringify({ name: this.#name, ...cluster }));
    this.#disk.put(IDENTITY_KEY, identity);
    this.#disk.put(IDENTITY_AGAIN_KEY, identity);
  }

  putLastStamp(stamp: number): void {
    const value = Buffer.allocUnsafe(8);
    value.writeDoubleBE(stamp);
    this.#disk.put(LAST_STAMP_KEY, value);
  }

  putSuperseded(): void {
    this.#disk.put(SUPERSEDED_KEY, NOTHING);
  }

  setWhole(db: number, isWhole: boolean): void {
    const key = Uint8Array.of(DiskTable.node, WHOLE, db);
    if (isWhole) this.#disk.put(key, NOTHING);
    else this.#disk.delete(key);
  }

  /**
   * @param done gets what is there; nothing where no cluster was ever known here, or what says so is damaged or cannot be read: `isDamaged`
   * tells the two apart.
   */
  read(done: (stored: StoredNode | undefined, isDamaged: boolean, failure: DiskFailure | undefined) => void): void {
    let identity: Pick<StoredNode, 'name' | 'cluster'> | undefined;
    let lastStamp = 0;
    const whole = new Set<number>();
    let isDamaged = false;
    let isSuperseded = false;
    this.#disk.scan(Uint8Array.of(DiskTable.node), Uint8Array.of(DiskTable.node + 1), {
      entry: (key, value) => {
        if (key[1] === IDENTITY || key[1] === IDENTITY_AGAIN) {
          const found = parseIdentity(value);
          isDamaged ||= found === undefined;
          identity ??= found;
        } else if (key[1] === LAST_STAMP && value.length === 8) lastStamp = readerOf(Buffer.from(value)).f64();
        else if (key[1] === WHOLE && key.length === 3) whole.add(key[2]!);
        else if (key[1] === SUPERSEDED) isSuperseded = true;
      },
      damaged: key => {
        isDamaged = true;
        this.#disk.delete(key);
      },
      end: failure => done(identity && { ...identity, lastStamp, whole, isSuperseded }, isDamaged, failure),
    });
  }
}

/** What stands under `IDENTITY_KEY`. */
export function parseIdentity(value: Uint8Array): Pick<StoredNode, 'name' | 'cluster'> | undefined {
  const fields = fieldsOf(parseJson(Buffer.from(value).toString())) as Partial<Record<string, unknown>> | undefined;
  const cluster = parseCluster(fields);
  const name = fields?.['name'];
  return isName(name) && cluster !== undefined ? { name, cluster } : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
