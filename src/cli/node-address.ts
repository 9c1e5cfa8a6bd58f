import type { Command } from 'commander';
import { isHost, parsePort } from '../config/address.ts';
import type { BusAddress } from '../ports/outbox.ts';
import { Failure } from './failure.ts';
import type { Shell } from './shell.ts';

/** The options of a subcommand that asks a running node; they are redis-cli's, so that `-h` is no help. */
export interface NodeOptions {
  readonly host: string;
  readonly port?: string;
  readonly password?: string;
}

export function addNodeOptions(command: Command): Command {
  return command
    .helpOption('--help', 'display help for command')
    .option('-h, --host <host>', 'the node to ask', '127.0.0.1')
    .option('-p, --port <port>', 'its port for clients (default: COTERIE_PORT or 6379)')
    .option('-a, --password <text>', 'its password (default: COTERIE_PASSWORD)');
}

/** What the options and the environment say of the node. @throws Failure with status 2 */
export function nodeOf(
  options: NodeOptions,
  env: Shell['env'],
): { readonly address: BusAddress; readonly password: string } {
  const { COTERIE_PORT, COTERIE_PASSWORD } = env;
  const portText = options.port ?? (COTERIE_PORT || '6379');
  const port = parsePort(portText);
  if (!port)
    throw new Failure(2, `--port: ${JSON.stringify(portText)} is not allowed; expected a port from 1 to 65535`);
  if (!isHost(options.host)) {
    throw new Failure(
      2,
      `--host: ${JSON.stringify(options.host)} is not allowed; expected an IP address or a host name`,
    );
  }
  return { address: { host: options.host, port }, password: options.password ?? COTERIE_PASSWORD ?? '' };
}
