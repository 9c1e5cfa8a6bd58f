import type { CommandTable } from '../commands/command-table.ts';
import type { CommandContext } from '../commands/context.ts';
import type { RegisteredCommand } from '../commands/registered-command.ts';
import type { Server } from '../commands/server.ts';
import type { Clock } from '../ports/clock.ts';
import type { BlockPool } from '../resp/block-pool.ts';
import type { ReplyWriter } from '../resp/reply-writer.ts';
import { ClientConnection, type ClientSocket, type KeyspaceDirectory } from './client-connection.ts';
import type { ClientCounters } from './client-counters.ts';
import { ReplyQueue } from './reply-queue.ts';
import { type OperationRunner, SessionKeys } from './session-keys.ts';

/** What sessions of one node share. */
export interface SessionEnvironment {
  readonly clock: Clock;
  readonly table: CommandTable;
  readonly server: Server;
  readonly keyspaces: KeyspaceDirectory;
  readonly runner: OperationRunner;
  readonly counters: ClientCounters;
  readonly pool: BlockPool;
  /** For replies that cannot go out yet. */
  readonly sidePool: BlockPool;
  readonly initial: { readonly db: number; readonly authenticated: boolean };
  readonly maxPendingReplies: number;
}

/** Replies that may be held back behind one that is not known yet; the next command waits then. */
const MAX_HELD_REPLY_BYTES = 1024 * 1024;

/** One client connection: commands in, replies out in their order. Knows no socket. */
export class Session implements CommandContext {
  readonly connection: ClientConnection;
  readonly keys: SessionKeys;
  readonly server: Server;
  args: readonly Buffer[] = [];
  readonly #environment: SessionEnvironment;
  readonly #replies: ReplyQueue;
  readonly #onProgress: () => void;
  /** A reply that comes while its command runs is no progress: whoever called `execute` goes on anyway. */
  #isExecuting = false;

  /** @param onProgress called when, outside of `execute`, a reply has become ready or a waiting command could go on. */
  constructor(environment: SessionEnvironment, socket: ClientSocket, onProgress: () => void) {
    const { clock, pool, sidePool, keyspaces, initial, runner, server } = environment;
    this.#environment = environment;
    this.#onProgress = onProgress;
    this.server = server;
    this.#replies = new ReplyQueue(pool, sidePool);
    this.connection = new ClientConnection(socket, this.#replies, keyspaces, initial, clock.monotonicMs());
    this.keys = new SessionKeys(this.connection, this.#replies, runner, clock, onProgress);
  }

  /** Where the reply to the command that runs now goes. */
  get reply(): ReplyWriter {
    return this.#replies.current;
  }

  /** Replies that are ready for the socket. */
  get output(): ReplyWriter {
    return this.#replies.ready;
  }

  /** Whether replies are still to come. */
  get isWaiting(): boolean {
    return this.#replies.length > 0;
  }

  /** A place in the order of replies for one that comes later. */
  defer(): (fill: (reply: ReplyWriter) => void) => void {
    const pending = this.#replies.defer();
    return fill => {
      pending.fill(fill);
      if (!this.#isExecuting) this.#onProgress();
    };
  }

  /**
   * Runs a command, or returns false when it has to wait: too many replies are pending, or it would overtake an
   * undecided operation of this connection on one of its slots (DESIGN §5). The caller gives it again after
   * `onProgress`, and no other before it.
   */
  execute(args: readonly Buffer[]): boolean {
    if (this.#replies.length >= this.#environment.maxPendingReplies) return false;
    if (this.#replies.heldBytes >= MAX_HELD_REPLY_BYTES) return false;
    this.args = args;
    const command = this.#environment.table.resolve(this);
    if (command === undefined) return true;
    if (this.keys.hasUndecided && this.#mustWait(command)) return false;
    this.#environment.counters.totalCommandsProcessed++;
    this.connection.ran(command.fullName, this.#environment.clock.monotonicMs());
    this.#isExecuting = true;
    try {
      command.run(this);
    } finally {
      this.#isExecuting = false;
    }
    return true;
  }

  /** Answers a request that could not be read, and ends the connection behind that answer. */
  fail(error: string): void {
    this.#replies.current.error(error);
    this.connection.closeAfterReply();
  }

  #mustWait(command: RegisteredCommand): boolean {
    return command.keyIndexes(this.args.length).some(index => this.keys.mustWait(this.args[index]!));
  }
}
