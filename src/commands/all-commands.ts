import { CLIENT } from './client.ts';
import { CLUSTER_COMMANDS } from './cluster.ts';
import type { Command } from './command.ts';
import { CommandTable } from './command-table.ts';
import { CONFIG } from './config.ts';
import { CONNECTION_COMMANDS } from './connection.ts';
import { COTERIE } from './coterie.ts';
import { EXPIRY_COMMANDS } from './expiry.ts';
import { INFO } from './info.ts';
import { commandCommand } from './introspection.ts';
import { KEY_COMMANDS } from './keys.ts';
import { PERSISTENCE_COMMANDS } from './persistence.ts';
import { SERVER_COMMANDS } from './server-commands.ts';
import { STRING_COMMANDS } from './strings.ts';

/** The table with every command there is. It holds no state: one serves any number of nodes and connections. */
export function createCommandTable(): CommandTable {
  const commands: readonly Command[] = [
    ...STRING_COMMANDS,
    ...KEY_COMMANDS,
    ...EXPIRY_COMMANDS,
    ...CONNECTION_COMMANDS,
    CLIENT,
    commandCommand(() => table),
    INFO,
    CONFIG,
    ...SERVER_COMMANDS,
    ...PERSISTENCE_COMMANDS,
    ...CLUSTER_COMMANDS,
    COTERIE,
  ];
  const table = new CommandTable(commands);
  return table;
}
