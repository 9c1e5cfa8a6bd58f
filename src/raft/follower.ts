import type { MemberId } from './configuration.ts';
import type { Log } from './log.ts';
import type { MessageBody, MessageOf } from './messages.ts';
import { IncomingSnapshot } from './snapshot-transfer.ts';

/** What a follower does with what its leader sends: the receiving side of AppendEntries (§5.3) and InstallSnapshot (§7). */
export class Follower {
  readonly #log: Log;
  readonly #send: (to: MemberId, body: MessageBody) => void;
  readonly incoming = new IncomingSnapshot();

  constructor(log: Log, send: (to: MemberId, body: MessageBody) => void) {
    this.#log = log;
    this.#send = send;
  }

  onAppend({ from, prevIndex, prevTerm, commit, entries }: MessageOf<'append'>): void {
    const log = this.#log;
    // What is committed agrees with every later leader, and may be compacted, so that it cannot be compared.
    if (prevIndex < log.commit) return this.#send(from, { type: 'append-reply', index: log.commit });
    const index = log.accept({ index: prevIndex, term: prevTerm }, entries);
    if (index === undefined) {
      const hint = log.latestPossibleMatch({ index: prevIndex, term: prevTerm });
      const refusal = { index: prevIndex, hintIndex: hint.index, hintTerm: hint.term };
      return this.#send(from, { type: 'append-refused', ...refusal });
    }
    log.commitTo(Math.min(commit, index));
    this.#send(from, { type: 'append-reply', index });
  }

  onHeartbeat({ from, commit, round }: MessageOf<'heartbeat'>): void {
    // A leader tells no more than this member has acknowledged.
    if (commit <= this.#log.last) this.#log.commitTo(commit);
    this.#send(from, { type: 'heartbeat-reply', round });
  }

  /** @returns whether the log was replaced by the snapshot. */
  onSnapshot({ from, chunk }: MessageOf<'snapshot'>): boolean {
    const log = this.#log;
    const { snapshot } = chunk;
    if (snapshot.index <= log.commit || log.has(snapshot)) {
      log.commitTo(snapshot.index);
      this.#send(from, { type: 'append-reply', index: log.commit });
      return false;
    }
    const wanted = this.incoming.take(from, chunk);
    if (wanted !== 'complete') {
      this.#send(from, { type: 'snapshot-reply', index: snapshot.index, offset: wanted });
      return false;
    }
    log.restore(snapshot);
    this.#send(from, { type: 'append-reply', index: snapshot.index });
    return true;
  }
}
