/** A node's stable name, such as `n1`. */
export type NodeName = string;

/** Where a node's bus listens. */
export interface BusAddress {
  readonly host: string;
  readonly port: number;
}

/** What a peer says of itself in the handshake. All of it but the addresses is authenticated by the shared secret. */
export interface PeerIdentity {
  readonly name: NodeName;
  /** The peer's actor: its name and 64 random bits, new at every start (`n1.00c0ffee00c0ffee`). */
  readonly actor: string;
  /** Id of the cluster the peer belongs to; empty while it has not been founded. */
  readonly clusterId: string;
  readonly bus: BusAddress;
  /** Where clients reach the peer (the announced address). */
  readonly client: BusAddress;
  readonly zone: string;
  readonly weight: number;
}

/**
 * The way out of a node: ordered links to other nodes, one for each direction.
 * A link that breaks loses what was under way on it and says so with `linkDown`; nothing is ever sent twice.
 */
export interface Outbox {
  /**
   * Hands one message to the link to `to`. `head` is copied before the call returns; `body`, when given, follows it in
   * the same message and is kept by reference, so it must never change again.
   *
   * @returns false when the message was provably not sent: no link is up, or the link's queue is full.
   */
  send(to: NodeName, head: Uint8Array, body?: Uint8Array): boolean;
  /**
   * As `send`, and the message arrives after everything that was sent to this peer before it, on this link or an
   * earlier one, and that arrives at all. What is sent after it may pass it.
   */
  sendOrdered(to: NodeName, head: Uint8Array, body?: Uint8Array): boolean;
  /** Keeps a link to this address, dialling again after a failure, until `hangUp`. Dialling twice is dialling once. */
  dial(address: BusAddress): void;
  /** Gives up the link to this address, and stops dialling it. */
  hangUp(address: BusAddress): void;
}
