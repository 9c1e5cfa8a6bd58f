/** The bounds of a bus; every queue, buffer and wait in this folder names one of them (invariant 10). */
export interface BusLimits {
  /** The longest message either side takes. A little over 512 MB: the largest value and what describes it. */
  readonly maxMessageBytes: number;
  /** What may wait unsent in one lane of one link. `send` answers false from there on. */
  readonly maxQueueBytes: number;
  /** A live link with more than this waiting makes the bus congested … */
  readonly highWaterBytes: number;
  /** … until no live link has more than this waiting. */
  readonly lowWaterBytes: number;
  /** A link without progress for this long counts for congestion no more: a stopped peer must not stall the node. */
  readonly pressureStallMs: number;
  /** A link without progress for this long is broken and dialled again. */
  readonly stallTimeoutMs: number;
  /** From dialling (or accepting) to the end of the handshake. */
  readonly handshakeTimeoutMs: number;
  /** Connections that were accepted and have not finished the handshake; the oldest gives way. */
  readonly maxHalfOpen: number;
  /** Peers that may hold an authenticated incoming link. */
  readonly maxPeers: number;
  /** Bounds of the exponential back-off between two attempts at an address. */
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  /** Idle time before TCP asks whether the other side is still there. */
  readonly keepAliveMs: number;
  /** How often receipts are written and stalled links looked for. */
  readonly tickMs: number;
  /** A node turned away by the listener is logged at most this often. */
  readonly refusalLogMs: number;
}

const MIB = 1024 * 1024;

export const DEFAULT_BUS_LIMITS: BusLimits = {
  maxMessageBytes: 513 * MIB,
  maxQueueBytes: 64 * MIB,
  highWaterBytes: 8 * MIB,
  lowWaterBytes: 2 * MIB,
  pressureStallMs: 1_000,
  stallTimeoutMs: 10_000,
  handshakeTimeoutMs: 5_000,
  maxHalfOpen: 1_024,
  maxPeers: 1_024,
  backoffMinMs: 50,
  backoffMaxMs: 2_000,
  keepAliveMs: 10_000,
  tickMs: 250,
  refusalLogMs: 10_000,
};
