import type { ReplyWriter } from '../resp/reply-writer.ts';
import type { Mutation } from '../store/mutation.ts';
import type { Found, Outcome } from '../store/outcome.ts';
import type { Server } from './server.ts';

/** Writes the reply to a read; `found` is good only until it returns. Arguments that it needs come from outside. */
export type ReadReply = (reply: ReplyWriter, found: Found | undefined) => void;
export type WriteReply = (reply: ReplyWriter, outcome: Written) => void;
export type ReadsReply = (reply: ReplyWriter, found: readonly (Found | undefined)[]) => void;
export type WritesReply = (reply: ReplyWriter, outcomes: readonly Written[]) => void;

export type Written = Extract<Outcome, { status: 'written' }>;

export interface KeyMutation {
  readonly key: Buffer;
  readonly mutation: Mutation;
}

/**
 * The keys of the connection's keyspace. Each call answers exactly once, now or later: `project` writes the reply when
 * the operation has come out well, in the connection's order; when it has not, the error is written instead. Reads and
 * writes have the R and W of the connection.
 */
export interface KeyAccess {
  /** `wantsValue: false` where only existence, length and expiry matter: `writeValue` is then not to be called. */
  read(key: Buffer, wantsValue: boolean, project: ReadReply): void;
  readAll(keys: readonly Buffer[], wantsValue: boolean, project: ReadsReply): void;
  /** A SET without any option. */
  set(key: Buffer, value: Buffer): void;
  write(key: Buffer, mutation: Mutation, project: WriteReply): void;
  writeAll(writes: readonly KeyMutation[], project: WritesReply): void;
}

/** What a connection carries from command to command. */
export interface Connection {
  readonly id: number;
  /** `host:port` of the client, and of our end. */
  readonly address: string;
  readonly localAddress: string;
  readonly openedMs: number;
  name: string;
  libName: string;
  libVersion: string;
  authenticated: boolean;
  noEvict: boolean;
  noTouch: boolean;
  /** RESP version; set it before the reply that is to be in it. */
  protocol: 2 | 3;
  readonly db: number;
  /** Turns to another keyspace, with that one's R and W; false when there is none of this number. */
  select(db: number): boolean;
  /** R and W of this connection as configured (`quorum`) or as overridden; undefined takes the keyspace's own. */
  readonly consistency: { readonly read: Consistency; readonly write: Consistency };
  setConsistency(which: 'read' | 'write', count: Consistency | undefined): void;
  /** Name of the command that ran last, and the monotonic time of it, for `CLIENT LIST`. */
  readonly lastCommand: string;
  readonly lastCommandMs: number;
  /** Bytes of requests and replies held for it. */
  readonly queuedBytes: number;
  /** Closes it once what has been replied is written. */
  closeAfterReply(): void;
  /** Back to the state of a new connection (`RESET`). */
  reset(): void;
}

export type Consistency = number | 'one' | 'quorum' | 'all';

/** What a command runs with. */
export interface CommandContext {
  /** The name first. */
  readonly args: readonly Buffer[];
  readonly reply: ReplyWriter;
  readonly connection: Connection;
  readonly keys: KeyAccess;
  readonly server: Server;
}
