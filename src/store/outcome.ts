/** Where a value is written to: a reply, or a message to another node. */
export interface ValueSink {
  /** Copies `source[start, end)`. */
  bulkRange(source: Buffer, start: number, end: number): void;
  /** Takes bytes that never change again. */
  bulk(bytes: Uint8Array): void;
}

/** A key's live value as a read found it, in the store or in a reply of another node. Good only until the caller returns. */
export interface Found {
  /** Length of the value in bytes. */
  readonly length: number;
  /** Unix milliseconds, or `NEVER`. */
  readonly expiryAtMs: number;
  /** Writes the value; not to be called when only metadata was asked for. */
  writeValue(sink: ValueSink): void;
}

/** What an operation on one key came to. */
export type Outcome =
  | { readonly status: 'read'; readonly found: Found | undefined }
  /** `applied`: the condition held. `before`: the live value that was there, when the operation had to look. */
  | { readonly status: 'written'; readonly applied: boolean; readonly before: Found | undefined }
  /** Nothing is known to be wrong, only too few answered; a write may yet appear. */
  | { readonly status: 'unavailable'; readonly reason: string }
  /** Nothing was done; the text is a whole RESP error. */
  | { readonly status: 'refused'; readonly error: string };

/** An unconditional write that succeeded. */
export const WRITTEN: Outcome = { status: 'written', applied: true, before: undefined };
/** A read that found nothing. */
export const READ_NOTHING: Outcome = { status: 'read', found: undefined };

/** Receives the outcome of an operation, exactly once. */
export interface OutcomeSink {
  complete(outcome: Outcome): void;
}
