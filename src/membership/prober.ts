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

/** Relays under way at once; a node asked for more lets its asker wait in vain. */
const MAX_RELAYS = 1_024;

/**
 * One probe at a time: ping; after the probe timeout ask k others to try; at the end of the period judge (SWIM §4.1).
 * All times stretch with the local health. A failed probe makes this node doubt itself by the number of helpers that
 * did not even send a nack, because then the trouble may be on its own side (Lifeguard §IV.A).
 */
export class Prober {
  readonly #timings: SwimTimings;
  readonly #health: LocalHealth;
  readonly #order: ProbeOrder;
  readonly #ports: ProberPorts;
  #probe: Probe | undefined;
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
    const probe = this.#probe;
    if (probe !== undefined && nowMs >= probe.judgedAtMs) this.#judge(probe);
    else if (probe !== undefined && probe.silentHelpers === undefined && nowMs >= probe.indirectAtMs)
      this.#askHelpers(probe);
    if (this.#probe === undefined && nowMs >= this.#nextProbeMs) this.#begin(nowMs);
    for (const [seq, relay] of this.#relays) {
      if (nowMs < relay.nackAtMs) continue;
      this.#relays.delete(seq);
      this.#ports.nack(relay.origin, relay.originSeq);
    }
  }

  /** This node stood still for so long: what did not come in that time is not held against others. */
  shift(ms: number): void {
    this.#nextProbeMs += ms;
    if (this.#probe !== undefined) {
      this.#probe.indirectAtMs += ms;
      this.#probe.judgedAtMs += ms;
    }
    for (const relay of this.#relays.values()) relay.nackAtMs += ms;
  }

  acked(from: NodeName, seq: number): void {
    const relay = this.#relays.get(seq);
    if (relay !== undefined) {
      if (from !== relay.target) return;
      this.#relays.delete(seq);
      this.#ports.ack(relay.origin, relay.originSeq);
      return;
    }
    const probe = this.#probe;
    if (probe?.seq !== seq) return;
    if (from !== probe.target && !probe.silentHelpers?.has(from)) return;
    this.#probe = undefined;
    this.#health.add(-1);
  }

  nacked(from: NodeName, seq: number): void {
    const probe = this.#probe;
    if (probe?.seq !== seq || !probe.silentHelpers?.delete(from)) return;
    this.#judgeEarly(probe);
  }

  /** Another node asks for an indirect probe. */
  requested(origin: NodeName, originSeq: number, target: NodeName, nowMs: number): void {
    if (this.#relays.size >= MAX_RELAYS) return;
    const seq = this.#nextSeq();
    if (!this.#ports.ping(target, seq)) return this.#ports.nack(origin, originSeq);
    this.#relays.set(seq, { origin, originSeq, target, nackAtMs: nowMs + this.#timings.probeTimeoutMs });
  }

  #begin(nowMs: number): void {
    const { probeIntervalMs, probeTimeoutMs } = this.#timings;
    const stretch = this.#health.multiplier;
    this.#nextProbeMs = nowMs + probeIntervalMs * stretch;
    const target = this.#order.next(this.#ports.probeable);
    if (target === undefined) return;
    const seq = this.#nextSeq();
    const unsent = !this.#ports.ping(target, seq);
    const probe: Probe = {
      target,
      seq,
      unsent,
      silentHelpers: undefined,
      asked: 0,
      indirectAtMs: nowMs + probeTimeoutMs * stretch,
      judgedAtMs: this.#nextProbeMs,
    };
    this.#probe = probe;
    if (unsent) this.#askHelpers(probe);
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
    this.#probe = undefined;
    this.#health.add(probe.asked > 0 ? (probe.silentHelpers?.size ?? 0) : 1);
    this.#ports.unreachable(probe.target);
  }

  #nextSeq(): number {
    this.#lastSeq = (this.#lastSeq + 1) >>> 0;
    return this.#lastSeq;
  }
}
