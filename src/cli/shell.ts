/** What a command gets from where it was called, and where it answers to. */
export interface Shell {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Standard output. */
  out(text: string): void;
  /** Standard error. */
  err(text: string): void;
}
