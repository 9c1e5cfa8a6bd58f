import type { Connection, Consistency } from '../commands/context.ts';
import { resolveCount } from '../lib/replica-count.ts';
import type { Keyspace } from '../replication/keyspace.ts';
import type { Placement } from '../replication/placement.ts';
import type { ReplyQueue } from './reply-queue.ts';

/** What the shell knows of a client connection. */
export interface ClientSocket {
  readonly id: number;
  /** `host:port`. */
  readonly address: string;
  readonly localAddress: string;
  /** Bytes received and not yet run, and sent and not yet taken by the kernel. */
  readonly queuedBytes: number;
}

/** Where a connection finds its keyspaces; empty until the cluster is known. */
export interface KeyspaceDirectory {
  has(db: number): boolean;
  get(db: number): Keyspace | undefined;
}

/** What a connection carries from command to command (DESIGN §1: a keyspace, and an R and W of its own). */
export class ClientConnection implements Connection {
  readonly openedMs: number;
  name = '';
  libName = '';
  libVersion = '';
  authenticated: boolean;
  noEvict = false;
  noTouch = false;
  lastCommand = 'NULL';
  lastCommandMs: number;
  /** Set once the connection is to be closed behind the replies so far. */
  isClosing = false;
  readonly #socket: ClientSocket;
  readonly #replies: ReplyQueue;
  readonly #keyspaces: KeyspaceDirectory;
  readonly #initial: { readonly db: number; readonly authenticated: boolean };
  #db: number;
  #read: Consistency | undefined;
  #write: Consistency | undefined;
  #keyspace: Keyspace | undefined;
  /** What R and W were worked out for. */
  #placement: Placement | undefined;
  #readNeed = 1;
  #writeNeed = 1;

  constructor(
    socket: ClientSocket,
    replies: ReplyQueue,
    keyspaces: KeyspaceDirectory,
    initial: { readonly db: number; readonly authenticated: boolean },
    nowMs: number,
  ) {
    this.#socket = socket;
    this.#replies = replies;
    this.#keyspaces = keyspaces;
    this.#initial = initial;
    this.#db = initial.db;
    this.authenticated = initial.authenticated;
    this.openedMs = nowMs;
    this.lastCommandMs = nowMs;
  }

  get id(): number {
    return this.#socket.id;
  }

  get address(): string {
    return this.#socket.address;
  }

  get localAddress(): string {
    return this.#socket.localAddress;
  }

  get queuedBytes(): number {
    return this.#socket.queuedBytes;
  }

  get protocol(): 2 | 3 {
    return this.#replies.protocol;
  }

  set protocol(version: 2 | 3) {
    this.#replies.protocol = version;
  }

  get db(): number {
    return this.#db;
  }

  select(db: number): boolean {
    if (!this.#keyspaces.has(db)) return false;
    this.#db = db;
    this.#read = undefined;
    this.#write = undefined;
    this.#keyspace = undefined;
    return true;
  }

  /** The connection's keyspace; undefined until the cluster is known. */
  get keyspace(): Keyspace | undefined {
    if (this.#keyspace === undefined) this.#resolve();
    return this.#keyspace;
  }

  /** R of this connection as a number of owners. */
  get readNeed(): number {
    if (this.#placement !== this.keyspace?.placement) this.#resolve();
    return this.#readNeed;
  }

  get writeNeed(): number {
    if (this.#placement !== this.keyspace?.placement) this.#resolve();
    return this.#writeNeed;
  }

  get consistency(): { readonly read: Consistency; readonly write: Consistency } {
    return { read: this.readCount, write: this.writeCount };
  }

  /** R as it was asked for. */
  get readCount(): Consistency {
    return this.#read ?? this.keyspace?.policy.read ?? 'one';
  }

  get writeCount(): Consistency {
    return this.#write ?? this.keyspace?.policy.write ?? 'one';
  }

  setConsistency(which: 'read' | 'write', count: Consistency | undefined): void {
    if (which === 'read') this.#read = count;
    else this.#write = count;
    this.#keyspace = undefined;
  }

  /** Notes a command for `CLIENT LIST`. */
  ran(command: string, nowMs: number): void {
    this.lastCommand = command;
    this.lastCommandMs = nowMs;
  }

  closeAfterReply(): void {
    this.isClosing = true;
  }

  reset(): void {
    this.name = '';
    this.noEvict = false;
    this.noTouch = false;
    this.authenticated = this.#initial.authenticated;
    this.protocol = 2;
    this.select(this.#initial.db);
  }

  #resolve(): void {
    this.#keyspace = this.#keyspaces.get(this.#db);
    if (this.#keyspace === undefined) return;
    const { policy, placement } = this.#keyspace;
    const { replicaCount } = placement;
    this.#placement = placement;
    this.#readNeed = resolveCount(this.#read ?? policy.read, replicaCount);
    this.#writeNeed = resolveCount(this.#write ?? policy.write, replicaCount);
  }
}
