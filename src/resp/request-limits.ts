/** How much one client may ask a node to hold. Reaching a limit is a refusal; being exactly at it is not. */
export interface RequestLimits {
  /** Largest bulk string in bytes; Redis's `proto-max-bulk-len`, 536870912. */
  readonly maxBulkBytes: number;
  /** Most arguments of a command, its name included; 1048576. */
  readonly maxArguments: number;
  /** Longest line in bytes, be it an inline command or the header of an array or a bulk string; 65536. */
  readonly maxInlineBytes: number;
  /** Most arguments of a multibulk command before authentication; 10. */
  readonly maxUnauthenticatedArguments: number;
  /** Largest bulk string in bytes before authentication; 16384. */
  readonly maxUnauthenticatedBulkBytes: number;
}

/** Redis's own, with the 1,048,576 arguments that it allowed up to version 6. */
export const DEFAULT_REQUEST_LIMITS: RequestLimits = {
  maxBulkBytes: 512 * 1024 * 1024,
  maxArguments: 1024 * 1024,
  maxInlineBytes: 64 * 1024,
  maxUnauthenticatedArguments: 10,
  maxUnauthenticatedBulkBytes: 16 * 1024,
};
