/** The only source of randomness a core may read. */
export interface Random {
  /** A uniform integer in [0, 2^32). */
  uint32(): number;
}
