import { Command, Option } from 'commander';
import { environmentName } from '../config/environment.ts';
import type { SettingName } from '../config/schema.ts';
import { ChildNode } from './child-node.ts';
import { Failure } from './failure.ts';
import { loadConfig } from './load-config.ts';
import { LocalCluster } from './local-cluster.ts';
import { assertFree } from './ports.ts';
import { addSettingOptions, settingFlags } from './setting-options.ts';
import type { Shell } from './shell.ts';

const HOST = '127.0.0.1';
const BUS_PORT_OFFSET = 10_000;
const MAX_NODES = 100;

/** The settings that differ between the nodes, so that nobody can set them for all. */
const OWN_SETTINGS = [
  'name',
  'bind',
  'port',
  'bus-bind',
  'bus-port',
  'announce-host',
  'announce-port',
  'announce-bus-host',
  'announce-bus-port',
  'join',
  'expect-nodes',
  'replace',
  'leave-on-shutdown',
] as const satisfies readonly SettingName[];

type OwnSettings = Readonly<Record<Exclude<(typeof OWN_SETTINGS)[number], 'replace'>, string>>;

/** `coterie cluster`: a cluster of child processes on this machine, to try things on. */
export function clusterCommand(shell: Shell): Command {
  const command = new Command('cluster')
    .summary('run a cluster on this machine')
    .description(`Runs nodes n1, n2, … on ${HOST}, each in a process of its own, until SIGTERM or Ctrl-C.`)
    .addOption(new Option('--nodes <n>', `how many (a whole number from 1 to ${MAX_NODES})`).default('3'))
    .addOption(new Option('--port <port>', 'the port of the first; the others count up from it').default('7001'));
  addSettingOptions(command, OWN_SETTINGS);
  return command.action(() => cluster(command, shell));
}

async function cluster(command: Command, shell: Shell): Promise<void> {
  const options = command.opts<{ nodes: string; port: string; config?: string }>();
  const shared = settingFlags(command);
  const plans = planNodes(options.nodes, options.port);
  // What is wrong with the settings is said once, here, and not by every node.
  const config = loadConfig({ ...shared, ...plans[0]! }, options.config, shell.env);
  for (const plan of plans) {
    await assertFree({ host: HOST, port: Number(plan.port) });
    await assertFree({ host: HOST, port: Number(plan['bus-port']) });
  }

  // The nodes write to a pipe, but where this process writes to decides who reads it.
  if (config.logFormat === 'auto' && process.stdout.isTTY) shared['log-format'] = 'pretty';
  if (options.config !== undefined) shared['config'] = options.config;
  const env = { ...shell.env };
  for (const name of OWN_SETTINGS) delete env[environmentName(name)];
  const nodes = plans.map(plan => {
    const flags = Object.entries({ ...shared, ...plan }).flatMap(([name, value]) => [`--${name}`, value]);
    return new ChildNode(plan.name, { host: HOST, port: Number(plan.port) }, flags, env, shell);
  });
  const status = await new LocalCluster(
    nodes,
    config,
    plans.map(plan => restartWith(plan, shared)),
    shell,
  ).run();
  if (status !== 0) throw new Failure(status);
}

/** Checks how many nodes are asked for and from which port on, and decides what each one is told. */
function planNodes(nodesText: string, portText: string): OwnSettings[] {
  const count = /^\d{1,3}$/.test(nodesText) ? Number(nodesText) : 0;
  if (count < 1 || count > MAX_NODES) {
    throw new Failure(2, `--nodes: "${nodesText}" is not allowed; expected a whole number from 1 to ${MAX_NODES}`);
  }
  const highest = 65_535 - BUS_PORT_OFFSET - count + 1;
  const first = /^\d{1,5}$/.test(portText) ? Number(portText) : 0;
  if (first < 1 || first > highest) {
    throw new Failure(2, `--port: "${portText}" is not allowed; expected a port from 1 to ${highest}`);
  }
  const ports = Array.from({ length: count }, (_, index) => first + index);
  const join = ports.map(port => `${HOST}:${port + BUS_PORT_OFFSET}`).join(',');
  return ports.map((port, index) => ({
    name: `n${index + 1}`,
    bind: HOST,
    port: String(port),
    'bus-bind': HOST,
    'bus-port': String(port + BUS_PORT_OFFSET),
    'announce-host': HOST,
    'announce-port': String(port),
    'announce-bus-host': HOST,
    'announce-bus-port': String(port + BUS_PORT_OFFSET),
    join,
    'expect-nodes': String(count),
    // All of them stop at once: there is nobody to hand anything on to.
    'leave-on-shutdown': 'no',
  }));
}

/** The subcommand that starts this node again; what it leaves out follows from the defaults. */
function restartWith({ name, port, join }: OwnSettings, shared: Readonly<Record<string, string>>): string {
  const own = { name, port, join };
  const flags = Object.entries({ ...own, ...shared, ...own }).map(([flag, value]) => `--${flag} ${quoted(value)}`);
  return ['start', ...flags].join(' ');
}

/** As one word for a shell. */
const quoted = (value: string) => (/^[\w.:,/@-]+$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`);
