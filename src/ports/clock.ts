/** The only sources of time a core may read. */
export interface Clock {
  /** Wall time in milliseconds since the Unix epoch; may jump, may be wrong. */
  wallMs(): number;
  /** Milliseconds since some fixed instant; never goes backwards. Deadlines are measured on this one. */
  monotonicMs(): number;
}
