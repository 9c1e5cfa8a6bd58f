import type { NodeName } from '../ports/outbox.ts';
import type { LocalHealth } from './health.ts';
import type { ProbeOrder } from './probe-order.ts';
import type { SwimTimings } from './swim-options.ts';

/** What the prober asks of the membership around it. Sends return false when the message provably did not leave. */
export interface ProberPorts {
  /** Alive or suspect: worth a probe. */
  probeable(name: NodeName): boolean;
  /** Alive: worth asking for help. */
  helpful(name: NodeName): boolean;
  ping(to: NodeName, seq: number): boolean;
  pingRequest(to: NodeName, seq: number, target: NodeName): boolean;
  ack(to: NodeName, seq: number): void;
  nack(to: NodeName, seq: number): void;
  /** The target answered neither this node nor its helpers in time. */
  unreachable(target: NodeName): void;
}

interface Probe {
  readonly target: NodeName;
  readonly seq: number;
  readonly sentMs: number;
  /** The direct ping did not even leave. */
  readonly unsent: boolean;
  /** Those asked for an indirect probe who have said nothing yet; undefined until they are asked. */
  silentHelpers: Set<NodeName> | undefined;
  asked: number;
  indirectAtMs: number;
  judgedAtMs: number;
}

/** A ping sent on behalf of another. */
interface Relay {
  readonly origin: NodeName;
  readonly originSeq: number;
  readonly target: NodeName;
  nackAtMs: number;
}

/** Probes under way at once among which there may be some out of turn. */
const MAX_OUT_OF_TURN = 8;
/** Relays under way at once; a node asked for more lets its asker wait in vain. */
const MAX_RELAYS = 1_024;

/**
 * A probe: ping; after the probe timeout ask k others to try; at the end of the period judge (SWIM §4.1). A few are under
 * way at once, each of another member, and begin evenly spaced: how soon a silent member is met depends on how often
 * probes begin, how sure one can be of its silence on how long each may take.
 * All times stretch with the local health. A failed probe makes this node doubt itself by the number of helpers that
 * did not even send a nack, because then the trouble may be on its own side (Lifeguard §IV.A).
 */
export class Prober {
  readonly #timings: SwimTimings;
  readonly #health: LocalHealth;
  readonly #order: ProbeOrder;
  readonly #ports: ProberPorts;
  /** Those under way, by number. */
  readonly #probes = new Map<number, Probe>();
  #nextProbeMs = 0;
  #lastSeq = 0;
  readonly #relays = new Map<number, Relay>();

  constructor(timings: SwimTimings, health: LocalHealth, order: ProbeOrder, ports: ProberPorts) {
    this.#timings = timings;
    this.#health = health;
    this.#order = order;
    this.#ports = ports;
  }

  /** Sets the first probe. */
  start(nowMs: number): void {
    this.#nextProbeMs = nowMs;
  }

  tick(nowMs: number): void {
    for (const probe of this.#probes.values()) {
      if (nowMs >= probe.judgedAtMs) this.#judge(probe);
      else if (probe.silentHelpers === undefined && nowMs >= probe.indirectAtMs) this.#askHelpers(probe);
    }
    if (nowMs >= this.#nextProbeMs && this.#probes.size < this.#timings.probesPerInterval) this.#begin(nowMs);
    for (const [seq, relay] of this.#relays) {
      if (nowMs < relay.nackAtMs) continue;
      this.#relays.delete(seq);
      this.#ports.nack(relay.origin, relay.originSeq);
    }
  }

  /** Probes this member out of turn if a ping can leave, unless a probe of it is under way or there are many. */
  probe(target: NodeName, nowMs: number): void {
    if (this.#probes.size >= MAX_OUT_OF_TURN || !this.#isDue(target)) return;
    const seq = this.#nextSeq();
    if (this.#ports.ping(target, seq)) this.#follow(target, seq, nowMs, false);
  }

  /** This node stood still for so long: what did not come in that time is not held against others. */
  shift(ms: number): void {
    this.#nextProbeMs += ms;
    for (const probe of this.#probes.values()) {
      probe.indirectAtMs += ms;
      probe.judgedAtMs += ms;
    }
    for (const relay of this.#relays.values()) relay.nackAtMs += ms;
  }

  /** @returns when the ping was sent that the target itself has answered; undefined for any other ack. */
  acked(from: NodeName, seq: number): number | undefined {
    const relay = this.#relays.get(seq);
    if (relay !== undefined) {
      if (from !== relay.target) return undefined;
      this.#relays.delete(seq);
      this.#ports.ack(relay.origin, relay.originSeq);
      return undefined;
    }
    const probe = this.#probes.get(seq);
    if (probe === undefined) return undefined;
    if (from !== probe.target && !probe.silentHelpers?.has(from)) return undefined;
    this.#probes.delete(seq);
    this.#health.add(-1);
    return from === probe.target ? probe.sentMs : undefined;
  }

  nacked(from: NodeName, seq: number): void {
    const probe = this.#probes.get(seq);
    if (probe?.silentHelpers?.delete(from)) this.#judgeEarly(probe);
  }

  /** Another node asks for an indirect probe. */
  requested(origin: NodeName, originSeq: number, target: NodeName, nowMs: number): void {
    if (this.#relays.size >= MAX_RELAYS) return;
    const seq = this.#nextSeq();
    if (!this.#ports.ping(target, seq)) return this.#ports.nack(origin, originSeq);
    this.#relays.set(seq, { origin, originSeq, target, nackAtMs: nowMs + this.#timings.probeTimeoutMs });
  }

  #begin(nowMs: number): void {
    const { probeIntervalMs, probesPerInterval } = this.#timings;
    const stretch = this.#health.multiplier;
    const spacingMs = (probeIntervalMs / probesPerInterval) * stretch;
    // Ticks are coarse: what one probe was late is taken from the wait for the next.
    this.#nextProbeMs = Math.max(this.#nextProbeMs, nowMs - spacingMs) + spacingMs;
    const target = this.#order.next(this.#isDue);
    if (target === undefined) return;
    const seq = this.#nextSeq();
    const unsent = !this.#ports.ping(target, seq);
    const probe = this.#follow(target, seq, nowMs, unsent);
    if (unsent) this.#askHelpers(probe);
  }

  #follow(target: NodeName, seq: number, nowMs: number, unsent: boolean): Probe {
    const { probeIntervalMs, probeTimeoutMs } = this.#timings;
    const stretch = this.#health.multiplier;
    const probe: Probe = {
      target,
      seq,
      sentMs: nowMs,
      unsent,
      silentHelpers: undefined,
      asked: 0,
      indirectAtMs: nowMs + probeTimeoutMs * stretch,
      judgedAtMs: nowMs + probeIntervalMs * stretch,
    };
    this.#probes.set(seq, probe);
    return probe;
  }

  #askHelpers(probe: Probe): void {
    const helpers = this.#order.sample(
      this.#timings.indirectProbes,
      name => name !== probe.target && this.#ports.helpful(name),
    );
    probe.silentHelpers = new Set();
    for (const helper of helpers)
      if (this.#ports.pingRequest(helper, probe.seq, probe.target)) probe.silentHelpers.add(helper);
    probe.asked = probe.silentHelpers.size;
    this.#judgeEarly(probe);
  }

  /** A ping that never left and helpers that all said no: no answer can come any more. */
  #judgeEarly(probe: Probe): void {
    if (probe.unsent && probe.silentHelpers?.size === 0) this.#judge(probe);
  }

  #judge(probe: Probe): void {
    this.#probes.delete(probe.seq);
    this.#health.add(probe.asked > 0 ? (probe.silentHelpers?.size ?? 0) : 1);
    this.#ports.unreachable(probe.target);
  }

  readonly #isDue = (name: NodeName): boolean => {
    for (const { target } of this.#probes.values()) if (target === name) return false;
    return this.#ports.probeable(name);
  };

  #nextSeq(): number {
    this.#lastSeq = (this.#lastSeq + 1) >>> 0;
    return this.#lastSeq;
  }
}
