import { isMap, isScalar, LineCounter, parseDocument } from 'yaml';

/** A configuration file, read but not judged. */
export interface ConfigFile {
  readonly values: ReadonlyMap<string, unknown>;
  /** The line, from 1, on which the value at this path stands, or as much of the path as there is. */
  lineOf(path: readonly PropertyKey[]): number;
}

/** Why a text is no configuration file. */
export interface ConfigFileFault {
  readonly line: number;
  readonly reason: string;
}

/**
 * Reads YAML. A fault is told by the parser's code and never by its message, which quotes the text around it and
 * with it, perhaps, a password.
 */
export function readConfigFile(text: string): ConfigFile | ConfigFileFault {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, keepSourceTokens: false });
  const lineAt = (offset: number) => Math.max(1, lines.linePos(offset).line);
  const error = document.errors[0] ?? document.warnings[0];
  if (error !== undefined) {
    return { line: lineAt(error.pos[0]), reason: `not valid YAML: ${error.code.toLowerCase().replaceAll('_', ' ')}` };
  }
  const root = document.contents;
  if (root === null || (isScalar(root) && root.value === null)) return { values: new Map(), lineOf: () => 1 };
  if (!isMap(root)) return { line: lineAt(root.range?.[0] ?? 0), reason: 'expected keys and values, as in port: 6379' };

  let plain: unknown;
  try {
    plain = document.toJS({ mapAsMap: false, maxAliasCount: 100 });
  } catch {
    return { line: 1, reason: 'not valid YAML: an alias that leads nowhere, or too many of them' };
  }
  return {
    values: new Map(Object.entries(plain as Record<string, unknown>)),
    lineOf(path) {
      for (let length = path.length; length > 0; length--) {
        const node = document.getIn(path.slice(0, length), true);
        const offset = (node as { range?: readonly number[] } | undefined)?.range?.[0];
        if (offset !== undefined) return lineAt(offset);
      }
      return 1;
    },
  };
}
