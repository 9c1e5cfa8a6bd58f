import type { MemberId } from './configuration.ts';
import type { LeaderContext } from './context.ts';
import type { MessageOf } from './messages.ts';
import { Progress } from './progress.ts';

/**
 * A leader's copies: what each follower has, what it is to be sent, and what is thereby committed (§5.3, §5.4).
 *
 * Sending is separate from changing: whatever happens only changes the progress of followers, and `flush` sends what follows from it. So
 * all that was proposed since the last effects goes into one message (batching), and more follows before it is answered (pipelining).
 */
export class Replication {
  readonly #context: LeaderContext;
  /** Everybody's but the leader's own. */
  readonly #followers = new Map<MemberId, Progress>();

  constructor(context: LeaderContext) {
    this.#context = context;
    this.followConfiguration();
  }

  /** Takes up members that have come, and drops those that have gone. */
  followConfiguration(): void {
    const { id, log, limits } = this.#context;
    const { latest } = log.configurations;
    for (const member of latest.members()) {
      if (member === id || this.#followers.has(member)) continue;
      this.#followers.set(member, new Progress(log.last + 1, limits.maxInflight));
    }
    for (const member of this.#followers.keys()) if (!latest.isMember(member)) this.#followers.delete(member);
  }

  progressOf(member: MemberId): Progress | undefined {
    return this.#followers.get(member);
  }

  /** Up to where a member's log is known to be durable and equal to the leader's. */
  matchOf(member: MemberId): number {
    const { id, log } = this.#context;
    return member === id ? log.stable : (this.#followers.get(member)?.match ?? 0);
  }

  /** §5.3, §5.4.2. @returns whether more is committed than before. */
  advanceCommit(): boolean {
    const { log } = this.#context;
    const index = log.configurations.latest.reachedByMajority(member => this.matchOf(member));
    if (index <= log.commit || !this.isOwnTerm(index)) return false;
    log.commitTo(index);
    return true;
  }

  /** §5.4.2, figure 8: what an earlier leader left is never committed by counting, only by an entry of this term behind it. */
  isOwnTerm(index: number): boolean {
    const { log, term } = this.#context;
    return log.termAt(index) === term;
  }

  /** Whether a majority was heard of since this was asked last (CheckQuorum). */
  takeActivity(): boolean {
    const { id, log } = this.#context;
    const active = log.configurations.latest.reachedByMajority(member => {
      return member === id || this.#followers.get(member)?.isActive ? 1 : 0;
    });
    for (const progress of this.#followers.values()) progress.isActive = false;
    return active === 1;
  }

  onAppendReply({ from, index }: MessageOf<'append-reply'>): void {
    const progress = this.#followers.get(from);
    // An index that this log does not reach answers no message of this leader.
    if (progress === undefined || index > this.#context.log.last) return;
    progress.isActive = true;
    progress.accepted(index);
  }

  onAppendRefused({ from, index, hintIndex, hintTerm }: MessageOf<'append-refused'>): void {
    const progress = this.#followers.get(from);
    if (progress === undefined) return;
    progress.isActive = true;
    const hint = this.#context.log.latestPossibleMatch({ index: hintIndex, term: hintTerm });
    progress.refused(index, hint.index);
  }

  onHeartbeatReply({ from }: MessageOf<'heartbeat-reply'>): void {
    this.#followers.get(from)?.heard(this.#context.log.last);
  }

  onSnapshotReply({ from, index, offset }: MessageOf<'snapshot-reply'>): void {
    const progress = this.#followers.get(from);
    if (progress === undefined) return;
    progress.isActive = true;
    if (progress.outgoing?.snapshot.index === index) progress.outgoing.wanted(offset);
  }

  heartbeat(round: number): void {
    const { log, send } = this.#context;
    for (const [member, { match }] of this.#followers)
      send(member, { type: 'heartbeat', commit: Math.min(match, log.commit), round });
  }

  /** Sends every follower what it is due. */
  flush(): void {
    for (const [member, progress] of this.#followers) {
      if (progress.state !== 'snapshot') this.#sendAppends(member, progress);
      if (progress.state === 'snapshot') this.#sendChunk(member, progress);
    }
  }

  #sendAppends(member: MemberId, progress: Progress): void {
    const { log, limits, send } = this.#context;
    while (progress.isOpen && this.#isDue(progress)) {
      if (progress.next < log.first) return progress.needsSnapshot(log.snapshot);
      const entries = log.slice(progress.next, log.last, limits.maxBatchBytes);
      const prevIndex = progress.next - 1;
      send(member, { type: 'append', prevIndex, prevTerm: log.termAt(prevIndex)!, commit: log.commit, entries });
      progress.sent(prevIndex + entries.length, log.commit);
    }
  }

  #isDue(progress: Progress): boolean {
    const { log } = this.#context;
    return progress.isAsked || progress.next <= log.last || progress.sentCommit < log.commit;
  }

  #sendChunk(member: MemberId, progress: Progress): void {
    const { log, limits, snapshots, send } = this.#context;
    const { snapshot, offset, isDue } = progress.outgoing!;
    if (!isDue) return;
    const chunk = snapshots.read(snapshot.index, offset, limits.snapshotChunkBytes);
    // A newer snapshot has taken its place. While that is not durable yet, the follower is told later.
    if (chunk === undefined && snapshot.index < log.snapshot.index) progress.needsSnapshot(log.snapshot);
    else progress.outgoing!.sent();
    if (chunk !== undefined) send(member, { type: 'snapshot', chunk: { snapshot, offset, ...chunk } });
  }
}
