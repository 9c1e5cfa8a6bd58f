import type {
  KeyAccess,
  KeyMutation,
  ReadReply,
  ReadsReply,
  WriteReply,
  WritesReply,
  Written,
} from '../../src/commands/context.ts';
import type { ReplyWriter } from '../../src/resp/reply-writer.ts';
import { conditionHolds, type Mutation } from '../../src/store/mutation.ts';
import type { Found } from '../../src/store/outcome.ts';
import { NEVER } from '../../src/store/record.ts';

interface Held {
  readonly value: Buffer;
  readonly expiryAtMs: number;
}

/** How a reply gets written: at once, or when the test lets it. */
export type Schedule = (write: (reply: ReplyWriter) => void) => void;

/** The keys of one keyspace in a Map. What is done to them is done at once; when the reply comes is the schedule's. */
export class MemoryKeys implements KeyAccess {
  readonly held = new Map<string, Held>();
  /** What was asked for, for tests of how a command goes about it. */
  readonly calls: string[] = [];
  readonly #schedule: Schedule;
  readonly #wallMs: () => number;

  constructor(schedule: Schedule, wallMs: () => number) {
    this.#schedule = schedule;
    this.#wallMs = wallMs;
  }

  read(key: Buffer, wantsValue: boolean, project: ReadReply): void {
    this.calls.push('read');
    const found = this.#find(key, wantsValue);
    this.#schedule(reply => project(reply, found));
  }

  readAll(keys: readonly Buffer[], wantsValue: boolean, project: ReadsReply): void {
    this.calls.push('readAll');
    const found = keys.map(key => this.#find(key, wantsValue));
    this.#schedule(reply => project(reply, found));
  }

  set(key: Buffer, value: Buffer): void {
    this.calls.push('set');
    this.held.set(nameOf(key), { value: Buffer.from(value), expiryAtMs: NEVER });
    this.#schedule(reply => reply.ok());
  }

  write(key: Buffer, mutation: Mutation, project: WriteReply): void {
    this.calls.push(`write ${mutation.kind}`);
    const outcome = this.#apply(key, mutation);
    this.#schedule(reply => project(reply, outcome));
  }

  writeAll(writes: readonly KeyMutation[], project: WritesReply): void {
    this.calls.push(`writeAll ${writes.length}`);
    const outcomes = writes.map(({ key, mutation }) => this.#apply(key, mutation));
    this.#schedule(reply => project(reply, outcomes));
  }

  #find(key: Buffer, wantsValue: boolean): Found | undefined {
    const held = this.held.get(nameOf(key));
    if (held === undefined || (held.expiryAtMs !== NEVER && held.expiryAtMs <= this.#wallMs())) return undefined;
    return {
      length: held.value.length,
      expiryAtMs: held.expiryAtMs,
      writeValue(sink) {
        if (!wantsValue) throw new Error('The value was not asked for');
        sink.bulkRange(held.value, 0, held.value.length);
      },
    };
  }

  #apply(key: Buffer, mutation: Mutation): Written {
    const wantsBefore = mutation.kind === 'set' && mutation.returnBefore;
    const before = this.#find(key, wantsBefore);
    const applied = conditionHolds(mutation, before);
    if (applied) this.#store(nameOf(key), mutation, before);
    return { status: 'written', applied, before };
  }

  #store(name: string, mutation: Mutation, before: Found | undefined): void {
    if (mutation.kind === 'delete') this.held.delete(name);
    else if (mutation.kind === 'expire') {
      this.held.set(name, { value: this.held.get(name)!.value, expiryAtMs: mutation.atMs });
    } else {
      const expiryAtMs = mutation.expiry === 'keep' ? (before?.expiryAtMs ?? NEVER) : mutation.expiry;
      this.held.set(name, { value: Buffer.from(mutation.value), expiryAtMs });
    }
  }
}

function nameOf(key: Buffer): string {
  return key.toString('latin1');
}
