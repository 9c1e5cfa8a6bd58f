import { assert } from '../lib/assert.ts';
import type { ConfigurationChange, MemberId } from './configuration.ts';
import type { LeaderContext } from './context.ts';
import { type EntryBody, entryBytes, type ProposalId } from './entry.ts';
import { ForwardedCommands, type Verdict } from './forwarded-commands.ts';
import type { MessageOf } from './messages.ts';
import { ReadIndex, type ReadRequest } from './read-index.ts';
import type { ProposalRefusal, Refusal } from './refusal.ts';
import { Replication } from './replication.ts';

interface Transfer {
  readonly to: MemberId;
  ticks: number;
}

/** What a leader has besides what every member has. It begins with the leadership and ends with it. */
export class Leader {
  readonly #context: LeaderContext;
  readonly replication: Replication;
  readonly #reads: ReadIndex;
  readonly #forwarded = new ForwardedCommands();
  #transfer: Transfer | undefined;
  /** Of the log behind the commit index; `#countedTo` is the commit index it was counted at. */
  #uncommittedBytes = 0;
  #countedTo: number;
  #ticksSinceHeartbeat = 0;
  #ticksSinceQuorum = 0;

  constructor(context: LeaderContext) {
    this.#context = context;
    const { id, log } = context;
    this.replication = new Replication(context);
    this.#reads = new ReadIndex(id);
    this.#countedTo = log.commit;
    for (const entry of log.slice(log.commit + 1, log.last)) this.#uncommittedBytes += entryBytes(entry);
    // §8: an entry of the own term, for what earlier leaders left to be committed with it.
    this.#append({ kind: 'empty' });
  }

  get hasCommittedOwnTerm(): boolean {
    const { log, term } = this.#context;
    return log.termAt(log.commit) === term;
  }

  /** To whom leadership is being transferred. */
  get transferTarget(): MemberId | undefined {
    return this.#transfer?.to;
  }

  /** @returns false when no majority was heard of for an election timeout: it leads no more (CheckQuorum, thesis §6.2). */
  tick(): boolean {
    const { electionTicks, heartbeatTicks } = this.#context.limits;
    // The candidate may be lost, or unable to win: then the group takes proposals again (thesis §3.10).
    if (this.#transfer !== undefined && ++this.#transfer.ticks >= electionTicks) this.#transfer = undefined;
    if (++this.#ticksSinceHeartbeat >= heartbeatTicks) this.#heartbeat();
    if (++this.#ticksSinceQuorum < electionTicks) return true;
    this.#ticksSinceQuorum = 0;
    return this.replication.takeActivity();
  }

  // Proposals

  /** Appends the command, unless the log has too much that is not committed. */
  propose(proposal: ProposalId, data: Uint8Array): Refusal | undefined {
    const body: EntryBody = { kind: 'command', proposal, data };
    const refusal = this.#refusalOf(entryBytes(body));
    if (refusal === undefined) this.#append(body);
    return refusal;
  }

  onForward({ from, origin, floor, commands }: MessageOf<'forward'>): void {
    if (this.replication.progressOf(from) === undefined) return;
    for (const { number, data } of commands) {
      let verdict = this.#forwarded.verdictOn(origin, floor, number);
      if (verdict === undefined) {
        verdict = verdictFrom(this.propose({ origin, number }, data));
        this.#forwarded.remember(origin, floor, number, verdict);
      }
      if (verdict === 'appended' || verdict === 'decided') continue;
      this.#context.send(from, { type: 'forward-refused', origin, number, refusal: verdict });
    }
  }

  #refusalOf(bytes: number): Refusal | undefined {
    const maxBytes = this.#context.limits.maxUncommittedBytes;
    if (this.#transfer !== undefined) return { reason: 'transferring' };
    if (bytes > maxBytes) return { reason: 'too-large', bytes, maxBytes };
    if (this.#uncommittedBytes + bytes > maxBytes)
      return { reason: 'backlog-full', bytes: this.#uncommittedBytes, maxBytes };
    return undefined;
  }

  #append(body: EntryBody): void {
    const { log, term } = this.#context;
    log.append(term, body);
    this.#uncommittedBytes += entryBytes(body);
  }

  // Membership

  /**
   * One step, and only when the last one is committed; and only when an entry of the own term is, for without that two leaders could each
   * be taking a step from one configuration (D. Ongaro, "bug in single-server membership changes", raft-dev, 2015).
   */
  changeConfiguration(proposal: ProposalId, change: ConfigurationChange): Refusal | undefined {
    const { log } = this.#context;
    const { configurations } = log;
    if (this.#transfer !== undefined) return { reason: 'transferring' };
    if (!this.hasCommittedOwnTerm) return { reason: 'term-not-committed' };
    if (configurations.hasUncommitted(log.commit))
      return { reason: 'change-pending', index: configurations.latestIndex };
    const configuration = configurations.latest.changed(change);
    if (typeof configuration === 'string') return { reason: configuration };
    if (change.type === 'promote') {
      const refusal = this.#refusalToPromote(change.member);
      if (refusal !== undefined) return refusal;
    }
    this.#append({ kind: 'configuration', proposal, configuration });
    this.replication.followConfiguration();
    return undefined;
  }

  /** A voter that lacks much would hold up commits until it has caught up (thesis §4.2.1). */
  #refusalToPromote(learner: MemberId): Refusal | undefined {
    const { log, limits } = this.#context;
    const match = this.replication.matchOf(learner);
    if (log.last - match <= limits.maxLearnerLag && match >= log.snapshot.index) return undefined;
    return { reason: 'learner-behind', match, last: log.last };
  }

  // Reads

  read(request: ReadRequest): void {
    this.#reads.request(request);
  }

  onRead({ from, origin, number }: MessageOf<'read'>): void {
    if (this.replication.progressOf(from) !== undefined) this.read({ member: from, origin, number });
  }

  onHeartbeatReply(message: MessageOf<'heartbeat-reply'>): void {
    this.replication.onHeartbeatReply(message);
    this.#reads.acknowledge(message.from, message.round);
  }

  /** Sends other members the indexes for their reads. @returns those for this member's own. */
  answerReads(): { readonly number: number; readonly index: number }[] {
    const { id, log, send } = this.#context;
    const own = [];
    for (const { index, requests } of this.#reads.takeConfirmed(log.configurations.latest)) {
      for (const { member, origin, number } of requests) {
        if (member === id) own.push({ number, index });
        else send(member, { type: 'read-reply', origin, number, index });
      }
    }
    return own;
  }

  #heartbeat(): void {
    this.#ticksSinceHeartbeat = 0;
    this.replication.heartbeat(this.#reads.lastRound);
  }

  // Transfer

  /** Thesis §3.10: takes no more proposals, brings the target up to date, and has it campaign. Not for longer than an election timeout. */
  transferTo(target: MemberId): Refusal | undefined {
    const { id, log } = this.#context;
    if (!log.configurations.latest.isVoter(target)) return { reason: 'not-member' };
    if (this.#transfer !== undefined) return { reason: 'transferring' };
    if (target === id) return undefined;
    this.#transfer = { to: target, ticks: 0 };
    this.continueTransfer();
    return undefined;
  }

  /** To be called when a follower has got further: it may be the one. */
  continueTransfer(): void {
    const { log, send } = this.#context;
    const target = this.#transfer?.to;
    if (target !== undefined && this.replication.matchOf(target) === log.last) send(target, { type: 'timeout-now' });
  }

  // What follows from it all

  /** @returns whether more is committed than before. */
  advanceCommit(): boolean {
    const { log } = this.#context;
    if (!this.replication.advanceCommit()) return false;
    for (const entry of log.slice(this.#countedTo + 1, log.commit)) this.#uncommittedBytes -= entryBytes(entry);
    this.#countedTo = log.commit;
    assert(this.#uncommittedBytes >= 0, `Cannot have ${this.#uncommittedBytes} uncommitted bytes`);
    return true;
  }

  /** Its removal is committed: nothing is left for it to lead (thesis §4.2.2). */
  get isRemoved(): boolean {
    const { id, log } = this.#context;
    const { configurations } = log;
    return !configurations.latest.isVoter(id) && !configurations.hasUncommitted(log.commit);
  }

  flush(): void {
    if (this.#reads.begin(this.#context.log.commit, this.hasCommittedOwnTerm)) this.#heartbeat();
    this.replication.flush();
  }
}

function verdictFrom(refusal: Refusal | undefined): Verdict {
  return refusal === undefined ? 'appended' : (refusal.reason as ProposalRefusal);
}
