import type { Command } from './command.ts';
import { CommandTable } from './command-table.ts';
import { KEY_COMMANDS } from './keys.ts';
import { STRING_COMMANDS } from './strings.ts';

/** The table with every command there is. */
export function createCommandTable(): CommandTable {
  const commands: readonly Command[] = [...STRING_COMMANDS, ...KEY_COMMANDS];
  return new CommandTable(commands);
}
