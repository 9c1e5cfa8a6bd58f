import { createCommandTable } from '../../src/commands/all-commands.ts';
import type { CommandContext } from '../../src/commands/context.ts';
import { ReplyWriter } from '../../src/resp/reply-writer.ts';
import { FakeConnection } from './fake-connection.ts';
import { FakeServer } from './fake-server.ts';
import { MemoryKeys } from './memory-keys.ts';

const TABLE = createCommandTable();

/** An argument: text in latin1, so that every byte can be written. */
export type Argument = string | Buffer;

/** One client and its keys, without node or socket. */
export class FakeSession implements CommandContext {
  args: readonly Buffer[] = [];
  readonly reply = new ReplyWriter();
  readonly connection = new FakeConnection();
  readonly server = new FakeServer();
  readonly keys: MemoryKeys;
  readonly #later: ((reply: ReplyWriter) => void)[] = [];

  /** @param deferred whether replies about keys come only with `settle`, when the command has long returned. */
  constructor(deferred = false) {
    this.keys = new MemoryKeys(
      write => {
        if (deferred) this.#later.push(write);
        else write(this.reply);
      },
      () => this.server.wallMs(),
    );
    this.connection.onProtocol = protocol => {
      this.reply.protocol = protocol;
    };
    this.server.opened = [this.connection];
    this.server.defer = () => fill => this.#later.push(fill);
  }

  /** Runs a command and returns its reply, in latin1. */
  run(...args: readonly Argument[]): string {
    this.start(...args);
    return this.settle();
  }

  /** Runs a command, and leaves open what is to come later. */
  start(...args: readonly Argument[]): void {
    this.args = args.map(argument => (typeof argument === 'string' ? Buffer.from(argument, 'latin1') : argument));
    TABLE.resolve(this)?.run(this);
  }

  /** Everything replied so far, with what was to come later. */
  settle(): string {
    this.args = [];
    for (const write of this.#later.splice(0)) write(this.reply);
    return Buffer.concat(this.reply.takeSegments()).toString('latin1');
  }
}

/** A session that speaks RESP3. */
export function resp3Session(): FakeSession {
  const session = new FakeSession();
  session.connection.protocol = 3;
  return session;
}
