/** Ends the command with one line on standard error each and this exit status: 1 something failed, 2 wrongly called. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly lines: readonly string[];
  readonly status: 1 | 2;

  constructor(status: 1 | 2, ...lines: string[]) {
    super(lines.join('\n'));
    this.status = status;
    this.lines = lines;
  }
}
